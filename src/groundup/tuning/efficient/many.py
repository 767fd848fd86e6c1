"""Many adapters on one base: put on, switched, combined, disabled, swapped while it runs, one for each row of a batch, and merged.

    adapted = apply(module, LoraConfig(r=8))             # the frozen model with an adapter "default"; a module for the training loop
    add(adapted, "french", LoraConfig(r=4))              # another one beside it; or peft_files.load_adapter(folder, adapted, "french")
    adapted.activate("french")                           # switched; activate("default", "french"): both, their outputs add up
    with adapted.disabled(): ...                         # the base alone, to the last bit
    with adapted.for_rows(["french", None, "default"]):  # row 0, 1 and 2 of the batch, each its own
    combine(adapted, "both", {"default": 0.7, "french": 0.3})
    module = merge(adapted)                              # one model again, as fast as before

The base is not copied and none of its numbers changes: `Around` stands in the place of a target and calls it. `Adapted` holds the adapters
alone as its parameters, so the optimiser sees only them and a checkpoint is as small as they are; all else it asks of the base.

Merging computes W + s B A in fp32 and rounds once to the weight's dtype: a sum made in bf16 would drop most of a small difference. A head that
is tied to the embedding is untied first, since what the head learns is not what the embedding is to become.

Hu et al. 2021, arXiv:2106.09685, section 4.2; a batch of many adapters: Sheng et al. 2023 (S-LoRA), arXiv:2311.03285.
Left out: adapters of several rows in one gathered product; merging by TIES or DARE (`tuning.merging` does that with whole models).
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from groundup.errors import ConfigError, InputError, UnsupportedModel, did_you_mean
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.adalora import AdaLoraPart
from groundup.tuning.efficient.adapters import BottleneckPart, IA3Part
from groundup.tuning.efficient.config import (
    ALL_LINEAR,
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

PARTS: dict[type, Callable[..., Any]] = {
    LoraConfig: LoraPart,
    AdaLoraConfig: AdaLoraPart,
    IA3Config: IA3Part,
    BottleneckConfig: BottleneckPart,
}
MERGEABLE = (LoraConfig, AdaLoraConfig, IA3Config)
DEFAULT = "default"


class Switch:
    """What all places of one model look at: which adapters speak, and for which rows."""

    def __init__(self) -> None:
        self.active: tuple[str, ...] = ()
        self.rows: tuple[str | None, ...] | None = None


class Around(nn.Module):
    """Stands where the base had a layer, and lets the active adapters change what it gives."""

    def __init__(self, layer: nn.Module, switch: Switch):
        super().__init__()
        self.base_layer: Any = layer
        self.parts = nn.ModuleDict()
        self.switch = switch

    def __getattr__(self, name: str) -> Any:
        """What a block asks of its part besides calling it, such as a window."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "base_layer":
                raise
            return getattr(super().__getattr__("base_layer"), name)

    def forward(self, x: Tensor, *more: Any, **named: Any) -> Tensor:
        """The layer's output as the active adapters change it."""
        if self.switch.rows is not None:
            return self._by_rows(x, *more, **named)
        return self._through(self.switch.active, x, *more, **named)

    def _through(self, names: Sequence[str], x: Tensor, *more: Any, **named: Any) -> Tensor:
        layer: Any = self.base_layer
        for name in names:
            if name in self.parts:
                layer = Stacked(self.parts[name], layer)
        return layer(x, *more, **named)

    def _by_rows(self, x: Tensor, *more: Any, **named: Any) -> Tensor:
        rows = self.switch.rows
        assert rows is not None
        if len(rows) != len(x):
            raise InputError(
                f"{len(rows)} adapters were named for {len(x)} rows; name one a row, None for the base alone"
            )
        if more or named:
            raise InputError(
                "one adapter a row is for matrices (LoRA, DoRA, AdaLoRA, IA3); load the others one at a time"
            )
        if len(set(rows)) == 1:
            return self._through(rows[:1] if rows[0] is not None else (), x)  # type: ignore[arg-type]
        found: Tensor | None = None
        for name in dict.fromkeys(rows):
            places = torch.tensor([place for place, one in enumerate(rows) if one == name], device=x.device)
            made = self._through(() if name is None else (name,), x.index_select(0, places))
            found = made.new_empty(len(x), *made.shape[1:]) if found is None else found
            found = found.index_copy(0, places, made)
        assert found is not None
        return found


