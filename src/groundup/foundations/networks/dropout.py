"""Dropout as a layer: in training each number goes missing with a chance, so that no neuron may rely on another being there.

    training    y = x * mask / (1 - rate), the mask 0 with probability `rate` and 1 otherwise
    afterwards  y = x

Divided by 1 - rate already in training ("inverted"), a number keeps its expected value, and nothing is left to do when the
network is used. The mask comes from a generator that is given: the same generator, the same mask.

One network with all its masks is very many thinned ones with shared weights. To use it without a mask stands for their mean:
exactly for a linear layer, about for a deep network (`over_masks` measures it; the spread says how unsure the network is).

Sources: Srivastava et al. 2014; Gal & Ghahramani 2016 (the spread). What it amounts to for a linear model is in
`learning/regularization/dropout.py`. Left out: dropping whole channels, and DropConnect.
"""

from collections.abc import Callable

import numpy as np

from groundup.errors import InputError
from groundup.foundations.networks.activations import Array, Numbers
from groundup.slots import slot


@slot
def dropout(x: Numbers, rate: float, generator: np.random.Generator, training: bool = True) -> Numbers:
    """Drop numbers of x (an array or a Tensor) with probability `rate` and scale the others; nothing once training is over.

    A number stays where `generator.random(x.shape) >= rate`: one draw for each number, whether or not it stays.
    """
    if not 0 <= rate < 1:
        raise InputError(f"rate={rate:g} would drop everything or less than nothing; use 0 up to (not including) 1")
    if not training:
        return x
    kept = generator.random(x.shape) >= rate
    return x * (kept / (1 - rate))


def over_masks(
    network: Callable[[np.random.Generator], Array], samples: int, generator: np.random.Generator
) -> tuple[Array, Array]:
    """Mean and deviation of what a network says under many masks; network: called with the generator of its masks."""
    if samples < 2:
        raise InputError(f"samples={samples}; a spread needs at least 2")
    said = np.stack([np.asarray(network(generator)) for _ in range(samples)])
    return said.mean(axis=0), said.std(axis=0, ddof=1)
