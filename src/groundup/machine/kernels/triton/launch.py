"""Triton where it is installed, and who can run a kernel here: a GPU, or Triton's interpreter.

Triton decides when it is first imported whether kernels are compiled or interpreted, so TRITON_INTERPRET=1 must be set before.
`interpreted` starts a program of its own that way: from a process that imported Triton long ago, or from a lesson. The
interpreter computes in float32 as a GPU does; in bfloat16 it cannot multiply matrices, and cuts numbers off where a GPU rounds.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from groundup.errors import InputError, missing_extra

try:
    import triton
    from triton import language as tl
except ImportError:  # the kernels can then be read and not run
    triton = tl = None

LONGEST_TILE = 65_536  # numbers of a row that one program holds at once


def jit(kernel: Callable[..., Any]) -> Any:
    """Make a function a kernel, where Triton is."""
    return kernel if triton is None else triton.jit(kernel)


@jit
def _probe():
    """A kernel that does nothing: its type says whether kernels are compiled here."""


def compiled() -> bool:
    """Whether kernels are compiled for a GPU here, rather than interpreted."""
    return triton is not None and isinstance(_probe, triton.JITFunction)


def ready(*tensors: Tensor, multiplies: bool = False) -> None:
    """Refuse what can run neither here nor there; multiplies: the kernel has a tl.dot."""
    if triton is None:
        raise missing_extra("triton", "kernels")
    devices = {one.device for one in tensors}
    if len(devices) > 1:
        raise InputError(f"the tensors lie on {' and '.join(sorted(map(str, devices)))}; move them to one device")
    if any(not one.is_floating_point() for one in tensors):
        raise InputError("the kernels compute with floats; give float32, float16, bfloat16 or float64")
    if tensors[0].is_cuda:
        return
    if compiled():
        raise InputError(
            "the kernels run on a GPU and the tensors are not on one; move them there, or set TRITON_INTERPRET=1 before "
            "anything imports triton"
        )
    if multiplies and tensors[0].dtype == torch.bfloat16:  # its dot takes the bits for whole numbers (seen in 3.9)
        raise InputError("Triton's interpreter cannot multiply bfloat16; give float32 or float16, or use a GPU")


def wide(x: Tensor) -> Any:
    """Triton's dtype in which sums are kept: float32, or float64 for float64."""
    return tl.float64 if x.dtype == torch.float64 else tl.float32


def row_tile(width: int) -> int:
    """The tile that holds a row: the next power of two, refused where a program could not hold it."""
    tile = 1 << max(0, width - 1).bit_length()
    if tile > LONGEST_TILE:
        raise InputError(
            f"a row of {width} numbers is too long for one program ({LONGEST_TILE}); use torch's, or a kernel that walks over tiles"
        )
    return tile


def as_rows(x: Tensor) -> Tensor:
    """All but the last axis as one; a view where the strides allow it."""
    if not x.dim() or not x.numel():
        raise InputError(f"got a tensor of the shape {tuple(x.shape)}; give one with at least one row of one number")
    return x.reshape(-1, x.shape[-1])


def interpreted(program: str, timeout_s: float = 120.0) -> str:
    """Run a Python program in a process in which Triton interprets; what it printed."""
    if triton is None:
        raise missing_extra("triton", "kernels")
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=timeout_s
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise InputError(
            f"the interpreted program failed: {last[0]}; run it alone with TRITON_INTERPRET=1 to see where"
        )
    return done.stdout
