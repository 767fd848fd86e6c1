"""Loss landscapes: what scale must not change, slices by hand, and the plane of a path against every other plane."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.optimize.loss_landscape import (
    filter_normalized,
    flattened,
    grid_around,
    interpolation,
    loss_line,
    loss_slice,
    moved,
    project_path,
    random_direction,
    unflattened,
)

INPUTS = np.random.default_rng(0).normal(size=(30, 3))
TARGETS = np.sin(INPUTS).sum(1, keepdims=True)
AMOUNTS = np.linspace(-1, 1, 9)


def network(seed=1):
    source = np.random.default_rng(seed)
    return [source.normal(size=(8, 3)), source.normal(size=8), source.normal(size=(1, 8))]


def loss(parameters):
    first, bias, second = parameters
    return float(((np.maximum(INPUTS @ first.T + bias, 0) @ second.T - TARGETS) ** 2).mean())


def rescaled(parameters, by):
    first, bias, second = parameters
    return [first * by, bias * by, second / by]


def test_a_rescaled_network_is_the_same_and_only_normalised_directions_show_it():
    here, there = network(), rescaled(network(), 10)
    assert loss(here) == pytest.approx(loss(there), rel=1e-12)
    raw = random_direction(here, np.random.default_rng(2))
    plain = [loss_line(loss, each, raw, AMOUNTS) for each in (here, there)]
    normal = [loss_line(loss, each, filter_normalized(raw, each), AMOUNTS) for each in (here, there)]
    np.testing.assert_allclose(normal[0], normal[1], rtol=1e-10)
    assert plain[1].max() > 3 * plain[0].max()


def test_each_row_has_the_length_of_the_weights_row_and_a_bias_stays():
    here = [*network(), np.ones((2, 3, 5))]
    there = filter_normalized(random_direction(here, np.random.default_rng(0)), here)
    np.testing.assert_allclose(np.linalg.norm(there[0], axis=1), np.linalg.norm(here[0], axis=1))
    np.testing.assert_allclose(np.sqrt((there[3] ** 2).sum((1, 2))), np.sqrt([15, 15]))
    assert not there[1].any()


def test_a_direction_of_zeros_stays_zero():
    assert not filter_normalized([np.zeros((2, 2))], [np.ones((2, 2))])[0].any()


def test_a_slice_holds_rows_of_y_and_columns_of_x():
    heights = loss_slice(
        lambda p: p[0][0] + 10 * p[0][1], [np.zeros(2)], [np.eye(2)[0]], [np.eye(2)[1]], [1, 2, 3], [4, 5]
    )
    assert heights.tolist() == [[41, 42, 43], [51, 52, 53]]


def test_the_line_between_two_models_has_their_losses_at_its_ends():
    here, there = network(1), network(2)
    line = interpolation(loss, here, there, [0, 0.5, 1])
    np.testing.assert_allclose(line[[0, 2]], [loss(here), loss(there)], rtol=1e-12)
    assert line[1] == pytest.approx(loss([(a + b) / 2 for a, b in zip(here, there, strict=True)]))


def test_moving_leaves_the_parameters_as_they_are():
    here = [np.ones(2)]
    assert moved(here, (2.0, [np.ones(2)]))[0].tolist() == [3, 3] and here[0].tolist() == [1, 1]


def test_flattening_is_undone():
    here = network()
    for one, other in zip(unflattened(flattened(here), here), here, strict=True):
        assert (one == other).all()


def test_a_path_in_a_plane_is_shown_whole():
    source = np.random.default_rng(0)
    plane = np.linalg.qr(source.normal(size=(50, 2)))[0].T
    walk = np.cumsum(source.normal(size=(30, 2)), axis=0)
    found = project_path(walk @ plane + 3.0)
    assert found.share.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.origin + found.coordinates @ found.directions, walk @ plane + 3.0, atol=1e-10)
    np.testing.assert_allclose(found.directions @ found.directions.T, np.eye(2), atol=1e-12)
    assert found.coordinates[-1] == pytest.approx([0, 0]) and (found.coordinates[0] >= 0).all()


def test_no_plane_holds_more_of_a_path():
    path = np.cumsum(np.random.default_rng(1).normal(size=(20, 10)), axis=0)
    found, away = project_path(path), path - path[-1]
    for seed in range(50):
        other = np.linalg.qr(np.random.default_rng(seed).normal(size=(10, 2)))[0]
        assert ((away @ other) ** 2).sum() <= (found.coordinates**2).sum() + 1e-9
    assert 0 < found.share[1] <= found.share[0] < 1


def test_a_grid_holds_the_whole_path():
    xs, ys = grid_around(np.array([[0.0, -1.0], [4.0, 1.0]]), count=5, margin=0.25)
    assert xs.tolist() == [-1, 0.5, 2, 3.5, 5] and (ys[0], ys[-1]) == (-1.5, 1.5)
    xs, _ = grid_around(np.zeros((3, 2)))
    assert xs[0] < 0 < xs[-1]


@pytest.mark.parametrize(
    "call, sentence",
    [
        (lambda: random_direction(np.ones(3), np.random.default_rng(0)), r"put a single array into a list"),
        (lambda: moved([np.ones(2)], (1.0, [np.ones(3)])), r"\[\(3,\)\] does not fit parameters of shapes \[\(2,\)\]"),
        (lambda: unflattened(np.ones(3), [np.ones(2)]), "3 numbers do not fill parameters of 2"),
        (lambda: project_path(np.ones((2, 5))), "spans no plane"),
        (lambda: project_path(np.full((4, 5), np.nan)), "cut it off"),
        (lambda: grid_around(np.ones((4, 3))), r"give \(steps, 2\)"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()
