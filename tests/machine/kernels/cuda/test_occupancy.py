"""Occupancy against the worked examples of NVIDIA's guides, and its own invariants."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.machine.kernels.cuda.occupancy import (
    LIMITS,
    Occupancy,
    best_threads,
    blocks_by_registers,
    occupancy,
    occupancy_of,
)


def test_the_worked_example_of_the_best_practices_guide():
    """Compute capability 7.0, 37 registers: 128 threads give 75 % with 12 blocks, 320 threads 63 % with 4."""
    assert occupancy_of(128, 37, capability="7.0") == Occupancy(12, 48, 0.75, "registers")
    assert occupancy_of(320, 37, capability="7.0") == Occupancy(4, 40, 0.625, "registers")


def test_32_registers_a_thread_fill_a_multiprocessor_of_2048_threads():
    for capability in ("7.0", "8.0", "9.0"):
        assert occupancy_of(256, 32, capability=capability).share == 1
    assert occupancy_of(256, 33, capability="8.0").share < 1


def test_each_limit_is_met():
    assert occupancy_of(32, 16).limited_by == "blocks" and occupancy_of(32, 16).share == 0.5
    assert occupancy_of(1024, 16).limited_by == "warps"
    assert occupancy_of(256, 255).limited_by == "registers"
    assert occupancy_of(128, 32, 100_000).blocks == 1
    assert occupancy_of(1024, 32, capability="8.6").share == 2 / 3, "48 warps hold one block of 32"


def test_the_system_takes_a_kilobyte_of_every_block_since_8_0():
    """228 kB hold one block of 227, and two of 113, not of 114."""
    assert occupancy_of(128, 32, 227 << 10, "9.0").blocks == 1
    assert occupancy_of(128, 32, 113 << 10, "9.0").blocks == 2
    assert occupancy_of(128, 32, (113 << 10) + 1, "9.0").blocks == 1
    assert occupancy_of(128, 32, 32 << 10, "7.0").blocks == 3, "96 kB, and nothing taken"


sizes = st.integers(1, 1024), st.integers(1, 255), st.integers(0, 48 << 10), st.sampled_from(sorted(LIMITS))


@given(*sizes)
@settings(deadline=None)
def test_what_is_resident_fits_and_one_block_more_would_not(threads, registers, shared, capability):
    limits = LIMITS[capability]
    found = occupancy(threads, registers, shared, limits)

    def fits(blocks):
        warps = blocks * -(-threads // 32)
        in_quarter = limits.registers // 4 // (-(-32 * registers // 256) * 256)
        memory = -(-(shared + limits.reserved) // limits.shared_unit) * limits.shared_unit
        return (
            warps <= limits.warps
            and blocks <= limits.blocks
            and warps <= 4 * in_quarter
            and blocks * memory <= limits.shared
        )

    assert fits(found.blocks) and not fits(found.blocks + 1)
    assert 0 <= found.share <= 1


@given(st.integers(1, 1024), st.integers(1, 254))
@settings(deadline=None)
def test_more_registers_never_hold_more_blocks(threads, registers):
    assert blocks_by_registers(threads, registers + 1) <= blocks_by_registers(threads, registers)


def test_the_best_block_has_the_most_warps_and_is_the_smallest_of_equals():
    assert best_threads(32)[0] == 64
    assert best_threads(32, capability="7.5")[0] == 64
    threads, found = best_threads(40, shared_a_thread=64)
    assert found.warps == max(occupancy_of(n, 40, 64 * n).warps for n in (64, 128, 256, 512, 1024))
    assert threads == min(n for n in (64, 128, 256, 512, 1024) if occupancy_of(n, 40, 64 * n).warps == found.warps)


@pytest.mark.parametrize(
    "told, sentence",
    [
        (dict(threads=0), "use 1 to 1024"),
        (dict(threads=2000), "use 1 to 1024"),
        (dict(threads=32, registers=256), "spills the rest"),
        (dict(threads=32, shared_bytes=200_000), "gives at most 166912"),
        (dict(threads=32, capability="6.1"), "use one of 7.0, 7.5"),
        (dict(threads=1024, registers=128), "use fewer of either"),
    ],
)
def test_what_cannot_start_is_refused_with_the_way_out(told, sentence):
    with pytest.raises(InputError, match=sentence):
        occupancy_of(**told)


def test_no_block_that_fits_is_said():
    with pytest.raises(InputError, match="no block fits"):
        best_threads(32, shared_a_thread=10_000)
    with pytest.raises(InputError, match="use one of"):
        best_threads(32, capability="1.0")
