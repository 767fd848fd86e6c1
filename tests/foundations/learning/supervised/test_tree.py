"""The decision tree beside scikit-learn, and by hand."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.information.entropy import entropy
from groundup.foundations.learning.supervised.tree import best_split, decision_tree, entropy_impurity, gini


@pytest.mark.parametrize(("impurity", "name"), [(gini, "gini"), (entropy_impurity, "entropy")])
@pytest.mark.parametrize("table", ["iris", "wine", "breast_cancer"])
def test_the_first_question_is_scikit_learns(table, impurity, name, request):
    x, y = request.getfixturevalue(table)
    theirs = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(max_depth=1, criterion=name, random_state=0)
    theirs.fit(x, y)
    split = best_split(x, y, impurity)
    mixed = theirs.tree_.impurity
    sizes = theirs.tree_.n_node_samples
    assert np.isclose(split.gain, mixed[0] - (sizes[1:] * mixed[1:]).sum() / sizes[0], atol=1e-9)
    if table != "iris":  # there two petal measures separate one kind equally well
        assert split.feature == theirs.tree_.feature[0] and np.isclose(split.threshold, theirs.tree_.threshold[0])


@pytest.mark.parametrize("impurity", [gini, entropy_impurity])
def test_a_deep_tree_repeats_its_examples_and_guesses_well_on_others(breast_cancer, impurity):
    x, y = breast_cancer
    tree = decision_tree(x[:400], y[:400], impurity=impurity)
    assert (tree.predict(x[:400]) == y[:400]).all() and (tree.predict(x[400:]) == y[400:]).mean() > 0.88


def test_a_tree_that_is_held_back_is_scikit_learns_in_size_and_answers(wine):
    x, y = wine
    theirs = pytest.importorskip("sklearn.tree").DecisionTreeClassifier(max_depth=2, random_state=0).fit(x, y)
    ours = decision_tree(x, y, max_depth=2)
    assert (ours.depth, ours.leaves) == (2, theirs.get_n_leaves())
    assert np.allclose(ours.probabilities(x), theirs.predict_proba(x))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.integers(1, 3), st.integers(1, 3))
def test_the_best_question_is_the_best_of_all_by_trying(seed, rows, features, min_leaf):
    generator = np.random.default_rng(seed)
    x, codes = generator.integers(0, 4, (rows, features)).astype(float), generator.integers(0, 3, rows)
    tried = []
    for feature in range(features):
        for low, high in pairwise(np.unique(x[:, feature])):
            left = x[:, feature] <= (low + high) / 2
            if min(left.sum(), (~left).sum()) >= min_leaf:
                mixed = sum(side.mean() * gini(np.bincount(codes[side], minlength=3)) for side in (left, ~left))
                tried.append(
                    (round(float(gini(np.bincount(codes, minlength=3)) - mixed), 9), -feature, -(low + high) / 2)
                )
    found = best_split(x, codes, gini, min_leaf)
    assert (found is None) == (not tried)
    if found:
        assert (round(found.gain, 9), -found.feature, -found.threshold) == max(tried)


def test_impurity_of_many_counts_is_that_of_each():
    counts = np.array([[1, 2, 3], [0, 0, 4], [2, 2, 2]])
    assert np.allclose(entropy_impurity(counts), [entropy(row / row.sum()) for row in counts])
    assert np.allclose(gini(counts), [1 - ((row / row.sum()) ** 2).sum() for row in counts])


def test_a_question_that_pays_only_after_another_is_still_asked():
    x, labels = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
    tree = decision_tree(x, labels)
    assert tree.split.gain == 0 and tree.predict(x).tolist() == labels
    assert tree.rules(["a", "b"]).splitlines()[0] == "a <= 0.5:" and tree.rules().count("yes  [0, 1]") == 2


def test_between_neighbouring_floats_the_threshold_still_separates():
    low, high = 1.0, float(np.nextafter(1.0, 2.0))
    tree = decision_tree([[low], [high]], [0, 1])
    assert tree.predict([[low], [high]]).tolist() == [0, 1]


def test_leaves_are_as_small_and_deep_as_allowed_and_no_more(iris):
    x, y = iris
    tree = decision_tree(x, y, max_depth=3, min_leaf=20)
    leaves, todo = [], [tree]
    for node in todo:
        todo += [side for side in (node.left, node.right) if side] if node.split else []
        leaves += [] if node.split else [node.counts.sum()]
    assert tree.depth <= 3 and min(leaves) >= 20 and sum(leaves) == 150 and len(leaves) == tree.leaves
    assert decision_tree(x, y, max_depth=0).predict(x[:1]).tolist() == [0]


def test_what_cannot_be_grown_or_asked_is_refused():
    with pytest.raises(InputError, match="max_depth=-1, min_leaf=1; use a depth of 0 or more"):
        decision_tree([[1], [2]], [0, 1], max_depth=-1)
    with pytest.raises(InputError, match="x has 2 features and the model was fitted on 1"):
        decision_tree([[1], [2]], [0, 1]).predict([[1, 2]])
