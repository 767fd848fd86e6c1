"""A mixture of Gaussians: every point was drawn from one of k bells, and nobody says from which.

    density         p(x) = sum over c of w_c N(x; m_c, S_c)
    expectation     r_ic = w_c N(x_i; m_c, S_c) / p(x_i)      how much point i belongs to bell c
    maximization    each bell becomes the weighted share, mean and covariance of its points, the weights being r

Neither half-step can lower the likelihood (Dempster, Laird & Rubin 1977), so they climb to a top that depends on the
start: here k-means. It is k-means with probabilities, and bells may be long, tilted and of different size. The density
of a far point underflows to 0 in all bells, so the step works on logarithms and normalises by log-sum-exp. A bell that
shrinks onto one point has an infinite likelihood; `floor` on the diagonal of every covariance keeps it from that.

Left out: diagonal or shared covariances, priors on the parameters, the choice of k beyond `bic`.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import log_sum_exp
from groundup.foundations.learning.samples import Codes, one_hot, same_features
from groundup.foundations.learning.unsupervised.k_means import k_means
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.slots import slot

FLOOR = 1e-6  # added to the variances, in the data's own units


class Mixture(NamedTuple):
    """k bells: weights (k,), means (k, features), covariances (k, features, features)."""

    weights: Array
    means: Array
    covariances: Array

    def predict(self, x: ArrayLike) -> Codes:
        """The bell to which each row belongs most."""
        return expectation_step(_fitting(x, self), self)[0].argmax(axis=1)

    def sample(self, count: int, seed: int = 0) -> tuple[Array, Codes]:
        """Draw points, and the bell that each came from."""
        generator = np.random.default_rng(seed)
        bells = generator.choice(len(self.weights), size=count, p=self.weights)
        normal = generator.standard_normal((count, self.means.shape[1]))
        roots = np.linalg.cholesky(self.covariances)
        return self.means[bells] + (roots[bells] @ normal[..., None])[..., 0], bells


def _fitting(x: ArrayLike, mixture: Mixture) -> Array:
    """The table, after the check that it has the mixture's features."""
    table = as_matrix(x, "x")
    same_features(table, mixture.means.shape[1])
    return table


def log_gaussian(x: Array, mean: Array, covariance: Array) -> Array:
    """The logarithm of a bell's density at every row of x; by the Cholesky root L: |L^-1 (x - m)|^2 and the sum of log diag L."""
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise InputError(
            "a covariance is not positive definite, so its bell is flat in some direction; add a little to its diagonal (floor)"
        ) from None
    white = np.linalg.solve(root, (x - mean).T)
    return -0.5 * ((white**2).sum(axis=0) + len(mean) * np.log(2 * np.pi)) - np.log(np.diagonal(root)).sum()


@slot
def expectation_step(x: Array, mixture: Mixture) -> tuple[Array, float]:
    """How much each point belongs to each bell, shape (points, bells) with rows that sum to 1; and the mean log-density
    in nats.

    A point that is so far from all bells that every density underflows still belongs to the nearest.
    """
    bells = zip(mixture.means, mixture.covariances, strict=True)
    log_joint = np.stack([log_gaussian(x, mean, covariance) for mean, covariance in bells], axis=1)
    log_joint = log_joint + np.log(mixture.weights)
    log_density = log_sum_exp(log_joint)
    return np.exp(log_joint - log_density[:, None]), float(log_density.mean())


def maximization_step(x: Array, responsibilities: Array, floor: float = FLOOR) -> Mixture:
    """The bells that make the points likeliest, where each point belongs to them by `responsibilities`."""
    members = responsibilities.sum(axis=0) + 10 * np.finfo(float).eps
    means = responsibilities.T @ x / members[:, None]
    covariances = np.empty((len(members), x.shape[1], x.shape[1]))
    for bell, mean in enumerate(means):
        away = x - mean
        covariances[bell] = (responsibilities[:, bell] * away.T) @ away / members[bell] + floor * np.eye(x.shape[1])
    return Mixture(members / members.sum(), means, covariances)


def gaussian_mixture(
    x: ArrayLike, k: int, seed: int = 0, steps: int = 200, tolerance: float = 1e-6, floor: float = FLOOR
) -> tuple[Mixture, list[float]]:
    """Fit k bells by EM from a k-means start; the mixture, and the mean log-likelihood in nats of each step.

    It ends when a step gains less than `tolerance` nats a point, or after `steps`.
    """
    points = as_matrix(x, "x")
    if floor < 0 or steps < 1:
        raise InputError(f"floor={floor:g}, steps={steps}; use a floor of 0 or more and 1 step or more")
    mixture = maximization_step(points, one_hot(k_means(points, k, seed).labels, k), floor)
    history: list[float] = []
    for _ in range(steps):
        responsibilities, likelihood = expectation_step(points, mixture)
        history.append(likelihood)
        if len(history) > 1 and likelihood - history[-2] < tolerance:
            break
        mixture = maximization_step(points, responsibilities, floor)
    return mixture, history


def bic(x: ArrayLike, mixture: Mixture) -> float:
    """The Bayesian information criterion: -2 log-likelihood + parameters * ln(points); the smallest is preferred (Schwarz 1978)."""
    points = _fitting(x, mixture)
    bells, features = mixture.means.shape
    parameters = bells - 1 + bells * features + bells * features * (features + 1) / 2
    return float(-2 * len(points) * expectation_step(points, mixture)[1] + parameters * np.log(len(points)))
