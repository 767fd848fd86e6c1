"""The caches, measured: how long one number takes to come from each level, and how large the level is.

A pointer chase reads a number that says where the next one stands, and that one's place cannot be known before it is there. So
nothing can be fetched ahead, and the time of a step is the level's latency. The steps go through all lines of an array in an order
without a pattern; while the array fits into a level, every step costs that level's latency, and where it no longer fits the
time rises to the next. The stairs of time over size, read off, give the levels:

    single_cycle    an order that visits every place before it comes back: Sattolo 1986, "An algorithm to generate a random
                    cyclic permutation"; a plain shuffle falls into several cycles, and the chase would stay in one of them
    latencies       the stairs
    cache_levels    the stairs read: each stretch of equal times is a level
    stated          what the system says of its caches (Linux, /sys), to compare with

Drepper 2007, "What every programmer should know about memory", section 3.3.2, draws the same stairs. An array beyond the pages that
the processor remembers (its TLB) pays for looking the page up too, which is part of what a random read costs in a program.
Left out: associativity, and latencies under load; both need counters of the processor.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

LINE = 64  # bytes that are fetched together, on x86 and on most of ARM (Apple's have 128)
SYSTEM = Path("/sys/devices/system/cpu/cpu0/cache")
SMALLEST, LARGEST, STEPS_AN_OCTAVE = 1 << 12, 1 << 27, 4


@dataclass(frozen=True, slots=True)
class Level:
    """A stretch of equal latencies. size: the largest array of it in bytes, near the level's own size; the last one is memory."""

    size: int
    latency_ns: float


@dataclass(frozen=True, slots=True)
class Stated:
    """A cache as the system states it. threads: how many hardware threads share it; two of them may be one core's."""

    level: int
    kind: str  # Data, Instruction or Unified
    size: int
    threads: int
    line: int


@slot
def single_cycle(places: int, generator: np.random.Generator) -> np.ndarray:
    """For each place the next one, so that who follows comes through all of them before the first is met again.

    A shuffle that from the last place to the second exchanges each with an earlier one, itself excluded, drawn by
    the generator's `integers`. Sattolo 1986: all (places - 1)! single cycles are equally likely.
    """
    following = np.arange(places)
    for place in range(places - 1, 0, -1):
        other = generator.integers(0, place)
        following[place], following[other] = following[other], following[place]
    return following


@slot
def cache_levels(
    sizes: Sequence[int], latencies: Sequence[float], tolerance: float = 0.25, least: int = 3
) -> list[tuple[int, float]]:
    """Read the stairs: (largest size, median latency) of every stretch of at least `least` sizes whose times are alike.

    Alike: none of a stretch is more than `tolerance` above its first. Going from small to large, a stretch is as long as it can be,
    and the next begins behind it; where it is too short it is a rise between two levels, and the search begins one size further.
    """
    found: list[tuple[int, float]] = []
    first = 0
    while first < len(sizes):
        last = first
        while last + 1 < len(sizes) and latencies[last + 1] <= (1 + tolerance) * latencies[first]:
            last += 1
        if last - first + 1 >= least:
            found.append((sizes[last], float(np.median(latencies[first : last + 1]))))
            first = last + 1
        else:
            first += 1
    return found


@numba.njit(cache=True, nogil=True)
def chase(following: np.ndarray, steps: int) -> int:
    """Go from place to place; the last one reached, so that the way there cannot be left out."""
    place = 0
    for _ in range(steps):
        place = following[place]
    return place


@numba.njit(cache=True, nogil=True)
def _shuffle(following: np.ndarray, seed: int) -> None:
    """`single_cycle` for millions of places, in place."""
    np.random.seed(seed)
    for place in range(len(following) - 1, 0, -1):
        other = np.random.randint(0, place)
        following[place], following[other] = following[other], following[place]


def ring(size: int, seed: int = 0) -> np.ndarray:
    """An array of `size` bytes in whose lines, one number each, a single cycle stands."""
    lines = size // LINE
    if lines < 2:
        raise InputError(
            f"an array of {size} bytes has no two lines of {LINE} bytes to go between; use {2 * LINE} or more"
        )
    order = np.arange(lines)
    _shuffle(order, seed)
    array = np.zeros(lines * LINE // 8, np.int64)
    array[:: LINE // 8] = order * (LINE // 8)
    return array


def octave_sizes(smallest: int = SMALLEST, largest: int = LARGEST, steps: int = STEPS_AN_OCTAVE) -> list[int]:
    """Sizes in equal ratios, `steps` to a doubling, in whole lines.

    >>> octave_sizes(4096, 16384, 2)
    [4096, 5760, 8192, 11584, 16384]
    """
    count = round(np.log2(largest / smallest) * steps)
    return [round(smallest * 2 ** (step / steps)) // LINE * LINE for step in range(count + 1)]


def latency_ns(size: int, *, steps: int = 100_000, repeats: int = 3) -> float:
    """Nanoseconds of one step through an array of `size` bytes; the shortest of the repeats, after one to warm up."""
    array = ring(size)
    chase(array, max(steps, size // LINE))  # each line once, so that what can be in the cache is
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        chase(array, steps)
        times.append(time.perf_counter() - start)
    return 1e9 * min(times) / steps


def latencies(sizes: Sequence[int], **how: int) -> list[float]:
    """The stairs: nanoseconds of a step for each size."""
    return [latency_ns(size, **how) for size in sizes]


def measured(sizes: Sequence[int] | None = None) -> list[Level]:
    """The levels of this machine as a chase finds them, from the core outwards."""
    sizes = octave_sizes() if sizes is None else sizes
    return [Level(size, latency) for size, latency in cache_levels(sizes, latencies(sizes))]


def stated(folder: Path = SYSTEM) -> list[Stated]:
    """The caches for data as the system states them, from the core outwards; [] where it states none."""
    found = []
    for entry in sorted(folder.glob("index*")):
        try:
            kind, size, line = ((entry / name).read_text().strip() for name in ("type", "size", "coherency_line_size"))
            shared, level = (entry / "shared_cpu_list").read_text(), int((entry / "level").read_text())
            found.append(Stated(level, kind, in_bytes(size), count(shared), int(line)))
        except (OSError, ValueError):
            continue  # a system that hides some of it
    return sorted((one for one in found if one.kind != "Instruction"), key=lambda one: one.level)


def in_bytes(text: str) -> int:
    """A size as the system writes it.

    >>> in_bytes("48K"), in_bytes("32M"), in_bytes("512")
    (49152, 33554432, 512)
    """
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def count(cpus: str) -> int:
    """How many processors a list of the system names.

    >>> count("0-3,8"), count("0")
    (5, 1)
    """
    ends = [one.split("-") for one in cpus.strip().split(",")]
    return sum(int(pair[-1]) - int(pair[0]) + 1 for pair in ends)
