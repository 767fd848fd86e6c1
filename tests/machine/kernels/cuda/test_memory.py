"""Segments and banks: numbers of NVIDIA's guides, counted again by brute force."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.machine.kernels.cuda.memory import (
    bank_passes,
    column_addresses,
    transactions,
    used_share,
    warp_addresses,
)


def test_neighbours_are_one_line_of_128_bytes_or_four_sectors_of_32():
    assert transactions(warp_addresses()) == 1
    assert transactions(warp_addresses(), segment=32) == 4
    assert transactions(warp_addresses(size=2), size=2, segment=32) == 2, "half precision asks for half"


def test_a_shifted_warp_touches_one_segment_more():
    """The best practices guide: misaligned by one float, five sectors instead of four."""
    assert transactions(warp_addresses(start=4), segment=32) == 5
    assert transactions(warp_addresses(start=4)) == 2


@pytest.mark.parametrize("stride, share", [(1, 1.0), (2, 0.5), (32, 1 / 32), (1000, 1 / 32)])
def test_of_what_a_stride_moves_one_number_in_stride_is_used(stride, share):
    assert used_share(warp_addresses(stride)) == share


def test_one_number_for_all_threads_is_moved_once():
    assert transactions([256] * 32) == 1
    assert bank_passes([256] * 32) == 1


def test_a_number_across_the_border_of_two_segments_needs_both():
    assert transactions([126], size=4) == 2


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=32), st.sampled_from([1, 2, 4, 8, 16]))
@settings(deadline=None)
def test_segments_are_those_that_hold_a_wanted_byte(addresses, size):
    wanted = {byte for address in addresses for byte in range(address, address + size)}
    holding = [k for k in range(50) if wanted & set(range(128 * k, 128 * (k + 1)))]
    assert transactions(addresses, size) == len(holding)


@pytest.mark.parametrize("stride, passes", [(1, 1), (2, 2), (3, 1), (4, 4), (16, 16), (32, 32), (33, 1)])
def test_a_stride_meets_in_a_bank_as_often_as_it_shares_with_32(stride, passes):
    """gcd(stride, 32) words of a warp lie in one bank."""
    assert bank_passes(warp_addresses(stride)) == passes


def test_a_column_of_a_tile_is_free_once_a_row_is_33_long():
    assert bank_passes(column_addresses(32, column=5)) == 32
    assert bank_passes(column_addresses(33, column=5)) == 1


def test_bytes_of_one_word_do_not_conflict():
    assert bank_passes(range(32)) == 1
    assert bank_passes([]) == 0


def test_what_no_warp_asks_for_is_refused():
    with pytest.raises(InputError, match="give 1 to 32"):
        used_share([0] * 33)
    with pytest.raises(InputError, match="a byte from 0 on"):
        used_share([-4])
    with pytest.raises(InputError, match="use 1, 2, 4, 8 or 16"):
        used_share([0], size=3)
