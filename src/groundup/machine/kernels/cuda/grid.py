"""A grid: blocks of threads, and which numbers of an array each thread owns.

A block is at most 1,024 threads that run on one multiprocessor and can wait for one another; a grid is any number of blocks,
which run when there is room and never wait for each other. A thread is told its block and its place in it: its place in the
grid is block * threads + thread. The data is rarely a whole number of blocks, so the last one hangs over the edge and its
threads must ask.

NVIDIA, CUDA C++ Programming Guide, section 2.2. Plain Python: nothing is started here (`launch.py` does).
"""

import math

from groundup.errors import InputError
from groundup.slots import slot

Shape = int | tuple[int, ...]  # of a grid or a block: x, y, z
MOST_THREADS = 1024  # of a block, on every card since 2010


def blocks_for(size: int, threads: int) -> int:
    """How many blocks of so many threads cover so many numbers; the last may hang over.

    >>> blocks_for(1000, 64)
    16
    """
    return -(-size // threads)


@slot
def elements_of_thread(block: int, thread: int, blocks: int, threads: int, size: int) -> list[int]:
    """The places of an array of `size` that one thread owns when the grid walks over it in strides of its own length.

    Neighbouring threads own neighbouring places, so a warp reads one piece of memory; any grid covers any size.
    """
    return list(range(block * threads + thread, size, blocks * threads))


def size_of(shape: Shape) -> int:
    """How many blocks or threads a shape has.

    >>> size_of(64), size_of((8, 4))
    (64, 32)
    """
    return math.prod(shape) if isinstance(shape, tuple) else shape


def check_grid(blocks: Shape, threads: Shape) -> None:
    """Refuse a grid that no card can start."""
    for name, shape in (("blocks", blocks), ("threads", threads)):
        sizes = shape if isinstance(shape, tuple) else (shape,)
        if not 1 <= len(sizes) <= 3 or not all(isinstance(size, int) and size > 0 for size in sizes):
            raise InputError(f"{name}={shape} is no shape of a grid; give one to three whole numbers above 0")
    if size_of(threads) > MOST_THREADS:
        raise InputError(
            f"a block of {size_of(threads)} threads; a card takes at most {MOST_THREADS}: use more blocks instead"
        )
