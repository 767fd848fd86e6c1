"""Norms, angles and similarities against SciPy, scikit-learn and exact numbers."""

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from groundup.errors import InputError
from groundup.foundations.linalg import vectors

pairwise = pytest.importorskip("sklearn.metrics.pairwise")
calm = settings(deadline=None, derandomize=True, max_examples=60)
numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))  # SciPy's cubes of 1e-155 vanish
in_the_same_space = st.integers(1, 6).flatmap(
    lambda size: st.tuples(*[arrays.arrays(np.float64, size, elements=numbers)] * 3)
)


@calm
@given(in_the_same_space, st.sampled_from([1.0, 1.5, 2.0, 3.0, math.inf]))
def test_a_norm_obeys_the_triangle_and_scales(three, p):
    a, b, _ = three
    assert vectors.norm(a + b, p) <= (vectors.norm(a, p) + vectors.norm(b, p)) * (1 + 1e-12)
    assert vectors.norm(-3 * a, p) == pytest.approx(3 * vectors.norm(a, p), rel=1e-12)
    assert vectors.norm(a, p) == pytest.approx(scipy.linalg.norm(a, p), rel=1e-9, abs=1e-300)


@calm
@given(in_the_same_space)
def test_the_inner_product_is_symmetric_linear_and_below_the_product_of_lengths(three):
    a, b, c = three
    assert vectors.dot(a, b) == vectors.dot(b, a)
    size = vectors.norm(c) * (2 * vectors.norm(a) + vectors.norm(b))
    assert vectors.dot(2 * a + b, c) == pytest.approx(
        2 * vectors.dot(a, c) + vectors.dot(b, c), abs=1e-12 * size + 1e-300
    )
    assert abs(vectors.dot(a, b)) <= vectors.norm(a) * vectors.norm(b) * (1 + 1e-12) + 1e-300


@pytest.mark.parametrize("size", [1e200, 1.0, 1e-200])
def test_a_length_neither_overflows_nor_underflows(size):
    assert vectors.norm([3 * size, 4 * size]) == pytest.approx(5 * size, rel=1e-15)
    assert vectors.column_norms(np.array([[3 * size, 0], [4 * size, 0]])).tolist() == pytest.approx(
        [5 * size, 0], rel=1e-15
    )


@pytest.mark.parametrize("turn", [1e-12, 1e-6, 0.3, math.pi / 2, 3.0, math.pi - 1e-6])
def test_an_angle_is_exact_where_the_arc_cosine_is_not(turn):
    assert vectors.angle([2.0, 0.0], [5 * math.cos(turn), 5 * math.sin(turn)]) == pytest.approx(turn, rel=1e-10)


def test_the_arc_cosine_does_lose_a_small_angle():
    cosine = vectors.cosine_similarity([[1.0, 0.0]], [[math.cos(1e-9), math.sin(1e-9)]])[0, 0]
    assert math.acos(cosine) == 0.0 and vectors.angle([1.0, 0.0], [math.cos(1e-9), math.sin(1e-9)]) == pytest.approx(
        1e-9
    )


def test_distances_are_norms_of_the_difference():
    assert [vectors.distance([1, 1], [4, 5], p) for p in (1, 2, math.inf)] == [7.0, 5.0, 4.0]


@calm
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(0, 99))
def test_cosine_similarity_is_that_of_scikit_learn_and_blind_to_length(rows, others, width, seed):
    source = np.random.default_rng(seed)
    a, b = source.normal(size=(rows, width)), source.normal(size=(others, width))
    a[0] *= seed % 2  # half of the cases have a row of zeros
    found = vectors.cosine_similarity(a, b)
    np.testing.assert_allclose(found, pairwise.cosine_similarity(a, b), atol=1e-14)
    np.testing.assert_allclose(vectors.cosine_similarity(a * 1e200, b * 1e-200), found, atol=1e-14)
    np.testing.assert_allclose(vectors.dot_product_similarity(a, b), a @ b.T, atol=1e-14)


def test_no_cosine_is_beyond_one():
    rows = np.random.default_rng(0).normal(size=(200, 7))
    assert np.abs(vectors.cosine_similarity(rows, rows)).max() == 1.0


def test_the_nearest_are_in_order_and_of_equals_the_first_comes_first():
    rows = [[1, 0], [0, 1], [2, 0], [1, 1]]
    assert [row for row, _ in vectors.nearest([3, 0], rows, 4)] == [0, 2, 3, 1]
    assert vectors.nearest([3, 0], rows, 1, leave_out={0}) == [(2, 1.0)]


def test_words_in_the_same_company_are_near_although_they_never_meet():
    text = "the cat drinks milk . the dog drinks water . a cat sleeps . a dog sleeps . we read a book".split()
    words, counts = vectors.count_neighbours(text, window=1)
    place = {word: number for number, word in enumerate(words)}
    assert counts[place["cat"], place["dog"]] == 0
    near = [words[row] for row, _ in vectors.nearest(counts[place["cat"]], counts, 1, leave_out={place["cat"]})]
    assert near == ["dog"]


@calm
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12), st.integers(1, 5))
def test_neighbours_are_counted_as_by_hand(tokens, window):
    words, counts = vectors.count_neighbours(tokens, window)
    by_hand = np.zeros_like(counts)
    for i, one in enumerate(tokens):
        for j, other in enumerate(tokens):
            by_hand[words.index(one), words.index(other)] += 0 < abs(i - j) <= window
    np.testing.assert_array_equal(counts, by_hand)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: vectors.dot([1, 2], [1]), "a has 2 numbers and b has 1; both need as many"),
        (lambda: vectors.norm([1, 2], 0.5), "p=0.5 gives no norm.*use p >= 1"),
        (lambda: vectors.norm([1, 2], math.nan), "use p >= 1"),
        (lambda: vectors.angle([0, 0], [1, 0]), "zeros has no direction"),
        (lambda: vectors.cosine_similarity([[1, 2]], [[1, 2, 3]]), "rows of a have 2 numbers and those of b 3"),
        (lambda: vectors.nearest([1, 2], [[1, 2]], 2), "count=2 of 1 vectors; ask for 1 to 1"),
        (lambda: vectors.count_neighbours([]), "0 tokens"),
        (lambda: vectors.count_neighbours(["a"], 0), "window=0"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()
