"""Weights to begin with: as large as keeps a signal alive through many layers.

A sum of n products w x has the variance n Var(w) E[x^2]. So that a layer gives back the scale that came:

    Xavier    uniform in +-sqrt(6 / (inputs + outputs)): variance 2 / (inputs + outputs), a compromise of forward (1 / inputs)
              and backward (1 / outputs); for tanh, which is about linear near 0 (Glorot & Bengio 2010, eq. 16)
    Kaiming   normal with variance 2 / inputs: a relu throws half of E[x^2] away, the 2 gives it back (He et al. 2015, eq. 10)
    GPT       normal with deviation 0.02 whatever the width; what adds to the residual stream 0.02 / sqrt(2 layers), since two
              branches a layer add up there (Radford et al. 2019)

Weights are (inputs, outputs), or filters of a convolution (filters, channels, rows, columns), whose inputs are all numbers
under a filter. Left out: orthogonal and data-dependent initialisation, muP.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.networks.activations import Array, activate
from groundup.slots import slot

Shape = tuple[int, ...]
Make = Callable[[Shape, np.random.Generator], Array]  # weights of a shape, drawn from a generator
GPT_DEVIATION = 0.02


def fans(shape: Shape) -> tuple[int, int]:
    """How many numbers a result is summed from, and how many results a number goes into.

    >>> fans((3, 5)), fans((8, 2, 3, 3))
    ((3, 5), (18, 72))
    """
    if len(shape) == 2 and min(shape) > 0:
        return shape[0], shape[1]
    if len(shape) == 4 and min(shape) > 0:
        filters, channels, rows, columns = shape
        return channels * rows * columns, filters * rows * columns
    raise InputError(
        f"weights of shape {shape} are neither (inputs, outputs) nor (filters, channels, rows, columns); give one of them"
    )


@slot
def xavier(shape: tuple[int, ...], generator: np.random.Generator) -> Array:
    """Weights for tanh: uniform in +-sqrt(6 / (inputs + outputs)), with both numbers from `fans(shape)`."""
    inputs, outputs = fans(shape)
    limit = math.sqrt(6 / (inputs + outputs))
    return generator.uniform(-limit, limit, shape)


@slot
def kaiming(shape: tuple[int, ...], generator: np.random.Generator, gain: float = math.sqrt(2)) -> Array:
    """Weights for relu: normal with mean 0 and deviation gain / sqrt(inputs), with the inputs from `fans(shape)`."""
    inputs, _ = fans(shape)
    return generator.normal(0.0, gain / math.sqrt(inputs), shape)


def gpt(shape: Shape, generator: np.random.Generator, layers: int = 0) -> Array:
    """GPT-2's weights; layers: for a matrix whose result is added to the residual stream of so many layers, else 0."""
    if layers < 0:
        raise InputError(f"layers={layers}; give the number of layers, or 0 for a matrix inside a branch")
    fans(shape)
    return generator.normal(0.0, GPT_DEVIATION / math.sqrt(max(1, 2 * layers)), shape)


def scaled(deviation: float) -> Make:
    """Normal weights of one deviation whatever the shape: what one would do first."""
    if not deviation >= 0:
        raise InputError(f"deviation={deviation}; give 0 or a positive number")
    return lambda shape, generator: generator.normal(0.0, deviation, shape)


INITIALIZERS: dict[str, Make] = {"xavier": xavier, "kaiming": kaiming, "gpt": gpt}


class Signal(NamedTuple):
    """The numbers that leave the layers, first to last. dead: the share of neurons that are 0 for every example."""

    mean: Array
    deviation: Array
    dead: Array
    sample: list[Array]  # some of the numbers of each layer, for a histogram


def signal_by_depth(
    make: Make, activation: str, depth: int = 20, width: int = 100, examples: int = 100, seed: int = 0
) -> Signal:
    """Send normal numbers through `depth` untrained layers and look at what leaves each."""
    if min(depth, width, examples) < 1:
        raise InputError(f"depth={depth}, width={width}, examples={examples}; give 1 or more of each")
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((examples, width))
    layers = []
    for _ in range(depth):
        x = activate(activation, x @ make((width, width), generator))
        layers.append(x)
    means, deviations = (np.array([getattr(one, what)() for one in layers]) for what in ("mean", "std"))
    dead = np.array([(one == 0).all(axis=0).mean() for one in layers])
    return Signal(means, deviations, dead, [one.ravel()[:1000] for one in layers])


def residual_signal(layers: int, width: int = 100, end_deviation: float | None = None, seed: int = 0) -> Array:
    """The deviation of a residual stream after each layer, where two linear branches a layer add to it.

    Each branch adds variance 1 if its end is not scaled, and end_deviation^2 if it is; None: 1 / sqrt(2 layers), as GPT has it.
    """
    if layers < 1 or width < 1:
        raise InputError(f"layers={layers}, width={width}; give 1 or more of each")
    generator = np.random.default_rng(seed)
    x, found = generator.standard_normal((100, width)), []
    end = 1 / math.sqrt(2 * layers) if end_deviation is None else end_deviation
    for _ in range(layers):
        for _ in range(2):
            x = x + end * (x / x.std()) @ kaiming((width, width), generator, 1.0)
        found.append(float(x.std()))
    return np.array(found)
