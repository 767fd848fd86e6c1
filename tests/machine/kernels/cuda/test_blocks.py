"""Trees and tiles in NumPy: the order of additions, products of every size, numbers counted."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.machine.kernels.cuda.blocks import numbers_read, tiled_matmul, tree_sum


def drawn(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def test_a_tree_adds_in_its_own_order_and_more_exactly_than_one_after_another():
    assert tree_sum(np.float32([1e8, 1, -1e8, 2])) == 3, "(1e8 - 1e8) + (1 + 2)"
    values = np.random.default_rng(0).random(1 << 14).astype(np.float32)
    truth = values.sum(dtype=np.float64)
    one_by_one = np.cumsum(values)[-1]
    assert abs(tree_sum(values) - truth) < abs(one_by_one - truth) / 10


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.integers(1, 10))
@settings(deadline=None)
def test_the_definition_is_numpys_product_for_every_size_and_tile(rows, depth, columns, tile):
    left, right = drawn(rows, depth), drawn(depth, columns)
    np.testing.assert_allclose(tiled_matmul(left, right, tile), left @ right, atol=1e-5)


def test_a_tile_divides_the_numbers_read_by_its_width():
    plain = numbers_read(64, 32, 16, 1)
    assert plain == 2 * 64 * 32 * 16, "each result reads a row and a column"
    counted = sum(2 * 4 * 4 for _ in range(16) for _ in range(8) for _ in range(4))  # tiles of the result, steps
    assert numbers_read(64, 32, 16, 4) == counted == plain / 4
