"""Eigenvalues against NumPy and SciPy, on random, repeated, graded and defective matrices."""

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import eigen

calm = settings(deadline=None, derandomize=True, max_examples=60)


def symmetric(values, seed=0):
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    vectors = scipy.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    return (vectors * values) @ vectors.T, vectors


def same_direction(a, b, tolerance=1e-8):
    return abs(abs(a @ b) - 1) < tolerance


@pytest.mark.parametrize("values", [[5.0, 2.0, 1.0], [-5.0, 2.0, 1.0], [3.0], [1e200, 1e190]])
def test_power_iteration_finds_the_largest_by_size(values):
    matrix, vectors = symmetric(values)
    value, vector = eigen.power_iteration(matrix, np.ones(len(values)))
    assert value == pytest.approx(values[0], rel=1e-9) and same_direction(vector, vectors[:, 0])


def test_power_iteration_finds_the_long_run_of_a_markov_chain():
    chain = np.array([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.0, 0.3, 0.7]])
    value, vector = eigen.power_iteration(chain.T, [1.0, 0.0, 0.0])
    assert value == pytest.approx(1.0)
    np.testing.assert_allclose(vector / vector.sum(), [0.6, 0.3, 0.1], atol=1e-8)


@pytest.mark.parametrize("matrix", [[[0, -1], [1, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]])
def test_where_two_are_equally_large_it_says_so(matrix):
    with pytest.raises(InputError, match="two eigenvalues are .* equally large, or complex; give more steps"):
        eigen.power_iteration(matrix, [1.0, 0.5], steps=50)


def test_a_matrix_of_zeros_has_the_eigenvalue_zero():
    assert eigen.power_iteration(np.zeros((2, 2)), [1, 0])[0] == 0.0
    assert eigen.inverse_iteration(np.zeros((2, 2)), 0.0, [1, 0])[0] == 0.0


@pytest.mark.parametrize("shift, nearest", [(0.0, 1.0), (1.9, 2.0), (2.0, 2.0), (4.0, 5.0), (100.0, 5.0)])
def test_inverse_iteration_finds_the_one_nearest_to_the_shift_even_where_that_is_one(shift, nearest):
    values = [5.0, 2.0, 1.0]
    matrix, vectors = symmetric(values)
    value, vector = eigen.inverse_iteration(matrix, shift, [1.0, 2.0, 3.0], steps=2000)
    assert value == pytest.approx(nearest, abs=1e-8)
    assert same_direction(vector, vectors[:, values.index(nearest)], 1e-6)


def test_inverse_iteration_works_for_matrices_that_are_not_symmetric():
    matrix = np.array([[2.0, 5.0], [0.0, 3.0]])
    value, vector = eigen.inverse_iteration(matrix, 2.9, [1.0, 1.0])
    assert value == pytest.approx(3.0) and same_direction(vector, np.array([5.0, 1.0]) / np.sqrt(26))


def test_rayleigh_iteration_needs_a_handful_of_steps():
    matrix, _ = symmetric(np.linspace(1, 2, 30))
    value, vector = eigen.rayleigh_iteration(matrix, np.ones(30), steps=9)
    np.testing.assert_allclose(matrix @ vector, value * vector, atol=1e-12)
    assert eigen.rayleigh_quotient(matrix, 7 * vector) == pytest.approx(value)
    with pytest.raises(InputError):
        eigen.power_iteration(matrix, np.ones(30), steps=9)


@calm
@given(st.integers(1, 8), st.integers(0, 999))
def test_hessenberg_form_keeps_the_matrix_and_is_tridiagonal_for_symmetric_ones(size, seed):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    q, h = eigen.hessenberg(matrix)
    np.testing.assert_allclose(q @ h @ q.T, matrix, atol=1e-13)
    np.testing.assert_allclose(q.T @ q, np.eye(size), atol=1e-14)
    assert (np.tril(h, -2) == 0).all()
    assert np.abs(np.triu(eigen.hessenberg(matrix + matrix.T)[1], 2)).max() < 1e-13


@calm
@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, 1.0 + 1e-9, 1e-8, 7.0]), min_size=1, max_size=9), st.integers(0, 99))
def test_the_qr_algorithm_finds_repeated_near_and_zero_eigenvalues(values, seed):
    matrix, _ = symmetric(np.array(values), seed)
    found, vectors = eigen.qr_algorithm(matrix)
    np.testing.assert_allclose(found, sorted(values), atol=1e-13)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(values)), atol=1e-13)
    np.testing.assert_allclose(matrix @ vectors, vectors * found, atol=1e-13)


