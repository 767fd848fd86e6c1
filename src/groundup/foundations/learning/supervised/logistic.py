"""Logistic regression: the weighted sum of the features as a probability.

    probability  p = sigmoid(z) = 1 / (1 + exp(-z)),  z = w . x + b: the log of the odds is linear
    loss         mean of -log(probability of what came) = mean of log(1 + exp(z)) - y z, in nats, plus penalty/2 |w|^2
    gradient     mean of (p - y) x, and of p - y for the intercept: what was believed minus what came
    Newton       the curvature is A' diag(p (1 - p)) A / n, so each step solves a weighted least-squares problem (IRLS)

A language model's last layer is this with a softmax over the vocabulary, and its gradient is the same difference. Where
a line separates the classes, larger weights are always better and there is no minimum: that needs a penalty above 0.
The intercept is never penalised. scikit-learn's C is 1 / (n penalty).

Sources: Cox 1958; Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, section 4.4.1. Left out: more
than two classes (the softmax of `foundations/networks`), standard errors.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_features, with_classes
from groundup.foundations.learning.supervised.linear import with_ones
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.foundations.linalg.qr import solve
from groundup.foundations.optimize.gradient_descent import gradient_descent
from groundup.slots import slot

NEWTON_STEPS = 50  # five to ten are usual


class LogisticModel(NamedTuple):
    """A probability for the second of two classes."""

    weights: Array
    intercept: float
    classes: NDArray

    def probability(self, x: ArrayLike) -> Array:
        """For every row of x how likely the second class is."""
        table = as_matrix(x, "x")
        same_features(table, len(self.weights))
        return sigmoid(table @ self.weights + self.intercept)

    def predict(self, x: ArrayLike) -> NDArray:
        """The likelier class for every row of x."""
        return self.classes[(self.probability(x) > 0.5).astype(int)]


def sigmoid(z: ArrayLike) -> Array:
    """1 / (1 + exp(-z)), by exp of what is not positive, so that nothing overflows.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    z = np.asarray(z, np.float64)
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, small) / (1.0 + small)


def log_loss(z: ArrayLike, y: ArrayLike) -> float:
    """Mean surprise in nats at answers 0 and 1, from the sums z and not from probabilities: log(1 + exp(z)) - y z."""
    z, y = np.asarray(z, np.float64), np.asarray(y, np.float64)
    return float((np.logaddexp(0.0, z) - y * z).mean())


@slot
def logistic_gradient(x: Array, y: Array, weights: Array, intercept: float) -> tuple[Array, float]:
    """The gradient of the mean loss -log(probability of y) by the weights and by the intercept.

    x: (examples, features); y: 0 or 1 for each example. Sums w . x + b of any size are allowed.
    """
    error = sigmoid(x @ weights + intercept) - y
    return x.T @ error / len(x), float(error.mean())


def logistic_regression(x: ArrayLike, labels: ArrayLike, penalty: float = 0.0) -> LogisticModel:
    """The fit with the smallest mean loss + penalty/2 |w|^2, by Newton's method with steps that are halved where they overshoot."""
    table, classes, y = _two_classes(x, labels, penalty)
    a, w = with_ones(table), np.zeros(table.shape[1] + 1)
    for _ in range(NEWTON_STEPS):
        z = a @ w
        if not penalty and ((2 * y - 1) * z > 0).all():
            raise InputError("the classes can be separated, so the weights grow without end; give a penalty above 0")
        step, gained = _newton_step(a, y, w, penalty)
        if gained <= 1e-14 and np.abs(a @ step).max() < 1e-6:  # where classes touch, the sums still grow by 1 a step
            return LogisticModel(w[:-1], float(w[-1]), classes)
        before = _penalised(a, y, w, penalty)
        while _penalised(a, y, w + step, penalty) > before and np.abs(step).max() > 1e-12:
            step = step / 2
        w = w + step
    raise InputError(
        f"no minimum within {NEWTON_STEPS} steps: the classes can almost be separated; give a penalty above 0"
    )


def _two_classes(x: ArrayLike, labels: ArrayLike, penalty: float) -> tuple[Array, NDArray, Array]:
    """The table, the two classes, and 0 or 1 for each row."""
    table, classes, codes = with_classes(x, labels)
    if len(classes) != 2:
        raise InputError(f"logistic regression tells two classes apart and the labels hold {len(classes)}; give two")
    if not 0 <= penalty < np.inf:
        raise InputError(f"penalty={penalty}; give 0 or a positive number")
    return table, classes, codes.astype(np.float64)


def _newton_step(a: Array, y: Array, w: Array, penalty: float) -> tuple[Array, float]:
    """Minus the inverse curvature times the gradient, and twice the loss that this step should save."""
    p = sigmoid(a @ w)
    held = np.append(np.full(len(w) - 1, penalty), 0.0)
    gradient = a.T @ (p - y) / len(a) + held * w
    curvature = (a * (p * (1 - p))[:, None]).T @ a / len(a) + np.diag(held)
    try:
        step = -solve(curvature, gradient)
    except InputError:
        raise InputError(
            "the loss is flat in some direction: columns are dependent, or the classes can almost be separated; "
            "give a penalty above 0"
        ) from None
    return step, float(-gradient @ step)


def _penalised(a: Array, y: Array, w: Array, penalty: float) -> float:
    return log_loss(a @ w, y) + penalty / 2 * float(w[:-1] @ w[:-1])


def logistic_regression_by_gradient(
    x: ArrayLike, labels: ArrayLike, penalty: float = 0.0, learning_rate: float | None = None, steps: int = 1000
) -> tuple[LogisticModel, Array]:
    """Walk downhill from all zeros; the model, and the loss before each step and after the last.

    learning_rate: by default 1 over |A|^2 / (4n) + penalty, since p (1 - p) is at most 1/4: it always goes down.
    """
    table, classes, y = _two_classes(x, labels, penalty)
    a = with_ones(table)
    safe = 1 / (float(np.linalg.norm(a, 2)) ** 2 / (4 * len(a)) + penalty)
    rate = safe if learning_rate is None else learning_rate

    def gradient(w: Array) -> Array:
        by_weights, by_intercept = logistic_gradient(table, y, w[:-1], float(w[-1]))
        return np.append(by_weights + penalty * w[:-1], by_intercept)

    path = gradient_descent(gradient, np.zeros(a.shape[1]), rate, steps)
    losses = np.array([_penalised(a, y, w, penalty) for w in path])
    return LogisticModel(path[-1, :-1], float(path[-1, -1]), classes), losses
