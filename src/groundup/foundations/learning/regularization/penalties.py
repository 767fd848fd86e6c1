"""Penalties: large weights cost something, so a weight must earn its size.

    ridge (L2)   1/(2n) |y - Xw - b|^2 + penalty/2 |w|^2       all weights shrink, none becomes 0 (Hoerl & Kennard 1970)
    lasso (L1)   1/(2n) |y - Xw - b|^2 + penalty |w|_1         small ones become exactly 0 (Tibshirani 1996)

Ridge along a direction of the data with variance v multiplies the weight by v / (v + penalty): what the data hardly
shows, it hardly believes. It is least squares with d more examples: sqrt(n penalty) times the unit vectors, each with
the answer 0. Lasso has no formula, but for one weight alone it has: the least-squares weight, moved towards 0 by the
penalty and held there (soft threshold); taking the weights in turn finds the minimum, since the loss is convex and the
kinks are separate (Friedman et al. 2010). The duality gap says when: it bounds what is still to be gained.

The penalty stands beside a mean loss, as in training: it does not change with the number of examples. scikit-learn's
Ridge has alpha = n penalty, its Lasso alpha = penalty. The intercept is free. Bring the columns to one scale first
(`features.standardize`), or the unit of a feature decides what it costs. Left out: elastic net, group penalties.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import with_numbers
from groundup.foundations.learning.supervised.linear import LinearModel, linear_regression
from groundup.foundations.linalg.arrays import Array, as_vector
from groundup.foundations.linalg.qr import least_squares
from groundup.slots import slot


def l2(weights: ArrayLike) -> float:
    """|w|^2 / 2, whose gradient is w itself.

    >>> l2([3.0, -4.0])
    12.5
    """
    w = as_vector(weights, "weights")
    return float(w @ w) / 2


def l1(weights: ArrayLike) -> float:
    """The sum of |w|; its gradient is the sign, which does not fade as w becomes small.

    >>> l1([3.0, -4.0])
    7.0
    """
    return float(np.abs(as_vector(weights, "weights")).sum())


def with_penalty(x: ArrayLike, y: ArrayLike, penalty: float) -> tuple[Array, Array]:
    """A table and its answers, after the check of the penalty."""
    if not 0 <= penalty < math.inf:
        raise InputError(f"penalty={penalty:g}; give 0 or a positive number")
    return with_numbers(x, y)


@slot
def ridge(x: ArrayLike, y: ArrayLike, penalty: float) -> LinearModel:
    """The weights and the intercept with the smallest 1/(2n) |y - Xw - b|^2 + penalty/2 |w|^2; the intercept costs
    nothing.

    x: (examples, features); y: one number an example. More features than examples are no trouble, if the penalty is not
    0.
    """
    table, answers = with_penalty(x, y, penalty)
    count, features = table.shape
    x_mean, y_mean = table.mean(axis=0), answers.mean()  # centred, the intercept is out of the way
    pulls = math.sqrt(count * penalty) * np.eye(features)
    weights = least_squares(np.vstack([table - x_mean, pulls]), np.append(answers - y_mean, np.zeros(features)))
    return LinearModel(weights, float(y_mean - x_mean @ weights))


def soft_threshold(values: ArrayLike, amount: float) -> Array:
    """Move every value towards 0 by `amount`, and stop there: what minimises (w - value)^2 / 2 + amount |w|.

    >>> soft_threshold([3.0, -0.5, -2.0], 1.0)
    array([ 2., -0., -1.])
    """
    values = np.asarray(values, np.float64)
    return np.sign(values) * np.maximum(np.abs(values) - amount, 0.0)


def largest_penalty(x: ArrayLike, y: ArrayLike) -> float:
    """The smallest lasso penalty at which every weight is 0: the largest |x_j . y| / n of the centred columns."""
    table, answers = with_numbers(x, y)
    return float(np.abs((table - table.mean(axis=0)).T @ (answers - answers.mean())).max() / len(table))


def lasso(x: ArrayLike, y: ArrayLike, penalty: float, sweeps: int = 10_000, tolerance: float = 1e-10) -> LinearModel:
    """The lasso by coordinate descent, until the duality gap is below tolerance * |y|^2 / n (y centred)."""
    table, answers = with_penalty(x, y, penalty)
    if not penalty:
        return linear_regression(x, y)  # no kinks, and no dual to bound the gap with
    x_mean, y_mean = table.mean(axis=0), answers.mean()
    centred, rest = table - x_mean, answers - y_mean
    weights, scale = np.zeros(table.shape[1]), (centred**2).mean(axis=0)
    enough = tolerance * float(rest @ rest) / len(rest)
    for _ in range(sweeps):
        for j in np.flatnonzero(scale):
            alone = centred[:, j] @ rest / len(rest) + scale[j] * weights[j]
            moved = float(soft_threshold(alone, penalty)) / scale[j]
            rest = rest + centred[:, j] * (weights[j] - moved)
            weights[j] = moved
        if _gap(centred, rest, weights, penalty) <= enough:
            return LinearModel(weights, float(y_mean - x_mean @ weights))
    raise InputError(
        f"the lasso is not done after {sweeps} sweeps: columns are nearly dependent; give a larger penalty or more sweeps"
    )


def _gap(x: Array, rest: Array, weights: Array, penalty: float) -> float:
    """The most that the loss can still fall: its value less that of a point of the dual problem, rest scaled until it is allowed."""
    count = len(rest)
    correlation = float(np.abs(x.T @ rest).max()) / count
    allowed = 1.0 if correlation <= penalty else penalty / correlation
    fitted = rest + x @ weights  # the centred answers
    primal = float(rest @ rest) / (2 * count) + penalty * float(np.abs(weights).sum())
    dual = (allowed * float(rest @ fitted) - allowed**2 * float(rest @ rest) / 2) / count
    return primal - dual


def decay(weights: ArrayLike, gradient: ArrayLike, learning_rate: float, weight_decay: float) -> Array:
    """One step of gradient descent with weight decay: (1 - rate * decay) w - rate * gradient.

    For plain gradient descent that is the step on loss + decay/2 |w|^2. For Adam it is not, since the penalty's
    gradient would be divided like any other; taking the decay out of it is the W of AdamW (Loshchilov & Hutter 2019).
    """
    return (1 - learning_rate * weight_decay) * np.asarray(weights, float) - learning_rate * np.asarray(gradient, float)
