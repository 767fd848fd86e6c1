"""How a grid is started: blocks of threads, all running one function, each told where in the grid it stands.

    @kernel
    def double(values, result):
        place = cuda.grid(1)                  # block * threads a block + thread
        if place < values.size:               # the last block hangs over the edge
            result[place] = 2 * values[place]

    double[blocks_for(values.size, 64), 64](values, result)

Arrays of NumPy are copied to the GPU's memory before and back after; what lies there already (a tensor of torch on a GPU) is
used in place. Without a GPU, or with NUMBA_ENABLE_CUDASIM=1, the grid runs in Numba's simulator: every thread is a thread of
Python, a block after another. The simulator is imported beside `numba.cuda`, so it needs no environment variable and disturbs
no compiled loop of the same process.

NVIDIA, CUDA C++ Programming Guide, section 2 (threads, blocks, grids). Left out: streams, clusters, dynamic shared memory.
"""

import functools
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from groundup.errors import InputError, missing_extra
from groundup.machine.kernels.cuda.grid import Shape, check_grid, size_of

try:
    from numba import cuda
    from numba.core import config
    from numba.cuda import simulator
except ImportError:  # the kernels can then be read and not run
    cuda = simulator = None

MOST_SIMULATED = 1 << 16  # threads of a grid: about a minute of the simulator


@functools.cache
def on_gpu() -> bool:
    """Whether kernels run on a GPU here, rather than in the simulator."""
    return cuda is not None and not config.ENABLE_CUDASIM and cuda.is_available()


class Kernel:
    """A function of one thread; `kernel[blocks, threads](*arguments)` runs it by all threads of a grid, and waits for the last."""

    def __init__(self, function: Callable[..., None]) -> None:
        functools.update_wrapper(cast(Any, self), function)
        self.function = function

    def __getitem__(self, shape: tuple[Any, Any]) -> Callable[..., None]:
        return functools.partial(self.launch, *shape)

    @functools.cached_property
    def made(self) -> Any:
        """The function as the GPU's compiler, or the simulator, wants it."""
        return cuda.jit(self.function) if on_gpu() else simulator.jit(self.function)

    def launch(self, blocks: Shape, threads: Shape, *arguments: Any) -> None:
        """Copy the arrays to the device, run the grid, copy what may have changed back."""
        if cuda is None:
            raise missing_extra("numba-cuda", "kernels")
        check_grid(blocks, threads)
        refuse_long(blocks, threads)
        device = cuda if on_gpu() else simulator
        copies = [
            device.to_device(np.ascontiguousarray(one)) if isinstance(one, np.ndarray) else one for one in arguments
        ]
        self.made[blocks, threads](*copies)
        device.synchronize()
        for given, copy in zip(arguments, copies, strict=True):
            if isinstance(given, np.ndarray) and given.flags.writeable:
                given[...] = copy.copy_to_host()


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a function of one thread a kernel. Its file must hold numba's `cuda` under that name: take it from here."""
    return Kernel(function)


def refuse_long(blocks: Shape, threads: Shape) -> None:
    """Refuse a grid that the simulator would not end."""
    in_grid = size_of(blocks) * size_of(threads)
    if in_grid > MOST_SIMULATED and not on_gpu():
        raise InputError(
            f"{in_grid} threads would take the simulator minutes; use a GPU, or a grid of at most {MOST_SIMULATED} threads"
        )
