"""Exponents that are known from the data: predicted, then measured within ten per cent."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling import why

SIZES = np.geomspace(250, 2000, 4).astype(int)


@pytest.mark.parametrize("alpha", [0.3, 0.5, 1.0])
def test_quanta_give_the_exponents_that_zipfs_law_has(alpha):
    by_size = why.quanta_by_size(alpha, np.geomspace(10, 3000, 8).astype(int))
    by_data = why.quanta_by_data(alpha, np.geomspace(100, 100_000, 7).astype(int))
    assert by_size.measured == pytest.approx(alpha, rel=0.1)
    assert by_data.measured == pytest.approx(alpha / (1 + alpha), rel=0.1)
    assert (by_size.predicted, by_data.predicted) == (alpha, alpha / (1 + alpha))


def test_what_was_not_seen_is_as_often_asked_as_the_sum_says():
    chances, drawn = why.zipf(50, 0.5), np.random.default_rng(0)
    missed = [1 - chances[np.unique(drawn.choice(50, 20, p=chances))].sum() for _ in range(4000)]
    assert why.unseen_share(chances, 20) == pytest.approx(np.mean(missed), abs=4 * np.std(missed) / 4000**0.5)
    assert why.unseen_share(np.array([0.5, 0.5]), 1) == 0.5 and why.unseen_share(chances, 0) == pytest.approx(1)


@pytest.mark.parametrize("dimension", [1, 2, 3, 4])
def test_errors_fall_by_the_dimension_of_the_surface(dimension):
    for planes in (False, True):
        found = why.dimension_law(dimension, SIZES, planes=planes, asked=400)
        assert found.predicted == pytest.approx((4 if planes else 2) / dimension, rel=0.1)
        assert found.measured == pytest.approx(found.predicted, rel=0.12)


def test_what_lies_around_the_surface_does_not_matter():
    errors = [why.dimension_law(2, SIZES, planes=False, around=around, asked=100).loss for around in (4, 40)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)


def test_distances_are_scipys():
    spatial = pytest.importorskip("scipy.spatial.distance")
    one, other = np.random.default_rng(0).normal(size=(2, 7, 3))
    assert np.allclose(why.squared_distances(one, other), spatial.cdist(one, other, "sqeuclidean"))


def test_the_dimension_of_a_flat_square_in_space_is_two():
    points = np.zeros((1500, 5))
    points[:, :2] = np.random.default_rng(0).random((1500, 2))
    assert why.two_nearest(points) == pytest.approx(2, rel=0.08)


def test_impossible_data_are_refused():
    with pytest.raises(InputError, match="such as 0.5"):
        why.zipf(10, 0.0)
    with pytest.raises(InputError, match="raise it"):
        why.torus(10, 3, 5, seed=0)
