"""Vocabularies of several sizes out of one training run."""

import math

import numpy as np
import pytest

from groundup.errors import ConfigError, InputError
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
from groundup.text.tokenizers.vocabulary_tradeoffs import (
    Point,
    best,
    bits_per_byte,
    first_merges,
    sizes,
    tradeoffs,
)


@pytest.mark.parametrize("vocab_size", [259, 300, 400])
def test_the_first_merges_are_the_smaller_training_run(corpus, tokenizer, vocab_size, strings):
    smaller = first_merges(tokenizer, vocab_size - 259)
    trained = train_tokenizer(corpus, TokenizerConfig(vocab_size=vocab_size))
    assert smaller.vocabulary == trained.vocabulary and smaller.merges == trained.merges
    assert smaller.encode_batch(strings(200)) == trained.encode_batch(strings(200))


def test_all_merges_are_the_tokenizer_itself(tokenizer, strings):
    whole = first_merges(tokenizer, len(tokenizer.merges))
    assert whole.encode_batch(strings(200)) == tokenizer.encode_batch(strings(200))
    with pytest.raises(ConfigError, match="merges=999 are not in a tokenizer of 241"):
        first_merges(tokenizer, 999)


def test_sizes_double_from_bytes_to_all(tokenizer):
    assert sizes(tokenizer) == [0, 241] and sizes(tokenizer, factor=1.5) == [0, 128, 241]


def test_more_merges_are_fewer_tokens(corpus, tokenizer):
    points = tradeoffs(tokenizer, corpus[:100], corpus[100:], [0, 60, 241])
    tokens = [point.tokens for point in points]
    assert tokens == sorted(tokens, reverse=True) and tokens[0] == points[0].bytes + len(corpus[100:])
    assert [point.vocab_size for point in points] == [259, 319, 500]
    assert points[2].embedding_bytes(64) == 500 * 64 * 2 and points[0].bytes_per_token < 1


def test_bits_per_byte_are_those_of_the_probabilities(corpus, tokenizer):
    """Against the definition: every token's probability asked one by one."""
    from groundup.text.ngram import KneserNey

    held_out = ["The cat sat.", "a dog"]
    point = bits_per_byte(tokenizer, corpus[:60], held_out, order=3)
    end = tokenizer.eos_token_id
    stream = [id for text in corpus[:60] for id in [*tokenizer.encode(text), end]]
    model = KneserNey.fit(np.array(stream), 3, vocab_size=tokenizer.vocab_size, boundary=end)
    asked = [id for text in held_out for id in [*tokenizer.encode(text), end]]
    bits = -sum(math.log2(model.distribution(asked[:i])[id]) for i, id in enumerate(asked))
    assert point.bits_per_byte == pytest.approx(bits / sum(map(len, held_out)), rel=1e-4)


def test_the_best_point_is_the_smallest_one_near_the_lowest():
    def point(size, bits):
        return Point(vocab_size=size, tokens=10, bytes=40, train_tokens=1, used_tokens=1, bits_per_byte=bits)

    points = [point(300, 2.0), point(600, 1.51), point(1200, 1.5), point(2400, 1.6)]
    assert best(points).vocab_size == 1200 and best(points, 0.01).vocab_size == 600
    assert point(1000, 1).operations_per_byte(10, 2) == 2 * (12 * 2 * 100 + 10_000) / 4
    with pytest.raises(InputError, match="no point"):
        best([])


def test_no_text_is_refused(tokenizer):
    with pytest.raises(InputError, match="no text to train on or to measure on"):
        bits_per_byte(tokenizer, ["a"], [])
