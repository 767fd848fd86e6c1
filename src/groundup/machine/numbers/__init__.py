"""Numbers as bits: what a weight, a cached key or a gradient is on the machine, and what rounding does to it.

formats       floats: sign, exponent and fraction from FP32 down to FP8, every value, rounding to nearest and at random
integers      INT8 and INT4 with a scale for each row or group, symmetric or with a zero point
blocks        Q8_0, Q5_0, Q5_1, Q4_0, Q4_1: 32 weights and their scale in 18 to 34 bytes, as in GGUF files
k_quants      Q2_K to Q6_K, read only: 256 weights in small blocks whose scales are quantized too
normal_float  NF4: sixteen levels where normally distributed weights lie, 64 of them under one scale

Everything takes and gives NumPy arrays; what cannot be held (NaN in a block, a length that does not fit) is refused.
"""

import importlib
from typing import Any

_EXPORTS = {
    **dict.fromkeys(
        (
            "FloatFormat",
            "FP32",
            "TF32",
            "BF16",
            "FP16",
            "FP8_E4M3",
            "FP8_E5M2",
            "FORMATS",
            "encode_float",
            "decode_float",
        ),
        "formats",
    ),
    **dict.fromkeys(("Scaled", "quantize", "dequantize", "pack_nibbles", "unpack_nibbles"), "integers"),
    **dict.fromkeys(("BLOCKS", "BlockFormat", "encode_blocks", "decode_blocks"), "blocks"),
    "decode_k_blocks": "k_quants",
    **dict.fromkeys(("NF4_LEVELS", "NormalFloat", "encode_nf4", "decode_nf4"), "normal_float"),
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.machine.numbers has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
