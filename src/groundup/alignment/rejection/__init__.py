"""Answer several times and keep the best: when answering (best-of-n), or to learn from it (rejection-sampling tuning).

rejection  what the best of n is worth, how far it is from the model, and the choice among tries
trainer    the model is tuned on its own best tries, round after round
config     what such a run is told
"""

import importlib
from typing import Any

_EXPORTS = {
    "best_of_n": "rejection",
    "best_of_n_divergence": "rejection",
    "best_of_n_distribution": "rejection",
    "kept": "rejection",
    "RejectionConfig": "config",
    "best_answers": "trainer",
    "fit": "trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.alignment.rejection has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
