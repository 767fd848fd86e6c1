"""Momentum and Nesterov against torch.optim.SGD; the two forms of Nesterov against each other; rates against theory."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.optimize.gradient_descent import gradient_descent
from groundup.foundations.optimize.momentum import best_heavy_ball, heavy_ball, nesterov, nesterov_lookahead

CURVES = np.array([1.0, 10.0, 100.0])


def valley(x):
    return CURVES * x + np.sin(x)


@pytest.mark.parametrize("mine, flag", [(heavy_ball, False), (nesterov, True)])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_every_point_is_that_of_torchs_sgd(mine, flag, beta):
    path = mine(valley, np.ones(3), 0.005, 30, beta)
    point = torch.ones(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([point], lr=0.005, momentum=beta, nesterov=flag and beta > 0)
    for row in path:
        np.testing.assert_allclose(row, point.detach().numpy(), rtol=1e-12)
        point.grad = torch.from_numpy(valley(point.detach().numpy()))
        optimizer.step()


def test_without_momentum_both_are_plain_descent():
    plain = gradient_descent(valley, np.ones(3), 0.005, 10)
    assert (heavy_ball(valley, np.ones(3), 0.005, 10, 0.0) == plain).all()
    np.testing.assert_allclose(nesterov(valley, np.ones(3), 0.005, 10, 0.0), plain, rtol=1e-14)


def test_both_forms_of_nesterov_are_one_method():
    told = nesterov_lookahead(valley, np.ones(3), 0.005, 40, 0.9)
    np.testing.assert_allclose(told["ahead"], nesterov(valley, np.ones(3), 0.005, 40, 0.9), rtol=1e-10, atol=1e-13)
    assert (told["path"][5] != told["ahead"][5]).all()


def test_a_constant_gradient_is_followed_ten_times_as_fast():
    path = heavy_ball(lambda x: np.ones(1), np.zeros(1), 0.01, 300, 0.9)
    assert path[-2, 0] - path[-1, 0] == pytest.approx(0.01 / (1 - 0.9), rel=1e-9)


def test_the_best_heavy_ball_shrinks_the_distance_by_the_root_of_kappas_fraction():
    curves = np.array([1.0, 100.0])
    rate, beta = best_heavy_ball(1.0, 100.0)
    path = heavy_ball(lambda x: curves * x, np.ones(2), rate, 400, beta)
    distance = np.linalg.norm(path, axis=1)
    measured = (distance[100] / distance[20]) ** (1 / 80)  # a little slower at first: k √β^k, a double root
    assert np.sqrt(beta) == pytest.approx((10 - 1) / (10 + 1))
    assert np.sqrt(beta) < measured < 1.03 * np.sqrt(beta)
    plain = gradient_descent(lambda x: curves * x, np.ones(2), 2 / 101, 100)
    assert np.linalg.norm(plain[-1]) > 1e5 * distance[100]


def test_a_bowl_without_curvature_is_refused():
    with pytest.raises(InputError, match="give 0 < least <= largest"):
        best_heavy_ball(0.0, 1.0)
