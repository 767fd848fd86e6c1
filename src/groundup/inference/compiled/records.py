"""Weights in records of 16 rows x 32 columns, as one stream: rows side by side, so that a product needs no sum across lanes.

    f32     32 x (16 rows x 1 column)                       2,048 bytes   32 bits a weight
    bf16    16 x (16 rows x 2 columns)                      1,024         16
    q8_0    16 scales (FP16)  8 x (16 rows x 4 columns)       544         8.5
    q4_0    16 scales (FP16)  4 x (16 rows x 4 columns)       288         4.5     two columns a byte: c below, c + 16 above

The numbers are those of GGUF's blocks (`machine.numbers.blocks`), only their order is another: a processor reads one stream,
and each register that it loads holds the next columns of 16 rows. q8_0 keeps q + 128, since the instruction wants one side without a sign.
Rows are filled up to a multiple of 16 and columns to one of 32 with zeros.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import ConfigError
from groundup.machine.numbers.blocks import decode_blocks, encode_blocks
from groundup.slots import slot

ROWS, COLUMNS = 16, 32


def padded(count: int, to: int) -> int:
    """The next multiple.

    >>> padded(70, 16)
    80
    """
    return -(-count // to) * to


def words(matrix: Float[Tensor, "*rows columns"]) -> np.ndarray:
    """The numbers rounded to bf16, as the 16-bit words that hold them.

    >>> words(torch.tensor([1.0, -2.0])).tolist()  # the upper halves of float32's 0x3f800000 and 0xc0000000
    [16256, 49152]
    """
    return matrix.detach().to("cpu", torch.bfloat16).contiguous().view(torch.uint16).numpy()


@slot
def interleave(rows: np.ndarray, together: int) -> np.ndarray:
    """Put rows side by side, `together` of their columns at a time: (16 n, columns) to (n, columns / together, 16, together).

    >>> interleave(np.arange(64).reshape(16, 4), 2)[0, 1, :3].tolist()  # columns 2 and 3 of the first three rows
    [[2, 3], [6, 7], [10, 11]]
    """
    split = rows.reshape(len(rows) // 16, 16, rows.shape[1] // together, together)
    return np.ascontiguousarray(split.swapaxes(1, 2))


def _filled(matrix: Tensor) -> Tensor:
    """A matrix with rows and columns of zeros behind it."""
    rows, columns = matrix.shape
    if rows % ROWS == columns % COLUMNS == 0:
        return matrix
    return torch.nn.functional.pad(matrix, (0, padded(columns, COLUMNS) - columns, 0, padded(rows, ROWS) - rows))


def _pack_whole(matrix: Tensor) -> np.ndarray:
    return interleave(_filled(matrix.detach().cpu().float()).numpy(), 1).reshape(-1)


def _pack_words(matrix: Tensor) -> np.ndarray:
    return interleave(words(_filled(matrix)), 2).reshape(-1)


def _pack_steps(name: str, together: int) -> Callable[[Tensor], np.ndarray]:
    def pack(matrix: Tensor) -> np.ndarray:
        blocks = encode_blocks(_filled(matrix.detach().cpu().float()).numpy(), name)
        rows = len(blocks)
        blocks = blocks.reshape(rows, -1, 2 + together)
        groups = blocks.shape[1]
        scales = interleave(np.ascontiguousarray(blocks[:, :, :2]).reshape(rows, -1), 2)
        steps = interleave(np.ascontiguousarray(blocks[:, :, 2:]).reshape(rows, -1), 4)
        if together == COLUMNS:
            steps ^= 0x80  # q + 128, in two's complement
        parts = (scales.reshape(-1, groups, 2 * ROWS), steps.reshape(-1, groups, ROWS * together))
        return np.concatenate(parts, axis=2).reshape(-1).view(np.int8 if together == COLUMNS else np.uint8)

    return pack


@dataclass(frozen=True, slots=True)
class Codec:
    """How a matrix is packed, and what the packed weights are worth as a matrix again."""

    name: str
    bits: float  # a weight
    head: str  # the codec of the head: it decides every token, and 4 bits there cost far more than elsewhere
    pack: Callable[[Tensor], np.ndarray]
    worth: Callable[[Tensor], Tensor]

    @property
    def kept(self) -> type:
        """In what a text of its own keeps keys and values."""
        return np.float32 if self.name == "f32" else np.uint16


def _rounded(matrix: Tensor) -> Tensor:
    return matrix.detach().bfloat16().float()


def _decoded(name: str) -> Callable[[Tensor], Tensor]:
    def worth(matrix: Tensor) -> Tensor:
        rows, columns = matrix.shape
        blocks = encode_blocks(_filled(matrix.detach().cpu().float()).numpy(), name)
        return torch.from_numpy(decode_blocks(blocks, name)[:rows, :columns].copy())

    return worth


CODECS = {
    "f32": Codec("f32", 32.0, "f32", _pack_whole, lambda matrix: matrix.detach().float()),
    "bf16": Codec("bf16", 16.0, "bf16", _pack_words, _rounded),
    "q8_0": Codec("q8_0", 8.5, "q8_0", _pack_steps("Q8_0", 32), _decoded("Q8_0")),
    "q4_0": Codec("q4_0", 4.5, "q8_0", _pack_steps("Q4_0", 16), _decoded("Q4_0")),
}


def codec_of(name: str) -> Codec:
    """A codec by its name."""
    if name not in CODECS:
        raise ConfigError(f"there are no compiled kernels for {name!r} weights; use {', '.join(CODECS)}")
    return CODECS[name]
