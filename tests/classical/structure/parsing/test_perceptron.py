"""The averaged perceptron: the shortcut is the mean of every step's weights, and what can be parted is parted."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.structure.parsing.perceptron import (
    averaged_weights,
    best_class,
    learn_from_mistake,
    train_perceptron,
)

examples = st.lists(
    st.tuples(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True), st.sampled_from("xyz")),
    min_size=1, max_size=12,
)  # fmt: skip


@given(examples, st.integers(1, 3))
def test_the_average_is_the_mean_of_the_weights_after_each_step(found, rounds):
    weights, totals, kept, step = {}, {}, Counter(), 0
    for _ in range(rounds):
        for features, right in found:
            learn_from_mistake(weights, totals, features, right, best_class(weights, features, "xyz"), step)
            step += 1
            kept.update(weights)
    mean = averaged_weights(weights, totals, step)
    assert mean == {key: pytest.approx(kept[key] / step, abs=1e-12) for key in weights}
    assert (weights, mean) == train_perceptron(found, "xyz", rounds)


def test_three_steps_by_hand():
    weights, totals = {}, {}
    learn_from_mistake(weights, totals, ["a"], "x", "y", 0)  # w = +1 after steps 1, 2, 3
    learn_from_mistake(weights, totals, ["a"], "x", "x", 1)
    learn_from_mistake(weights, totals, ["a"], "y", "x", 2)  # w = 0 after step 3
    assert weights == {("a", "x"): 0.0, ("a", "y"): 0.0}
    assert averaged_weights(weights, totals, 3) == {("a", "x"): pytest.approx(2 / 3), ("a", "y"): pytest.approx(-2 / 3)}


def test_what_a_line_parts_is_learned_without_a_mistake():
    source = random.Random(0)
    found = []
    for _ in range(60):
        features = [name for name in "abcdef" if source.random() < 0.5] + ["always"]
        found.append(
            (features, "yes" if 2 * ("a" in features) + ("b" in features) - 2 * ("c" in features) > 0 else "no")
        )
    weights, _ = train_perceptron(found, ["yes", "no"], rounds=30)
    assert all(best_class(weights, features, ["yes", "no"]) == right for features, right in found)
