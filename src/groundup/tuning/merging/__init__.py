"""Merging: several tuned models of one shape become one, without a step of training.

config    which method, with which numbers
merging   average, SLERP, TIES, DARE: of tensors, and of model folders one weight at a time
"""

import importlib
from typing import Any

_EXPORTS = dict.fromkeys(("average", "slerp", "ties_merge", "dare_drop", "merge_folders"), "merging") | {
    "MergeConfig": "config"
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.tuning.merging has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
