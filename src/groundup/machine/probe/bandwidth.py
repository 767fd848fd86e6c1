"""Bytes a second between processor and memory: reading, writing, copying, and the triad of STREAM.

    read    sum of a                  8 bytes a number
    write   a = s                     8
    copy    a = b                    16
    triad   a = b + s c              24       McCalpin 1995, the STREAM benchmark

Counted is what the program asks for. A cache that does not hold a line fetches it before it is overwritten, so writing costs the
memory nearly twice what is counted here, unless the processor sees that whole lines are written. A loop of a language model
mostly reads (weights), so `read` is the roof that decoding meets.

Each thread goes through a piece of its own. The arrays together are so large that no cache holds them, or, for a cache's own
bandwidth, so small that it does; then they are gone through many times in one call, since a call alone takes a microsecond.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import torch

from groundup.errors import InputError

MEMORY = 1 << 28  # bytes: 256 MB, eight times the largest cache that was seen on such machines
BYTES = {"read": 8, "write": 8, "copy": 16, "triad": 24}  # a number
ARRAYS = {"read": 1, "write": 1, "copy": 2, "triad": 3}
A_CALL = 5e7  # bytes that one call moves at least: half a millisecond or more, beside the 0.05 ms that starting the threads takes


@numba.njit(cache=True, nogil=True, fastmath=True)
def read(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> float:
    """Add all numbers up; in any order, so that they go through vector registers."""
    total = 0.0
    for again in range(times):
        part = 0.0
        for i in range(len(a)):
            part += a[i]
        total += part * (1 + again)  # so that no pass may be left out
    return total


@numba.njit(cache=True, nogil=True)
def write(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> float:
    """Set all numbers."""
    for again in range(times):
        for i in range(len(a)):
            a[i] = again
    return a[0]


@numba.njit(cache=True, nogil=True)
def copy(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> float:
    """Copy b to a, in turns there and back so that no pass may be left out."""
    for again in range(times):
        if again % 2 == 0:
            for i in range(len(a)):
                a[i] = b[i]
        else:
            for i in range(len(a)):
                b[i] = a[i]
    return a[0]


@numba.njit(cache=True, nogil=True)
def triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, times: int) -> float:
    """Two numbers in, one out, two operations."""
    for again in range(times):
        for i in range(len(a)):
            a[i] = b[i] + again * c[i]
    return a[0]


LOOPS: Mapping[str, Callable[..., float]] = {"read": read, "write": write, "copy": copy, "triad": triad}


def bytes_per_s(kind: str, size: int = MEMORY, *, threads: int = 0, seconds: float = 0.2) -> float:
    """Bytes a second of one kind on arrays of `size` bytes together, shared out to the threads (0: as many as torch uses).

    The best of the runs that fit into `seconds`. With a size that a cache holds it is that cache's bandwidth; where each core has
    a cache of its own, those of all threads together, for a size that is as many times larger.
    """
    if kind not in LOOPS:
        raise InputError(f"{kind!r} is no way to move bytes; use one of {', '.join(LOOPS)}")
    threads = threads or torch.get_num_threads()
    length = size // 8 // ARRAYS[kind] // threads
    if length < 1:
        raise InputError(
            f"{size} bytes for {threads} threads are less than one number each; use {8 * 3 * threads} or more"
        )
    pieces = [[np.ones(length) for _ in range(3 if kind == "triad" else 2)] for _ in range(threads)]
    moved = BYTES[kind] * length * threads
    with ThreadPoolExecutor(threads) as pool:
        times = max(1, round(A_CALL / (BYTES[kind] * length)))
        fastest = _fastest(LOOPS[kind], pieces, times, pool, seconds)
    return moved * times / fastest


def _fastest(loop: Callable[..., float], pieces: Any, times: int, pool: ThreadPoolExecutor, seconds: float) -> float:
    """The shortest of the runs in which all threads go through their pieces."""

    def once() -> float:
        start = time.perf_counter()
        for done in [pool.submit(loop, one[0], one[1], one[-1], times) for one in pieces]:
            done.result()
        return time.perf_counter() - start

    once()
    found: list[float] = []
    while len(found) < 3 or sum(found) < seconds:
        found.append(once())
    return min(found)
