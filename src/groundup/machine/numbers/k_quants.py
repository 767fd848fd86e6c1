"""The K-quants of GGUF files, read only: 256 weights in 8 or 16 small blocks whose scales are themselves quantized.

    Q2_K   16 scales and minima of 4 bits | 256 q of 2 bits | d m                    84 bytes   2.625 bits a weight
    Q3_K   256 upper bits | 256 lower two bits | 16 scales of 6 bits | d            110 bytes   3.4375
    Q4_K   d m | 8 scales and 8 minima of 6 bits | 256 q of 4 bits                  144 bytes   4.5
    Q5_K   d m | the same | 256 upper bits | 256 lower four bits                    176 bytes   5.5
    Q6_K   256 lower four bits | 256 upper two bits | 16 scales of 8 bits | d       210 bytes   6.5625

    Q2_K, Q4_K, Q5_K   x = d * scale * q - m * minimum          blocks of 16, 32, 32
    Q3_K, Q6_K         x = d * scale * (q - 4 or - 32)          blocks of 16

A scale of 4 to 8 bits in place of FP16 halves what scales cost, so blocks may be smaller or have a minimum too. The bits are
packed for wide registers: of each 64 bytes or so the lower halves are one run of weights and the upper halves the next.

The layout is ggml's (`ggml-quants.c`, ggml-org/llama.cpp pull request 1684). Left out: writing them (the best scales are a
search), and the IQ formats, which are refused by name.
"""

from typing import Any

import numpy as np

from groundup.errors import InputError

BLOCK = 256  # numbers
BYTES = {"Q2_K": 84, "Q3_K": 110, "Q4_K": 144, "Q5_K": 176, "Q6_K": 210}


def decode_k_blocks(data: Any, name: str) -> np.ndarray:
    """Read bytes (..., n / 256 * bytes of a block) as float32 numbers (..., n)."""
    if name not in BYTES:
        raise InputError(f"block format {name!r} cannot be read; there are {', '.join(BYTES)}")
    array = np.ascontiguousarray(data)
    if array.dtype != np.uint8 or array.ndim == 0 or array.shape[-1] % BYTES[name]:
        raise InputError(
            f"rows of {array.shape[-1] if array.ndim else 0} {array.dtype} are no blocks of {name}; give uint8 bytes, "
            f"{BYTES[name]} for each {BLOCK} numbers"
        )
    numbers = _DECODERS[name](array.reshape(-1, BYTES[name]))
    return numbers.reshape(*array.shape[:-1], array.shape[-1] // BYTES[name] * BLOCK)


def _half(data: np.ndarray, at: int) -> np.ndarray:
    """The FP16 number at a byte of every block, as a float32 column."""
    return np.ascontiguousarray(data[:, at : at + 2]).view(np.float16).astype(np.float32)


def _scales_and_minima(packed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eight scales and eight minima of 6 bits out of 12 bytes (n, 12).

    Bytes 0-3 hold scales 0-3 and bytes 4-7 minima 0-3 in their lower six bits; bytes 8-11 the lower four bits of scales 4-7
    (below) and of minima 4-7 (above), whose upper two bits are the upper two of the bytes before.
    """
    first, second, last = packed[:, 0:4], packed[:, 4:8], packed[:, 8:12]
    scales = np.concatenate([first & 63, (last & 15) | (first >> 6) << 4], axis=1)
    minima = np.concatenate([second & 63, (last >> 4) | (second >> 6) << 4], axis=1)
    return scales, minima


def _affine(data: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """d * scale * q - m * minimum for steps (n, 8, 32)."""
    scales, minima = _scales_and_minima(data[:, 4:16])
    scale, minimum = _half(data, 0) * scales, _half(data, 2) * minima
    return scale[..., None] * steps.astype(np.float32) - minimum[..., None]


def _runs_of_four_bits(packed: np.ndarray) -> np.ndarray:
    """Steps (n, 8, 32) out of 128 bytes: 32 bytes hold one run below and the next run above."""
    pairs = packed.reshape(-1, 4, 1, 32)
    return np.concatenate([pairs & 15, pairs >> 4], axis=2).reshape(-1, 8, 32)


def _runs_of_two_bits(packed: np.ndarray) -> np.ndarray:
    """Steps (n, 2, 4, 32) out of 64 bytes: two halves of 128 numbers, whose 32 bytes hold a run in every two bits."""
    shifts = np.array([0, 2, 4, 6], np.uint8)[:, None]
    return (packed.reshape(-1, 2, 1, 32) >> shifts) & 3


def _q2_k(data: np.ndarray) -> np.ndarray:
    """A byte for each sixteen numbers: its scale below, its minimum above."""
    steps = _runs_of_two_bits(data[:, 16:80]).reshape(-1, 16, 16).astype(np.float32)
    scale, minimum = _half(data, 80) * (data[:, :16] & 15), _half(data, 82) * (data[:, :16] >> 4)
    return scale[..., None] * steps - minimum[..., None]


def _q3_k(data: np.ndarray) -> np.ndarray:
    """Bit r of byte i of the first 32 is the third bit of number i in run r; scales are 4 bits below and 2 above, minus 32."""
    third = (data[:, None, :32] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    steps = _runs_of_two_bits(data[:, 32:96]).reshape(-1, 8, 32) | third << 2
    lower = np.concatenate([data[:, 96:104] & 15, data[:, 96:104] >> 4], axis=1)
    upper = (data[:, None, 104:108] >> np.array([0, 2, 4, 6], np.uint8)[:, None]) & 3
    scale = _half(data, 108) * ((lower | upper.reshape(-1, 16) << 4).astype(np.float32) - 32)
    return scale[..., None] * (steps.reshape(-1, 16, 16).astype(np.float32) - 4)


def _q4_k(data: np.ndarray) -> np.ndarray:
    return _affine(data, _runs_of_four_bits(data[:, 16:]))


def _q5_k(data: np.ndarray) -> np.ndarray:
    """As Q4_K; bit r of byte i is the fifth bit of number i in run r."""
    fifth = (data[:, None, 16:48] >> np.arange(8, dtype=np.uint8)[:, None]) & 1
    return _affine(data, _runs_of_four_bits(data[:, 48:]) | fifth << 4)


def _q6_k(data: np.ndarray) -> np.ndarray:
    """Two halves of 128: 64 bytes of lower bits, two runs below and two above; 32 bytes of upper bits, two a run."""
    lower = data[:, :128].reshape(-1, 2, 1, 2, 32)
    lower = np.concatenate([lower & 15, lower >> 4], axis=2).reshape(-1, 2, 4, 32)
    steps = (lower | _runs_of_two_bits(data[:, 128:192]) << 4).reshape(-1, 16, 16).astype(np.float32) - 32
    scale = _half(data, 208) * data[:, 192:208].view(np.int8)
    return scale[..., None] * steps


_DECODERS = {"Q2_K": _q2_k, "Q3_K": _q3_k, "Q4_K": _q4_k, "Q5_K": _q5_k, "Q6_K": _q6_k}
