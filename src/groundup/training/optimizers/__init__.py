"""How a gradient becomes a change of the weights.

adamw   each weight has a step of its own
muon    each matrix moves as a whole
build   which of them a run uses, and for which weights

They work on named parameters, so their state is a flat table of tensors that a safetensors file holds. Weights, momenta
and updates are fp32 whatever the model computes in: in bf16 a weight of 1 would not feel an update of 0.002.
"""

import importlib
from typing import Any

_EXPORTS = {"AdamW": "adamw", "Muon": "muon", "orthogonalize": "muon", "Together": "build", "build_optimizer": "build"}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.training.optimizers has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
