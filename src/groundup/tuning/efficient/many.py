"""Many adapters on one base: put on, switched, combined, disabled, swapped while it runs, one for each row of a batch, and merged.

    adapted = apply(module, LoraConfig(r=8))             # the frozen model with an adapter "default"; a module for the training loop
    add(adapted, "french", LoraConfig(r=4))              # another one beside it; or peft_files.load_adapter(folder, adapted, "french")
    adapted.activate("french")                           # switched; activate("default", "french"): both, their outputs add up
    with adapted.disabled(): ...                         # the base alone, to the last bit
    with adapted.for_rows(["french", None, "default"]):  # row 0, 1 and 2 of the batch, each its own
    combining.combine(adapted, "both", {"default": 0.7, "french": 0.3})
    module = merge(adapted)                              # one model again, as fast as before

The base is not copied and none of its numbers changes: `around.Around` stands in the place of a target and calls it. `Adapted` holds the adapters
alone as its parameters, so the optimiser sees only them and a checkpoint is as small as they are; all else it asks of the base.

Merging computes W + s B A in fp32 and rounds once to the weight's dtype: a sum made in bf16 would drop most of a small difference. A head that
is tied to the embedding is untied first, since what the head learns is not what the embedding is to become.

Hu et al. 2021, arXiv:2106.09685, section 4.2.
Left out: merging by TIES or DARE (`tuning.merging` does that with whole models).
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from groundup.errors import InputError, UnsupportedModel, did_you_mean
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.adalora import AdaLoraPart
from groundup.tuning.efficient.adapters import BottleneckPart, IA3Part
from groundup.tuning.efficient.around import Around, Rows, Switch
from groundup.tuning.efficient.config import (
    AdaLoraConfig,
    AnyConfig,
    BottleneckConfig,
    IA3Config,
    LoraConfig,
    PromptConfig,
)
from groundup.tuning.efficient.lora import LoraPart, dense, fits
from groundup.tuning.efficient.prompts import PrefixPart, PromptPart, attend_to_prompt
from groundup.tuning.efficient.qlora import NF4Linear
from groundup.tuning.efficient.targets import put, targets

PARTS: dict[type, Callable[..., Any]] = {
    LoraConfig: LoraPart,
    AdaLoraConfig: AdaLoraPart,
    IA3Config: IA3Part,
    BottleneckConfig: BottleneckPart,
}
MERGEABLE = (LoraConfig, AdaLoraConfig, IA3Config)
DEFAULT = "default"


class Adapted(nn.Module):
    """A finished, frozen model with adapters on it; its parameters are the adapters alone."""

    def __init__(self, base: Any):
        super().__init__()
        self.__dict__["base"] = base  # not a child: neither the optimiser nor a checkpoint is to see it
        self.__dict__["switch"] = Switch()
        self.__dict__["configs"] = {}
        self.adapters = nn.ModuleDict()
        for parameter in base.parameters():
            parameter.requires_grad_(False)

    def __getattr__(self, name: str) -> Any:
        """All that is asked of a model is answered by the base."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self.__dict__["base"], name)

    @property
    def compute_dtype(self) -> torch.dtype:
        """The dtype in which the base computes."""
        return self.__dict__["base"].compute_dtype

    @compute_dtype.setter
    def compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Set the base's; None: the dtype in which the weights are stored."""
        self.__dict__["base"].compute_dtype = dtype

    def forward(self, input_ids: Tensor, *more: Any, **named: Any) -> Tensor:
        """The base's scores as the active adapters change them; of the text's own tokens, where a prompt stands before it."""
        return self.lm_head(self.hidden(input_ids, *more, **named))

    def hidden(
        self, input_ids: Tensor, mask: Tensor | None = None, positions: Tensor | None = None, cache: Any = None
    ) -> Tensor:
        """What the head reads."""
        prompt: Any = next((self.adapters[name] for name in self.switch.active if is_prompt(self.adapters[name])), None)
        if prompt is not None and cache is not None:
            raise UnsupportedModel(
                "an adapter that stands before the text is trained and scored, but does not write with a cache; use lora, or score without one"
            )
        if prompt is None:
            return self.base.hidden(input_ids, mask, positions, cache)
        return attend_to_prompt(self.base, prompt, input_ids, mask, positions)

    @property
    def names(self) -> tuple[str, ...]:
        """The adapters that are there."""
        return tuple(self.configs)

    def activate(self, *names: str) -> "Adapted":
        """Let these adapters speak and no others; none: the base alone. Only these learn."""
        for name in names:
            self.known(name)
        self.switch.active = names
        for name, part in self.adapters.items():
            part.requires_grad_(name in names)
        return self

    def known(self, name: str) -> str:
        """The name, where there is such an adapter."""
        if name not in self.configs:
            raise InputError(
                f"there is no adapter {name!r}; {did_you_mean(name, self.names) if self.names else 'add one first'}"
            )
        return name

    @contextmanager
    def disabled(self) -> Iterator[None]:
        """Within it the base answers alone."""
        was, self.switch.active = self.switch.active, ()
        try:
            yield
        finally:
            self.switch.active = was

    @contextmanager
    def for_rows(self, names: Sequence[str | None]) -> Iterator[None]:
        """Within it each row of a batch has the adapter of its own name, None: the base alone; one name: all rows."""
        for name in {one for one in names if one is not None}:
            self.fits_a_row(name)
        self.set_rows(names)
        try:
            yield
        finally:
            self.set_rows(None)

    def fits_a_row(self, name: str) -> None:
        """Refuse an adapter that cannot be given to one row of a batch."""
        self.known(name)
        if isinstance(self.configs[name], PromptConfig | BottleneckConfig):
            raise InputError(
                f"adapter {name!r} is no change of matrices, so it cannot be given to one row; use LoRA or IA3"
            )

    def set_rows(self, names: Sequence[str | None] | None) -> None:
        """The same until it is set anew, for an engine that composes a batch each step; None: the active ones for all rows.

        For this thread alone. Several texts behind each other in one row (1, tokens) have a name a token.
        """
        self.switch.rows = None if names is None else Rows(names)

    def around(self, name: str) -> Iterator[tuple[str, Around, Any]]:
        """Each place of an adapter: the layer's name in the base, what stands there, the part."""
        for path, module in self.base.named_modules():
            if isinstance(module, Around) and name in module.parts:
                yield path, module, module.parts[name]

    def remove(self, name: str) -> None:
        """Take an adapter off; a layer without any is the base's own again."""
        self.known(name)
        for path, place, _ in list(self.around(name)):
            del place.parts[name]
            if not place.parts:
                put(self.base, path, place.base_layer)
        del self.adapters[name]
        del self.configs[name]
        self.activate(*(one for one in self.switch.active if one != name))


