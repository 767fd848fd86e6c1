"""The compiled rounding loops are the definition, for every double."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.machine.numbers import rounding
from groundup.machine.numbers.formats import BF16, FORMATS, TF32, _numbers_of, decode_bits, encode_bits

names = some.sampled_from(sorted(FORMATS))


@settings(max_examples=400, deadline=None)
@given(some.floats() | some.floats(-1e-37, 1e-37) | some.floats(-500, 500), names)
def test_the_nearest_pattern_is_that_of_exact_fractions(value, name):
    format = FORMATS[name]
    assert rounding.nearest(np.array([value]), *_numbers_of(format))[0] == encode_bits(value, format)


@settings(max_examples=200, deadline=None)
@given(some.floats(-400, 400).filter(lambda value: abs(value) > 1e-200 or value == 0), names)
def test_a_draw_of_almost_one_goes_down_and_one_of_zero_up(value, name):
    format = FORMATS[name]
    down, up = (
        decode_bits(int(rounding.at_random(np.array([value]), np.array([draw]), *_numbers_of(format))[0]), format).value
        for draw in (np.nextafter(1.0, 0.0), 0.0)
    )
    assert abs(down) <= abs(value) <= abs(up)
    assert abs(up) - abs(down) <= format.spacing(value)


@settings(max_examples=300, deadline=None)
@given(some.floats(width=32) | some.integers(0, 2**32 - 1).map(lambda word: float(np.uint32(word).view(np.float32))))
def test_shortened_patterns_are_those_of_exact_fractions(value):
    for format in (BF16, TF32):
        word = np.array([value], np.float32).view(np.uint32)
        assert rounding.shortened(word, 32 - format.bits, format.nan_pattern)[0] == encode_bits(value, format)
