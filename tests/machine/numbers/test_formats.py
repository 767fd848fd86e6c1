"""Floats bit by bit: every pattern is the number that torch and NumPy read, and rounding is theirs."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.machine.numbers.formats import (
    BF16,
    FORMATS,
    FP8_E4M3,
    FP8_E5M2,
    FP16,
    FP32,
    TF32,
    decode_bits,
    decode_float,
    encode_bits,
    encode_float,
    every_value,
)

TORCH = {
    "FP8 e4m3": torch.float8_e4m3fn,
    "FP8 e5m2": torch.float8_e5m2,
    "FP16": torch.float16,
    "BF16": torch.bfloat16,
}
small = pytest.mark.parametrize("name", TORCH)


def torch_values(format):
    """What torch reads from every pattern."""
    whole = {8: torch.uint8, 16: torch.uint16}[format.bits]
    return torch.arange(2**format.bits).to(whole).view(TORCH[format.name]).float().numpy()


def torch_rounds(values, format):
    """Every value as torch rounds it, in float32."""
    return torch.from_numpy(np.asarray(values)).to(TORCH[format.name]).float().numpy()


@small
def test_all_patterns_are_the_numbers_that_torch_reads(name):
    format, patterns = FORMATS[name], np.arange(2 ** FORMATS[name].bits)
    assert np.array_equal(decode_float(patterns, format), torch_values(format), equal_nan=True)
    assert np.array_equal(every_value(format), torch_values(format), equal_nan=True)


@pytest.mark.parametrize("name", FORMATS)
def test_one_pattern_at_a_time_means_the_same_as_the_array(name):
    format = FORMATS[name]
    patterns = np.unique(np.linspace(0, 2**format.bits - 1, 3000).astype(np.int64))
    values = np.array([decode_bits(int(one), format).value for one in patterns])
    assert np.array_equal(values.astype(np.float32), decode_float(patterns, format), equal_nan=True)


@pytest.mark.parametrize("name", FORMATS)
def test_a_number_of_the_format_comes_back_as_its_pattern(name):
    format = FORMATS[name]
    patterns = np.unique(np.linspace(0, 2**format.bits - 1, 70_000).astype(np.int64))
    values = decode_float(patterns, format)
    held = ~np.isnan(values)
    assert np.array_equal(encode_float(values[held], format), patterns[held])
    assert np.isnan(decode_float(encode_float(values[~held], format), format)).all()
    assert encode_float(values, format).dtype == format.storage


def around_every_tie(format):
    """The middles between neighbours and what stands just beside them, the ends, and what no format likes."""
    values = every_value(format)
    finite = np.sort(values[np.isfinite(values)]).astype(np.float64)
    between = ((finite[1:] + finite[:-1]) / 2).astype(np.float32)
    beside = [np.nextafter(between, np.float32(way)) for way in (9e9, -9e9)]
    ends = [format.largest * part for part in (1, 1.001, 1.03, 1.036)] + [
        format.smallest * part for part in (0.5, 0.51, 2)
    ]
    special = [0.0, np.inf, np.nan, 1e-45, 3.4e38]
    near = np.concatenate(
        [between, *beside, np.minimum([*ends, *special], 3.4e38).astype(np.float32), [np.float32(np.inf)]]
    )
    return np.concatenate([near, -near])


@small
def test_rounding_is_torchs_everywhere_at_the_ties_and_beyond_the_ends(name):
    format = FORMATS[name]
    given = around_every_tie(format)
    if not format.infinities:  # torch holds what is too large at the end: `saturate`
        given = given[~(np.abs(given) > format.largest)]
    rounded, theirs = decode_float(encode_float(given, format), format), torch_rounds(given, format)
    assert np.array_equal(rounded, theirs, equal_nan=True)
    signed = ~np.isnan(rounded)
    assert np.array_equal(np.signbit(rounded[signed]), np.signbit(theirs[signed]))


@settings(max_examples=300, deadline=None)
@given(some.floats(), some.sampled_from(sorted(FORMATS)))
def test_the_definition_and_the_compiled_loop_agree_on_every_double(value, name):
    assert encode_bits(value, FORMATS[name]) == encode_float(np.array([value]), FORMATS[name])[0]


@settings(max_examples=200, deadline=None)
@given(some.floats())
def test_doubles_are_rounded_once_as_numpy_does(value):
    with np.errstate(over="ignore"):
        assert np.array_equal(
            decode_float(encode_float([value], FP16), FP16), np.float64([value]).astype(np.float16), equal_nan=True
        )
        assert np.array_equal(
            decode_float(encode_float([value], FP32), FP32), np.float64([value]).astype(np.float32), equal_nan=True
        )


def test_a_double_just_over_a_tie_is_not_rounded_twice():
    value = 1 + 2.0**-11 + 2.0**-40  # as FP32 it would be the tie, which goes down to 1
    assert decode_float(encode_float([value], FP16), FP16)[0] == 1 + 2.0**-10


def test_tf32_keeps_ten_bits_of_the_fraction():
    assert decode_float(encode_float([1 + 2.0**-10, 1 + 2.0**-11, 1 + 3 * 2.0**-11], TF32), TF32).tolist() == [
        1 + 2.0**-10,
        1.0,
        1 + 2.0**-9,
    ]
    assert (
        decode_bits(encode_bits(3.0e38, TF32), TF32).exponent == decode_bits(encode_bits(3.0e38, FP32), FP32).exponent
    )


def test_minus_five_taken_apart():
    parts = decode_bits(0b1_10000001_0100000, BF16)  # -(1 + 1/4) * 2^2
    assert parts == (1, 129, 32, -5.0)
    assert encode_bits(-5.0, BF16) == 0b1_10000001_0100000


@pytest.mark.parametrize("name", TORCH)
def test_ends_and_spacing_are_those_of_finfo(name):
    format, info = FORMATS[name], torch.finfo(TORCH[name])
    assert (format.largest, format.smallest_normal, format.epsilon) == (info.max, info.smallest_normal, info.eps)
    assert format.bits == info.bits and format.smallest == info.smallest_normal * info.eps
    assert (FP32.largest, FP32.epsilon) == (float(np.finfo(np.float32).max), float(np.finfo(np.float32).eps))


@pytest.mark.parametrize("value", [1.0, 1.5, 1000.0, 6e-5, 1e-7, 60000.0, -3.0])
def test_the_spacing_is_numpys(value):
    assert FP16.spacing(value) == abs(float(np.spacing(np.float16(value))))
    assert FP32.spacing(value) == abs(float(np.spacing(np.float32(value))))


def test_the_published_ends_of_fp8():
    # arXiv:2209.05433, table 1
    assert (FP8_E4M3.largest, FP8_E4M3.smallest_normal, FP8_E4M3.smallest) == (448, 2**-6, 2**-9)
    assert (FP8_E5M2.largest, FP8_E5M2.smallest_normal, FP8_E5M2.smallest) == (57344, 2**-14, 2**-16)
    assert np.isnan(every_value(FP8_E4M3)).sum() == 2 and not np.isinf(every_value(FP8_E4M3)).any()


def test_beyond_the_largest_the_nearest_would_be_nan():
    # 464 is the tie between 448 (even) and the pattern of NaN, which 480 would have
    rounded = decode_float(encode_float([464, 464.1, 480, -1e9, np.inf], FP8_E4M3), FP8_E4M3)
    assert rounded[0] == 448 and np.isnan(rounded[1:]).all()


def test_saturation_holds_what_is_too_large_at_the_end():
    held = decode_float(encode_float([1e9, -np.inf, np.nan, 3.0], FP8_E4M3, saturate=True), FP8_E4M3)
    assert held[:2].tolist() == [448, -448] and math.isnan(held[2]) and held[3] == 3
    assert np.isnan(decode_float(encode_float([1e9], FP8_E4M3), FP8_E4M3)[0])
    assert np.isinf(decode_float(encode_float([1e9], FP8_E5M2), FP8_E5M2)[0])


@pytest.mark.parametrize("value", [0.1, -1.3, 3e-3, 1e-3, 447.0])
def test_rounding_at_random_is_right_on_average_and_takes_only_the_two_neighbours(value):
    rounded = decode_float(encode_float(np.full(20_000, value), FP8_E4M3, random=np.random.default_rng(0)), FP8_E4M3)
    neighbours, spacing = np.unique(rounded), FP8_E4M3.spacing(value)
    assert len(neighbours) == 2 and neighbours[1] - neighbours[0] == spacing
    assert rounded.mean(dtype=np.float64) == pytest.approx(value, abs=4 * spacing / 2 / math.sqrt(20_000))


def test_rounding_at_random_leaves_what_the_format_holds():
    values = every_value(FP8_E5M2)
    values = values[np.isfinite(values)]
    assert np.array_equal(
        decode_float(encode_float(values, FP8_E5M2, random=np.random.default_rng(0)), FP8_E5M2), values
    )
    tiny = encode_float(np.full(100_000, 1e-30), FP8_E5M2, random=np.random.default_rng(0))
    assert not tiny.any()


def test_a_hundred_small_updates_are_lost_to_nearest_and_kept_at_random():
    """Weights in bf16 never moved: each update of 6e-4 was rounded back to 1.0 (workofart/ml-by-hand#85)."""
    nearest, at_random, source = np.ones(2000), np.ones(2000), np.random.default_rng(0)
    for _ in range(100):
        nearest = decode_float(encode_float(nearest - 6e-4, BF16), BF16)
        at_random = decode_float(encode_float(at_random - 6e-4, BF16, random=source), BF16)
    assert (nearest == 1).all()
    assert at_random.mean() == pytest.approx(0.94, abs=0.002)


def test_shapes_stay_and_the_empty_array_too():
    assert encode_float(np.zeros((2, 0, 3)), FP16).shape == (2, 0, 3)
    assert decode_float(encode_float(np.ones((2, 3)), FP16), FP16).shape == (2, 3)
    assert encode_float(2, BF16).shape == () and encode_float([1, 2], BF16).tolist() == [0x3F80, 0x4000]


def test_what_is_no_number_or_no_pattern_is_refused():
    with pytest.raises(InputError, match="cannot be rounded; give floats"):
        encode_float(["a"], FP16)
    with pytest.raises(InputError, match="no bit patterns of FP8 e4m3; give whole numbers from 0 to 255"):
        decode_float([256], FP8_E4M3)
    with pytest.raises(InputError, match="no bit patterns of FP16"):
        decode_float([1.0], FP16)
    with pytest.raises(InputError, match="FP32 has 4,294,967,296 numbers; list a format of at most 16 bits"):
        every_value(FP32)
