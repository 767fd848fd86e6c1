"""AWQ: the weights that loud inputs meet are made larger before they are rounded, and what they meet smaller.

Of a group of weights all are rounded with one step. An input that is a hundred times as loud as the others brings its weight's error out a hundred times
as loudly. Multiplied by s before it is rounded, a weight keeps the step's error (unless it becomes the largest of its group) while its input is divided
by s: the error shrinks by s. The scales come from how loud inputs are, tempered by one number that is looked for:

    s = size^alpha, alpha the best of 0, 0.05 ... 0.95 by  | Q(W diag(s)) (x / s) - W x |^2        size: the mean of |x| of an input
    then s / sqrt(largest s * smallest s)

(Lin et al. 2023, arXiv:2306.00978, eq. 4 and 5; the balance and the twenty steps are those of the authors' program.) The error needs no x: with
d = Q(W diag(s)) / s - W it is the sum over rows of d X X^T d^T. `search_reference` is the words, with x. Maps that read one vector share s, which is
folded into what makes it (`folding`), so the finished model computes as before. Rows may be divided: rounding a row has a scale of its own anyway.
Then steps are looked for that cut the largest weights (`grid.scales`), an error weighed by its input.

Left out: zero points (the grids here are symmetric); the error behind a whole attention, which the program takes for query and key.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.compression.calibration import Read
from groundup.compression.quantization import folding, grid
from groundup.compression.quantization.gptq import output_error
from groundup.slots import slot

STEPS = 20
LEAST = 1e-4  # an input that was never there has no size

Weights = Sequence[Float[Tensor, "_ inputs"]]


class Found(NamedTuple):
    """The scale of each input, the alpha that made it, and the error at every alpha that was tried."""

    scale: Float[Tensor, " inputs"]
    alpha: float
    errors: tuple[float, ...]


@slot
def loudness_scale(size: Float[Tensor, " inputs"], alpha: float) -> Float[Tensor, " inputs"]:
    """size^alpha, nowhere below LEAST, divided by the root of its largest times its smallest: so weights neither grow nor shrink as a whole.

    size: the mean of |x| of each input, 0 where it was never there.
    """
    scale = size.pow(alpha).clamp(min=LEAST)
    return scale / (scale.max() * scale.min()).sqrt()


def alphas() -> list[float]:
    """What is tried; 0 scales nothing."""
    return [step / STEPS for step in range(STEPS)]


def scaled_rounding(
    weight: Float[Tensor, "rows inputs"], scale: Float[Tensor, " inputs"], bits: int, group_size: int | None
) -> Float[Tensor, "rows inputs"]:
    """Q(W diag(s)) diag(s)^-1: what a matrix is after it was rounded in its scaled form."""
    scaled = weight * scale
    step = grid.scales(scaled, bits, group_size, search=False)
    return grid.codes_of(scaled, step, bits).unflatten(1, (step.shape[1], -1)).mul(step[..., None]).flatten(1) / scale


def search(
    weights: Weights,
    moments: Float[Tensor, "inputs inputs"],
    size: Float[Tensor, " inputs"],
    bits: Sequence[int],
    group_size: int | None,
    shared: Callable[[Tensor], Tensor] = lambda scale: scale,
) -> Found:
    """The best scale for matrices that read one vector. bits: of each. shared: gives inputs that must have one scale the same."""

    def error(scale: Tensor) -> float:
        changed = (scaled_rounding(one, scale, few, group_size) - one for one, few in zip(weights, bits, strict=True))
        return sum(output_error(change, moments) for change in changed)

    return _best([shared(loudness_scale(size, alpha)) for alpha in alphas()], error)


def search_reference(
    weights: Weights, x: Float[Tensor, "tokens inputs"], bits: int, group_size: int | None
) -> Found:
    """The same from the inputs themselves: Lin et al. 2023, eq. 4, word by word."""

    def error(scale: Tensor) -> float:
        outputs = ((x @ scaled_rounding(one, scale, bits, group_size).T - x @ one.T).square() for one in weights)
        return float(sum(one.sum() for one in outputs))

    return _best([loudness_scale(x.abs().mean(0), alpha) for alpha in alphas()], error)


def _best(scales: Sequence[Tensor], error: Callable[[Tensor], float]) -> Found:
    errors = tuple(error(scale) for scale in scales)
    best = errors.index(min(errors))
    return Found(scales[best], alphas()[best], errors)


@torch.no_grad()
def fold(
    block: nn.Module, read: Mapping[str, Read], bits: Callable[[str], int], group_size: int | None
) -> dict[str, Found]:
    """Scale a block's matrices by what they read, in place, without a change of what it computes.

    read, bits: by names in the block. The scale of each matrix that got one, by its name.
    """
    made: dict[str, Found] = {}
    for one in folding.folds(block):
        weights = [part.weight.detach().float() for part in folding.readers(block, one)]
        first = read[one.readers[0]]
        found = search(
            weights, first.moments, first.size, [bits(name) for name in one.readers], group_size, one.shared
        )
        folding.apply(block, one, found.scale)
        made |= dict.fromkeys(one.readers, found)
    return made


def weighed(read: Read, found: Any) -> Float[Tensor, " inputs"]:
    """What an error of each input's weights counts once the matrix is scaled: the mean square of the input, which is smaller by s^2."""
    square = read.moments.diagonal()
    return square if found is None else square / found.scale.square()
