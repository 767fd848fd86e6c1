"""What is tried, and how two ways to the same numbers are compared: where they part, and in which part of the module first.

A module is made anew for each check, so that what one check spoils troubles no other. `recorded` notes what every part inside was
given and what it made; of two such records `culprit` names the innermost part that was given the same and made something else.
"""

import math
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from groundup.model.architectures import build
from groundup.model.architectures.decoder import DecoderConfig

CLOSE = 1e-4  # of the largest logit: fp32 sums in another order differ by about 1e-6


LENGTH = 10  # tokens of a text, as far as the context allows


HOUSE, TORCH = Path(__file__).parents[3], Path(torch.__file__).parent


class Fault(Exception):
    """What is wrong, with the likely mistake."""


class Subject:
    """What is tried: a configuration, and as many random modules of it as there are checks."""

    def __init__(self, config: DecoderConfig):
        self.config = config
        self.length = min(LENGTH, config.max_position_embeddings)

    def module(self) -> Any:
        """A module in which every parameter is random: matrices keep a vector's size, gains are near one."""
        torch.manual_seed(0)  # what is drawn beside the weights is drawn alike in all of them
        module = build(self.config, seed=0, scheme="normal")
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for _, parameter in sorted(module.named_parameters()):
                noise = torch.randn(parameter.shape, generator=generator)
                if parameter.dim() > 1:
                    parameter.copy_(noise / math.sqrt(parameter.shape[-1]))
                else:
                    parameter.add_(0.2 * noise)
        return module.eval()

    def ids(self, rows: int, length: int = 0, seed: int = 0) -> Tensor:
        """Random token ids."""
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(0, self.config.vocab_size, (rows, length or self.length), generator=generator)

    def other(self, ids: Tensor) -> Tensor:
        """Other tokens everywhere."""
        return (ids + 1) % self.config.vocab_size


class Cache:
    """The plainest cache: it lays new keys and values behind the old ones, and notes which layers asked."""

    def __init__(self, layers: int):
        self.layers, self.length = layers, 0
        self.kept: dict[int, tuple[Tensor, Tensor]] = {}
        self.asked: list[int] = []

    def update(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values of a layer so far; the last layer's call moves `length` on."""
        self.asked.append(layer)
        if layer in self.kept:
            key, value = (torch.cat(pair, dim=-2) for pair in zip(self.kept[layer], (key, value), strict=True))
        self.kept[layer] = (key, value)
        if layer == self.layers - 1:
            self.length = key.shape[-2]
        return key, value


class Call(NamedTuple):
    """What a part of the module was given and what it made of it."""

    name: str
    given: Tensor
    made: Tensor


def recorded(module: nn.Module, *arguments: Any, **named: Any) -> tuple[Tensor, list[Call]]:
    """The result of a call, and the calls of all parts inside in the order in which they ended."""
    calls: list[Call] = []

    def note(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[Any, ...], keywords: Mapping[str, Any], made: Any) -> None:
            first = next((one for one in (*given, *keywords.values()) if isinstance(one, Tensor)), None)
            if first is not None and isinstance(made, Tensor):
                calls.append(Call(name, first.detach().clone(), made.detach().clone()))

        return hook

    hooks = [part.register_forward_hook(note(name), with_kwargs=True) for name, part in module.named_modules() if name]
    try:
        return module(*arguments, **named), calls
    finally:
        for hook in hooks:
            hook.remove()


def culprit(one: list[Call], other: list[Call], part: Callable[[Tensor], Tensor]) -> str:
    """The innermost part that gets the same (looked at by `part`) and makes something else of it; "" where none does."""
    for first, second in zip(one, other, strict=False):  # a part may be called or not, by what it reads
        pairs = [(first.given, second.given), (first.made, second.made)]
        if any(a.dim() < 2 or a.shape[:2] != pairs[0][0].shape[:2] for pair in pairs for a in pair):
            continue  # not laid out as (batch, seq, ...): a part of its own inside
        given, made = (same(part(a), part(b)) for a, b in pairs)
        if given and not made:
            return f" (first seen in {first.name})"
    return ""


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal but for the order of sums."""
    if one.shape != other.shape:
        return False
    wide, wider = one.double(), other.double()
    largest = float(wider.abs().max()) if wider.numel() else 0.0
    return bool(((wide - wider).abs() <= CLOSE * max(largest, 1e-3)).all())


def apart(one: Tensor, other: Tensor) -> list[int]:
    """The positions (axis 1) at which two results of the same shape differ."""
    return [place for place in range(one.shape[1]) if not same(one[:, place], other[:, place])]


def place_of(error: BaseException) -> str:
    """Where in the user's own file an exception came from; "" where it never was there."""
    frames = list(traceback.extract_tb(error.__traceback__))
    own = [
        frame
        for frame in frames
        if not Path(frame.filename).is_relative_to(HOUSE) and TORCH not in Path(frame.filename).parents
    ]
    own = [frame for frame in own if Path(frame.filename).is_file()]
    return f" at {Path(own[-1].filename).name}:{own[-1].lineno}" if own else ""


def first_line(error: BaseException) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {error}".splitlines()[0]


def dtype_name(dtype: torch.dtype) -> str:
    """A number format without torch's prefix."""
    return str(dtype).removeprefix("torch.")


def some(names: list[str]) -> str:
    """Name the first three."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
