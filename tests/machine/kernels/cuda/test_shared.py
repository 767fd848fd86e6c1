"""Sum, softmax and product by blocks against NumPy and SciPy; a block adds in the order of its definition."""

import numpy as np
import pytest
from scipy.special import softmax as scipy_softmax

from groundup.errors import InputError
from groundup.machine.kernels.cuda import blocks, shared
from groundup.machine.kernels.cuda.launch import cuda, on_gpu

needs_cuda = pytest.mark.skipif(cuda is None, reason="needs numba-cuda, of the extra `kernels`")


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@needs_cuda
@pytest.mark.parametrize("size", [1, 64, 301])
def test_a_sum_is_numpys(size):
    values = drawn(size)
    assert shared.total(values) == pytest.approx(values.sum(dtype=np.float64), abs=1e-5)


@needs_cuda
def test_a_blocks_sum_is_the_trees_to_the_bit():
    values, shares = drawn(shared.THREADS), np.zeros(1, np.float32)
    shared.block_sums[1, shared.THREADS](values, shares)
    assert shares[0] == blocks.tree_sum(values)


@needs_cuda
@pytest.mark.parametrize("columns", [5, 70])
def test_a_softmax_is_scipys_and_a_row_that_sees_nothing_is_0(columns):
    scores = 50 * drawn(2, columns)
    scores[0, 1:3] = -np.inf
    np.testing.assert_allclose(shared.softmax(scores), scipy_softmax(scores, axis=1), atol=1e-6)
    assert np.array_equal(shared.softmax(np.full((1, 3), -np.inf, np.float32)), np.zeros((1, 3)))


@needs_cuda
@pytest.mark.parametrize("rows, depth, columns", [(8, 8, 8), (9, 17, 3)])
def test_a_tiled_product_is_numpys_at_odd_sizes(rows, depth, columns):
    left, right = drawn(rows, depth), drawn(depth, columns)
    np.testing.assert_allclose(shared.matmul(left, right), left @ right, atol=1e-5)


@needs_cuda
def test_inputs_that_the_kernels_cannot_hold_are_refused():
    with pytest.raises(InputError, match=r"give a vector that is not empty, with .astype\(np.float32\)"):
        shared.total(np.zeros(3))
    with pytest.raises(InputError, match="give a matrix"):
        shared.softmax(np.zeros((0, 3), np.float32))
    with pytest.raises(InputError, match=r"\(2, 3\) and \(2, 3\) do not multiply"):
        shared.matmul(drawn(2, 3), drawn(2, 3))


@pytest.mark.skipif(not on_gpu(), reason="needs a GPU")
def test_on_a_gpu_the_kernels_hold_at_real_sizes():
    left, right = drawn(257, 129), drawn(129, 511)
    np.testing.assert_allclose(shared.matmul(left, right), left @ right, atol=1e-3)
    np.testing.assert_allclose(shared.softmax(left), scipy_softmax(left, axis=1), atol=1e-6)
    values = drawn(1_000_003)
    assert shared.total(values, blocks=64) == pytest.approx(values.sum(dtype=np.float64), abs=0.05)
