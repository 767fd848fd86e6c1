"""The memory that torch's own allocator gives out on a CPU while something runs: exact, and the same every time.

The size of the process would count Python, code and freed pages as well, and moves from run to run. The profiler records
every block that is taken and given back; the peak is the largest running sum. Left out: what was held before, and what
libraries take by themselves (oneDNN's compiled kernels).
"""

from collections.abc import Callable

import torch


def peak_bytes(run: Callable[[], object]) -> int:
    """The most bytes that were given out at one time while `run` ran, over what had been given out before."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        run()
    events = [one for one in profile.profiler.kineto_results.events() if one.name() == "[memory]"]
    held = most = 0
    for event in sorted(events, key=lambda one: one.start_ns()):
        held += event.nbytes()
        most = max(most, held)
    return most
