"""Many threads, one number: a race, and what ends it.

count += 1 is three steps: read, add, write. When all threads of a block read before any writes, each writes the same number,
and all but one increment are lost. An atomic addition is one step that no other thread can come between; threads that want the
same place wait in a row. So a histogram first counts in each block's own shared memory, where a wait is short and few threads
meet, and adds to the one table only once a block and bin (NVIDIA, CUDA C++ Best Practices Guide, on atomics in shared memory).

The race here has a barrier between reading and writing, so that it is lost the same way every time; without one it is lost now
and then, which is worse. Left out: locks, floats (whose atomic sums depend on the order), memory ordering.
"""

import numpy as np
from numba import int32

from groundup.errors import InputError
from groundup.machine.kernels.cuda.grid import blocks_for
from groundup.machine.kernels.cuda.launch import cuda, kernel

BYTES = 256  # bins
THREADS = 64


@kernel
def racing_count(count):
    """Every thread adds 1: all read, then all write what they read plus 1."""
    seen = count[0]
    cuda.syncthreads()
    count[0] = seen + 1


@kernel
def atomic_count(count):
    """Every thread adds 1, and none comes between another's reading and writing."""
    cuda.atomic.add(count, 0, 1)


@kernel
def byte_histogram(text, counts):
    """How often each byte stands in a text: counted in the block's own table first, then added to the one of all."""
    own = cuda.shared.array(BYTES, int32)
    for bin in range(cuda.threadIdx.x, BYTES, cuda.blockDim.x):
        own[bin] = 0
    cuda.syncthreads()
    for place in range(cuda.grid(1), text.size, cuda.gridsize(1)):
        cuda.atomic.add(own, text[place], 1)
    cuda.syncthreads()
    for bin in range(cuda.threadIdx.x, BYTES, cuda.blockDim.x):
        if own[bin] > 0:
            cuda.atomic.add(counts, bin, own[bin])


def count_threads(blocks: int, threads: int, racing: bool) -> int:
    """What a counter says after so many threads added 1 to it."""
    count = np.zeros(1, np.int32)
    (racing_count if racing else atomic_count)[blocks, threads](count)
    return int(count[0])


def histogram(text: bytes, most_blocks: int = 4) -> np.ndarray:
    """How often each of the 256 bytes stands in a text."""
    if not isinstance(text, bytes | bytearray):
        raise InputError(f"a {type(text).__name__} has no bytes to count; give bytes, such as text.encode()")
    counts = np.zeros(BYTES, np.int32)
    if text:
        blocks = min(most_blocks, blocks_for(len(text), THREADS))
        byte_histogram[blocks, THREADS](np.frombuffer(bytes(text), np.uint8), counts)
    return counts
