"""Tiles counted: each is owned once, bands need fewer inputs, the running log-sum-exp is SciPy's, a chosen tile fits its card."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from groundup.errors import InputError
from groundup.machine.kernels.cuda.occupancy import LIMITS
from groundup.machine.kernels.triton.tiles import (
    choose_tile,
    grouped_tile,
    inputs_of_wave,
    log_sum_exp_in_tiles,
    weigh_tile,
)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 15))
@settings(deadline=None)
def test_every_tile_has_one_program(down, across, group):
    owned = [grouped_tile(program, down, across, group) for program in range(down * across)]
    assert sorted(owned) == [(row, column) for row in range(down) for column in range(across)]


def test_the_order_of_a_small_grid_by_hand():
    """Five rows of three tiles in bands of two: down, next column; the last band is one row."""
    order = [grouped_tile(program, 5, 3, 2) for program in range(15)]
    assert order[:6] == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    assert order[6] == (2, 0) and order[12:] == [(4, 0), (4, 1), (4, 2)]
    assert [grouped_tile(program, 5, 3, 1) for program in range(15)] == [divmod(n, 3) for n in range(15)]


def test_a_square_band_needs_the_fewest_inputs():
    needed = {group: inputs_of_wave(64, 64, 64, group) for group in (1, 2, 4, 8, 16, 64)}
    assert needed[8] == 16 == min(needed.values())
    assert needed[1] == needed[64] == 65


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=40), st.integers(1, 50))
@settings(deadline=None)
def test_the_log_sum_exp_is_scipys_for_every_tile(values, tile):
    values = np.array(values, np.float32)
    assert log_sum_exp_in_tiles(values, tile) == pytest.approx(logsumexp(values.astype(np.float64)), abs=1e-9)


def test_hidden_values_add_nothing():
    values = np.float32([-np.inf, -np.inf, 1.0, -np.inf])
    assert log_sum_exp_in_tiles(values, 2) == 1
    assert log_sum_exp_in_tiles(values[:2], 1) == -np.inf


@pytest.mark.parametrize("capability", sorted(LIMITS))
@pytest.mark.parametrize("size_bytes", [1, 2, 4])
def test_a_chosen_tile_fits_its_card(capability, size_bytes):
    chosen = choose_tile(4096, 4096, size_bytes, capability)
    assert chosen.shared_bytes <= LIMITS[capability].shared_of_block
    assert chosen.registers <= 255 and chosen.occupancy.blocks >= 1
    assert 0 < chosen.inside <= 1 and 0 < chosen.busy <= 1


def test_the_operations_a_byte_are_counted_from_one_step():
    weighed = weigh_tile((1024, 1024), (128, 64, 32), 2, "8.0", 108, 43.2)
    read_bytes = (128 * 32 + 32 * 64) * 2
    assert weighed.flops_a_byte == pytest.approx(2 * 128 * 64 * 32 / read_bytes)


def test_a_small_product_gets_small_tiles_and_a_narrow_one_narrow_ones():
    areas = [choose_tile(n, n).rows * choose_tile(n, n).columns for n in (128, 256, 512, 1024)]
    assert areas == sorted(set(areas))
    assert choose_tile(4096, 16).columns == 16


def test_the_cost_of_a_small_product_by_hand():
    """256 x 256 on 108 processors: 64 tiles of 32 are one round, bound by 128 bytes of reading; 256 of 16 are three."""
    assert weigh_tile((256, 256), (32, 32, 32), 2, "8.0", 108, 43.2).cost == pytest.approx(64 * 2 * 43.2)
    assert weigh_tile((256, 256), (16, 16, 32), 2, "8.0", 108, 43.2).cost == pytest.approx(3 * 32 * 2 * 43.2)
    large = weigh_tile((256, 256), (128, 128, 32), 2, "8.0", 108, 43.2)
    assert large.cost == 2 * 128 * 128 and large.busy == 4 / 108, "bound by its operations, and 104 processors idle"
    assert (choose_tile(256, 256).rows, choose_tile(256, 256).columns) == (32, 32)


def test_a_card_that_reads_slowly_wants_larger_tiles():
    slow, fast = choose_tile(8192, 8192, balance=400), choose_tile(8192, 8192, balance=5)
    assert slow.flops_a_byte >= fast.flops_a_byte


def test_what_no_card_multiplies_is_refused():
    with pytest.raises(InputError, match="use one of 7.0"):
        choose_tile(64, 64, capability="3.5")
    with pytest.raises(InputError, match="give sizes from 1 on"):
        choose_tile(0, 64)
    with pytest.raises(InputError, match="give three powers of 2"):
        weigh_tile((64, 64), (8, 16, 16), 2, "8.0", 108, 43.2)
    with pytest.raises(InputError, match="no tile of the sides"):
        choose_tile(64, 64, size_bytes=8, sides=(1024,))
