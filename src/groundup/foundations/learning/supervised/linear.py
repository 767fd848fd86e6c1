"""Linear regression: the weighted sum of the features that comes nearest to the answers.

    prediction   w . x + b
    loss         1/(2n) sum of (w . x_i + b - y_i)^2, the mean squared error, halved
    minimum      A'A w = A'y with A = [x 1] (Gauss 1809), solved as R w = Q'y: A'A itself would lose half the digits
    gradient     A'(A w - y) / n, so a walk downhill arrives at the same place

The loss is a bowl, so there is one minimum, unless the columns of A are dependent; then infinitely many weights fit
alike. The curvature of the bowl is at most |A|^2 / n (the largest singular value, squared), and 1 over it is a step
that always goes down. With penalties: `regularization/penalties.py`. Left out: standard errors of the weights, losses
that forgive outliers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_features, with_numbers
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.foundations.linalg.qr import least_squares
from groundup.foundations.optimize.gradient_descent import gradient_descent


class LinearModel(NamedTuple):
    """A weighted sum: weights has one number a feature."""

    weights: Array
    intercept: float

    def predict(self, x: ArrayLike) -> Array:
        """w . x + b for every row of x."""
        table = as_matrix(x, "x")
        same_features(table, len(self.weights))
        return table @ self.weights + self.intercept


def with_ones(x: Array) -> Array:
    """The table with a last column of ones: its weight is the intercept."""
    return np.column_stack([x, np.ones(len(x))])


def linear_regression(x: ArrayLike, y: ArrayLike) -> LinearModel:
    """The least-squares fit, by QR.

    >>> weights, intercept = linear_regression([[0], [1], [2]], [1, 3, 5])
    >>> weights.round(12), round(intercept, 12)
    (array([2.]), 1.0)
    """
    table, answers = with_numbers(x, y)
    if len(table) <= table.shape[1]:
        raise InputError(
            f"{len(table)} examples cannot decide {table.shape[1]} weights and an intercept; give more examples, or use ridge"
        )
    try:
        solution = least_squares(with_ones(table), answers)
    except InputError as error:
        raise InputError(f"many weights fit alike: {error}; or leave a column out, or use ridge") from None
    return LinearModel(solution[:-1], float(solution[-1]))


def linear_regression_by_gradient(
    x: ArrayLike, y: ArrayLike, learning_rate: float | None = None, steps: int = 1000
) -> tuple[LinearModel, Array]:
    """Walk downhill from all zeros; the model, and the loss before each step and after the last.

    learning_rate: by default n / |A|^2, which always goes down; beyond twice that the loss explodes.
    """
    table, answers = with_numbers(x, y)
    a = with_ones(table)
    rate = len(a) / float(np.linalg.norm(a, 2)) ** 2 if learning_rate is None else learning_rate
    path = gradient_descent(lambda w: a.T @ (a @ w - answers) / len(a), np.zeros(a.shape[1]), rate, steps)
    losses = ((path @ a.T - answers) ** 2).mean(axis=1) / 2
    return LinearModel(path[-1, :-1], float(path[-1, -1])), losses


def mean_squared_error(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The mean of (predicted - truth)^2."""
    wanted, got = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if wanted.shape != got.shape or not wanted.size:
        raise InputError(
            f"truth {wanted.shape} and predicted {got.shape} do not fit; give one prediction for each answer"
        )
    return float(((got - wanted) ** 2).mean())


def r_squared(truth: ArrayLike, predicted: ArrayLike) -> float:
    """The part of the answers' variance that is explained: 1 is perfect, 0 no better than always the mean, below 0
    worse.

    >>> r_squared([1, 2, 3], [1, 2, 3]), r_squared([1, 2, 3], [2, 2, 2])
    (1.0, 0.0)
    """
    variance = float(np.var(np.asarray(truth, np.float64)))
    if not variance:
        raise InputError("all answers are equal, so there is no variance to explain; look at mean_squared_error")
    return 1 - mean_squared_error(truth, predicted) / variance
