"""RMSprop, Adam and AdamW: each coordinate has a step length of its own.

One rate for all coordinates is too long for the steep and too short for the flat. Divided by the root of the mean of
its squares, a gradient loses its size: every coordinate moves by about `rate` a step, whatever unit it is measured in.
RMSprop does that; Adam also averages the gradient itself and corrects both means for having begun at 0; AdamW takes the
decay of the weights out of the gradient, where the division would have levelled it as well.

    mean   ← β₁ mean + (1 - β₁) g          square ← β₂ square + (1 - β₂) g²
    x ← x - rate · (mean / (1 - β₁ᵗ)) / (√(square / (1 - β₂ᵗ)) + ε)

Sources: Hinton 2012, lecture 6e (RMSprop); Kingma & Ba 2015, arXiv:1412.6980, algorithm 1; Loshchilov & Hutter 2019,
arXiv:1711.05101, algorithm 2. Each is whole here and equal to torch.optim's, step for step; the one that trains models
is groundup.training.optimizers. Left out: AMSGrad, centred RMSprop.
"""

import numpy as np

from groundup.errors import InputError
from groundup.foundations.optimize.gradient_descent import Array, Gradient, slope, starting_point
from groundup.slots import slot


def rmsprop(
    gradient: Gradient, start: Array, rate: float, steps: int, beta: float = 0.99, epsilon: float = 1e-8
) -> Array:
    """Walk with each coordinate's gradient divided by its root mean square; the path, shape (steps + 1, *start.shape).

    square ← β square + (1 - β) g²;  x ← x - rate g / (√square + ε). torch.optim.RMSprop, whose alpha is `beta`.
    """
    path = [starting_point(start)]
    square = np.zeros_like(path[0])
    for _ in range(steps):
        current = slope(gradient, path[-1])
        square = beta * square + (1 - beta) * current**2
        path.append(path[-1] - rate * current / (np.sqrt(square) + epsilon))
    return np.stack(path)


@slot
def adam(
    gradient: Gradient,
    start: Array,
    rate: float,
    steps: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
) -> Array:
    """Walk by the mean of the gradients over the root of the mean of their squares; the path, shape (steps + 1, *start.shape).

    mean ← β₁ mean + (1 - β₁) g;  square ← β₂ square + (1 - β₂) g²;  both are 0 at first.
    x ← x - rate m / (√s + ε), where m = mean / (1 - β₁ᵗ), s = square / (1 - β₂ᵗ) and t = 1 at the first step.
    """
    path = [starting_point(start)]
    mean, square = np.zeros_like(path[0]), np.zeros_like(path[0])
    for step in range(1, steps + 1):
        current = slope(gradient, path[-1])
        mean = beta1 * mean + (1 - beta1) * current
        square = beta2 * square + (1 - beta2) * current**2
        unbiased_mean = mean / (1 - beta1**step)
        unbiased_square = square / (1 - beta2**step)
        path.append(path[-1] - rate * unbiased_mean / (np.sqrt(unbiased_square) + epsilon))
    return np.stack(path)


def adamw(
    gradient: Gradient,
    start: Array,
    rate: float,
    steps: int,
    beta1: float = 0.9,
    beta2: float = 0.999,
    epsilon: float = 1e-8,
    weight_decay: float = 0.01,
) -> Array:
    """Adam whose coordinates also shrink by rate · weight_decay of themselves a step, apart from the gradient.

    Adam with weight_decay · x added to the gradient (L2) is another method: there the decay is divided by √s too, so
    that weights with large gradients hardly decay.
    """
    if not 0 <= rate * weight_decay < 1:
        raise InputError(f"rate * weight_decay = {rate * weight_decay:g} takes more than the whole; keep it below 1")
    path = [starting_point(start)]
    mean, square = np.zeros_like(path[0]), np.zeros_like(path[0])
    for step in range(1, steps + 1):
        current = slope(gradient, path[-1])
        mean = beta1 * mean + (1 - beta1) * current
        square = beta2 * square + (1 - beta2) * current**2
        unbiased_mean, unbiased_square = mean / (1 - beta1**step), square / (1 - beta2**step)
        decayed = path[-1] * (1 - rate * weight_decay)
        path.append(decayed - rate * unbiased_mean / (np.sqrt(unbiased_square) + epsilon))
    return np.stack(path)


def effective_rates(gradients: Array, rate: float, beta2: float = 0.999, epsilon: float = 1e-8) -> Array:
    """What Adam multiplies each gradient of a sequence by, step for step: rate / (√s + ε), shape of `gradients`.

    gradients: (steps, *shape). The picture of why each coordinate has a rate of its own.
    """
    found = np.asarray(gradients, dtype=float)
    if found.ndim < 1 or not found.size:
        raise InputError(f"gradients of shape {found.shape} hold no steps; give (steps, *shape)")
    square, rates = np.zeros(found.shape[1:]), []
    for step, current in enumerate(found, 1):
        square = beta2 * square + (1 - beta2) * current**2
        rates.append(rate / (np.sqrt(square / (1 - beta2**step)) + epsilon))
    return np.stack(rates)
