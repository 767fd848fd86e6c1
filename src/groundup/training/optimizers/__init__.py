"""How a gradient becomes a change of the weights.

moving      what they share: weights by name, their state, a step count
sgd         against the gradient
momentum    with a velocity
nesterov    with a velocity that looks ahead
rmsprop     over the root of the mean squared gradient
adam        a mean of the gradients over that root
adamw       the same, with a decay apart from the gradient
adafactor   with a root of which only the sums over rows and columns are kept
lion        by the sign alone
muon        each matrix moves as a whole
low_memory  AdamW with its state in bf16 or 8 bit
build       which of them a run uses, and for which weights

They work on named parameters, so their state is a flat table of tensors that a safetensors file holds. Weights and
updates are fp32 whatever the model computes in: in bf16 a weight of 1 would not feel an update of 0.002.
"""

import importlib
from typing import Any

_EXPORTS = {
    "SGD": "sgd",
    "Momentum": "momentum",
    "Nesterov": "nesterov",
    "RMSprop": "rmsprop",
    "Adam": "adam",
    "AdamW": "adamw",
    "Adafactor": "adafactor",
    "Lion": "lion",
    "Muon": "muon",
    "orthogonalize": "muon",
    "LowMemoryAdamW": "low_memory",
    "Together": "build",
    "build_optimizer": "build",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.training.optimizers has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
