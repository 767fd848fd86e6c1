"""Kernels: programs for a chip with thousands of small cores, to be read, and to be run without one.

cuda    a thread at a time, by numba.cuda: grid, blocks, shared memory, atomics; what memory, banks and registers allow
triton  a tile at a time, by Triton: softmax, matrix product, RMSNorm, cross-entropy, forward and backward
tpu     a systolic array cycle by cycle; the model's step as XLA sees it

Without a GPU cuda's kernels run in Numba's simulator and Triton's in its interpreter: slowly, and with the same results.
Both packages come with pip install 'groundup[kernels]'; what only counts or defines needs neither (`cuda.grid`, `cuda.memory`,
`cuda.blocks`, `cuda.occupancy`, `triton.tiles`).
"""

import importlib
from typing import Any

_EXPORTS = {
    "kernel": "cuda.launch",
    "transactions": "cuda.memory",
    "bank_passes": "cuda.memory",
    "occupancy": "cuda.occupancy",
    "fused_rms_norm": "triton.dispatch",
    "fused_cross_entropy": "triton.dispatch",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.machine.kernels has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
