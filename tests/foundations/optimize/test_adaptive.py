"""RMSprop, Adam and AdamW against torch.optim, step for step, within 1e-12."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.optimize.adaptive import adam, adamw, effective_rates, rmsprop

START = np.array([[1.0, -2.0], [30.0, 0.0]])


def slope_at(x):
    return np.array([[1.0, 100.0], [0.01, 3.0]]) * x + np.cos(3 * x)


def torchs(make, steps):
    point = torch.tensor(START, requires_grad=True)
    optimizer = make([point])
    path = [START]
    for _ in range(steps):
        point.grad = torch.from_numpy(slope_at(point.detach().numpy()))
        optimizer.step()
        path.append(point.detach().numpy().copy())
    return np.stack(path)


@pytest.mark.parametrize(
    "path, make",
    [
        (rmsprop(slope_at, START, 0.01, 40), lambda p: torch.optim.RMSprop(p, lr=0.01)),
        (rmsprop(slope_at, START, 0.1, 40, 0.9, 1e-3), lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.9, eps=1e-3)),
        (adam(slope_at, START, 0.05, 40), lambda p: torch.optim.Adam(p, lr=0.05)),
        (adam(slope_at, START, 0.1, 40, 0.5, 0.8, 0.1), lambda p: torch.optim.Adam(p, 0.1, (0.5, 0.8), 0.1)),
        (adamw(slope_at, START, 0.05, 40), lambda p: torch.optim.AdamW(p, lr=0.05)),
        (adamw(slope_at, START, 0.1, 40, weight_decay=0.5), lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.5)),
    ],
    ids=["rmsprop", "rmsprop with other numbers", "adam", "adam with other numbers", "adamw", "adamw with much decay"],
)
def test_every_point_is_that_of_torch(path, make):
    np.testing.assert_allclose(path, torchs(make, 40), rtol=1e-12, atol=1e-13)


def test_decay_in_the_gradient_is_another_method_than_adamw():
    inside = adam(lambda x: slope_at(x) + 0.5 * x, START, 0.1, 40)
    np.testing.assert_allclose(inside, torchs(lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.5), 40), rtol=1e-12)
    assert np.abs(inside[-1] - adamw(slope_at, START, 0.1, 40, weight_decay=0.5)[-1]).max() > 0.1


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_the_first_step_has_the_length_of_the_rate_whatever_the_unit(scale):
    path = adam(lambda x: scale * np.array([3.0, -0.2]), np.zeros(2), 0.1, 1)
    np.testing.assert_allclose(path[1], [-0.1, 0.1], rtol=1e-3)


def test_without_a_gradient_adamw_only_decays():
    path = adamw(lambda x: 0 * x, np.array([1.0]), 0.1, 3, weight_decay=0.5)
    np.testing.assert_allclose(path[:, 0], 0.95 ** np.arange(4), rtol=1e-14)


def test_effective_rates_are_what_adam_without_a_mean_steps_by():
    gradients = np.random.default_rng(0).normal(size=(6, 2)) * [1.0, 100.0]
    rates, source = effective_rates(gradients, 0.1), iter(gradients)
    path = adam(lambda x: next(source), np.zeros(2), 0.1, 6, beta1=0.0)
    np.testing.assert_allclose(np.diff(path, axis=0), -rates * gradients, rtol=1e-9)
    assert 30 < rates[-1, 0] / rates[-1, 1] < 300


def test_what_cannot_be_is_said_with_the_way_out():
    with pytest.raises(InputError, match="keep it below 1"):
        adamw(slope_at, START, 2.0, 1, weight_decay=1.0)
    with pytest.raises(InputError, match=r"give \(steps, \*shape\)"):
        effective_rates(np.zeros((0, 2)), 0.1)
