"""Post-training quantization: the matrices of a finished model with 8 or 4 bits a weight.

    round    every weight to the nearest code of its group: no texts are needed
    gptq     each weight's error passed on to those that are still free (`gptq`): a few texts say what counts

The embedding, the head and the norms stay as they are: they are few weights or decide every token. Which matrices mind most is measured by rounding
each alone (`sensitivity`), and bits can be given out by it (`choose_bits`; Dong et al. 2019, arXiv:1905.03696, does it by curvature).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.compression import calibration
from groundup.compression.quantization import gptq, grid
from groundup.errors import ConfigError
from groundup.model.formats.packed import Packed
from groundup.model.layers.linear import Linear

METHODS = ("round", "gptq")


def rounded(
    weight: Float[Tensor, "rows inputs"], bits: int = 8, group_size: int | None = None, *, search: bool = True
) -> Packed:
    """A matrix rounded to the nearest codes, weight by weight."""
    wide = weight.detach().float()
    scale = grid.scales(wide, bits, group_size, search=search).to(weight.dtype)
    return Packed(grid.codes_of(wide, scale.float(), bits), scale)


def quantize(
    module: Any,
    method: str = "gptq",
    bits: int | Mapping[str, int] = 4,
    group_size: int | None = 32,
    texts: Sequence[Sequence[int]] = (),
    told: Callable[[int], object] = lambda done: None,
) -> dict[str, Packed]:
    """Quantise the linear maps of a decoder's blocks, in place: they then hold the numbers that the codes stand for. The codes, by name.

    bits: one number, or one for each map. texts: of ids, for gptq. told: called with the blocks that are done.
    """
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is not known; use {' or '.join(METHODS)}")
    maps = calibration.linear_maps(module)
    for name, part in maps.items():
        grid.check(_bits(bits, name), group_size, part.weight.shape[1])
    made: dict[str, Packed] = {}

    def change(name: str, part: Linear, moments: Tensor | None) -> None:
        few = _bits(bits, name)
        weight = part.weight.detach()
        made[name] = (
            rounded(weight, few, group_size) if moments is None else gptq.gptq(weight, moments, few, group_size)
        )
        with torch.no_grad():
            part.weight.copy_(made[name].numbers())

    if method == "gptq":
        calibration.in_order(module, texts, change, told)
    else:
        for name, part in maps.items():
            change(name, part, None)
    return made


def _bits(bits: int | Mapping[str, int], name: str) -> int:
    return bits if isinstance(bits, int) else bits[name]


@torch.inference_mode()
def sensitivity(module: Any, bits: int, group_size: int | None, loss: Callable[[Any], float]) -> dict[str, float]:
    """How much the loss rises when one map alone is rounded, for each map; the module is left as it was. loss: of a module, in nats."""
    before, found = loss(module), {}
    for name, part in calibration.linear_maps(module).items():
        kept = part.weight.detach().clone()
        part.weight.copy_(rounded(kept, bits, group_size).numbers())
        found[name] = loss(module) - before
        part.weight.copy_(kept)
    return found


def choose_bits(
    rises: Mapping[str, float], sizes: Mapping[str, int], mean_bits: float, few: int = 4, many: int = 8
) -> dict[str, int]:
    """Give the maps that mind most (a weight) many bits and the others few, so that a weight has at most `mean_bits` on average.

    >>> choose_bits({"a": 0.5, "b": 0.01, "c": 0.02}, {"a": 10, "b": 10, "c": 10}, mean_bits=5.4)
    {'a': 8, 'b': 4, 'c': 4}
    """
    if not few <= mean_bits <= many:
        raise ConfigError(f"mean_bits={mean_bits} is not between {few} and {many}; choose a number between them")
    chosen, total = dict.fromkeys(rises, few), sum(sizes.values())
    spare = (mean_bits - few) * total
    for name in sorted(rises, key=lambda name: -rises[name] / sizes[name]):
        if (cost := (many - few) * sizes[name]) <= spare:
            chosen[name], spare = many, spare - cost
    return chosen
