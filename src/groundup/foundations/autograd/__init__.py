"""How a program's gradient is found, from a quotient of differences to a GPT that trains.

derivatives  how much a result changes when an input does: measured by differences
chain_rule   a formula as a graph of scalars; its gradient is a sum over paths, found in one walk back
autodiff     the same walk over whole arrays, with broadcasting
functions    what a network is made of: softmax, layer norm, convolution, attention, with their gradients
backprop     the gradients of an MLP derived by hand, no graph needed
frameworks   one network in our autodiff, PyTorch, JAX and TensorFlow; define-by-run against traced graphs
gpt          a GPT on this autodiff alone, small enough to train in seconds
"""

import importlib
from typing import Any

_EXPORTS = {
    "numerical_gradient": "derivatives",
    "jacobian": "derivatives",
    "hessian": "derivatives",
    "check_gradient": "derivatives",
    "Node": "chain_rule",
    "Tensor": "autodiff",
    "concatenate": "autodiff",
    "where": "autodiff",
    "softmax": "functions",
    "log_softmax": "functions",
    "layer_norm": "functions",
    "cross_entropy": "functions",
    "conv2d": "functions",
    "attention": "functions",
    "mlp_backward": "backprop",
    "compare": "frameworks",
    "trace": "frameworks",
    "GPTConfig": "gpt",
    "train": "gpt",
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.foundations.autograd has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
