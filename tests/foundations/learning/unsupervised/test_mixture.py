"""The mixture of Gaussians beside scikit-learn and SciPy."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.unsupervised.mixture import (
    Mixture,
    bic,
    expectation_step,
    gaussian_mixture,
    log_gaussian,
    maximization_step,
)

TWO = Mixture(np.array([0.3, 0.7]), np.array([[0.0, 0.0], [4.0, 1.0]]), np.array([np.eye(2), [[2.0, 1.5], [1.5, 2.0]]]))


def test_the_density_is_scipys(generator):
    normal = pytest.importorskip("scipy.stats").multivariate_normal
    x, root = generator.normal(size=(20, 3)), generator.normal(size=(3, 3))
    covariance = root @ root.T + 0.1 * np.eye(3)
    assert np.allclose(log_gaussian(x, np.ones(3), covariance), normal(np.ones(3), covariance).logpdf(x), rtol=1e-10)


def test_the_steps_are_scikit_learns(iris):
    x, _ = iris
    mixture = pytest.importorskip("sklearn.mixture").GaussianMixture
    start, history = gaussian_mixture(x, 3, steps=1)
    theirs = mixture(
        3,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        max_iter=7,
        tol=0,
    )
    with pytest.warns(match="converge"):
        theirs.fit(x)
    ours = start
    for _ in range(7):
        ours = maximization_step(x, expectation_step(x, ours)[0])
    assert np.allclose(ours.weights, theirs.weights_, atol=1e-9) and np.allclose(ours.means, theirs.means_, atol=1e-9)
    assert np.allclose(ours.covariances, theirs.covariances_, atol=1e-9)
    assert np.isclose(expectation_step(x, ours)[1], theirs.score(x)) and np.isclose(bic(x, ours), theirs.bic(x))
    assert len(history) == 1


def test_the_likelihood_never_falls(wine):
    x, _ = wine
    history = gaussian_mixture(x, 2, floor=0.0, steps=50)[1]
    assert len(history) > 3 and (np.diff(history) > -1e-9).all()


def test_it_finds_the_bells_that_points_were_drawn_from():
    x, bells = TWO.sample(3000, seed=1)
    found, _ = gaussian_mixture(x, 2)
    order = np.argsort(found.means[:, 0])
    assert np.allclose(found.weights[order], TWO.weights, atol=0.05)
    assert np.allclose(found.means[order], TWO.means, atol=0.2) and np.allclose(
        found.covariances[order], TWO.covariances, atol=0.3
    )
    assert (order[bells] == found.predict(x)).mean() > 0.95


def test_the_criterion_prefers_the_number_that_was_drawn():
    x, _ = TWO.sample(600, seed=2)
    scores = [bic(x, gaussian_mixture(x, k)[0]) for k in (1, 2, 3, 4)]
    assert int(np.argmin(scores)) + 1 == 2


def test_a_point_in_nobodys_reach_belongs_to_the_nearest_bell():
    near = Mixture(np.array([0.5, 0.5]), np.array([[0.0], [1.0]]), np.ones((2, 1, 1)))
    responsibilities, likelihood = expectation_step(np.array([[1000.0], [-1000.0]]), near)
    assert responsibilities.round(6).tolist() == [[0, 1], [1, 0]] and -600_000 < likelihood < -400_000


def test_hard_memberships_give_the_means_and_covariances_of_the_groups(generator):
    x = generator.normal(size=(10, 2))
    member = np.eye(2)[[0] * 4 + [1] * 6]
    found = maximization_step(x, member, floor=0.0)
    assert np.allclose(found.means, [x[:4].mean(0), x[4:].mean(0)]) and np.allclose(found.weights, [0.4, 0.6])
    assert np.allclose(found.covariances[1], np.cov(x[4:].T, bias=True))


def test_the_floor_keeps_a_bell_on_one_point_wide():
    x = np.array([[0.0], [0.0], [0.0], [5.0], [6.0], [7.0]])
    mixture, history = gaussian_mixture(x, 2, floor=0.01)
    assert mixture.covariances.min() >= 0.01 and np.isfinite(history).all()
    with pytest.raises(InputError, match=r"flat in some direction; add a little to its diagonal \(floor\)"):
        gaussian_mixture(x, 2, floor=0.0)


def test_settings_and_columns_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="use a floor of 0 or more and 1 step or more"):
        gaussian_mixture([[0.0], [1.0]], 1, steps=0)
    with pytest.raises(InputError, match="x has 1 features and the model was fitted on 2"):
        TWO.predict([[1.0]])
