"""SmoothQuant: 8 bits for weights and for what they read, once the loud inputs have been made quieter.

Where a product is to be one of whole numbers, what a matrix reads is rounded too, with one scale for each token. A few inputs of a large model are
a hundred times as loud as the others; they set that scale, and the others are left with two or three steps. Weights are tame. So part of the
difficulty is moved into them:

    s = largest |x|^alpha / largest |w|^(1 - alpha)        for each input, then x / s and W diag(s)

alpha 0 leaves x as it is but for the weights' own range, 1 makes every input equally loud, and 0.5 lets both have the same largest numbers
(Xiao et al. 2022, arXiv:2211.10438, eq. 4). The scale is folded into what makes x (`folding`). Then weights are rounded to 8 bits with a scale a row,
and from then on inputs with a scale a token, as they come (the paper's O1; `model.layers.rounded_linear`).

Left out: one static scale for all tokens (O3); attention's own products in 8 bits.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.compression.calibration import Read
from groundup.compression.quantization import folding
from groundup.slots import slot

BITS = 8
LEAST = 1e-5  # the authors' program keeps both sizes above it: an input that was never there


@slot
def migration_scale(
    inputs: Float[Tensor, " inputs"], weights: Float[Tensor, " inputs"], alpha: float
) -> Float[Tensor, " inputs"]:
    """What each input is divided by: the most of |x| to the power alpha, over the most of |w| that meets it to the power 1 - alpha.

    Neither is taken below LEAST. alpha: from 0 to 1, how much of the range goes into the weights. Xiao et al. 2022, eq. 4.
    """
    return inputs.clamp(min=LEAST).pow(alpha) / weights.clamp(min=LEAST).pow(1 - alpha)


@torch.no_grad()
def smooth(block: nn.Module, read: Mapping[str, Read], alpha: float) -> dict[str, Tensor]:
    """Move range from what a block's matrices read into them, in place, without a change of what it computes. The scales, by names in the block."""
    made: dict[str, Tensor] = {}
    for one in folding.folds(block):
        largest = torch.stack([part.weight.abs().amax(0).float() for part in folding.readers(block, one)]).amax(0)
        scale = one.shared(migration_scale(read[one.readers[0]].largest, largest, alpha))
        folding.apply(block, one, scale)
        made |= dict.fromkeys(one.readers, scale)
    return made

