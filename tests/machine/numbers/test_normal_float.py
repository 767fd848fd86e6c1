"""NF4: the levels are quantiles of the normal distribution, codes are the nearest, and short blocks are sound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy.stats import norm

from groundup.errors import InputError
from groundup.machine.numbers.normal_float import (
    BITS_PER_WEIGHT,
    NF4_LEVELS,
    ZERO,
    NormalFloat,
    decode_nf4,
    encode_nf4,
    nf4_codes,
)


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_the_levels_are_quantiles_of_the_normal_distribution():
    # bitsandbytes: the outermost quantile leaves out half of 1/32 and half of 1/30 of the mass
    outermost = 1 - (1 / 32 + 1 / 30) / 2 / 2 * 2
    above = norm.ppf(np.linspace(0.9677083, 0.5, 9)[:-1])
    below = -norm.ppf(np.linspace(0.9677083, 0.5, 8)[:-1])
    levels = np.sort(np.concatenate([above, below, [0]])) / above.max()
    assert np.allclose(levels, NF4_LEVELS, atol=1e-6)
    assert outermost == pytest.approx(0.9677083, abs=1e-6)
    assert NF4_LEVELS[ZERO] == 0 and len(NF4_LEVELS) == 16


def test_codes_are_the_nearest_levels():
    scaled = np.random.default_rng(0).uniform(-1, 1, 20_000).astype(np.float32)
    assert np.array_equal(nf4_codes(scaled), np.abs(scaled[:, None] - NF4_LEVELS).argmin(1))
    assert np.array_equal(nf4_codes(NF4_LEVELS), np.arange(16))


def test_a_number_in_the_middle_goes_down_where_bitsandbytes_puts_it():
    # its thresholds: 0.03979014977812767 between 0 and the first level above, 0.8614784181118011 below the last
    assert nf4_codes(np.float32([0.03979014977812767, 0.039790154, 0.8614784181118011, 0.86147851])).tolist() == [
        7,
        8,
        14,
        15,
    ]


def test_a_byte_holds_two_codes_the_earlier_above():
    values = np.zeros(64, np.float32)
    values[:3] = [2.0, -2.0, 2.0 * NF4_LEVELS[3]]
    stored = encode_nf4(values)
    assert stored.absmax.tolist() == [2.0]
    assert stored.codes[:2].tolist() == [15 << 4 | 0, 3 << 4 | 7]
    assert stored.nbytes * 8 == BITS_PER_WEIGHT * 64


@pytest.mark.parametrize("shape", [(5, 13), (64,), (1,), (3, 64), (2, 3, 5), (129,)])
def test_weights_that_do_not_fill_the_last_block_come_back_sound(shape):
    """The last block's scale was taken over memory that nobody had filled (bitsandbytes-foundation/bitsandbytes#1884)."""
    values = weights(*shape)
    stored = encode_nf4(values)
    back = decode_nf4(stored)
    assert back.shape == shape and np.isfinite(back).all()
    for start in range(0, values.size, 64):
        block, restored = values.ravel()[start : start + 64], back.ravel()[start : start + 64]
        assert stored.absmax[start // 64] == np.abs(block).max()
        assert np.abs(block - restored).max() <= 0.16 * np.abs(block).max()  # half of the widest gap, 1 to 0.6962


def test_the_error_grows_with_the_block():
    values = weights(64, 1024)
    errors = [np.square(decode_nf4(encode_nf4(values, size)) - values).mean() for size in (16, 32, 64, 128, 256, 1024)]
    assert (np.diff(errors) > 0).all() and errors[-1] < 2 * errors[0]


def test_normal_weights_lose_less_than_with_equal_steps():
    values = weights(256, 64)
    equal = np.abs(values).max(1, keepdims=True) / 7
    at_equal_steps = np.rint(values / equal) * equal
    assert np.square(decode_nf4(encode_nf4(values)) - values).mean() < 0.8 * np.square(at_equal_steps - values).mean()


@settings(max_examples=50, deadline=None)
@given(some.integers(0, 300), some.sampled_from([2, 8, 64, 100]))
def test_sizes_fit_for_every_length(count, block_size):
    stored = encode_nf4(weights(count), block_size)
    assert len(stored.codes) == -(-count // 2) and len(stored.absmax) == -(-count // block_size)
    assert decode_nf4(stored).shape == (count,)


def test_zeros_and_the_smallest_numbers_do_not_become_nan():
    values = np.zeros(128, np.float32)
    values[64:] = 1e-42
    assert not decode_nf4(encode_nf4(values)).any()


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"nan at index \[0, 1\] cannot be held by NF4"):
        encode_nf4(np.array([[0.0, np.nan]]))
    with pytest.raises(InputError, match="block_size=63 is not possible.*use an even number"):
        encode_nf4(np.zeros(64), 63)
    stored = encode_nf4(np.zeros(64))
    with pytest.raises(InputError, match=r"32 bytes and 1 scales are no tensor of shape \(65,\).*it has 33 and 2"):
        decode_nf4(NormalFloat(stored.codes, stored.absmax, (65,), 64))
