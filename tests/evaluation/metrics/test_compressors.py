"""Sizes against the libraries called by hand, and what preparation must do."""

import lzma

import pytest
import zstandard

from groundup.evaluation.metrics.compressors import compressors, joined, prepared_compressors

TEXTS = ["The cat sat on the mat.\n" * 40, "naïve café ✓ " * 30, "A lone line."]
WHOLE = "\0".join(TEXTS).encode() + b"\0"


def test_the_sizes_are_those_of_lzma_and_zstandard_over_all_texts_with_an_end_each():
    size = sum(len(text.encode()) for text in TEXTS)
    measured = compressors(TEXTS)
    assert measured["xz"] == 8 * len(lzma.compress(WHOLE, preset=9 | lzma.PRESET_EXTREME)) / size
    assert measured["zstd"] == 8 * len(zstandard.compress(WHOLE, 22)) / size


def test_training_text_helps_a_compressor_that_reads_it_first():
    training = ["Now and then the quick brown fox jumps over the lazy dog, then goes home."] * 2 + TEXTS
    alone, prepared = compressors(TEXTS), prepared_compressors(TEXTS, training)
    assert all(prepared[name] < alone[name] for name in alone)


def test_preparation_stops_at_its_limit_with_whole_texts():
    assert joined(["abc", "defg", "hi"], limit=5) == b"abc\0defg\0"
    assert joined(iter(["abc"] * 5), limit=0) == b""


def test_without_training_text_preparation_saves_no_more_than_an_empty_frame():
    size = sum(len(text.encode()) for text in TEXTS)
    alone, prepared = compressors(TEXTS), prepared_compressors(TEXTS, [])
    assert all(alone[name] - prepared[name] == pytest.approx(0, abs=8 * 70 / size) for name in alone)