@calm
@given(st.integers(1, 6), st.integers(0, 999))
def test_the_qr_algorithm_takes_any_symmetric_matrix_of_small_integers(size, seed):
    half = np.random.default_rng(seed).integers(-2, 3, (size, size))
    found, vectors = eigen.qr_algorithm(half + half.T)
    np.testing.assert_allclose(found, np.linalg.eigvalsh(half + half.T), atol=1e-13)
    np.testing.assert_allclose((vectors * found) @ vectors.T, half + half.T, atol=1e-13)


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_the_qr_algorithm_does_not_depend_on_the_unit(size):
    matrix = symmetric([3.0, 1.0, -2.0])[0] * size
    np.testing.assert_allclose(eigen.qr_algorithm(matrix)[0] / size, [-2.0, 1.0, 3.0], atol=1e-14)


def test_a_large_one_and_the_hilbert_matrix(hilbert_8):
    half = np.random.default_rng(0).normal(size=(60, 60))
    for matrix in (half + half.T, hilbert_8, np.diag(np.arange(50.0)) + np.eye(50, k=1) + np.eye(50, k=-1)):
        expected = np.linalg.eigvalsh(matrix)
        np.testing.assert_allclose(
            eigen.qr_algorithm(matrix)[0], expected, atol=1e-14 * len(matrix) * abs(expected).max()
        )


def matched(found, expected):
    """The largest distance when each found value goes with the expected one that suits it."""
    return max(
        abs(found[row] - expected[column])
        for row, column in zip(*scipy.optimize.linear_sum_assignment(np.abs(found[:, None] - expected)), strict=True)
    )


@calm
@given(st.integers(1, 10), st.integers(0, 999))
def test_eigenvalues_of_any_real_matrix_are_those_of_numpy(size, seed):
    matrix = np.random.default_rng(seed).normal(size=(size, size))
    found, (expected, vectors) = eigen.eigenvalues(matrix), np.linalg.eig(matrix)
    assert matched(found, expected) < 1e-13 * np.linalg.cond(vectors) * 10
    np.testing.assert_allclose(found.sum(), np.trace(matrix), atol=1e-12)


def test_the_eigenvalues_of_a_cyclic_permutation_are_the_roots_of_one():
    for size in (2, 3, 4, 8):
        found = eigen.eigenvalues(np.roll(np.eye(size), 1, axis=0))
        assert matched(found, np.exp(2j * np.pi * np.arange(size) / size)) < 1e-14


def test_pairs_stand_together_and_real_ones_are_real():
    matrix = scipy.linalg.block_diag([[1, -2], [2, 1]], [[1, -3], [3, 1]], [[5.0]])
    np.testing.assert_allclose(eigen.eigenvalues(matrix), [1 - 3j, 1 - 2j, 1 + 2j, 1 + 3j, 5], atol=1e-14)
    assert (eigen.eigenvalues([[2, 1], [1, 2]]).imag == 0).all()


def test_a_defective_eigenvalue_keeps_the_digits_that_it_can():
    found = eigen.eigenvalues([[2, 1, 0], [0, 2, 1], [0, 0, 2]])
    np.testing.assert_allclose(found, 2, atol=1e-4)
    np.testing.assert_array_equal(eigen.eigenvalues(np.eye(3, k=1)), 0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: eigen.qr_algorithm([[1, 2], [0, 1]]), "is not symmetric.*eigenvalues takes any square matrix"),
        (lambda: eigen.rayleigh_iteration([[1, 2], [0, 1]], [1, 1]), "is not symmetric"),
        (lambda: eigen.eigenvalues(np.ones((2, 3))), "where a square one is needed"),
        (lambda: eigen.power_iteration(np.eye(2), [0, 0]), "start is all zeros"),
        (lambda: eigen.power_iteration(np.eye(2), [1, 0, 0]), "start has 3 numbers and the matrix 2 rows"),
    ],
)
def test_what_cannot_be_is_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        wrong()