def is_prompt(part: nn.Module) -> bool:
    """Whether an adapter stands before the text and not beside layers."""
    return isinstance(part, PromptPart | PrefixPart)


def apply(module: Any, config: AnyConfig, name: str = DEFAULT) -> Adapted:
    """Freeze a finished model and put an adapter on it. A model that has adapters gets one more."""
    adapted = module if isinstance(module, Adapted) else Adapted(module)
    add(adapted, name, config)
    return adapted.activate(name)


def add(adapted: Adapted, name: str, config: AnyConfig, *, filled: bool = False) -> None:
    """Put another adapter beside those that are there; it is silent until it is activated.

    filled: its numbers come from a file or from other adapters, so that its rank may be larger than a matrix.
    """
    if name in adapted.configs or not name or "." in name:
        raise InputError(f"an adapter cannot be named {name!r}; choose a name that is free and has no dot")
    draw = torch.Generator().manual_seed(getattr(config, "seed", 0))
    if isinstance(config, PromptConfig):
        made: nn.Module = (PrefixPart if config.kind == "prefix" else PromptPart)(adapted.base, config, draw)
    else:
        found = targets(adapted.base, config)
        parts = {path: PARTS[type(config)](layer, config, draw, path) for path, layer in found.items()}
        if isinstance(config, LoraConfig) and not filled:
            for part in parts.values():
                fits(config.r, (len(part.lora_B), part.lora_A.shape[1]))
        for path, part in parts.items():
            place(adapted, path).parts[name] = part
        made = nn.ModuleDict({path.replace(".", "/"): part for path, part in parts.items()})
    adapted.adapters[name] = made.to(adapted.device)
    adapted.configs[name] = config
    made.train(adapted.training)
    made.requires_grad_(False)


def place(adapted: Adapted, path: str) -> Around:
    """What stands around a layer; made where nothing does yet."""
    there = adapted.base.get_submodule(path)
    if isinstance(there, Around):
        return there
    made = Around(there, adapted.switch)
    made.train(there.training)
    put(adapted.base, path, made)
    return made


@torch.no_grad()
def merge(adapted: Adapted, *names: str) -> Any:
    """Put adapters (the active ones) into the base's matrices and give the base back, a plain model; the others are taken off.

    The sum is made in fp32 and rounded once. A quantised matrix becomes a full one, so that nothing is rounded again.
    """
    chosen = names or adapted.switch.active
    for name in chosen:
        if not isinstance(adapted.configs[adapted.known(name)], MERGEABLE):
            raise InputError(
                f"adapter {name!r} is no change of matrices, so it cannot be merged; keep it as an adapter folder"
            )
    for path, one in list(adapted.base.named_modules()):
        if isinstance(one, Around):
            layer = one.base_layer
            for name in chosen:
                if name in one.parts:
                    layer = _merged(adapted.base, path, layer, one.parts[name])
            put(adapted.base, path, layer)
    for path, one in list(adapted.base.named_modules()):
        if isinstance(one, NF4Linear):  # without an adapter of its own
            put(adapted.base, path, _whole(dense(one), one.bias))
    for name in list(adapted.configs):
        del adapted.adapters[name], adapted.configs[name]
    adapted.switch.active = ()
    return adapted.base


def _merged(base: Any, path: str, layer: Any, part: Any) -> Linear:
    """A layer of its own with the adapter in it."""
    weight, bias = dense(layer), layer.bias
    if bias is not None and hasattr(part, "merged_bias"):
        bias = part.merged_bias(bias)
    made = _whole(part.merged(weight).to(weight.dtype), bias)
    if path == "lm_head" and base.config.tie_word_embeddings:
        base.config = dataclasses.replace(base.config, tie_word_embeddings=False)
    return made


def _whole(weight: Tensor, bias: Tensor | None) -> Linear:
    """A plain frozen layer of these numbers."""
    made = Linear(weight.shape[1], weight.shape[0])
    made.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return made
