"""The decomposition against NumPy and exact singular values; what follows from it against NumPy and SciPy."""

import math

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import svd

calm = settings(deadline=None, derandomize=True, max_examples=80)
EPSILON = np.finfo(float).eps


def random(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def check(matrix):
    """Whatever the matrix is: U and V orthonormal, s sorted, the product the matrix, s those of NumPy."""
    u, s, vt = svd.jacobi_svd(matrix)
    k = min(matrix.shape)
    scale = max(np.abs(matrix).max(), 1e-300)
    assert u.shape == (len(matrix), k) and s.shape == (k,) and vt.shape == (k, matrix.shape[1])
    np.testing.assert_allclose(u.T @ u, np.eye(k), atol=1e-13)
    np.testing.assert_allclose(vt @ vt.T, np.eye(k), atol=1e-13)
    np.testing.assert_allclose((u * (s / scale)) @ vt, matrix / scale, atol=1e-13)
    np.testing.assert_allclose(s / scale, np.linalg.svd(matrix / scale)[1], atol=1e-13)
    assert (s[:-1] >= s[1:]).all() and (s >= 0).all()


@calm
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 999))
def test_random_matrices(rows, columns, seed):
    check(random(rows, columns, seed))


@calm
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 6), st.integers(0, 999))
def test_matrices_of_any_rank_with_zeros_and_equal_rows(rows, columns, inner, seed):
    source = np.random.default_rng(seed)
    check((source.integers(-3, 4, (rows, inner)) @ source.integers(-3, 4, (inner, columns))).astype(float))


@pytest.mark.parametrize(
    "matrix",
    [
        np.zeros((3, 2)),
        np.ones((5, 5)),
        np.eye(4),
        np.diag([1e200, 1.0, 1e-200]),
        1e-300 * random(3, 3),
        1e300 * random(3, 3),
    ],
    ids=["zeros", "ones", "identity", "graded", "tiny", "huge"],
)
def test_special_matrices(matrix):
    check(matrix)


def test_small_singular_values_have_all_their_digits_where_columns_differ_in_scale():
    """The product of all s is the determinant, 12 times the scales; NumPy's last s is 0 here, and so is the root of A'A's."""
    matrix = np.array([[1.0, 2.0, 1.0], [1.0, -1.0, 2.0], [2.0, 1.0, -1.0]]) * [2.0**-30, 2.0**-60, 1.0]
    s = svd.singular_values(matrix)
    assert math.prod(s) == pytest.approx(12 * 2.0**-90, rel=1e-14)
    assert s[-1] > 1e-19 and np.linalg.eigvalsh(matrix.T @ matrix)[0] < 1e-6 * s[-1] ** 2


def test_the_hilbert_matrix_keeps_its_smallest_singular_value():
    """1.1115389663724424e-10 for order 8: by mpmath 1.3, eigsy with 40 digits; its condition number leaves 6 to LAPACK as well."""
    assert svd.singular_values(scipy.linalg.hilbert(8))[-1] == pytest.approx(1.1115389663724424e-10, rel=1e-5)


@pytest.mark.parametrize("players", [1, 2, 3, 4, 7, 10])
def test_in_a_tournament_each_meets_each_once_and_nobody_twice_in_a_round(players):
    met = []
    for one, other in svd.tournament(players):
        assert len({*one.tolist(), *other.tolist()}) == 2 * len(one)
        met += zip(one.tolist(), other.tolist(), strict=True)
    assert sorted(met) == [(i, j) for i in range(players) for j in range(i + 1, players)]


@calm
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 999))
def test_no_other_matrix_of_that_rank_is_nearer(rows, columns, seed):
    matrix = random(rows, columns, seed)
    spectral, frobenius = svd.low_rank_errors(matrix)
    for rank in range(min(rows, columns) + 1):
        near = svd.low_rank(matrix, rank)
        assert np.linalg.matrix_rank(near, tol=1e-10) <= rank
        assert np.linalg.norm(matrix - near, 2) == pytest.approx(spectral[rank], abs=1e-13)
        assert np.linalg.norm(matrix - near) == pytest.approx(frobenius[rank], abs=1e-13)
        other = random(rows, rank, seed + 1) if rank else np.zeros((rows, 1))
        best = other @ np.linalg.lstsq(other, matrix)[0]  # the best with another column space
        assert np.linalg.norm(matrix - best) >= frobenius[rank] - 1e-12


@calm
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7), st.integers(0, 999))
def test_the_pseudo_inverse_obeys_the_four_laws_of_penrose(rows, columns, inner, seed):
    a = random(rows, inner, seed) @ random(inner, columns, seed + 1)
    x = svd.pseudo_inverse(a)
    size = np.linalg.norm(x, 2) * np.linalg.norm(a, 2)
    for left, right in ((a @ x @ a, a), (x @ a @ x, x), ((a @ x).T, a @ x), ((x @ a).T, x @ a)):
        np.testing.assert_allclose(left, right, atol=1e-12 * size * max(1, np.abs(right).max()))
    np.testing.assert_allclose(x, np.linalg.pinv(a, rcond=max(a.shape) * EPSILON), atol=1e-12 * size * np.abs(x).max())


def test_the_pseudo_inverse_gives_the_shortest_solution_and_of_zeros_zeros():
    np.testing.assert_allclose(svd.pseudo_inverse([[1.0, 1.0]]) @ [2.0], [1.0, 1.0], atol=1e-15)
    np.testing.assert_array_equal(svd.pseudo_inverse(np.zeros((2, 3))), np.zeros((3, 2)))
    np.testing.assert_allclose(svd.pseudo_inverse(np.diag([1.0, 0.01]), tolerance=0.1), np.diag([1.0, 0.0]))


def test_the_condition_number_is_numpys_and_says_how_far_a_solution_may_move(hilbert_8):
    assert svd.condition_number(hilbert_8) == pytest.approx(np.linalg.cond(hilbert_8), rel=1e-4)
    assert svd.condition_number(np.eye(3)) == 1.0 and svd.condition_number([[1, 0], [0, 0]]) == math.inf
    assert svd.condition_number(np.diag([2.0, 1e-30])) == pytest.approx(2e30)


def test_a_large_tall_one_that_is_not_of_full_rank():
    check(random(300, 20) @ random(20, 40, 1))


@pytest.mark.parametrize("rank", [-1, 3])
def test_a_rank_that_cannot_be_is_refused(rank):
    with pytest.raises(InputError, match=rf"rank={rank} for a matrix of shape \(2, 5\); use 0 to 2"):
        svd.low_rank(np.ones((2, 5)), rank)
