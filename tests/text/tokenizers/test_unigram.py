"""Unigram by its definition: textbook numbers, all segmentations counted one by one, and Hugging Face's ids."""

import doctest
import itertools
import json
import math
import random
from collections import Counter

import numpy as np
import pytest
from scipy.special import digamma as scipy_digamma

from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.tokenizers import unigram
from groundup.text.tokenizers.unigram import Unigram

SCORES = {"a": -2.0, "b": -2.5, "ab": -3.9, "ba": -4.1, "aa": -4.5, "aba": -5.0, "▁": -1.0, "▁a": -2.2}
LONGER = ["-", "--", "---", "-----"]
PIECES = [("<unk>", 0.0), *SCORES.items()]


def all_ways(text: str, scores) -> list[list[str]]:
    """Every segmentation, by cutting everywhere or nowhere."""
    ways = []
    for cuts in itertools.product((False, True), repeat=max(0, len(text) - 1)):
        edges = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), len(text)]
        pieces = [text[a:b] for a, b in itertools.pairwise(edges)] if text else []
        if all(piece in scores for piece in pieces):
            ways.append(pieces)
    return ways


def total(pieces: list[str], scores=SCORES) -> float:
    return sum(scores[piece] for piece in pieces)


TEXTS = [*["".join(letters) for n in range(1, 8) for letters in itertools.product("ab", repeat=n)][::3], "▁aba▁a"]


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(unigram).failed == 0


def test_the_best_segmentation_is_the_best_of_all():
    for text in TEXTS:
        best = max(map(total, all_ways(text, SCORES)))
        assert total(unigram.viterbi_segment(text, SCORES)) == pytest.approx(best, abs=1e-9)


def test_expected_counts_are_the_average_over_all_segmentations():
    for text in TEXTS:
        ways = all_ways(text, SCORES)
        whole = sum(math.exp(total(way)) for way in ways)
        expected: Counter = Counter()
        for way in ways:
            for piece in way:
                expected[piece] += math.exp(total(way)) / whole
        assert unigram.expected_counts(text, SCORES) == pytest.approx(dict(expected), abs=1e-9)
        assert unigram.log_likelihood(text, SCORES) == pytest.approx(math.log(whole), abs=1e-9)


def test_the_n_best_are_the_first_of_all():
    for text in TEXTS[:40]:
        scores = sorted(map(total, all_ways(text, SCORES)), reverse=True)[:4]
        found = unigram.n_best_pieces(text, SCORES, 4)
        assert [score for score, _ in found] == pytest.approx(scores, abs=1e-9)
        assert all("".join(pieces) == text and total(pieces) == pytest.approx(score) for score, pieces in found)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_samples_come_with_their_probability(alpha):
    ways, choose = all_ways("abaa", SCORES), random.Random(1)
    whole = sum(math.exp(alpha * total(way)) for way in ways)
    drawn = Counter(tuple(unigram.sample_pieces("abaa", SCORES, alpha, choose)) for _ in range(4000))
    for way in ways:
        share = math.exp(alpha * total(way)) / whole
        assert drawn[tuple(way)] / 4000 == pytest.approx(share, abs=4 * math.sqrt(share / 4000))


def test_digamma_is_scipys():
    for x in (0.5, 1.0, 3.3, 6.0, 250.0, 1e9):
        assert unigram.digamma(x) == pytest.approx(scipy_digamma(x), abs=1e-8)


def test_pruning_drops_what_is_missed_least():
    words = {"abab": 50, "ab": 30, "aa": 2, "ba": 1}
    scores = {"a": -2.5, "b": -2.5, "ab": -0.6, "aa": -4.0, "ba": -4.5, "bab": -9.0}
    assert unigram.prune_pieces(words, scores, 3).keys() == {"a", "b", "ab"}
    assert unigram.prune_pieces(words, scores, 4).keys() == {"a", "b", "ab", "aa"}
    assert unigram.prune_pieces(words, scores, 0).keys() == {"a", "b"}


def test_training_finds_the_words_that_repeat():
    words = {"▁the": 40, "▁then": 15, "▁cat": 20, "▁cats": 10, "▁that": 12}
    pieces = unigram.train_unigram_reference(words, 12)
    assert len(pieces) == 12 and {"▁the", "▁cat"} <= {piece for piece, _ in pieces}
    assert sum(math.exp(score) for _, score in pieces) < 1.01
    assert sorted(pieces, key=lambda item: (-item[1], item[0])) == pieces


