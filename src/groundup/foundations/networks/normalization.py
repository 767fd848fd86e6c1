"""Numbers brought to one scale inside a network; the three norms differ in what they are averaged over.

    batch norm   each feature over the examples:  (x - mean) / sqrt(variance + eps) * weight + bias
    layer norm   each example over its features:  the same formula (`layer_norm` of `autograd/functions.py`)
    RMS norm     each example over its features:  x / sqrt(mean of x^2 + eps) * weight; no mean, no bias

Batch norm (Ioffe & Szegedy 2015) ties the examples of a batch together. It therefore needs two modes: in training it uses the
batch's own mean and variance and folds them into running ones, afterwards it uses those. Here both are one function that gives
the new statistics back beside its result: nothing is remembered in secret. A batch of one has a variance of 0, so it cannot
train. Layer norm (Ba et al. 2016) and RMS norm (Zhang & Sennrich 2019) know no batch: the same in both modes, for one
example or many, which is why language models use them.

All take an array or a Tensor, since they use only what both have: arithmetic, mean, reshape. Left out: group and instance norm.
"""

from typing import Any, NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.networks.activations import Array, Numbers
from groundup.slots import slot


class Running(NamedTuple):
    """What batch norm uses when training is over: a mean and a variance for each feature."""

    mean: Array
    variance: Array


def new_statistics(features: int) -> Running:
    """Mean 0 and variance 1, before any batch was seen."""
    if features < 1:
        raise InputError(f"features={features}; give how many there are")
    return Running(np.zeros(features), np.ones(features))


@slot
def batch_norm(
    x: Numbers,
    weight: Numbers,
    bias: Numbers,
    running: tuple[Array, Array],
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Numbers, tuple[Array, Array]]:
    """Normalize each feature (axis 1) over all other axes of x; the result, and the new running (mean, variance).

    x: (examples, features) or (pictures, channels, height, width); weight, bias: one for each feature. In training the batch's
    own mean and variance are used, the variance over n; running <- (1 - momentum) running + momentum batch, there with the
    variance over n - 1. Afterwards the running ones are used and given back as they are. x, weight and bias may be Tensors.
    """
    others = (0, *range(2, len(x.shape)))
    along = (1, -1) + (1,) * (len(x.shape) - 2)  # one number a feature, as it is broadcast over x
    if training:
        mean = x.mean(axis=others, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=others, keepdims=True)
        count = np.prod([x.shape[axis] for axis in others])
        seen = np.asarray(mean).reshape(-1), np.asarray(variance).reshape(-1) * count / (count - 1)
        new = tuple((1 - momentum) * old + momentum * now for old, now in zip(running, seen, strict=True))
    else:
        mean, variance = (old.reshape(along) for old in running)
        new = tuple(running)
    return (x - mean) / (variance + eps) ** 0.5 * weight.reshape(*along) + bias.reshape(*along), (new[0], new[1])


def batch_normalized(
    x: Numbers, weight: Numbers, bias: Numbers, running: Running, training: bool, **settings: float
) -> tuple[Numbers, Running]:
    """`batch_norm` over what a user gives: sizes that do not fit, and a batch of one in training, are refused."""
    size = tuple(x.shape[1:2])
    if len(x.shape) not in (2, 4) or any(one.shape != size for one in (weight, bias, *running)):
        raise InputError(
            f"x {x.shape}, weight {weight.shape}, bias {bias.shape} and running {running[0].shape} do not fit; give "
            "(examples, features) or (pictures, channels, height, width) and one number for each feature"
        )
    if training and int(np.prod(x.shape)) <= size[0]:
        raise InputError(
            f"x {x.shape} has one number for each feature, so its variance is 0; train with at least two examples"
        )
    y, new = batch_norm(x, weight, bias, running, training, **settings)
    return y, Running(*new)


def standardized(x: Numbers, axis: Any, eps: float = 1e-5) -> Numbers:
    """x with mean 0 and variance 1 along axes: axis 0 of (examples, features) is batch norm, axis 1 layer norm."""
    centred = x - x.mean(axis=axis, keepdims=True)
    return centred / ((centred * centred).mean(axis=axis, keepdims=True) + eps) ** 0.5


def rms_norm(x: Numbers, weight: Numbers, eps: float = 1e-6) -> Numbers:
    """Each row (last axis) divided by its root mean square, then scaled by weight."""
    if weight.shape != tuple(x.shape[-1:]):
        raise InputError(f"weight {weight.shape} must have the shape {x.shape[-1:]} of a row of x {x.shape}")
    return x / ((x * x).mean(axis=-1, keepdims=True) + eps) ** 0.5 * weight
