"""The arithmetic coder: every text comes back, at the size that the model's surprise says, whatever the model."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.foundations.information.compressor import (
    QUARTER,
    TOTAL,
    WHOLE,
    Decoder,
    Encoder,
    compress,
    decompress,
    frequencies,
    narrow,
)


def after(before, vocabulary=7, sharpness=3.0):
    """A model of its own for each prefix: uneven, and different at every place."""
    generator = np.random.default_rng([len(before), *before[-2:]])
    weights = np.exp(sharpness * generator.normal(size=vocabulary))
    return weights / weights.sum()


def bits_of(tokens, model):
    """The model's own bits for the tokens."""
    return sum(-math.log2(model(tokens[:place])[token]) for place, token in enumerate(tokens))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=60), st.sampled_from([0.0, 1.0, 5.0, 40.0]))
def test_what_was_compressed_comes_back(tokens, sharpness):
    def model(before):
        return after(before, sharpness=sharpness)

    assert decompress(compress(tokens, model), model, count=len(tokens)) == tokens


def test_the_file_is_as_long_as_the_models_surprise():
    tokens, generator = list[int](), np.random.default_rng(0)
    for _ in range(2000):
        tokens.append(int(generator.choice(7, p=after(tokens))))
    bits, written = bits_of(tokens, after), 8 * len(compress(tokens, after))
    assert bits - 1 <= written < 1.0005 * bits + 10


def test_a_text_that_nobody_doubts_is_a_byte():
    assert len(compress([3] * 10_000, lambda before: np.eye(8)[3])) == 1


def test_a_token_of_probability_zero_costs_28_bits_and_comes_back():
    def sure(before):
        return [1.0, 0.0]

    assert decompress(compress([0, 1, 0, 1], sure), sure, count=4) == [0, 1, 0, 1]
    assert 8 * len(compress([1] * 100, sure)) == pytest.approx(2800, abs=16)


def test_an_end_token_ends_it_and_is_given_back():
    def model(before):
        return [0.5, 0.25, 0.25]

    tokens = [1, 0, 0, 1, 2]
    assert decompress(compress(tokens, model), model, end_id=2) == tokens


def test_parts_that_straddle_the_middle_for_long_are_written_right():
    def thirds(before):
        return [1 / 3, 1 / 3, 1 / 3]

    middle = [1] * 500  # its part closes in on exactly one half: digits are held back all the time
    for tokens in (middle, [*middle, 0], [*middle, 2], [*middle, 2, 0, 1]):
        assert decompress(compress(tokens, thirds), thirds, count=len(tokens)) == tokens


def test_a_vocabulary_of_150_000_loses_a_thousandth():
    logits = 3 * np.random.default_rng(0).normal(size=150_000)
    p = np.exp(logits) / np.exp(logits).sum()
    counts = frequencies(p)
    assert counts.min() >= 1 and counts.sum() == TOTAL
    assert (p * np.log2(p / (counts / TOTAL))).sum() < 1e-3


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda numbers: sum(numbers) > 0))
def test_counts_sum_to_the_total_and_follow_the_probabilities(numbers):
    p = np.array(numbers) / sum(numbers)
    counts = frequencies(p, total=1000)
    assert counts.sum() == 1000 and counts.min() >= 1
    assert np.abs(counts / 1000 - p).max() <= 2 * len(p) / 1000


@given(st.integers(0, QUARTER), st.integers(3 * QUARTER, WHOLE - 1), st.lists(st.integers(1, 1000), min_size=1))
def test_the_parts_tile_the_range(low, high, counts):
    ends = np.cumsum(counts).tolist()
    parts = [narrow(low, high, start, end, ends[-1]) for start, end in zip([0, *ends], ends, strict=False)]
    assert parts[0][0] == low and parts[-1][1] == high
    assert all(one[1] + 1 == other[0] for one, other in zip(parts, parts[1:], strict=False))
    assert all(first <= last for first, last in parts)


def test_the_digits_name_a_number_within_the_exact_part():
    tokens, p = [2, 0, 1, 2, 2, 1, 0], [Fraction(1, 4), Fraction(1, 4), Fraction(1, 2)]
    start, width = Fraction(0), Fraction(1)
    for token in tokens:
        start, width = start + width * sum(p[:token], Fraction(0)), width * p[token]
    encoder = Encoder()
    for token in tokens:
        encoder.encode(int(4 * sum(p[:token], Fraction(0))), int(4 * sum(p[: token + 1], Fraction(0))), 4)
    data = encoder.finish()
    value = Fraction(int.from_bytes(data), 256 ** len(data))
    assert start <= value < start + width


def test_data_that_was_cut_short_is_noticed():
    tokens = np.random.default_rng(0).integers(0, 4, 400).tolist()
    data = compress(tokens, lambda before: [0.25] * 4)
    with pytest.raises(InputError, match="ends before its last token; it was cut short, or written with another model"):
        decompress(data[:50], lambda before: [0.25] * 4, count=400)


def test_nothing_is_less_than_a_byte_and_comes_back():
    assert decompress(compress([], after), after, count=0) == [] == decompress(b"", after, count=0)


def test_mistakes_are_named():
    for mistake, sentence in (
        (lambda: compress([9], after), "token 9 has no probability among 7; use the model's own vocabulary"),
        (lambda: compress([0], lambda before: [0.5, 0.6]), "sum to 1.1 instead of 1"),
        (lambda: decompress(b"", after), "must be said in one way; give count= or end_id="),
        (lambda: decompress(b"", after, count=1, end_id=1), "must be said in one way"),
        (lambda: frequencies([0.5, 0.5], total=1), "2 tokens cannot share 1 counts; use a total of 2 to"),
        (lambda: frequencies([0.5, 0.5], total=WHOLE), "cannot share"),
    ):
        with pytest.raises(InputError, match=sentence):
            mistake()


def test_reading_and_writing_narrow_the_same_range():
    counts, encoder = frequencies(after([])), Encoder()
    encoder.encode(0, int(counts[0]), TOTAL)
    decoder = Decoder(encoder.finish())
    assert decoder.decode(counts) == 0 and (decoder.low, decoder.high) == (encoder.low, encoder.high)
