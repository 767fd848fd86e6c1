"""Gradient descent against torch.optim.SGD, and the noise of mini-batches against its formula."""

import importlib

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.optimize.gradient_descent import (
    batches,
    expected_noise,
    gradient_descent,
    gradient_noise,
    stochastic_gradient_descent,
)

FEATURES = np.random.default_rng(3).normal(size=(20, 3))
TARGETS = FEATURES @ np.array([1.0, -2.0, 0.5]) + np.random.default_rng(4).normal(size=20)


def rosenbrock_gradient(x):
    return np.array([-2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] ** 2), 200 * (x[1] - x[0] ** 2)])


def squares_gradient(weights, rows):
    return FEATURES[rows].T @ (FEATURES[rows] @ weights - TARGETS[rows]) / len(rows)


def test_every_point_of_the_path_is_that_of_torchs_sgd():
    path = gradient_descent(rosenbrock_gradient, [-1.2, 1.0], 1e-3, 50)
    point = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([point], lr=1e-3)
    for row in path:
        np.testing.assert_allclose(row, point.detach().numpy(), rtol=1e-12)
        optimizer.zero_grad()
        ((1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2).backward()
        optimizer.step()


def test_the_path_begins_at_the_start_and_a_point_may_have_any_shape():
    path = gradient_descent(lambda x: 2 * x, np.ones((2, 3)), 0.25, 2)
    assert path.shape == (3, 2, 3) and path[:, 0, 0].tolist() == [1.0, 0.5, 0.25]
    assert gradient_descent(lambda x: x, [4.0], 0.1, 0).tolist() == [[4.0]]


@pytest.mark.parametrize("room", ["optimize", "probability", "probability.statistics"])
def test_what_a_room_offers_is_no_module_and_the_same_the_second_time(room):
    package = importlib.import_module(f"groundup.foundations.{room}")
    for name in package._EXPORTS:
        assert getattr(package, name) is getattr(package, name) and callable(getattr(package, name)), name
    with pytest.raises(AttributeError, match=f"has no 'nothing'; it has {next(iter(package._EXPORTS))}, "):
        package.nothing  # noqa: B018


def test_the_start_is_left_as_it_was():
    start = np.array([1.0, 2.0])
    gradient_descent(lambda x: x, start, 0.5, 3)
    assert start.tolist() == [1.0, 2.0]


def test_one_batch_of_all_examples_is_batch_descent():
    whole = gradient_descent(lambda x: squares_gradient(x, np.arange(20)), np.zeros(3), 0.1, 10)
    batched = stochastic_gradient_descent(squares_gradient, np.zeros(3), 0.1, 10, count=20, batch_size=20)
    np.testing.assert_allclose(batched, whole, rtol=1e-12, atol=1e-14)


def test_the_same_seed_gives_the_same_path_and_another_another():
    paths = [stochastic_gradient_descent(squares_gradient, np.zeros(3), 0.1, 30, 20, 4, seed) for seed in (0, 0, 1)]
    assert (paths[0] == paths[1]).all() and (paths[0] != paths[2]).any()


@pytest.mark.parametrize("seed", range(4))
def test_falling_rates_come_closer_than_a_fixed_one(seed):
    best = np.linalg.lstsq(FEATURES, TARGETS, rcond=None)[0]
    fixed, falling = (
        stochastic_gradient_descent(squares_gradient, np.zeros(3), rate, 4000, 20, 1, seed)
        for rate in (0.1, lambda step: 1 / (step + 10))
    )
    distances = [np.linalg.norm(path[-1000:] - best, axis=1).mean() for path in (fixed, falling)]
    assert distances[1] < distances[0] / 3


@pytest.mark.parametrize("size", [1, 3, 10])
def test_each_epoch_takes_every_example_once(size):
    stream = batches(10, size, np.random.default_rng(0))
    for _ in range(3):
        epoch = [next(stream) for _ in range(-(-10 // size))]
        assert sorted(np.concatenate(epoch)) == list(range(10))


def test_the_noise_of_a_mini_batch_is_as_the_formula_says():
    for size in (1, 2, 5, 20):
        expected = expected_noise(squares_gradient, np.ones(3), 20, size)
        assert gradient_noise(squares_gradient, np.ones(3), 20, size) == pytest.approx(expected, rel=0.15, abs=1e-12)
    assert expected_noise(squares_gradient, np.ones(3), 20, 20) == 0


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: gradient_descent(lambda x: x, [1, 2], 0.1, 1), "int64 numbers.*give floats"),
        (lambda: gradient_descent(lambda x: x, [np.nan], 0.1, 1), "NaN or infinity; give finite"),
        (lambda: gradient_descent(lambda x: x[:1], [1.0, 2.0], 0.1, 1), r"shape \(1,\) and the point \(2,\)"),
        (lambda: gradient_descent(lambda x: x**3, [10.0], 1.0, 99), "left the valley; take a smaller rate"),
        (lambda: stochastic_gradient_descent(squares_gradient, np.zeros(3), 0.1, 1, 20, 21), "use 1 to 20"),
        (lambda: expected_noise(squares_gradient, np.zeros(3), 20, 0), "use 1 to 20"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
