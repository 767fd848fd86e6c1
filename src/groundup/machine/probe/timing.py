"""Times of several ways to do the same, taken in turns: a slow minute of the machine then hits all of them alike.

Best, median or ratio are the caller's choice. clock: `time.perf_counter` counts waiting too, `time.thread_time` only this
thread's work, for one thread beside other programs.
"""

import time
from collections.abc import Callable, Mapping


def in_turns(
    work: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each call, `rounds` of them by name. warm: rounds before these that do not count.

    >>> ticks = iter(range(100))
    >>> in_turns({"a": list, "b": dict}, 2, warm=1, clock=lambda: next(ticks))
    {'a': [1, 1], 'b': [1, 1]}
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(warm + rounds):
        for name, run in work.items():
            start = clock()
            run()
            taken = clock() - start
            if turn >= warm:
                seconds[name].append(taken)
    return seconds
