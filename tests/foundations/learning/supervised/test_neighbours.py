"""k nearest neighbours beside scikit-learn, and by hand."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.supervised.neighbours import nearest_neighbours, nearest_rows, neighbours_mean


@pytest.mark.parametrize("k", [1, 4, 7])
def test_on_digits_it_answers_as_scikit_learn(digits, k):
    x, y = digits
    theirs = pytest.importorskip("sklearn.neighbors").KNeighborsClassifier(k, algorithm="brute").fit(x[:450], y[:450])
    ours = nearest_neighbours(x[:450], y[:450], x[450:], k)
    assert (ours == theirs.predict(x[450:])).mean() > 0.99  # equally near pictures may be ordered otherwise
    assert (ours == y[450:]).mean() > 0.85


def test_regression_is_scikit_learns(diabetes):
    x, y = diabetes
    theirs = pytest.importorskip("sklearn.neighbors").KNeighborsRegressor(5).fit(x[:300], y[:300])
    assert np.allclose(neighbours_mean(x[:300], y[:300], x[300:], 5), theirs.predict(x[300:]))


def test_one_neighbour_repeats_what_it_has_seen(generator):
    x, y = generator.normal(size=(30, 2)), generator.integers(0, 3, 30)
    assert (nearest_neighbours(x, y, x, 1) == y).all()


def test_all_neighbours_give_the_majority_everywhere():
    assert nearest_neighbours([[0], [1], [2]], ["b", "a", "b"], [[1], [99]], 3).tolist() == ["b", "b"]


def test_ties_are_decided_by_rule():
    assert nearest_rows([[1], [-1], [5]], [[0]], 2).tolist() == [[0, 1]]  # equally near: the lower number first
    assert nearest_neighbours([[1], [-1], [5]], ["b", "a", "a"], [[0]], 1).tolist() == ["b"]
    assert nearest_neighbours([[0], [1]], ["b", "a"], [[0]], 2).tolist() == ["a"]  # equally many votes: the first class


@pytest.mark.parametrize("k", [0, 3])
def test_more_neighbours_than_examples_are_refused(k):
    with pytest.raises(InputError, match=f"k={k} neighbours of 2 examples; use 1 to 2"):
        nearest_neighbours([[0], [1]], [0, 1], [[0]], k)


def test_queries_with_other_features_are_refused():
    with pytest.raises(InputError, match="x has 2 features and the model was fitted on 1"):
        nearest_neighbours([[0], [1]], [0, 1], [[0, 1]], 1)
