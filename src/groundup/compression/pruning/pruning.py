"""Pruning: the weights of a finished model that can be zero.

    magnitude    the smallest |w|                                          Han et al. 2015, arXiv:1506.02626
    wanda        the smallest |w| * |x|: a small weight on a loud input    Sun et al. 2023, arXiv:2306.11695, eq. 1
                 may carry more than a large one on a quiet one
    sparsegpt    the smallest w^2 / U[j, j]^2, and what each took away     Frantar and Alistarh 2023, arXiv:2301.00774, algorithm 1
                 is given to the weights behind it (as in `gptq`)

|x| is the norm of an input over a few texts. Magnitude compares the weights of a whole matrix, Wanda those of a row, SparseGPT those of a row within a
block of columns. `pattern` (2, 4): two of every four neighbours go, the form that some processors multiply twice as fast.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup.compression import calibration
from groundup.compression.quantization.gptq import BLOCK, DAMPING, inverse_factor, pass_on
from groundup.errors import ConfigError
from groundup.model.layers.linear import Linear
from groundup.slots import slot

METHODS = ("magnitude", "wanda", "sparsegpt")
Pattern = tuple[int, int]


@slot
def wanda_score(weight: Float[Tensor, "rows inputs"], norms: Float[Tensor, " inputs"]) -> Float[Tensor, "rows inputs"]:
    """How much of a row's output each weight carries: its size times the norm of its input. Sun et al. 2023, eq. 1."""
    return weight.abs() * norms


def least(score: Float[Tensor, "rows columns"], share: float) -> Bool[Tensor, "rows columns"]:
    """True at the lowest scores of each row: so many that they are `share` of it (rounded)."""
    count = round(share * score.shape[1])
    mask = torch.zeros_like(score, dtype=torch.bool)
    return mask.scatter_(1, score.argsort(dim=1, stable=True)[:, :count], True)


def least_of_each(score: Float[Tensor, "rows columns"], pattern: Pattern) -> Bool[Tensor, "rows columns"]:
    """True at the n lowest scores of every m neighbours of a row.

    >>> least_of_each(torch.tensor([[3.0, 1.0, 2.0, 4.0]]), (2, 4)).tolist()
    [[False, True, True, False]]
    """
    gone, of = pattern
    if not 0 < gone < of or score.shape[1] % of:
        raise ConfigError(
            f"{gone} of every {of} do not fit rows of {score.shape[1]} weights; use 2:4, or a share of all weights"
        )
    groups = score.unflatten(1, (-1, of)).flatten(0, 1)
    return least(groups, gone / of).view(score.shape)


def mask_of(
    score: Float[Tensor, "rows columns"], share: float, pattern: Pattern | None
) -> Bool[Tensor, "rows columns"]:
    """Which weights go, by their scores."""
    return least(score, share) if pattern is None else least_of_each(score, pattern)


def sparsegpt(
    weight: Float[Tensor, "rows inputs"],
    hessian: Float[Tensor, "inputs inputs"],
    share: float = 0.5,
    pattern: Pattern | None = None,
    damping: float = DAMPING,
) -> Float[Tensor, "rows inputs"]:
    """The pruned matrix with the rest repaired, column by column from the left. hessian: X X^T of its inputs."""
    left, factor = weight.double().clone(), inverse_factor(hessian, damping)
    size = BLOCK if pattern is None else max(BLOCK // pattern[1], 1) * pattern[1]  # no pattern across two blocks
    for start in range(0, left.shape[1], size):
        end = min(start + size, left.shape[1])
        block, errors = left[:, start:end], torch.zeros_like(left[:, start:end])
        gone = None if pattern else least((block / factor.diagonal()[start:end]).square(), share)
        for column in range(end - start):
            at = start + column
            if pattern and column % pattern[1] == 0:  # decided late: the columns before have changed these
                near = slice(column, column + pattern[1])
                few = least_of_each((block[:, near] / factor.diagonal()[start:end][near]).square(), pattern)
                gone = few if gone is None else torch.cat((gone, few), 1)
            assert gone is not None
            error = torch.where(gone[:, column], block[:, column], 0.0)
            block[:, column:] = pass_on(block[:, column:], error, factor[at, at:end])
            block[:, column] = torch.where(gone[:, column], 0.0, block[:, column])
            errors[:, column] = error / factor[at, at]
        left[:, end:] -= errors @ factor[start:end, end:]
    return left.to(weight.dtype)


def pruned(
    weight: Float[Tensor, "rows inputs"],
    method: str,
    share: float = 0.5,
    pattern: Pattern | None = None,
    moments: Float[Tensor, "inputs inputs"] | None = None,
) -> Float[Tensor, "rows inputs"]:
    """A matrix without some of its weights. moments: X X^T of its inputs, for wanda and sparsegpt."""
    if method == "magnitude":
        flat = weight.abs() if pattern else weight.abs().reshape(1, -1)  # freely: the smallest of the whole matrix
        return torch.where(mask_of(flat, share, pattern).view(weight.shape), 0.0, weight)
    assert moments is not None, f"{method} looks at inputs"
    if method == "wanda":
        return torch.where(mask_of(wanda_score(weight, moments.diagonal().sqrt()), share, pattern), 0.0, weight)
    return sparsegpt(weight, moments, share, pattern)


def prune(
    module: Any,
    method: str = "sparsegpt",
    share: float = 0.5,
    pattern: Pattern | None = None,
    texts: Sequence[Sequence[int]] = (),
    told: Callable[[int], object] = lambda done: None,
) -> float:
    """Prune the linear maps of a decoder's blocks, in place; the share of their weights that are zero now. texts: of ids, for wanda and sparsegpt."""
    if method not in METHODS:
        raise ConfigError(f"method {method!r} is not known; use {', '.join(METHODS)}")
    if not 0 < share < 1:
        raise ConfigError(f"a share of {share} is not possible; use a number between 0 and 1, such as 0.5")

    def change(name: str, part: Linear, moments: Tensor | None) -> None:
        with torch.no_grad():
            part.weight.copy_(pruned(part.weight.detach().float(), method, share, pattern, moments))

    maps = calibration.linear_maps(module)
    if method == "magnitude":
        for name, part in maps.items():
            change(name, part, None)
    else:
        calibration.in_order(module, texts, change, told)
    zeros = sum(int((part.weight == 0).sum()) for part in maps.values())
    return zeros / sum(part.weight.numel() for part in maps.values())
