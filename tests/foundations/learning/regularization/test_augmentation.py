"""Augmentation: what moves, what stays, and the ridge that jitter is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.metrics.classification import accuracy
from groundup.foundations.learning.regularization.augmentation import augment_images, jitter, mixup, shift
from groundup.foundations.learning.regularization.penalties import ridge
from groundup.foundations.learning.supervised.linear import linear_regression
from groundup.foundations.learning.supervised.neighbours import nearest_neighbours


def test_jitter_is_ridge_on_average(generator):
    x = generator.normal(size=(40, 2))
    y = x @ [2.0, -1.0] + 1
    many = np.tile(x, (2000, 1))
    shaken = linear_regression(jitter(many, 0.5, generator), np.tile(y, 2000))
    held = ridge(x, y, 0.5**2)
    assert np.allclose(shaken.weights, held.weights, atol=0.02) and np.isclose(
        shaken.intercept, held.intercept, atol=0.02
    )


@given(st.integers(-4, 4), st.integers(-4, 4))
def test_a_shift_moves_every_pixel_and_fills_with_0(down, right):
    image = np.arange(1.0, 10.0).reshape(3, 3)
    moved = shift(image, down, right)
    for row in range(3):
        for column in range(3):
            inside = 0 <= row - down < 3 and 0 <= column - right < 3
            assert moved[row, column] == (image[row - down, column - right] if inside else 0)


def test_copies_keep_their_labels_and_the_originals_come_first(generator):
    images, labels = generator.random((4, 5, 5)), np.array([3, 1, 2, 0])
    more, answers = augment_images(images, labels, 2, 1, generator)
    assert more.shape == (12, 5, 5) and answers.tolist() == [3, 1, 2, 0] * 3 and (more[:4] == images).all()
    for place in range(4, 12):
        moves = [shift(images[place % 4], down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
        assert any((more[place] == one).all() for one in moves)


def test_shifted_copies_help_where_pictures_are_shifted(digits):
    x, y = digits
    images = x.reshape(-1, 8, 8)
    train, answers = images[:100], y[:100]
    asked = np.stack([shift(image, 1, -1) for image in images[300:]]).reshape(-1, 64)
    plain = accuracy(y[300:], nearest_neighbours(train.reshape(-1, 64), answers, asked, 1))
    more, labels = augment_images(train, answers, 6, 1, np.random.default_rng(0))
    helped = accuracy(y[300:], nearest_neighbours(more.reshape(-1, 64), labels, asked, 1))
    assert helped > plain + 0.2


def test_blends_stay_between_their_two_and_use_one_share_for_both(generator):
    x = np.eye(6)
    points, targets = mixup(x, x, 0.3, generator)
    assert np.allclose(points, targets) and np.allclose(targets.sum(axis=1), 1) and (targets >= 0).all()


def test_what_does_not_fit_is_refused(generator):
    with pytest.raises(InputError, match="is a standard deviation"):
        jitter([[1.0]], -1, generator)
    with pytest.raises(InputError, match=r"shape \(3,\); give \(rows, columns\)"):
        shift([1, 2, 3], 0, 0)
    with pytest.raises(InputError, match="x has 2 rows and labels 1"):
        augment_images(np.zeros((2, 3, 3)), [1], 1, 1, generator)
    with pytest.raises(InputError, match="alpha=0; give a positive number"):
        mixup([[1.0]], [[1.0]], 0, generator)
