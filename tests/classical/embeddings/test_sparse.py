"""Sparse matrices give what SciPy's give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.sparse import even_parts, from_dense

csr_matrix = pytest.importorskip("scipy.sparse").csr_matrix


def some(size: int, seed: int = 0) -> np.ndarray:
    source = np.random.default_rng(seed)
    return source.normal(size=(size, size)) * (source.random((size, size)) < 0.2)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 99))
def test_rows_sums_and_transpose_are_those_of_the_dense_matrix(size, seed):
    dense = some(size, seed)
    matrix = from_dense(dense)
    assert (matrix.dense() == dense).all() and len(matrix) == np.count_nonzero(dense)
    assert (matrix.transposed().dense() == dense.T).all()
    np.testing.assert_allclose(matrix.row_sums(), dense.sum(1), atol=1e-12)
    np.testing.assert_allclose(matrix.column_sums(), dense.sum(0), atol=1e-12)


def test_columns_of_a_transposed_matrix_rise_as_scipys():
    ours, theirs = from_dense(some(40)).transposed(), csr_matrix(some(40).T)
    theirs.sort_indices()
    assert (
        (ours.first == theirs.indptr).all()
        and (ours.columns == theirs.indices).all()
        and (ours.values == theirs.data).all()
    )


@pytest.mark.parametrize("threads", [1, 3])
def test_a_product_is_scipys_whatever_the_threads(threads):
    dense = some(50)
    block = np.random.default_rng(1).normal(size=(50, 7))
    np.testing.assert_allclose(from_dense(dense).times(block, threads), csr_matrix(dense) @ block, atol=1e-12)


def test_entries_are_dropped_by_a_mask():
    dense = some(20)
    matrix = from_dense(dense)
    kept = matrix.where(matrix.values > 0, 2 * matrix.values)
    assert (kept.dense() == np.where(dense > 0, 2 * dense, 0)).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 8))
def test_parts_cover_every_row_once(lengths, parts):
    limits = even_parts(np.concatenate([[0], np.cumsum(lengths)]), parts)
    assert [row for start, end in limits for row in range(start, end)] == list(range(len(lengths)))
