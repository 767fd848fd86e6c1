"""Householder QR equals NumPy's with the signs; equations and least squares keep the digits that theory allows."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import qr

calm = settings(deadline=None, derandomize=True, max_examples=60)
EPSILON = np.finfo(float).eps


def random(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


@calm
@given(st.integers(1, 8), st.integers(1, 8), st.booleans(), st.integers(0, 999))
def test_q_and_r_are_those_of_numpy_with_the_signs(rows, columns, full, seed):
    matrix = random(rows, columns, seed)
    q, r = qr.householder_qr(matrix, full)
    expected = np.linalg.qr(matrix, mode="complete" if full else "reduced")
    np.testing.assert_allclose(q @ r, matrix, atol=1e-14)
    np.testing.assert_allclose(r, expected.R, atol=1e-13)
    sure = (
        min(rows, columns) if rows > columns else rows
    )  # beyond the columns of A any basis will do, and ours is LAPACK's too
    np.testing.assert_allclose(q[:, :sure], expected.Q[:, :sure], atol=1e-10)
    assert (np.tril(r, -1) == 0).all()


@calm
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 999))
def test_any_matrix_of_small_integers_is_taken_apart(rows, columns, seed):
    matrix = np.random.default_rng(seed).integers(-2, 3, (rows, columns))  # zeros, equal and dependent columns
    q, r = qr.householder_qr(matrix, full=True)
    np.testing.assert_allclose(q @ r, matrix, atol=1e-14)
    np.testing.assert_allclose(q.T @ q, np.eye(rows), atol=1e-14)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_q_stays_orthonormal_for_ill_conditioned_and_extreme_matrices(size):
    q, r = qr.householder_qr(size * scipy.linalg.hilbert(12))
    np.testing.assert_allclose(q.T @ q, np.eye(12), atol=20 * EPSILON)
    np.testing.assert_allclose(q @ (r / size), scipy.linalg.hilbert(12), atol=20 * EPSILON)


def test_a_column_near_the_axis_is_reflected_without_cancellation():
    x = np.array([1.0, 1e-9])
    v = qr.reflector(x)
    image = x - 2 * v * (v @ x)
    assert image[0] == pytest.approx(-1.0) and abs(image[1]) < 1e-25


def test_the_form_with_a_positive_diagonal_is_cholesky_of_the_squares():
    matrix = random(6, 4)
    q, r = qr.with_positive_diagonal(*qr.householder_qr(matrix))
    np.testing.assert_allclose(r, np.linalg.cholesky(matrix.T @ matrix).T, atol=1e-13)
    np.testing.assert_allclose(q @ r, matrix, atol=1e-13)
    q, r = qr.with_positive_diagonal(*qr.householder_qr(matrix, full=True))
    np.testing.assert_allclose(q @ r, matrix, atol=1e-13)


@calm
@given(st.integers(1, 8), st.integers(0, 999))
def test_equations_are_solved_with_a_rest_of_rounding(size, seed):
    matrix, b = random(size, size, seed), random(size, 1, seed + 1)[:, 0]
    x = qr.solve(matrix, b)
    assert np.abs(matrix @ x - b).max() <= 100 * EPSILON * (np.abs(matrix).sum() * np.abs(x).max() + np.abs(b).max())


def test_the_error_of_a_solution_is_what_the_condition_number_allows(hilbert_8):
    error = np.abs(qr.solve(hilbert_8, hilbert_8 @ np.ones(8)) - 1).max()
    assert error < np.linalg.cond(hilbert_8) * EPSILON * 10


@calm
@given(st.integers(1, 6), st.integers(0, 4), st.integers(0, 999))
def test_least_squares_are_those_of_numpy(columns, more, seed):
    matrix, b = random(columns + more, columns, seed), random(columns + more, 1, seed + 1)[:, 0]
    allowed = 1e-12 * np.linalg.cond(matrix) ** 2
    np.testing.assert_allclose(qr.least_squares(matrix, b), np.linalg.lstsq(matrix, b)[0], atol=allowed)


def test_the_normal_equations_lose_twice_as_many_digits(lauchli):
    b = lauchli @ np.ones(3)
    by_qr = np.abs(qr.least_squares(lauchli, b) - 1).max()
    by_squares = np.abs(qr.least_squares_by_normal_equations(lauchli, b) - 1).max()
    assert by_qr < 1e-8 and by_squares > 1e-4  # measured 1e-9 and 1e-2
    with pytest.raises(InputError, match="dependent to working precision"):
        tiny = lauchli * [[1], [0.01], [0.01], [0.01]]  # the squares of 1e-9 vanish beside 1
        qr.least_squares_by_normal_equations(tiny, tiny @ np.ones(3))


@calm
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 999))
def test_null_space_and_row_space_are_all_there_is(rows, columns, inner, seed):
    matrix = np.random.default_rng(seed).integers(-3, 4, (rows, inner)) @ np.random.default_rng(seed + 1).integers(
        -3, 4, (inner, columns)
    )
    null = qr.null_space(matrix)
    assert null.shape == scipy.linalg.null_space(matrix).shape
    np.testing.assert_allclose(matrix @ null, 0, atol=1e-12)
    np.testing.assert_allclose(null.T @ null, np.eye(null.shape[1]), atol=1e-14)


def test_the_complement_of_everything_is_empty_and_of_nothing_everything():
    assert qr.orthogonal_complement(np.eye(3)).shape == (3, 0)
    np.testing.assert_array_equal(np.abs(qr.orthogonal_complement(np.zeros((3, 1)))), np.eye(3))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: qr.solve(np.ones((2, 3)), [1, 2]), "where a square one is needed"),
        (lambda: qr.solve([[1, 2], [2, 4]], [1, 2]), r"dependent to working precision \(column 1.*use pseudo_inverse"),
        (lambda: qr.solve(scipy.linalg.hilbert(16), np.ones(16)), "dependent to working precision"),
        (lambda: qr.solve(np.zeros((2, 2)), [1, 2]), "dependent to working precision"),
        (lambda: qr.solve(np.eye(2), [1, 2, 3]), r"matrix \(2, 2\) has 2 rows and b has 3 numbers"),
        (lambda: qr.least_squares(np.ones((2, 3)), [1, 2]), "fewer equations than unknowns.*is the shortest"),
        (lambda: qr.least_squares(np.ones((3, 2)), [1, 2, 3]), "use pseudo_inverse"),
        (lambda: qr.back_substitution([[1, 1], [0, 0]], [1, 1]), r"a 0 at \[1, 1\]"),
        (lambda: qr.back_substitution(np.eye(2), [1]), "do not fit"),
    ],
)
def test_what_cannot_be_solved_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()
