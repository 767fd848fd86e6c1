"""What stands between two layers: without a bend, any number of layers is one matrix.

    relu        max(x, 0)                       derivative 1 above 0, else 0 (0 at 0, as torch has it)
    leaky_relu  x above 0, else 0.01 x          1 or 0.01: no neuron is ever dead
    sigmoid     s = 1 / (1 + exp(-x))           s (1 - s), at most 1/4: through ten layers at most 1e-6
    tanh        t = tanh x                      1 - t^2, at most 1
    gelu        x P(x), P the normal distribution's share below x     P(x) + x p(x), with p its density
    gelu_tanh   the same with a tanh in place of P (GPT-2)
    silu        x sigmoid(x), also called swish                       s (1 + x (1 - s))

Softmax is none of these: each of its results depends on all scores, so its derivative is a matrix. SwiGLU is a layer rather
than a function of one number: silu(x W) * (x V), the one half deciding how much of the other goes through.

Each works on an array and, as one node with the derivative written here, on a Tensor of `autograd/autodiff.py`.
Sources: Hendrycks & Gimpel 2016 (GELU); Ramachandran et al. 2017 (swish); Shazeer 2020 (SwiGLU). Left out: ELU, Mish, maxout.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, record
from groundup.foundations.autograd.functions import gelu
from groundup.foundations.learning.supervised.logistic import sigmoid
from groundup.slots import slot

LEAK = 0.01
Numbers = Any  # an array or a Tensor: both know arithmetic, mean, sum and reshape


def normal_density(x: Array) -> Array:
    """The density of the normal distribution with mean 0 and variance 1: exp(-x^2 / 2) / sqrt(2 pi)."""
    return np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def normal_share(x: Array) -> Array:
    """The share of that distribution below each x: (1 + erf(x / sqrt 2)) / 2."""
    return 0.5 * np.asarray(np.frompyfunc(math.erfc, 1, 1)(-np.asarray(x) / math.sqrt(2)), dtype=float)


@slot
def gelu_backward(gradient: Array, x: Array) -> Array:
    """The gradient by x, where `gradient` is the one by gelu(x) = x P(x), for numbers of any shape.

    P is `normal_share` and its derivative is `normal_density`.

    >>> gelu_backward(np.array([2.0]), np.array([0.0]))
    array([1.])
    """
    return gradient * (normal_share(x) + x * normal_density(x))


def _gelu_tanh_slope(x: Array) -> Array:
    """Its derivative is already a rule of `autograd/functions.py`; the graph is asked for it."""
    leaf = Tensor(x, True)
    gelu(leaf).backward(np.ones_like(x))
    assert leaf.grad is not None
    return leaf.grad


class Activation(NamedTuple):
    """A function of one number. value: itself; slope: its derivative; both for arrays of any shape."""

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]


ACTIVATIONS = {
    "identity": Activation(lambda x: x + 0.0, np.ones_like),
    "relu": Activation(lambda x: np.maximum(x, 0.0), lambda x: (x > 0) * 1.0),
    "leaky_relu": Activation(lambda x: np.where(x > 0, x, LEAK * x), lambda x: np.where(x > 0, 1.0, LEAK)),
    "sigmoid": Activation(sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),  # 1 - s would round to 0 for large x
    "tanh": Activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "gelu": Activation(lambda x: x * normal_share(x), lambda x: gelu_backward(np.ones_like(x), x)),
    "gelu_tanh": Activation(lambda x: gelu(Tensor(x)).data, _gelu_tanh_slope),
    "silu": Activation(lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
}


def activation(name: str) -> Activation:
    """A function and its derivative, by name."""
    if name not in ACTIVATIONS:
        raise InputError(f"there is no activation {name!r}; use one of {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]


def activate(name: str, x: Numbers) -> Numbers:
    """Bend an array, or a Tensor with its gradient."""
    value, slope = activation(name)
    if not isinstance(x, Tensor):
        return value(_floats(x))
    return record(value(x.data), name, (x,), lambda g: (g * slope(x.data),), saved=(x,))


def relu(x: Numbers) -> Numbers:
    """What is above 0; the one that is written everywhere."""
    return activate("relu", x)


def silu(x: Numbers) -> Numbers:
    """x sigmoid(x): a smooth relu that dips to -0.278 at x = -1.278."""
    return activate("silu", x)


def swiglu(x: Numbers, gate: Numbers, up: Numbers) -> Numbers:
    """silu(x @ gate) * (x @ up), with matrices of one shape (inputs, outputs)."""
    if gate.shape != up.shape or x.shape[-1:] != gate.shape[:1]:
        raise InputError(
            f"x {x.shape}, gate {gate.shape} and up {up.shape} do not fit; give (..., inputs) and twice (inputs, outputs)"
        )
    return silu(x @ gate) * (x @ up)


def softmax_jacobian(scores: ArrayLike) -> Array:
    """The matrix of derivatives of a softmax: diag(p) - p p'; rows and columns sum to 0, since the p sum to 1."""
    z = _floats(scores)
    if z.ndim != 1 or not z.size:
        raise InputError(f"scores have the shape {z.shape}; give one list of at least one score")
    raised = np.exp(z - z.max())
    p = raised / raised.sum()
    return np.diag(p) - np.outer(p, p)


def _floats(x: ArrayLike) -> Array:
    array = np.asarray(x)
    if array.dtype.kind not in "fiu":
        raise InputError(f"x holds {array.dtype} where real numbers are needed; convert it to floats first")
    return array if array.dtype.kind == "f" else array.astype(float)
