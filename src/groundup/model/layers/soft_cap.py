"""Soft cap: a score may grow as it likes but never passes a bound, and the gradient stays alive below it.

    soft_cap(x) = cap * tanh(x / cap)

Near zero it is x itself (the slope at 0 is 1); far out it bends to plus or minus cap. Gemma 2 bounds attention's scores by
50 and the logits by 30 with it (Gemma team 2024, arXiv:2408.00118, section 2; first in Bello et al. 2016, arXiv:1611.09940,
for a policy's logits). The price: attention must hold all its scores, as the fused kernels know no tanh.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.slots import slot


@slot
def soft_cap(x: Float[Tensor, "*batch"], cap: float) -> Float[Tensor, "*batch"]:
    """Bend x so that it stays between -cap and cap; what is small against cap stays as it is. cap: above 0."""
    return cap * torch.tanh(x / cap)
