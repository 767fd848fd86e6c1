"""Post-training quantization: the matrices of a finished model with 8 or 4 bits a weight.

    round         every weight to the nearest code of its group: no texts are needed
    gptq          each weight's error passed on to those that are still free (`gptq`): a few texts say what counts
    awq           weights that loud inputs meet made larger before they are rounded (`awq`)
    smoothquant   8 bits for weights and for what they read, the loud inputs made quieter (`smoothquant`)

The embedding, the head and the norms stay as they are (but for scales folded into norms): they are few weights or decide every token. Which matrices
mind most is measured by rounding each alone (`sensitivity`), and bits can be given out by it (`choose_bits`; Dong et al. 2019, arXiv:1905.03696, does it
by curvature). Scales are numbers of FP16 where they can be, so that GGUF's blocks hold the very same weights (`model.formats.packed`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.compression import calibration
from groundup.compression.calibration import Read
from groundup.compression.quantization import awq, gptq, grid, smoothquant
from groundup.errors import ConfigError
from groundup.model.formats.packed import Packed
from groundup.model.layers.linear import Linear
from groundup.model.layers.rounded_linear import round_inputs
from groundup.slots import slot

METHODS = ("round", "gptq", "awq", "smoothquant")


def rounded(
    weight: Float[Tensor, "rows inputs"],
    bits: int = 8,
    group_size: int | None = None,
    *,
    search: bool = True,
    importance: Float[Tensor, " inputs"] | None = None,
) -> Packed:
    """A matrix rounded to the nearest codes, weight by weight. search, importance: as `grid.scales` has them."""
    wide = weight.detach().float()
    scale = grid.kept_scale(grid.scales(wide, bits, group_size, search=search, importance=importance), weight.dtype)
    return Packed(grid.codes_of(wide, scale.float(), bits), scale)


def quantize(
    module: Any,
    method: str = "gptq",
    bits: int | Mapping[str, int] = 4,
    group_size: int | None = 32,
    texts: Sequence[Sequence[int]] = (),
    told: Callable[[int], object] = lambda done: None,
    alpha: float = 0.5,
) -> dict[str, Packed]:
    """Quantise the linear maps of a decoder's blocks, in place: they then hold the numbers that the codes stand for. The codes, by name.

    bits: one number, or one for each map. texts: of ids, for all but round. told: called with the blocks that are done. alpha: how much of
    the range smoothquant moves into the weights, which get 8 bits with a scale a row whatever bits and group_size say.
    """
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is not known; use {', '.join(METHODS)}")
    if method == "smoothquant":
        bits, group_size = smoothquant.BITS, None
    maps = calibration.linear_maps(module)
    for name, part in maps.items():
        grid.check(_bits(bits, name), group_size, part.weight.shape[1])
    made: dict[str, Packed] = {}

    def change(_number: int, block: nn.Module, mine: dict[str, Linear], read: dict[str, Read]) -> None:
        made.update(_block(block, mine, read, method, lambda name: _bits(bits, name), group_size, alpha))

    if method == "round":
        made = {name: _held(part, rounded(part.weight, _bits(bits, name), group_size)) for name, part in maps.items()}
    else:
        calibration.by_block(module, texts, change, told)
    return made


def _block(
    block: nn.Module,
    maps: Mapping[str, Linear],
    read: Mapping[str, Read],
    method: str,
    bits: Callable[[str], int],
    group_size: int | None,
    alpha: float,
) -> dict[str, Packed]:
    """One block quantised by what its maps read."""
    stem = _stem(next(iter(maps)))
    near = {name.removeprefix(stem): one for name, one in read.items()}
    if method == "gptq":
        return {
            name: _held(part, gptq.gptq(part.weight.detach(), read[name].moments, bits(name), group_size))
            for name, part in maps.items()
        }
    if method == "awq":
        scaled = awq.fold(block, near, lambda name: bits(stem + name), group_size)
        return {
            stem + name: _held(
                part := maps[stem + name],
                rounded(
                    part.weight, bits(stem + name), group_size, importance=awq.weighed(one, scaled.get(name))
                ),
            )
            for name, one in near.items()
        }
    smoothquant.smooth(block, near, alpha)
    made = {name: _held(part, rounded(part.weight, bits(name), None, search=False)) for name, part in maps.items()}
    round_inputs(block)
    return made


def _stem(name: str) -> str:
    """What the names of a block's maps begin with: model.layers.3."""
    return ".".join(name.split(".")[:3]) + "."


@torch.no_grad()
def _held(part: Linear, packed: Packed) -> Packed:
    """Let a map hold what its codes stand for."""
    part.weight.copy_(packed.numbers())
    return packed


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


@slot
def choose_bits(
    rises: Mapping[str, float], sizes: Mapping[str, int], mean_bits: float, few: int = 4, many: int = 8
) -> dict[str, int]:
    """Give the maps that mind most (a weight) many bits and the others few, so that a weight has at most `mean_bits` on average.

    rises: of the loss when that map alone has few bits. sizes: how many weights it has. A map for which there are too few bits left keeps few, and the
    next ones are still asked. ConfigError: mean_bits is not between few and many.

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
