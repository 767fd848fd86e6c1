"""One optimiser step, from batches to a bounded gradient.

accumulation    gradients of several batches are those of one large batch
clipping        a gradient that is too long is shortened
spikes          a step that stands out is skipped, or undone
precision       the number format that is faster here; fp16 with its loss scaled
float8          the three products of a linear map in eight bits, each tensor with a scale of its own
cross_entropy   the loss of a large vocabulary without holding all its scores
activation_checkpointing   blocks that keep little and compute it once more, or keep it elsewhere
low_memory      as many rows at once as fit, the others accumulated
compile         blocks as a few compiled loops, where that pays
"""

import importlib
from typing import Any

_EXPORTS = {"accumulate": "accumulation", "Objective": "accumulation", "clip_": "clipping", "choose_dtype": "precision"}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.training.step has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
