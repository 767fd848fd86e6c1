"""One thread, one number: sums at odd lengths, a matrix hidden above its diagonal."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.machine.kernels.cuda.launch import cuda
from groundup.machine.kernels.cuda.threads import add, causal, scaled_add

pytestmark = pytest.mark.skipif(cuda is None, reason="needs numba-cuda, of the extra `kernels`")


@pytest.mark.parametrize("size", [0, 1, 63, 64, 130])
def test_a_vector_sum_at_lengths_that_no_block_divides(size):
    left = np.arange(size, dtype=np.float32)
    assert np.array_equal(add(left, 2 * left), 3 * left)


@pytest.mark.parametrize("grid", [(1, 1), (2, 16), (3, 32)])
def test_any_grid_covers_any_size(grid):
    left, result = np.arange(50.0), np.zeros(50)
    scaled_add[grid](0.5, left, left, result)
    assert np.array_equal(result, 1.5 * left)


def test_strided_arrays_are_read_as_they_are():
    left = np.arange(20.0)[::2]
    assert np.array_equal(add(left, left), 2 * left)


@pytest.mark.parametrize("shape", [(9, 9), (3, 17), (10, 4)])
def test_the_future_is_hidden_as_numpys_triangle_does(shape):
    scores = np.random.default_rng(0).normal(size=shape)
    expected = np.where(np.tri(*shape, dtype=bool), scores, -np.inf)
    assert np.array_equal(causal(scores), expected)


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="give two vectors of one length"):
        add(np.zeros(3), np.zeros(4))
    with pytest.raises(InputError, match="give a matrix"):
        causal(np.zeros((0, 3)))
