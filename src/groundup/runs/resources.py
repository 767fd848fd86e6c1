"""What a stage cost: wall seconds, processor seconds, peak memory.

All stages run in one process, whose peak would otherwise be that of the hungriest stage so far. On Linux the kernel's high-water mark (`VmHWM`) is put
back to the present size before a stage (`/proc/self/clear_refs`, Linux 4.0), after freed memory was given back; elsewhere the process's peak so far is
all there is, and `peak_is_of_stage` says so. Leaves out: child processes and the memory of an accelerator.
"""

import ctypes
import gc
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from groundup.training.monitor import gauges

CLEAR_REFS = Path("/proc/self/clear_refs")
MEMINFO, LIMITS = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The cost of one stage in one sitting."""

    seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    start_memory_bytes: int
    peak_is_of_stage: bool  # False: the peak is of the whole process so far


def memory_bytes(field: str = "VmRSS") -> int:
    """Resident memory of this process; `VmHWM` for its high-water mark, which is all that some systems tell."""
    return gauges.resident().get(field) or gauges.peak_so_far()


def available_bytes() -> int:
    """Memory that this machine can still give, with what this process holds already; less where its container says less."""
    mine = memory_bytes()
    try:
        line = next(line for line in MEMINFO.read_text().splitlines() if line.startswith("MemAvailable"))
        free = int(line.split()[1]) * 1024 + mine
    except (OSError, StopIteration):
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit, used = (int((LIMITS / name).read_text()) for name in ("memory.max", "memory.current"))
        return min(free, limit - used + mine)
    except (OSError, ValueError):  # no such file, or "max"
        return free


def give_back() -> None:
    """Collect garbage and return freed pages to the system, so that the next stage does not start with the last one's memory."""
    gc.collect()
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (OSError, AttributeError):  # a C library without it (musl)
            pass


def reset_peak() -> bool:
    """Put the high-water mark back to the present size; False where the system cannot."""
    try:
        CLEAR_REFS.write_text("5")
        return True
    except OSError:
        return False


class Meter:
    """Measures from its making to `stop()`.

    >>> cost = Meter().stop()
    >>> cost.seconds >= 0 and cost.peak_memory_bytes > 0
    True
    """

    def __init__(self) -> None:
        give_back()
        self.of_stage = reset_peak()
        self.start_memory_bytes = memory_bytes()
        self.started, self.cpu_started = time.perf_counter(), _cpu_seconds()

    def stop(self) -> Cost:
        """The cost so far."""
        seconds, cpu_seconds = time.perf_counter() - self.started, _cpu_seconds() - self.cpu_started
        return Cost(
            seconds=seconds,
            cpu_seconds=cpu_seconds,
            peak_memory_bytes=memory_bytes("VmHWM"),
            start_memory_bytes=self.start_memory_bytes,
            peak_is_of_stage=self.of_stage,
        )


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
