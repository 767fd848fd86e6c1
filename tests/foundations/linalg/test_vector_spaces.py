"""Gram-Schmidt and its losses as the papers say, rank and projection against NumPy and SciPy."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.linalg import vector_spaces as spaces

calm = settings(deadline=None, derandomize=True, max_examples=60)
EPSILON = np.finfo(float).eps


def random(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


@pytest.mark.parametrize(
    "way", [spaces.gram_schmidt, spaces.gram_schmidt_classical, lambda a: spaces.gram_schmidt_classical(a, passes=2)]
)
@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (5, 3), (6, 6), (40, 10)])
def test_the_columns_become_those_of_qr_with_a_positive_diagonal(way, shape):
    matrix = random(*shape)
    q, r = np.linalg.qr(matrix)
    np.testing.assert_allclose(way(matrix), q * np.sign(np.diagonal(r)), atol=1e-12)


def test_the_losses_of_orthogonality_are_those_of_the_theory(hilbert_8):
    kappa = np.linalg.cond(hilbert_8)
    classical = spaces.loss_of_orthogonality(spaces.gram_schmidt_classical(hilbert_8))
    modified = spaces.loss_of_orthogonality(spaces.gram_schmidt(hilbert_8))
    twice = spaces.loss_of_orthogonality(spaces.gram_schmidt_classical(hilbert_8, passes=2))
    assert classical > 0.01  # kappa^2 eps is far above 1
    assert 1e-3 * kappa * EPSILON < modified < 10 * kappa * EPSILON
    assert twice < 10 * 8 * EPSILON


def test_on_lauchlis_columns_the_classical_way_gives_an_angle_of_sixty_degrees(lauchli):
    matrix = lauchli.copy()
    matrix[1:] *= 0.01  # differences of 1e-9: their squares are below rounding
    classical, modified = spaces.gram_schmidt_classical(matrix), spaces.gram_schmidt(matrix)
    assert classical[:, 1] @ classical[:, 2] == pytest.approx(0.5, abs=1e-6)
    assert abs(modified[:, 1] @ modified[:, 2]) < 1e-12


@pytest.mark.parametrize("way", [spaces.gram_schmidt, spaces.gram_schmidt_classical])
@pytest.mark.parametrize("columns", [[[1, 2], [2, 4]], [[0, 1], [0, 1]], [[1, 0, 1], [0, 1, 1]], np.ones((3, 2)) / 3])
def test_dependent_columns_are_named(way, columns):
    with pytest.raises(
        InputError, match=r"vector [012] \(counted from 0\) depends on those before it.*orthonormal_basis"
    ):
        way(columns)


@calm
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4), st.integers(0, 999))
def test_rank_is_that_of_numpy_and_bases_span_the_same(rows, columns, inner, seed):
    source = np.random.default_rng(seed)
    matrix = source.integers(-3, 4, (rows, inner)) @ source.integers(-3, 4, (inner, columns))
    expected = np.linalg.matrix_rank(matrix)
    chosen, basis = spaces.independent_columns(matrix)
    assert spaces.rank(matrix) == spaces.rank(matrix.T) == expected == len(chosen) == basis.shape[1]
    assert np.linalg.matrix_rank(matrix[:, chosen]) == expected if chosen else expected == 0
    assert spaces.loss_of_orthogonality(basis) < 1e-14 if chosen else True
    np.testing.assert_allclose(basis @ (basis.T @ matrix), matrix, atol=1e-12)


def test_rank_is_a_question_of_tolerance(hilbert_8):
    for tolerance, expected in ((1e-1, 2), (1e-2, 3), (1e-3, 4), (None, 8)):
        assert spaces.rank(hilbert_8, tolerance) == expected
        assert np.linalg.matrix_rank(hilbert_8, tolerance) == expected


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_rank_does_not_depend_on_the_unit(size):
    assert spaces.rank(size * np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 1.0]])) == 2


@calm
@given(st.integers(1, 7), st.integers(1, 7), st.integers(0, 999))
def test_a_projection_is_the_nearest_point_and_projecting_again_changes_nothing(rows, columns, seed):
    onto, vector = random(rows, columns, seed), random(rows, 1, seed + 1)[:, 0]
    point = spaces.project(vector, onto)
    nearest = onto @ np.linalg.lstsq(onto, vector)[0]
    np.testing.assert_allclose(point, nearest, atol=1e-8 * np.linalg.cond(onto))
    np.testing.assert_allclose(spaces.project(point, onto), point, atol=1e-13)
    np.testing.assert_allclose((vector - point) @ onto, 0, atol=1e-12)
    assert spaces.in_span(point, onto)


def test_a_vector_beside_the_span_is_not_in_it():
    plane = [[1, 0, 1], [0, 1, 1], [0, 0, 0]]
    assert spaces.in_span([3, -2, 0], plane) and not spaces.in_span([3, -2, 1e-6], plane)
    assert spaces.in_span([0, 0, 0], plane)


def test_projection_onto_nothing_is_nothing():
    np.testing.assert_array_equal(spaces.project([1.0, 2.0], np.zeros((2, 3))), [0.0, 0.0])


def test_a_vector_of_another_space_is_refused():
    with pytest.raises(InputError, match=r"vector has 2 numbers and the columns of onto \(3, 1\) have 3"):
        spaces.project([1.0, 2.0], np.ones((3, 1)))


def test_the_basis_reaches_what_scipys_reaches():
    matrix = random(6, 2) @ random(2, 5, 1)
    ours, theirs = spaces.orthonormal_basis(matrix), scipy.linalg.orth(matrix)
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-13)
