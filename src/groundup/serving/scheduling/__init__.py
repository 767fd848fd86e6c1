"""Scheduling: whose turn it is, what need not be computed again, and what a load does to a server.

batching   who of the waiting enters the batch: fair shares of tokens between keys, priorities, nobody starves
caching    an exact cache of whole answers
arrivals   when requests come: Poisson, in bursts, from a trace
queueing   what to expect: waiting against load, M/M/1 and M/M/c
load       a load sent to a server and its latencies
clients    the HTTP client that reads a stream and keeps the times
"""

import importlib
from typing import Any

_EXPORTS = {
    "FairOrder": "batching",
    "fair_order": "batching",
    "lifted": "batching",
    "Answer": "caching",
    "ResponseCache": "caching",
    "fingerprint": "caching",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.serving.scheduling has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
