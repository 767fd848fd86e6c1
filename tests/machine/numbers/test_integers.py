"""INT8 and INT4: torch's own rounding with our scales, bounded errors, an exact zero."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from groundup.errors import InputError
from groundup.machine.numbers.integers import (
    asymmetric_codes,
    dequantize,
    pack_nibbles,
    quantize,
    symmetric_codes,
    unpack_nibbles,
)


def weights(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("symmetric", [True, False])
def test_numbers_are_those_of_torchs_fake_quantization_per_channel(bits, symmetric):
    values = weights(16, 128) + (0 if symmetric else 0.7)
    ours = quantize(values, bits, symmetric=symmetric)
    zero = np.zeros(16, np.int32) if symmetric else ours.zero_point[:, 0].astype(np.int32)
    low, high = (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if symmetric else (0, 2**bits - 1)
    theirs = torch.fake_quantize_per_channel_affine(
        torch.from_numpy(values), torch.from_numpy(ours.scale[:, 0]), torch.from_numpy(zero), 0, low, high
    )
    assert np.allclose(dequantize(ours), theirs.numpy(), atol=1e-6)


def test_scale_and_zero_point_are_those_of_torchs_observer():
    observers = pytest.importorskip("torch.ao.quantization")
    values = weights(1, 500) + 0.3
    observer = observers.MinMaxObserver(dtype=torch.quint8, qscheme=torch.per_tensor_affine)
    observer(torch.from_numpy(values))
    scale, zero = observer.calculate_qparams()
    ours = quantize(values, symmetric=False)
    assert ours.scale.item() == pytest.approx(scale.item(), rel=1e-6) and ours.zero_point.item() == zero.item()


def test_a_row_by_hand():
    codes, scale = symmetric_codes(np.float32([[-14.0, 7.0, 1.0, 2.9]]), 4)
    assert scale.tolist() == [[2.0]] and codes.tolist() == [[-7, 4, 0, 1]]  # 3.5 and 0.5 to even
    codes, scale, zero = asymmetric_codes(np.float32([[-5.0, 10.0, 0.4]]), 4)
    assert (scale.tolist(), zero.tolist(), codes.tolist()) == ([[1.0]], [[5]], [[0, 15, 5]])


@settings(max_examples=80, deadline=None)
@given(
    arrays.arrays(np.float32, (3, 8), elements=some.floats(-1e6, 1e6, width=32)), some.integers(2, 8), some.booleans()
)
def test_the_error_is_at_most_half_a_scale_and_zero_is_exact(values, bits, symmetric):
    values[:, 0] = 0
    ours = quantize(values, bits, symmetric=symmetric, group_size=4)
    back, step = dequantize(ours), np.repeat(ours.scale, 4, axis=1)
    # with a zero point that was rounded itself, the ends may be half a step further off
    assert (np.abs(back - values) <= step * (0.5 if symmetric else 1.0) * (1 + 1e-5) + 1e-30).all()
    assert (back[:, 0] == 0).all()


def test_opposite_numbers_have_opposite_codes():
    values = weights(4, 64)
    assert np.array_equal(quantize(-values).codes, -quantize(values).codes)
    assert quantize(values).codes.min() >= -127


def test_one_sided_numbers_lose_less_with_a_zero_point():
    values = np.abs(weights(8, 256)) + 1
    errors = [np.square(dequantize(quantize(values, 4, symmetric=kind)) - values).mean() for kind in (True, False)]
    assert errors[1] < 0.5 * errors[0]


def test_an_outlier_spoils_its_group_only():
    values = weights(2, 256)
    values[0, 3] = 1000
    whole, grouped = (np.abs(dequantize(quantize(values, group_size=size)) - values) for size in (None, 32))
    assert grouped[0, 32:].max() < 0.02 < whole[0, 32:].max() and whole[1].max() < 0.02
    assert quantize(values, group_size=32).scale.shape == (2, 8)


def test_zeros_stay_and_empty_arrays_are_taken():
    for symmetric in (True, False):
        assert not dequantize(quantize(np.zeros((2, 4)), symmetric=symmetric)).any()
        assert dequantize(quantize(np.zeros((0, 4)), symmetric=symmetric)).shape == (0, 4)


@pytest.mark.parametrize("low, high, kind", [(-8, 8, np.int8), (0, 16, np.uint8)])
def test_packed_codes_come_back(low, high, kind):
    codes = np.random.default_rng(0).integers(low, high, (3, 10)).astype(kind)
    packed = pack_nibbles(codes)
    assert packed.shape == (3, 5) and packed.dtype == np.uint8
    assert np.array_equal(unpack_nibbles(packed, signed=low < 0), codes)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="bits=9 is not possible; use 2 to 8"):
        quantize(np.zeros(4), 9)
    with pytest.raises(InputError, match="rows of 10 numbers do not fill groups of 4; use a group_size that divides"):
        quantize(np.zeros((2, 10)), group_size=4)
    with pytest.raises(InputError, match=r"inf at index \[1\] cannot be held by INT4"):
        quantize(np.array([1.0, np.inf]), 4)
    with pytest.raises(InputError, match="rows of 3 codes do not fill bytes of two"):
        pack_nibbles(np.zeros(3, np.uint8))
    with pytest.raises(InputError, match="codes from 0 to 16 do not fit 4 bits"):
        pack_nibbles(np.array([0, 16], np.uint8))
