"""A checkpoint as a model folder: the weights under the names that its family's files use, and config.json beside them.

    groundup.load("runs/x/stages/04-train-1a2b3c4d/checkpoints/step-000400")

The weights are written once: the file that a model is loaded from is the file that the run goes on from. They are the fp32
masters, whatever the model computes in (trap of a bf16 copy: an update of 0.0006 to a weight of 1 would be lost). What the
family's files have no place for, such as the layers of extra heads, lies with the optimiser's state.

A module that is no model of this library, or one with parts that its config.json does not tell of, is kept under its own
names without config.json: the run goes on from that too, but nothing else can be built of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from groundup import files
from groundup.errors import FormatError
from groundup.model.architectures import build
from groundup.model.formats import huggingface, shards
from groundup.model.transformer import Model

ELSEWHERE = "module."  # the prefix of weights that lie with the optimiser's state
_again: WeakKeyDictionary[Model, dict[str, torch.Size]] = (
    WeakKeyDictionary()
)  # shapes of a model built anew: 10 ms once
NOT_COMPARED = {"dtype", "torch_dtype"}  # of config.json: how it is written, not what the model is


@dataclass(frozen=True, slots=True)
class Layout:
    """Which weights of a module a model folder holds, and by which names."""

    module: torch.nn.Module
    model: Model | None  # inside the module, or itself; None: no model folder can be made
    prefix: str  # of the model's weights in the module

    @classmethod
    def of(cls, module: torch.nn.Module) -> "Layout":
        """Look for a model that can be built again: the module itself, or what it wraps as `.module`."""
        for model, prefix in ((module, ""), (getattr(module, "module", None), "module.")):
            if isinstance(model, Model) and _told_by_its_config(model):
                return cls(module, model, prefix)
        return cls(module, None, "")

    def rest(self) -> dict[str, Tensor]:
        """The weights that have no place in the model folder, as they are named in the training file."""
        kept = weights_of(self.module)
        inside = set() if self.model is None else {self.prefix + name for name in weights_of(self.model)}
        outside = kept.keys() - inside if self.model is not None else set()
        return {f"{ELSEWHERE}{name}": tensor for name, tensor in kept.items() if name in outside}

    def write(self, folder: Path, weights: Mapping[str, Tensor], tokenizer: Any = None) -> None:
        """Write the model folder's files; weights: by the module's own names, as `weights_of` gives them."""
        if self.model is None:
            shards.write(folder, dict(weights))
            return
        huggingface.write_files(folder, self.model, tokenizer, weight=lambda name: weights[self.prefix + name])

    def restore(self, folder: Path, table: Mapping[str, Tensor]) -> None:
        """Fill the module from a checkpoint that `differences` found to fit; table: the tensors of its training file."""
        kept, rest = weights_of(self.module), self.rest()
        if self.model is None or not (folder / "config.json").is_file():
            read = shards.read(folder)
        else:
            filled = weights_of(huggingface.load_model(folder))
            read = {self.prefix + name: tensor for name, tensor in filled.items()}
        with torch.no_grad():
            for name, tensor in kept.items():
                place = f"{ELSEWHERE}{name}"
                tensor.copy_(table[place] if place in rest else read[name])

    def differences(self, folder: Path) -> list[str]:
        """Where a checkpoint's model is another than this one: key by key of config.json, or weight by weight."""
        if self.model is None or not (folder / "config.json").is_file():
            read = {name: tuple(tensor.shape) for name, tensor in shards.read(folder).items()}
            kept = {name: tuple(tensor.shape) for name, tensor in weights_of(self.module).items()}
            return differing(read, kept)
        before, now = files.read_json(folder / "config.json"), files.strict(self.model.config.to_dict())
        return differing(_compared(before), _compared(now))


class WrittenAgain:
    """A tokenizer whose files are made once: to make those of a large one takes Python as long as a few steps."""

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        self.files: dict[str, bytes] = {}

    def save(self, folder: Path) -> None:
        """Write the tokenizer's files into a folder."""
        if not self.files:
            before = {path.name for path in folder.iterdir()}
            self.tokenizer.save(folder)
            self.files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name not in before}
            return
        for name, content in self.files.items():
            files.write_bytes(folder / name, content)


def weights_of(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters, and buffers such as the bias of experts, which is steered and not learned; a shared one once."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Each key whose values differ, with both.

    >>> differing({"steps": 3, "seed": 1}, {"steps": 4, "seed": 1, "new": True})
    ['steps=3 (now 4)', 'new=none (now True)']
    """
    keys = [*before, *(key for key in now if key not in before)]
    return [
        f"{key}={_shown(before.get(key))} (now {_shown(now.get(key))})"
        for key in keys
        if before.get(key) != now.get(key)
    ]


def some(differences: list[str], most: int = 6) -> str:
    """The first few as one text, and how many more there are."""
    more = f" and {len(differences) - most} more" if len(differences) > most else ""
    return ", ".join(differences[:most]) + more


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _compared(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in NOT_COMPARED}


def _told_by_its_config(model: Model) -> bool:
    """Whether a model built from the configuration has just these weights."""
    if model not in _again:
        _again[model] = _shapes(build(model.config, device="meta"))
    return _again[model] == _shapes(model)


def _shapes(module: torch.nn.Module) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in weights_of(module).items()}


def refuse(folder: Path, what: str, differences: list[str]) -> None:
    """Raise where there is a difference, before anything is restored."""
    if differences:
        raise FormatError(
            f"{folder} is of another {what}: {some(differences)}; remove it, set them back, or choose another --out"
        )
