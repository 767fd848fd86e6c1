"""The processor of this machine: its name, and how many of its cores this process may use."""

import os
import platform
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def cores() -> int:
    """The cores that this process may use: a container or `taskset` may give it fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def processor() -> str:
    """The processor's model as the system gives it."""
    try:
        lines = CPUINFO.read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # no Linux, or an ARM processor, which has no such line
        return platform.processor() or platform.machine()


def machine_name() -> str:
    """The processor's model and number of cores, as a person would name the machine."""
    return f"{processor()}, {cores()} cores"
