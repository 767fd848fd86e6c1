"""This machine measured: how fast it multiplies matrices in each number format, and how fast it reads memory.

A computation is bound by the one or by the other (Williams et al. 2009, the roofline); every benchmark here quotes its
ratio to these two. The measurement takes about two seconds and is kept in the user's cache folder. A fixed product
(`matmul_seconds`) timed before and after long work tells how much the machine drifted meanwhile.
"""

import hashlib
import time
from dataclasses import asdict, dataclass

import torch

from groundup import files
from groundup.errors import GroundupError
from groundup.machine.probe import products
from groundup.processor import processor
from groundup.slots import slot

FORMAT = 2  # of the kept figures: 1 had fp32 by MKL alone
SIDE = 1024
DRIFT_SIDE = 768
PAUSE_S = 0.3  # longer than a moment's disturbance


@slot
def attainable(intensity: float, flops: float, bytes_per_s: float) -> float:
    """Operations a second at best, of work that does `intensity` operations for each byte it moves: the roof at that place.

    flops: the machine's peak in operations a second; bytes_per_s: what it moves. Williams et al. 2009, figure 1.

    >>> attainable(0.5, 100e9, 10e9), attainable(50.0, 100e9, 10e9)
    (5000000000.0, 100000000000.0)
    """
    return min(flops, intensity * bytes_per_s)


@dataclass(frozen=True, slots=True)
class Machine:
    """Limits of a machine. matmul_flops: operations a second by dtype (a multiply and an add are two)."""

    processor: str
    threads: int
    matmul_flops: dict[str, float]
    memory_bytes_per_s: float

    def least_seconds(self, flops: float, moved_bytes: float, dtype: str = "float32") -> float:
        """The time below which this machine cannot do so many operations on so many bytes."""
        return max(flops / self.matmul_flops[dtype], moved_bytes / self.memory_bytes_per_s)

    def ridge(self, dtype: str = "float32") -> float:
        """Operations a byte from which on it is multiplying, not reading, that takes the time."""
        return self.matmul_flops[dtype] / self.memory_bytes_per_s


def probe(fresh: bool = False) -> Machine:
    """The limits of this machine with the current number of threads, measured once and kept."""
    path = files.cache_folder() / f"machine-{_key()}.json"
    if path.exists() and not fresh:
        try:
            return Machine(**files.read_json(path))
        except (GroundupError, TypeError):
            pass  # a damaged or older file: measure again
    machine = Machine(
        processor(),
        torch.get_num_threads(),
        {name: matmul_flops(name) for name in ("float32", "bfloat16")},
        memory_bytes_per_s(),
    )
    try:
        files.write_json(path, asdict(machine))
    except GroundupError:
        pass  # a read-only home: measure again next time
    return machine


def matmul_flops(dtype: str, seconds: float = 0.3) -> float:
    """Operations a second of a square matrix product of side 1024: the best of the runs that fit into `seconds`.

    By the faster of the libraries that torch carries; the side that is fastest is looked for in `products.peak`.
    """
    kernels = products.ways(dtype).values()
    return max(products.flops_at(kernel, dtype, SIDE, seconds / len(kernels)) for kernel in kernels)


def memory_bytes_per_s(size: int = 1 << 28) -> float:
    """Bytes a second when reading an array that no cache holds (256 MB)."""
    array = torch.ones(size // 4)
    times = []
    for _ in range(4):
        start = time.perf_counter()
        array.sum()
        times.append(time.perf_counter() - start)
    return size / min(times)


def matmul_seconds(repeats: int = 24, pause_s: float = PAUSE_S) -> float:
    """Seconds for a fixed product now: divide two of these to get the machine's drift between them.

    The first quartile of some products, and the least of two such, a pause apart: what slows a moment down (a process that ends beside this
    one, another machine on the same processor) is no drift. One reading alone told drifts of 0.6 to 1.5 in ten short runs, this one of 0.8 to
    1.1 in twelve (benchmarks/runs/plan.py).
    """
    generator = torch.Generator().manual_seed(0)
    matrix = torch.randn(DRIFT_SIDE, DRIFT_SIDE, generator=generator)

    def quartile() -> float:
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            matrix @ matrix
            times.append(time.perf_counter() - start)
        return sorted(times)[len(times) // 4]

    first = quartile()
    time.sleep(pause_s)
    return min(first, quartile())


def _key() -> str:
    text = f"{FORMAT} {processor()} {torch.__version__} {torch.get_num_threads()}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]
