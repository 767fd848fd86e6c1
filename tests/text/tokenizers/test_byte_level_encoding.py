"""The fast encoder gives the tokens of the definition, for cached, long and many-token pieces."""

import threading

import numpy as np
import pytest

from groundup.text.tokenizers import byte_level_encoding
from groundup.text.tokenizers.bpe import encode_piece
from groundup.text.tokenizers.byte_level_encoding import Encoder, pair_table
from groundup.text.tokenizers.splitting import split


@pytest.fixture
def encoder(tokenizer):
    """A fresh encoder, its caches empty."""
    ids = tokenizer.vocabulary
    sides = [np.array([ids[pair[side]] for pair in tokenizer.merges]) for side in (0, 1)]
    merged = np.array([ids[left + right] for left, right in tokenizer.merges])
    return Encoder(np.arange(3, 259, dtype=np.int32), pair_table(*sides, merged), 0)


def reference(tokenizer, text: str) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(tokenizer.merges)}
    return [tokenizer.vocabulary[token] for piece in split(text) for token in encode_piece(piece.encode(), ranks)]


def encode(encoder: Encoder, text: str) -> list[int]:
    data = text.encode()
    return encoder.encode(data, np.array([0, len(data)]))[0].tolist()


def test_ids_are_those_of_the_definition_with_a_cold_and_a_warm_cache(tokenizer, encoder, strings):
    texts = strings(400, seed=9)
    expected = [reference(tokenizer, text) for text in texts]
    assert [encode(encoder, text) for text in texts] == expected
    assert [encode(encoder, text) for text in texts] == expected


def test_pieces_that_overwrite_each_other_in_a_tiny_cache_stay_right(monkeypatch, tokenizer, encoder, strings):
    monkeypatch.setattr(byte_level_encoding, "_CACHED_PIECES", 2)
    monkeypatch.setattr(byte_level_encoding, "_CACHED_LONG_PIECES", 2)
    for text in strings(200, seed=11):
        assert encode(encoder, text) == reference(tokenizer, text)


@pytest.mark.parametrize("letters", ["a", "the", "thecat", "é", "zq", "猫", "\x00"])
@pytest.mark.parametrize("length", [1, 6, 7, 8, 9, 14, 15, 16, 17, 23, 24, 25, 30, 31, 32, 33, 47, 48, 49, 50, 300])
def test_pieces_of_every_length_are_merged_alike(tokenizer, encoder, letters, length):
    text = (letters * length)[:length]
    assert encode(encoder, text) == reference(tokenizer, text)
    assert encode(encoder, text) == reference(tokenizer, text)


def test_a_piece_longer_than_the_working_space_is_merged(tokenizer, encoder):
    text = "thecat" * 3000
    assert tokenizer.decode(encode(encoder, text)) == text


def test_the_table_finds_each_merge_and_nothing_else():
    lefts, rights, ids = np.array([5, 5, 6, 900]), np.array([6, 7, 5, 900]), np.array([300, 301, 302, 303])
    table, by_rank = pair_table(lefts, rights, ids)
    rows = {(int(row) >> 44, int(row) >> 24 & 0xFFFFF): int(row) & 0xFFFFFF for row in table if int(row) >> 63 == 0}
    assert rows == {(5, 6): 0, (5, 7): 1, (6, 5): 2, (900, 900): 3}
    assert by_rank.tolist() == [300, 301, 302, 303]


def test_the_filter_lets_through_all_that_is_held_and_little_else():
    generator = np.random.default_rng(5)
    lefts, rights = np.unique(generator.integers(0, 1 << 20, (2, 3000)), axis=1)
    pairs = pair_table(lefts, rights, np.arange(len(lefts))).table
    whole = byte_level_encoding._whole_table({str(k).encode(): k for k in range(3000)})[0]
    filter = byte_level_encoding._filter_of(whole, pairs)
    mixed = [(int(pair) >> 24) * 0x9E3779B97F4A7C15 for pair in pairs if int(pair) >> 63 == 0]
    mixed += [int(hash) for hash, entry in whole if int(entry) != (1 << 64) - 1]
    others = generator.integers(0, 1 << 63, 3000).tolist()

    def passes(number: int) -> bool:
        bit = (number & (1 << 64) - 1) >> 36 & 64 * len(filter) - 1
        return bool(int(filter[bit >> 6]) >> (bit & 63) & 1)

    assert len(mixed) > 4000 and all(map(passes, mixed))
    assert sum(map(passes, others)) < len(others) / 4


def test_threads_do_not_disturb_each_other(tokenizer, encoder, strings):
    texts = strings(300, seed=13)
    expected = [reference(tokenizer, text) for text in texts]
    wrong: list[str] = []

    def work() -> None:
        wrong.extend(text for text, ids in zip(texts, expected, strict=True) if encode(encoder, text) != ids)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
