"""GPTQ: round one input's weights after another, and let those that are still free make up for the error.

A matrix W reads inputs X (one a column); what counts is the error of its output, |W X - W' X|^2 = sum over rows of d H d^T, with d a row's change and
H = X X^T, the same for all rows. When column j is rounded and is off by e, the best change of the columns behind it is

    w[j+1:] -= e / U[j, j] * U[j, j+1:]        U: the upper Cholesky factor of H^-1

(Frantar et al. 2022, arXiv:2210.17323, algorithm 1; from Optimal Brain Surgeon, Hassibi et al. 1993). Columns are read in blocks, so that
the matrix behind is touched once a block and not once a column. A small part of the mean of H's diagonal is added to it: rare inputs else get
changes that the texts of the calibration cannot vouch for. Inputs with the largest H can go first (`order`), when most is still free.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.compression.quantization import grid
from groundup.errors import InputError
from groundup.model.formats.packed import Packed
from groundup.slots import slot

DAMPING = 0.01  # of the mean of H's diagonal (the paper's, section 3.3)
BLOCK = 128  # columns


@slot
def pass_on(
    left: Float[Tensor, "rows columns"], error: Float[Tensor, " rows"], factor: Float[Tensor, " columns"]
) -> Float[Tensor, "rows columns"]:
    """The weights of the columns that are still free, after the one before them was rounded.

    error: (weight - rounded) of that column, for each row. factor: row j of the upper Cholesky factor U of H^-1, from the column itself on:
    its first number is U[j, j]. left: those columns, the rounded one first; it becomes its rounded value.
    """
    return left - torch.outer(error / factor[0], factor)


def inverse_factor(hessian: Float[Tensor, "inputs inputs"], damping: float = DAMPING) -> Float[Tensor, "inputs inputs"]:
    """The upper Cholesky factor U of H^-1 = U^T U, damped; in float64, since H is near singular where inputs go together."""
    matrix = hessian.double()
    if not torch.isfinite(matrix).all():
        raise InputError(
            "what goes into a matrix is not finite, so nothing can be learned from it; check the model and the texts"
        )
    mean = matrix.diagonal().mean().clamp(min=torch.finfo(torch.float32).tiny)
    matrix = matrix + damping * mean * torch.eye(len(matrix), dtype=torch.float64)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(matrix))
    return torch.linalg.cholesky(inverse, upper=True)


def gptq(
    weight: Float[Tensor, "rows inputs"],
    hessian: Float[Tensor, "inputs inputs"],
    bits: int = 4,
    group_size: int | None = None,
    *,
    damping: float = DAMPING,
    order: bool = True,
) -> Packed:
    """The codes and scales of a matrix whose inputs have the second moments `hessian` (any multiple of X X^T).

    group_size: weights of a row that share a scale. order: the inputs that carry most are rounded first; scales are then fixed beforehand
    (for each group as it stands, so that groups stay neighbours in the file).
    """
    size = grid.check(bits, group_size, weight.shape[1])
    weight, dtype = weight.double(), weight.dtype
    carried = hessian.diagonal().double()
    scale = grid.scales(weight, bits, size, importance=carried + carried.mean() * damping)
    scale = grid.kept_scale(scale, dtype).double()
    places = carried.argsort(descending=True) if order else torch.arange(weight.shape[1])
    factor = inverse_factor(hessian[places][:, places], damping)
    rounded = _columns(weight[:, places].clone(), scale[:, places // size], factor, bits)
    codes = torch.empty_like(rounded)
    codes[:, places] = rounded
    return Packed(codes.to(torch.int8), scale.to(dtype))


def _columns(
    weight: Float[Tensor, "rows inputs"],
    scale: Float[Tensor, "rows inputs"],
    factor: Float[Tensor, "inputs inputs"],
    bits: int,
) -> Float[Tensor, "rows inputs"]:
    """Round all columns in order, block by block. scale: that of each weight."""
    codes = torch.empty_like(weight)
    for start in range(0, weight.shape[1], BLOCK):
        end = min(start + BLOCK, weight.shape[1])
        block, errors = weight[:, start:end], torch.empty_like(weight[:, start:end])
        for column in range(end - start):
            at = start + column
            codes[:, at] = grid.nearest(block[:, column], scale[:, at], bits)
            error = block[:, column] - codes[:, at] * scale[:, at]
            block[:, column:] = pass_on(block[:, column:], error, factor[at, at:end])
            errors[:, column] = error / factor[at, at]
        weight[:, end:] -= errors @ factor[start:end, end:]
    return codes


def gptq_reference(
    weight: Float[Tensor, "rows inputs"],
    hessian: Float[Tensor, "inputs inputs"],
    scale: Float[Tensor, "rows groups"],
    bits: int,
) -> Int[Tensor, "rows inputs"]:
    """The codes by Optimal Brain Surgeon's own words: after each column the inverse of what is left of H is computed anew. `hessian` is damped already."""
    weight, matrix = weight.double().clone(), hessian.double()
    each = scale.double().repeat_interleave(weight.shape[1] // scale.shape[1], 1)
    codes = torch.empty_like(weight)
    for at in range(weight.shape[1]):
        inverse = torch.linalg.inv(matrix[at:, at:])
        codes[:, at] = grid.nearest(weight[:, at], each[:, at], bits)
        error = weight[:, at] - codes[:, at] * each[:, at]
        weight[:, at:] -= torch.outer(error / inverse[0, 0], inverse[0])
    return codes.to(torch.int8)


def output_error(change: Float[Tensor, "rows inputs"], hessian: Float[Tensor, "inputs inputs"]) -> float:
    """The squared error of a matrix' output for a change of its weights: sum over rows of d H d^T."""
    change = change.double()
    return float(((change @ hessian.double()) * change).sum())