class Stacked:
    """An adapter on a layer, called as the layer is."""

    def __init__(self, part: Any, layer: Any):
        self.part, self.layer = part, layer

    def __call__(self, x: Tensor, *more: Any, **named: Any) -> Tensor:
        """What the adapter makes of the layer."""
        if not more and not named:
            return self.part(x, self.layer)
        return self.part(x, lambda value: self.layer(value, *more, **named))


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
        """Within it each row of a batch has the adapter of its own name, None: the base alone."""
        for name in {one for one in names if one is not None}:
            self.known(name)
            if isinstance(self.configs[name], PromptConfig | BottleneckConfig):
                raise InputError(
                    f"adapter {name!r} is no change of matrices, so it cannot be given to one row; use LoRA or IA3"
                )
        self.set_rows(names)
        try:
            yield
        finally:
            self.set_rows(None)

    def set_rows(self, names: Sequence[str | None] | None) -> None:
        """The same until it is set anew, for an engine that composes a batch each step; None: the active ones for all rows."""
        self.switch.rows = None if names is None else tuple(names)

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


def add(adapted: Adapted, name: str, config: AnyConfig) -> None:
    """Put another adapter beside those that are there; it is silent until it is activated."""
    if name in adapted.configs or not name or "." in name:
        raise InputError(f"an adapter cannot be named {name!r}; choose a name that is free and has no dot")
    draw = torch.Generator().manual_seed(getattr(config, "seed", 0))
    if isinstance(config, PromptConfig):
        made: nn.Module = (PrefixPart if config.kind == "prefix" else PromptPart)(adapted.base, config, draw)
    else:
        found = targets(adapted.base, config)
        parts = {path: PARTS[type(config)](layer, config, draw, path) for path, layer in found.items()}
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


def put(base: nn.Module, path: str, module: nn.Module) -> None:
    """Set a submodule by its path."""
    parent, _, name = path.rpartition(".")
    setattr(base.get_submodule(parent), name, module)


def targets(base: nn.Module, config: Any) -> dict[str, Any]:
    """The layers that a configuration names, by their path; ConfigError with the nearest names where there is none."""
    whole = isinstance(config, BottleneckConfig)
    kinds = (nn.Module,) if whole else (Linear, NF4Linear)
    layers = {plain(path): one.base_layer if isinstance(one, Around) else one for path, one in base.named_modules()}
    layers = {path: one for path, one in layers.items() if isinstance(one, kinds) and path}
    ends = {path.rpartition(".")[2] for path in layers if ".layers." in path or not whole}
    if ALL_LINEAR in config.target_modules and not whole:
        return {path: one for path, one in layers.items() if not path.startswith("lm_head")}
    found: dict[str, Any] = {}
    for target in config.target_modules:
        here = {path: one for path, one in layers.items() if path == target or path.endswith(f".{target}")}
        if not here:
            raise ConfigError(f"target_modules: the model has no matrix {target!r}; {did_you_mean(target, ends)}")
        found |= here
    found = {path: found[path] for path in layers if path in found}
    for path, one in found.items():
        if not whole and type(one) not in (Linear, NF4Linear):
            raise ConfigError(
                f"{path} scales or caps its scores, so it takes no adapter; leave it out of target_modules"
            )
    return found


def plain(path: str) -> str:
    """A path as it is without what stands around layers."""
    return path.replace(".base_layer", "")


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


def combine(adapted: Adapted, name: str, weights: Mapping[str, float]) -> None:
    """A new LoRA whose change is the weighted sum of others' changes, exactly: their ranks add up."""
    if not weights:
        raise InputError('no adapters to combine were named; write for example {"a": 0.5, "b": 0.5}')
    configs = {one: adapted.configs[adapted.known(one)] for one in weights}
    for one, config in configs.items():
        if not isinstance(config, LoraConfig) or config.use_dora:
            raise InputError(
                f"adapter {one!r} is no plain LoRA, so its change is no sum of thin matrices; combine LoRA adapters"
            )
    parts = {one: {path: part for path, _, part in adapted.around(one)} for one in weights}
    paths = dict.fromkeys(path for found in parts.values() for path in found)
    some = next(iter(parts.values()))
    if any(found.keys() != some.keys() for found in parts.values()):
        raise InputError(
            f"{' and '.join(weights)} stand beside different matrices; combine adapters with the same target_modules"
        )
    joined = {path: _joined([(weights[one], parts[one][path]) for one in weights]) for path in paths}
    rank = next(iter(joined.values()))[0].shape[0]
    narrow = min(min(one.base_layer.weight.shape) for path, one, _ in adapted.around(next(iter(weights))))
    fits(rank, (narrow, narrow))
    first = next(iter(configs.values()))
    config = dataclasses.replace(first, r=rank, lora_alpha=float(rank), use_rslora=False, init_lora_weights="kaiming")
    add(adapted, name, config)
    with torch.no_grad():
        for path, _, part in adapted.around(name):
            part.lora_A.copy_(joined[path][0])
            part.lora_B.copy_(joined[path][1])


def _joined(weighted: Sequence[tuple[float, LoraPart]]) -> tuple[Tensor, Tensor]:
    pairs = [(weight * part.scaling, *part.matrices()) for weight, part in weighted]
    return torch.cat([a for _, a, _ in pairs]), torch.cat([weight * b for weight, _, b in pairs], dim=1)
