"""The loop that trains every model on every objective, and what is asked of it while it runs.

trainer          batches, gradient, step, listeners: the sentence
listeners        metrics, and what happens every so many steps
state            all that a run carries from step to step, so that a checkpoint holds it and a spike can be undone
live_evaluation  scores while it trains, of the weights and of their running mean
dial             one number, the depth, sets shape, rates, batch and length of a run
compare          two configurations from the same seeds: equal or not
record           seconds from the start of a process to a held-out loss
"""

import importlib
from typing import Any

_EXPORTS = {
    "train": "trainer",
    "Step": "trainer",
    "TrainResult": "trainer",
    "never": "trainer",
    "Listener": "listeners",
    "write_metrics": "listeners",
    "call_every": "listeners",
    "validate_every": "live_evaluation",
    "metrics": "listeners",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.training.loop has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
