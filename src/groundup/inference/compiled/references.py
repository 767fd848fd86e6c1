"""What a product of quantised weights is, in NumPy: the compiled loops are tested against it wherever a module is lowered.

A row of Q8_0 blocks times a vector, by whole numbers. The vector is cut into the same groups of 32 and rounded to steps of its
own, so that the inner sum is of bytes times bytes, and a scale is needed once a group:

    y = sum_g d_g e_g sum_k q_gk s_gk       w = d q (weights),  x ~ e s (vector),  e = largest |x| of the group / 127

|q s| <= 127^2 and 32 of them are below 2^19: whole numbers of 32 bits hold the sum exactly, in any order.
Dettmers et al. 2022, arXiv:2208.07339, section 2 (whose groups are whole rows); ggml's Q8_0.
"""

import numpy as np
from jaxtyping import Float, UInt8

from groundup.machine.numbers.blocks import BLOCK
from groundup.slots import slot

BLOCK_BYTES = 34


@slot
def quantised_product(
    blocks: UInt8[np.ndarray, "rows bytes"], vector: Float[np.ndarray, " columns"]
) -> Float[np.ndarray, " rows"]:
    """Multiply a matrix of Q8_0 blocks with a vector whose groups are rounded to 8 bits; whole numbers inside a group.

    blocks: 34 bytes for each 32 columns: an FP16 scale, 32 steps with a sign. Halves of the vector's steps go to the even one.
    """
    parts = blocks.reshape(len(blocks), -1, BLOCK_BYTES)
    scales = np.ascontiguousarray(parts[:, :, :2]).view(np.float16)[:, :, 0].astype(np.float32)
    steps = np.ascontiguousarray(parts[:, :, 2:]).view(np.int8).astype(np.int32)
    groups = vector.reshape(-1, BLOCK).astype(np.float32)
    largest = np.abs(groups).max(axis=1, keepdims=True)
    inverse = np.divide(np.float32(127), largest, out=np.zeros_like(largest), where=largest > 0)
    rounded = np.rint(groups * inverse).astype(np.int32)
    sums = (steps * rounded).sum(axis=2)
    return (sums * scales * (largest[:, 0] / np.float32(127))).sum(axis=1, dtype=np.float32)
