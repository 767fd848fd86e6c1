"""Counts of pieces against Python's Counter, through full tables and long pieces."""

from collections import Counter

import pytest

from groundup.text.tokenizers import byte_level_counting
from groundup.text.tokenizers.byte_level_counting import LONGEST_PIECE, count_words
from groundup.text.tokenizers.splitting import split


def expected(texts: list[str], pattern: str = "qwen2") -> Counter:
    return Counter(piece.encode() for text in texts for piece in split(text, pattern))


@pytest.mark.parametrize("pattern", ["qwen2", "gpt2"])
def test_each_distinct_piece_is_counted(corpus, strings, pattern):
    texts = corpus + strings(500, seed=5)
    assert count_words([text.encode() for text in texts], pattern) == expected(texts, pattern)


def test_no_text_has_no_words():
    assert count_words([], "qwen2") == {}
    assert count_words([b"", b""], "qwen2") == {}


def test_a_table_that_fills_up_loses_no_counts(monkeypatch, corpus):
    texts = ["".join(corpus)] * 2
    monkeypatch.setattr(byte_level_counting, "_ROWS", 16)
    monkeypatch.setattr(byte_level_counting, "_COPIED", 300)
    texts += [letter * length for letter in "-=é" for length in range(14, 128, 7)]
    assert count_words([text.encode() for text in texts], "qwen2") == expected(texts)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_and_threads_add_up(monkeypatch, corpus, threads):
    monkeypatch.setattr(byte_level_counting, "_BATCH_BYTES", 100)
    monkeypatch.setattr(byte_level_counting, "_ROWS", 16)
    assert count_words([text.encode() for text in corpus], "qwen2", threads=threads) == expected(corpus)


@pytest.mark.parametrize("letter", ["-", "é", "猫", "𝒳"])
def test_a_long_piece_is_counted_in_parts_that_end_with_a_character(letter):
    text = letter * 1000
    counts = count_words([text.encode()], "qwen2")
    assert max(map(len, counts)) <= LONGEST_PIECE
    assert all(part.decode() for part in counts)  # each part alone is valid UTF-8
    assert sum(len(part) * count for part, count in counts.items()) == len(text.encode())
