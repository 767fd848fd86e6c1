"""The state of a run on disk, from which a killed run goes on bit for bit.

checkpointing   one checkpoint: a folder that is written whole or not at all, and read only when its checksums hold
model_folder    each is a model folder too, that `groundup.load` reads; the weights are written once
random_state    the generators that a step may draw from
background      written by a thread while training goes on
keeping         which of them stay: the newest, the best, every n-th
keeper          what the loop asks: where to go on, when to save, what to do when that fails
"""

import importlib
from typing import Any

_EXPORTS = {
    "save": "checkpointing",
    "load_newest": "checkpointing",
    "found": "checkpointing",
    "damage": "checkpointing",
    "write_whole": "checkpointing",
    "Stateful": "checkpointing",
    "kept_steps": "keeping",
    "inventory": "keeping",
    "Keeper": "keeper",
    "MAY_CHANGE": "keeper",
    "cut_metrics": "keeper",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.training.checkpoint has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
