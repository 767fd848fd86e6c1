"""The grid, clock by clock, gives the matrix product; its clocks are those of the formula, down to the last result."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.machine.kernels import tpu

sides = st.integers(1, 7)


def drawn(seed, *shape):
    return np.random.default_rng(seed).integers(-9, 9, shape)


@given(sides, sides, sides, st.integers(0, 9))
def test_what_leaves_the_grid_is_the_product(vectors, rows, columns, seed):
    x, w = drawn(seed, vectors, rows), drawn(seed + 1, rows, columns)
    assert tpu.systolic_product(x, w).tolist() == (x @ w).tolist()


@given(sides, st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))
def test_a_product_larger_than_the_grid_goes_through_in_tiles(vectors, inputs, outputs, rows, columns):
    x, w = drawn(3, vectors, inputs), drawn(4, inputs, outputs)
    assert tpu.tiled_product(x, w, rows, columns).tolist() == (x @ w).tolist()


def test_one_clock_by_hand():
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    numbers, sums = tpu.systolic_step(
        weights, np.array([[5.0, 6.0], [7.0, 8.0]]), np.array([[10.0, 20.0], [0.0, 0.0]]), np.array([1.0, 2.0])
    )
    assert numbers.tolist() == [[1, 5], [2, 7]]  # from the left
    assert sums.tolist() == [[1 * 1, 2 * 5], [10 + 3 * 2, 20 + 4 * 7]]  # from above


@given(sides, sides, sides)
def test_the_last_clock_is_the_one_in_which_the_last_result_leaves(vectors, rows, columns):
    last = tpu.clocks(vectors, rows, columns) - 1
    assert tpu.working(last, vectors, rows, columns)[-1, -1] == vectors - 1
    assert (tpu.working(last + 1, vectors, rows, columns) == -1).all()
    busy = sum((tpu.working(clock, vectors, rows, columns) >= 0).sum() for clock in range(last + 1))
    assert busy == vectors * rows * columns
    assert tpu.utilisation(vectors, rows, columns) == pytest.approx(busy / ((last + 1) * rows * columns))


def test_a_grid_of_256_needs_long_waves():
    assert tpu.clocks(256, 256, 256) == 766
    assert tpu.utilisation(1, 256, 256) < 0.002 and tpu.utilisation(51_000, 256, 256) > 0.99


def test_tiles_are_counted_with_what_is_filled_up():
    once = tpu.tiled(128, 256, 256, 256, 256)
    assert (once.tiles, once.clocks) == (1, 256 + 638) and once.utilisation == pytest.approx(128 / 894)
    assert tpu.tiled(128, 257, 256, 256, 256).tiles == 2
    plain, buffered = (tpu.tiled(512, 1024, 1024, 256, 256, double_buffered=both) for both in (False, True))
    assert plain.clocks == 16 * (256 + 1022) and buffered.clocks == 256 + 15 * 512 + 1022


def test_whole_numbers_stay_whole_and_wide():
    x = np.full((2, 4), 127, np.int32)
    assert tpu.systolic_product(x, x.T).dtype == np.int32 and tpu.systolic_product(x, x.T)[0, 0] == 4 * 127**2


@pytest.mark.parametrize(
    "x, w", [(np.ones((2, 3)), np.ones((2, 3))), (np.ones(3), np.ones((3, 1))), (np.ones((0, 3)), np.ones((3, 2)))]
)
def test_matrices_that_do_not_meet_are_refused(x, w):
    with pytest.raises(InputError, match=r"do not meet; give \(vectors, inputs\) and \(inputs, outputs\)"):
        tpu.tiled_product(x, w, 2, 2)


def test_a_grid_of_no_rows_is_refused():
    with pytest.raises(InputError, match="on a grid of 0 x 4: use 1 or more of each"):
        tpu.tiled(1, 1, 1, 0, 4)
