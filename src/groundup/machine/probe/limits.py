"""Everything that bounds work on this machine, measured with repeats: peaks, bandwidths, and each level of the memory.

`roofline.probe` gives two figures in two seconds; this takes about a minute and gives each figure several times, so that its
spread is known. A level is streamed through at half its size, where nothing else has to leave it; one that each core has of its
own, with all threads at once. The system's word for a level's size stands beside where the chase saw it end: they differ where a
machine is shared out, as under a hypervisor.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from groundup.machine.probe import bandwidth, caches, products
from groundup.processor import cores, processor

DTYPES = ("float32", "bfloat16", "int8")
REPEATS = 3
ALL = sys.maxsize  # threads that share one cache


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the memory. stated: bytes by the system's word; found: where the chase saw it end (0: not told apart).

    latency_ns, bytes_per_s: one figure a repeat; the bytes are of all threads together.
    """

    name: str
    stated: int
    found: int
    latency_ns: list[float]
    bytes_per_s: list[float]

    @property
    def speed(self) -> float:
        """Bytes a second: the median."""
        return statistics.median(self.bytes_per_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of this machine with so many threads. stairs: (bytes, nanoseconds) of the chase. moved: by kind, one a repeat."""

    processor: str
    cores: int
    threads: int
    peaks: list[products.Peak]
    moved: dict[str, list[float]]
    levels: list[Level]
    stairs: list[tuple[int, float]]

    def peak(self, dtype: str) -> products.Peak:
        """The peak of a number format."""
        return next(peak for peak in self.peaks if peak.dtype == dtype)

    def level_of(self, size: float) -> Level:
        """The innermost level that holds so many bytes."""
        return next((level for level in self.levels[:-1] if size <= (level.found or level.stated)), self.levels[-1])


def measure(
    *,
    repeats: int = REPEATS,
    seconds: float = 0.3,
    largest: int = caches.LARGEST,
    say: Callable[[str], None] = lambda text: None,
) -> Limits:
    """Measure this machine with the current number of threads.

    seconds: for each figure. largest: bytes of the largest array, which stands for memory; say: is told what is measured next.
    """
    threads = torch.get_num_threads()
    say("matrix products")
    peaks = [products.peak(dtype, seconds=seconds, repeats=repeats) for dtype in DTYPES]
    say("memory")
    moved = {
        kind: [bandwidth.bytes_per_s(kind, 2 * largest, threads=threads, seconds=seconds) for _ in range(repeats)]
        for kind in bandwidth.LOOPS
    }
    say("caches")
    sizes = caches.octave_sizes(largest=largest)
    stairs = caches.latencies(sizes)
    levels = [_measured(name, stated, found, sharing, threads, repeats, seconds) for name, stated, found, sharing in plan(
        caches.stated(), caches.cache_levels(sizes, stairs), largest)]  # fmt: skip
    memory = Level("memory", 0, 0, [caches.latency_ns(largest) for _ in range(repeats)], moved["read"])
    return Limits(
        processor=processor(),
        cores=cores(),
        threads=threads,
        peaks=[peak for peak in peaks if peak is not None],
        moved=moved,
        levels=[*levels, memory],
        stairs=list(zip(sizes, stairs, strict=True)),
    )


def plan(
    stated: Sequence[caches.Stated], found: Sequence[tuple[int, float]], largest: int
) -> list[tuple[str, int, int, int]]:
    """Name, stated size, found size and how many hardware threads share one, of every level but memory.

    A stretch that the chase found belongs to the stated level whose size is nearest, if that is within a factor of two. Where the
    system states nothing, the stretches are the levels, all but the last are taken for a thread's own, and that one for everybody's.
    """
    if not stated:
        ends = [size for size, _ in found if size < largest // 2]
        return [(f"L{number}", 0, size, 1 if size != ends[-1] else ALL) for number, size in enumerate(ends, 1)]
    rows = []
    for cache in stated:
        near = [size for size, _ in found if cache.size / 2 <= size <= 2 * cache.size]
        nearest = min(near, key=lambda size: abs(size - cache.size), default=0)
        rows.append((f"L{cache.level}", cache.size, nearest, cache.threads))
    return rows


def _measured(name: str, stated: int, found: int, sharing: int, threads: int, repeats: int, seconds: float) -> Level:
    """One level, at half of the smaller of both sizes, each of as many as the threads fill. sharing: hardware threads to one."""
    half = min(size for size in (stated, found) if size) // 2
    together = half * max(1, threads // sharing)
    speeds = [bandwidth.bytes_per_s("read", together, threads=threads, seconds=seconds / 3) for _ in range(repeats)]
    return Level(name, stated, found, [caches.latency_ns(half) for _ in range(repeats)], speeds)
