"""The fast encoder gives what the definition gives, for cached, long, unknown and user-defined text."""

import random

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.text.tokenizers import character_bpe_encoding
from groundup.text.tokenizers.character_bpe import CharacterBPE, merges_of
from groundup.text.tokenizers.character_bpe_encoding import CharacterEncoder
from groundup.text.tokenizers.unigram_encoding import BEFORE_EACH, BEFORE_RUNS, WHOLE

LETTERS = "abcé▁"


@pytest.fixture(scope="module")
def scores():
    """A vocabulary as SentencePiece scores it: each piece made of two others; some scores are equal."""
    choose = random.Random(3)
    pieces = {letter: -100.0 - place for place, letter in enumerate(LETTERS)}
    while len(pieces) < 150:
        left, right = choose.choice(list(pieces)), choose.choice(list(pieces))
        if len(left + right) <= 7 and "▁" not in (left + right).lstrip("▁"):
            pieces.setdefault(left + right, float(-(len(pieces) // 2)))
    return pieces


def texts(n: int, seed: int = 0, letters: str = LETTERS + "x猫") -> list[str]:
    choose = random.Random(seed)
    return ["".join(choose.choice(letters) for _ in range(choose.randint(0, 90))) for _ in range(n)]


def run(encoder: CharacterEncoder, documents: list[str]) -> list[list[int]]:
    data = [document.encode() for document in documents]
    ids, edges = encoder.encode(b"".join(data), np.cumsum([0, *map(len, data)]))
    return [ids[a:b].tolist() for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize("splits", [WHOLE, BEFORE_RUNS])
@pytest.mark.parametrize("kind", ["unknown", "fused", "bytes"])
def test_ids_are_those_of_the_definition_with_a_cold_and_a_warm_cache(scores, splits, kind):
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    known = {piece: id for id, piece in enumerate(["<unk>", *scores, *bytes_])}
    merges, ranks = merges_of(scores)
    options = {"unk_token": "<unk>", "fuse_unk": kind == "fused", "byte_fallback": kind == "bytes"}
    model = CharacterBPE(known, merges, ranks=ranks, **options)
    byte_ids = np.array([known[byte] for byte in bytes_]) if kind == "bytes" else None
    fuse = kind == "fused"
    encoder = CharacterEncoder(known, merges, ranks, unk_id=0, fuse=fuse, byte_ids=byte_ids, splits=splits)
    documents = texts(300)
    expected = [model.encode_piece(text) for text in documents]
    assert run(encoder, documents) == expected
    assert run(encoder, documents) == expected


def test_words_by_themselves_are_encoded_one_by_one(scores):
    known = {piece: id for id, piece in enumerate(["<unk>", *scores])}
    merges, ranks = merges_of(scores)
    model = CharacterBPE(known, merges, ranks=ranks, unk_token="<unk>", fuse_unk=True)
    encoder = CharacterEncoder(known, merges, ranks, unk_id=0, splits=BEFORE_EACH)
    for text in texts(200, seed=2):
        words = [word for word in text.replace("▁", " ▁").split(" ") if word]
        assert run(encoder, [text])[0] == [id for word in words for id in model.encode_piece(word)]


@pytest.mark.parametrize("length", [1, 10, 31, 32, 47, 48, 49, 60, 400])
def test_short_and_long_words_merge_alike(scores, length):
    known = {piece: id for id, piece in enumerate(["<unk>", *scores])}
    merges, ranks = merges_of(scores)
    model = CharacterBPE(known, merges, ranks=ranks, unk_token="<unk>")
    encoder = CharacterEncoder(known, merges, ranks, unk_id=0, fuse=False)
    for letters in ("a", "ab", "abcaé", "axb"):
        word = (letters * length)[:length]
        assert run(encoder, [word])[0] == model.encode_piece(word)


def test_symbols_of_the_user_are_found_first_and_never_merged():
    known = {piece: id for id, piece in enumerate(["<unk>", "a", "b", "ab", "<b>", "<b>b"])}
    encoder = CharacterEncoder(known, [("a", "b"), ("b", "b")][:1], [0], unk_id=0, symbols=["<b>", "<b>b"])
    assert run(encoder, ["a<b>bab", "<b>ab"]) == [[1, 5, 3], [4, 3]]


def test_words_that_overwrite_each_other_in_a_tiny_cache_stay_right(monkeypatch, scores):
    known = {piece: id for id, piece in enumerate(["<unk>", *scores])}
    merges, ranks = merges_of(scores)
    documents = texts(200, seed=5)
    expected = run(CharacterEncoder(known, merges, ranks, unk_id=0), documents)
    monkeypatch.setattr(character_bpe_encoding, "_CACHED_WORDS", 2)
    assert run(CharacterEncoder(known, merges, ranks, unk_id=0), documents) == expected
    assert run(CharacterEncoder(known, merges, ranks, unk_id=0), []) == []


def test_a_character_without_piece_and_unknown_is_refused():
    with pytest.raises(InputError, match="set unk_token"):
        run(CharacterEncoder({"a": 0}, [], [], unk_id=None), ["b"])
