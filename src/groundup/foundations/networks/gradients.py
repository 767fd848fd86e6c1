"""Why deep networks were hard to train: the gradient is a product with one factor a layer.

    dL/dh_k = dL/dh_n  J_n ... J_{k+1},   J = W diag(f'(z))

If each factor shrinks a vector to the share s, the first of n layers gets s^n of the gradient; sigmoid's derivative is at most
1/4, so s is small there unless the weights are large, which saturates it. If s is above 1 the gradient grows as fast
(Hochreiter 1991; Bengio et al. 1994; Pascanu et al. 2013). Three remedies, measured here: weights that make s about 1
(`initialization.py`); a skip h + f(h W), whose factor is 1 plus something; and, against the rare huge gradient, clipping by
norm: the direction stays, the length is at most max_norm.

Left out: gates (`classical/recurrent`), norms inside the network, clipping by value (it changes the direction).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor
from groundup.foundations.linalg.arrays import as_square
from groundup.foundations.networks.activations import activate
from groundup.foundations.networks.initialization import Make


def gradient_by_depth(
    make: Make, bend: str, depth: int = 20, width: int = 64, examples: int = 32, skip: bool = False, seed: int = 0
) -> Array:
    """The length of the gradient by what leaves each layer, first to last, in an untrained network; the loss is half |h_n - t|^2."""
    if min(depth, width, examples) < 1:
        raise InputError(f"depth={depth}, width={width}, examples={examples}; give 1 or more of each")
    generator = np.random.default_rng(seed)
    h, kept = Tensor(generator.standard_normal((examples, width)), True), []
    for _ in range(depth):
        bent = activate(bend, h @ make((width, width), generator))
        h = (h + bent if skip else bent).retain_grad()
        kept.append(h)
    targets = generator.standard_normal((examples, width))
    (0.5 * ((h - targets) ** 2).mean()).backward()
    return np.array([np.linalg.norm(one.grad) if one.grad is not None else 0.0 for one in kept])


def factor_per_layer(norms: ArrayLike) -> float:
    """By what one layer multiplies a gradient on its way back, on average: below 1 it vanishes, above 1 it explodes.

    >>> factor_per_layer([1.0, 2.0, 4.0])
    0.5
    """
    lengths = np.asarray(norms, dtype=float)
    if lengths.ndim != 1 or len(lengths) < 2 or not np.isfinite(lengths).all() or (lengths <= 0).any():
        raise InputError(
            f"norms have shape {lengths.shape} or hold 0, NaN or infinity; give at least two positive lengths, first layer first"
        )
    return float((lengths[0] / lengths[-1]) ** (1 / (len(lengths) - 1)))


def through_time(matrix: ArrayLike, steps: int) -> Array:
    """The length of a vector of length 1 after 0, 1, ... steps back through one and the same matrix, as in a recurrent network.

    In the long run it grows by the largest absolute eigenvalue a step.
    """
    weights = as_square(matrix)
    if steps < 0:
        raise InputError(f"steps={steps}; give 0 or more")
    vector = np.full(len(weights), len(weights) ** -0.5)
    lengths = [1.0]
    for _ in range(steps):
        vector = weights.T @ vector
        lengths.append(float(np.linalg.norm(vector)))
    return np.array(lengths)


def clip_by_norm(gradients: Sequence[ArrayLike], max_norm: float) -> tuple[list[Array], float]:
    """Scale all gradients by one factor so that together they are at most max_norm long; new ones, and the length before.

    >>> clip_by_norm([[3.0], [4.0]], 1.0)
    ([array([0.6]), array([0.8])], 5.0)
    """
    if not max_norm > 0:
        raise InputError(f"max_norm={max_norm}; give a positive length")
    arrays = [np.asarray(one, dtype=float) for one in gradients]
    norm = float(np.sqrt(sum(float((one * one).sum()) for one in arrays)))
    if not np.isfinite(norm):
        raise InputError("a gradient holds NaN or infinity, which no scaling mends; leave this step out")
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return [one * factor for one in arrays], norm
