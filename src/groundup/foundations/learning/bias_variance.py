"""Why a model is wrong: too stiff, too nervous, or the answers are noisy. Measured by fitting again and again.

Draw the answers anew, y = f(x) + noise, fit, predict at the same places; many times. The expected squared error at a
new noisy answer is

    bias^2     (mean prediction - f)^2          what no amount of luck repairs: the model cannot say f
    variance   of the predictions              how much the fit follows the noise it happened to see
    noise      variance of the answers         what nobody can predict

and the three add up exactly (Geman, Bienenstock & Doursat 1992). For least squares with d weights on n fixed places the
mean variance there is noise d / n. A more flexible model trades bias for variance; the best one is where their sum is
smallest, and a penalty or more data moves that place. Only a simulation can measure it: with real data f is unknown,
and cross-validation sees the sum alone.

Left out: the decomposition for classification; interpolation beyond d = n, where the variance can fall again.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.regularization.penalties import ridge
from groundup.foundations.learning.supervised.linear import linear_regression
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector

Predictor = Callable[[Array], Array]  # places -> predictions
Fit = Callable[[Array, Array], Predictor]  # places and answers -> a predictor


class Decomposition(NamedTuple):
    """Means over the places. measured: the squared error at new noisy answers, by itself; the three should add up to it."""

    bias_squared: float
    variance: float
    noise: float
    measured: float = float("nan")

    @property
    def total(self) -> float:
        """bias^2 + variance + noise."""
        return self.bias_squared + self.variance + self.noise


def decompose(predictions: ArrayLike, truth: ArrayLike, noise: float = 0.0) -> Decomposition:
    """Take predictions apart: shape (trials, places), with the true value at each place. noise: variance of the
    answers.

    >>> decompose([[1.0, 4.0], [3.0, 4.0]], [2.0, 3.0])[:3]
    (0.5, 0.5, 0.0)
    """
    guesses, wanted = as_matrix(predictions, "predictions"), as_vector(truth, "truth")
    if guesses.shape[1] != len(wanted):
        raise InputError(
            f"predictions {guesses.shape} and truth {wanted.shape} do not fit; give one truth for each column"
        )
    if noise < 0:
        raise InputError(f"noise={noise:g} is a variance; give 0 or more")
    bias_squared = float(((guesses.mean(axis=0) - wanted) ** 2).mean())
    return Decomposition(bias_squared, float(guesses.var(axis=0).mean()), float(noise))


def measure(
    fit: Fit,
    truth: Callable[[Array], Array],
    x: ArrayLike,
    at: ArrayLike,
    spread: float,
    trials: int = 200,
    seed: int = 0,
) -> tuple[Decomposition, Array]:
    """Fit `trials` times on x with new noise (normal, standard deviation `spread`) and judge at the places `at`.

    The decomposition, with the error measured against fresh noisy answers; and all predictions, (trials, places).
    """
    if trials < 2:
        raise InputError(f"trials={trials}: a variance needs two at least; use 100 or more")
    places, asked, generator = as_vector(x, "x"), as_vector(at, "at"), np.random.default_rng(seed)
    guesses = np.stack(
        [fit(places, truth(places) + spread * generator.standard_normal(len(places)))(asked) for _ in range(trials)]
    )
    fresh = truth(asked) + spread * generator.standard_normal(guesses.shape)
    parts = decompose(guesses, truth(asked), spread**2)
    return parts._replace(measured=float(((guesses - fresh) ** 2).mean())), guesses


def powers(x: Array, degree: int) -> Array:
    """The columns x, x^2, ..., x^degree; places within [-1, 1] keep them of like size."""
    return x[:, None] ** np.arange(1, degree + 1)


def polynomial(degree: int, penalty: float = 0.0) -> Fit:
    """A fit by a polynomial of this degree; penalty: ridge on all coefficients but the constant."""
    if degree < 0:
        raise InputError(f"degree={degree}; use 0 (a constant), 1 (a line), 2, ...")

    def fit(x: Array, y: Array) -> Predictor:
        if not degree:
            return lambda places: np.full(len(places), y.mean())
        table = powers(x, degree)
        model = ridge(table, y, penalty) if penalty else linear_regression(table, y)
        return lambda places: model.predict(powers(places, degree))

    return fit
