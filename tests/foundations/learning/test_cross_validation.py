"""Splits, folds and stopping: what they promise, and scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.learning.cross_validation import (
    EarlyStopping,
    cross_validate,
    early_stopping,
    k_fold,
    mean_and_error,
    split,
    stratified_k_fold,
    stratified_split,
)
from groundup.foundations.learning.features import best_features, standardize
from groundup.foundations.learning.metrics.classification import accuracy
from groundup.foundations.learning.supervised.neighbours import nearest_neighbours


@given(st.integers(2, 60), st.integers(2, 60), st.integers(0, 99))
def test_every_example_validates_once_and_trains_otherwise(count, folds, seed):
    order = np.random.default_rng(seed).permutation(count)
    if folds > count:
        with pytest.raises(InputError, match=f"{count} examples cannot make {folds} folds; use 2 to {count}"):
            k_fold(order, folds)
        return
    found = k_fold(order, folds)
    assert np.concatenate([held for _, held in found]).tolist() == order.tolist()
    sizes = [len(held) for _, held in found]
    assert max(sizes) - min(sizes) <= 1 and sizes == sorted(sizes, reverse=True)
    assert all(sorted([*train, *held]) == list(range(count)) for train, held in found)


@pytest.mark.parametrize(("count", "folds"), [(10, 3), (11, 4), (5, 5)])
def test_without_shuffling_the_folds_are_scikit_learns(count, folds):
    theirs = pytest.importorskip("sklearn.model_selection").KFold(folds).split(np.zeros(count))
    for (train, held), (other_train, other_held) in zip(k_fold(np.arange(count), folds), theirs, strict=True):
        assert train.tolist() == other_train.tolist() and held.tolist() == other_held.tolist()


@given(st.lists(st.integers(2, 12), min_size=1, max_size=4), st.integers(0, 9))
def test_stratified_folds_have_every_class_in_equal_numbers(sizes, seed):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    folds = min(sizes)
    held = [one for _, one in stratified_k_fold(labels, folds, seed)]
    counts = np.array([np.bincount(labels[one], minlength=len(sizes)) for one in held])
    assert (np.ptp(counts, axis=0) <= 1).all() and np.ptp(counts.sum(axis=1)) <= 1
    assert sorted(np.concatenate(held).tolist()) == list(range(len(labels)))


def test_a_class_too_rare_for_the_folds_is_named():
    with pytest.raises(InputError, match=r"rarest class \(b\) has 2 examples.*3 folds; use fewer folds"):
        stratified_k_fold(["a", "a", "a", "b", "b"], 3)


@given(st.integers(10, 200), st.integers(0, 99))
def test_the_three_parts_share_nothing_and_lose_nothing(count, seed):
    parts = split(count, seed=seed)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert all(abs(len(part) - share * count) < 1 for part, share in zip(parts, (0.8, 0.1, 0.1), strict=True))
    assert all((one == other).all() for one, other in zip(parts, split(count, seed=seed), strict=True))


def test_stratified_parts_keep_the_shares_of_a_rare_class():
    labels = np.array([0] * 180 + [1] * 20)
    parts = stratified_split(labels, (0.5, 0.25, 0.25))
    assert [(labels[part] == 1).sum() for part in parts] == [10, 5, 5] and [len(part) for part in parts] == [
        100,
        50,
        50,
    ]
    assert len(np.unique(np.concatenate(parts))) == 200


@pytest.mark.parametrize("fractions", [(0.5, 0.6), (1.0, 0.0), ()])
def test_fractions_that_are_no_shares_are_refused(fractions):
    with pytest.raises(InputError, match="give positive numbers that sum to 1"):
        split(10, fractions)
    with pytest.raises(InputError, match="2 examples leave a part of"):
        split(2)


def test_the_scores_are_scikit_learns(iris):
    x, y = iris
    selection, neighbours = pytest.importorskip("sklearn.model_selection"), pytest.importorskip("sklearn.neighbors")
    folds = stratified_k_fold(y, 5)
    theirs = selection.cross_val_score(neighbours.KNeighborsClassifier(5), x, y, cv=folds)
    ours = cross_validate(lambda x, y: lambda at: nearest_neighbours(x, y, at, 5), accuracy, x, y, folds)
    assert np.allclose(ours, theirs)
    mean, error = mean_and_error(ours)
    assert mean > 0.93 and np.isclose(error, np.std(theirs, ddof=1) / np.sqrt(5))


def test_features_chosen_outside_the_folds_make_noise_look_learnable(generator):
    x, y = generator.normal(size=(60, 2000)), np.tile([0, 1], 30)  # nothing to learn: 0.5 is all there is

    def chosen(x, y):
        return best_features(np.abs(standardize(x).apply(x).T @ (2 * y - 1)), 10)

    def inside(x, y):
        columns = chosen(x, y)
        return lambda at: nearest_neighbours(x[:, columns], y, at[:, columns], 5)

    folds = stratified_k_fold(y, 5)
    leaky = x[:, chosen(x, y)]
    outside = cross_validate(lambda x, y: lambda at: nearest_neighbours(x, y, at, 5), accuracy, leaky, y, folds).mean()
    assert outside > 0.75 and abs(cross_validate(inside, accuracy, x, y, folds).mean() - 0.5) < 0.2


def test_training_ends_when_patience_does_and_the_best_is_kept():
    assert early_stopping([5, 4, 3, 3.5, 3.2, 3.1, 1], patience=3) == (2, 5)
    assert early_stopping([5, 4, 3, 3.5, 2.9, 3.1], patience=3) == (4, 5)  # improved in time: the counting begins anew
    assert early_stopping([3, 2, 1], patience=1) == (2, 2)
    assert early_stopping([3, 2.95, 2.9, 2.85], patience=2, min_delta=0.2) == (0, 2)  # a crawl is no improvement
    assert early_stopping([1, 1, 1], patience=2) == (0, 2)


def test_a_loss_that_is_no_number_never_improves():
    assert early_stopping([2.0, float("nan"), float("nan"), 0.0], patience=2) == (0, 2)
    with pytest.raises(InputError, match="no loss was a finite number"):
        early_stopping([float("nan")] * 3, patience=2)
    with pytest.raises(InputError, match="patience=0"):
        EarlyStopping(0)


def test_scores_and_folds_that_say_nothing_are_refused():
    with pytest.raises(InputError, match="one score says nothing about its error"):
        mean_and_error([0.5])
    with pytest.raises(InputError, match=r"such as np.arange\(count\)"):
        k_fold(10, 5)
    with pytest.raises(InputError, match="would be empty; give more examples"):
        stratified_split([0, 1])
    with pytest.raises(InputError, match="there are no folds"):
        cross_validate(lambda x, y: lambda at: at, accuracy, [[1]], [1], [])
