"""The numbers that a quantised weight may take: whole multiples of a scale, one for each group of neighbours in a row.

    code = round(weight / scale), kept within -2^(bits-1) and 2^(bits-1) - 1         weight' = code * scale

The scale that just holds the largest weight wastes steps on it. A smaller one cuts the largest and rounds all others finer; the best is
looked for among a few (as OMSE does: Choukroun et al. 2019, arXiv:1902.06822, section 3). The number format itself, and why symmetric:
`machine.numbers.integers`.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import ConfigError, InputError

SHRINK = tuple(
    1 - 0.03 * step for step in range(12)
)  # of the largest weight; below 0.67 no group of 32 was better in a trained model
BITS = (2, 3, 4, 5, 6, 7, 8)


def check(bits: int, group_size: int | None, inputs: int) -> int:
    """Refuse what is not possible; the size of a group."""
    if bits not in BITS:
        raise ConfigError(f"bits={bits} is not possible; use 2 to 8")
    size = inputs if group_size is None else group_size
    if size < 1 or inputs % size:
        raise ConfigError(
            f"rows of {inputs} weights do not fill groups of {size}; use a group_size that divides {inputs}, or one scale a row (--group-size 0)"
        )
    return size


def scales(
    weight: Float[Tensor, "rows inputs"],
    bits: int,
    group_size: int | None = None,
    *,
    search: bool = True,
    importance: Float[Tensor, " inputs"] | None = None,
) -> Float[Tensor, "rows groups"]:
    """A scale for each row and group. search: the one of SHRINK with the least squared error, else the one that holds the largest weight.

    importance: what an error of each input's weights counts (the mean square of that input), None: all alike.
    """
    size = check(bits, group_size, weight.shape[1])
    if not torch.isfinite(weight).all():
        raise InputError(
            "a matrix holds numbers that are not finite, so it cannot be quantised; check the training run"
        )
    groups = weight.unflatten(1, (-1, size))
    largest = groups.abs().amax(2, keepdim=True)
    full = largest / (2 ** (bits - 1) - 1)
    if not search:
        return full[..., 0]
    counts = 1.0 if importance is None else importance.view(1, -1, size)
    best, least = full, torch.full_like(full, torch.inf)
    for share in SHRINK:
        scale = full * share
        error = ((nearest(groups, scale, bits) * scale - groups).square() * counts).sum(2, keepdim=True)
        best, least = torch.where(error < least, scale, best), torch.minimum(error, least)
    return best[..., 0]


def kept_scale(scale: Float[Tensor, "rows groups"], dtype: torch.dtype) -> Float[Tensor, "rows groups"]:
    """The scales as files keep them, in the weights' dtype: numbers of FP16 where these are exact to 11 bits, so that a GGUF block has the same."""
    half = scale.half()
    fits = (half.abs() >= torch.finfo(torch.float16).smallest_normal) & half.isfinite()
    return torch.where(fits, half.to(scale.dtype), scale).to(dtype)


def nearest(weight: Float[Tensor, "..."], scale: Float[Tensor, "..."], bits: int) -> Float[Tensor, "..."]:
    """The nearest codes, as whole floating-point numbers; 0 where the scale is 0."""
    most = 2 ** (bits - 1)
    codes = torch.where(scale > 0, weight / torch.where(scale > 0, scale, 1), 0)
    return codes.round().clamp(-most, most - 1)


def codes_of(
    weight: Float[Tensor, "rows inputs"], scale: Float[Tensor, "rows groups"], bits: int
) -> Int[Tensor, "rows inputs"]:
    """Every weight rounded to the nearest code of its group, int8."""
    groups = weight.unflatten(1, (scale.shape[1], -1))
    return nearest(groups, scale[..., None], bits).flatten(1).to(torch.int8)
