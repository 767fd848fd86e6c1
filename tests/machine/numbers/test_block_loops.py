"""The compiled loops write and read the same bytes as the definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from groundup.machine.numbers import block_loops, blocks
from groundup.machine.numbers.normal_float import NF4_LEVELS, nf4_codes

SIZES = {"q8_0": 34, "q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24}
floats = (
    some.floats(-(2.0**15), 2.0**15, width=32)
    | some.floats(-(2.0**-100), 2.0**-100, width=32)
    | some.sampled_from([0.0, -0.0, 1.0, -1.0])
)


@settings(max_examples=150, deadline=None)
@given(arrays.arrays(np.float32, (3, 32), elements=floats), some.sampled_from(sorted(SIZES)))
def test_every_block_is_written_as_the_definition_writes_it(rows, name):
    assert np.array_equal(getattr(block_loops, f"encode_{name}")(rows), getattr(blocks, f"encode_{name}")(rows))


@pytest.mark.parametrize("name", SIZES)
def test_any_bytes_are_read_as_the_definition_reads_them(name):
    data = np.random.default_rng(0).integers(0, 256, (5000, SIZES[name]), np.uint8)
    with np.errstate(all="ignore"):
        ours, defined = (getattr(module, f"decode_{name}")(data) for module in (block_loops, blocks))
    assert np.array_equal(ours, defined, equal_nan=True)
    held = ~np.isnan(defined)
    assert np.array_equal(np.signbit(ours[held]), np.signbit(defined[held]))  # -0 too


def test_codes_of_nf4_are_packed_the_earlier_above():
    middles = (NF4_LEVELS[1:].astype(np.float64) + NF4_LEVELS[:-1]) / 2
    near = middles.astype(np.float32)
    scaled = np.concatenate(
        [near, np.nextafter(near, np.float32(2)), NF4_LEVELS, np.linspace(-1, 1, 1000, dtype=np.float32)]
    )
    codes = nf4_codes(scaled)
    assert np.array_equal(block_loops.nf4_pairs(scaled), codes[0::2] << 4 | codes[1::2])


@pytest.mark.parametrize("count", [1, 64, 65, 300])
def test_numbers_of_nf4_are_levels_times_the_blocks_scale(count):
    source = np.random.default_rng(count)
    codes, absmax = source.integers(0, 16, count + count % 2), source.random(-(-count // 64)).astype(np.float32)
    pairs = (codes[0::2] << 4 | codes[1::2]).astype(np.uint8)
    numbers = block_loops.nf4_numbers(pairs, absmax, 64, NF4_LEVELS)[:count]
    assert np.array_equal(numbers, NF4_LEVELS[codes[:count]] * absmax[np.arange(count) // 64])


@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_seen_anywhere(bad):
    values = np.full(1001, -3e38, np.float32)
    assert block_loops.all_finite(values.view(np.int32))
    for place in (0, 500, 1000):
        spoiled = values.copy()
        spoiled[place] = bad
        assert not block_loops.all_finite(spoiled.view(np.int32))