def test_more_iterations_make_the_text_likelier():
    words = {"▁the": 40, "▁then": 15, "▁cat": 20, "▁cats": 10}
    scores = unigram.seed_pieces(words)
    before = sum(times * unigram.log_likelihood(word, scores) for word, times in words.items())
    counts: Counter = Counter()
    for word, times in words.items():
        for piece, count in unigram.expected_counts(word, scores).items():
            counts[piece] += times * count
    shares = {piece: math.log(count / sum(counts.values())) for piece, count in counts.items()}
    assert sum(times * unigram.log_likelihood(word, shares) for word, times in words.items()) > before


def hugging_face(pieces, unk_id, byte_fallback=False):
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id, byte_fallback))


def test_ids_are_those_of_hugging_face(strings):
    choose = random.Random(2)
    texts = ["".join(choose.choice("ab▁xé😀") for _ in range(choose.randint(0, 14))) for _ in range(500)]
    bytes_ = [(f"<0x{byte:02X}>", -9.0) for byte in range(256)]
    for pieces, fallback in ((PIECES, False), ([*PIECES, *bytes_], True)):
        theirs, ours = hugging_face(pieces, 0, fallback), Unigram(pieces, unk_id=0, byte_fallback=fallback)
        for text in [*texts, *strings(100, seed=3)]:
            expected = theirs.encode(text).ids
            assert ours.encode_piece(text) == expected
            assert ours.ids(unigram.viterbi_segment(text, ours.scores, ours.unknown)) == expected


def test_where_two_ways_are_equally_good_the_bits_of_the_file_decide():
    tokenizers = pytest.importorskip("tokenizers")
    choose = random.Random(4)
    for _ in range(30):
        pieces = [["<unk>", 0.0], *([letters, float(np.float32(choose.uniform(-14, -2)))] for letters in LONGER)]
        model = {"type": "Unigram", "unk_id": 0, "vocab": pieces, "byte_fallback": False}
        theirs = tokenizers.Tokenizer.from_str(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
        ours = Unigram.from_json(model)
        for n in range(1, 30):
            assert ours.encode_piece("-" * n) == theirs.encode("-" * n).ids


def test_the_model_survives_its_json():
    model = Unigram(PIECES, unk_id=0)
    again = Unigram.from_json(model.to_json())
    assert (again.pieces, again.unk_id, again.byte_fallback) == (model.pieces, 0, False)


def test_reserved_pieces_are_not_typed():
    pieces = [("<unk>", 0.0), ("</s>", 0.0), *((c, -3.0) for c in "</s>")]
    assert Unigram(pieces, unk_id=0).encode_piece("</s>") == [1]
    assert Unigram(pieces, unk_id=0, reserved=["</s>"]).encode_piece("</s>") == [2, 3, 4, 5]


def test_samples_and_n_best_give_ids():
    model = Unigram(PIECES, unk_id=0)
    assert model.n_best("ab", 1)[0][1] == model.encode_piece("ab")
    assert set(map(tuple, (model.sample("ab", 0.0, random.Random(seed)) for seed in range(20)))) == {(3,), (1, 2)}


@pytest.mark.parametrize(
    ("pieces", "unk_id", "said"),
    [
        ([], None, "at least one piece"),
        ([("a", 0.0), ("a", -1.0)], None, "two ids"),
        ([("a", math.nan)], None, "copy the tokenizer"),
        ([("a", 0.0)], 7, "unk_id=7"),
    ],
)
def test_bad_models_are_refused(pieces, unk_id, said):
    with pytest.raises((FormatError, InputError), match=said):
        Unigram(pieces, unk_id=unk_id)


def test_bad_input_gets_one_sentence():
    with pytest.raises(InputError, match="set unk_id"):
        Unigram([("a", 0.0)]).encode_piece("b")
    with pytest.raises(InputError, match="give `unknown`"):
        unigram.viterbi_segment("xyz", SCORES)
    with pytest.raises(ConfigError, match="use vocab_size=4 or more"):
        unigram.train_unigram_reference({"abc": 1}, 2)
    with pytest.raises(InputError, match="no text"):
        unigram.train_unigram_reference({}, 2)
    with pytest.raises(InputError, match="dropout is not implemented"):
        Unigram.from_json({"type": "Unigram", "vocab": [], "dropout": 1})
    with pytest.raises(FormatError, match="cut off"):
        Unigram.from_json({"type": "Unigram"})
