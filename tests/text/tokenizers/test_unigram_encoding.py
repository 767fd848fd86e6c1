"""The fast encoder gives the segmentation of the definition, for cached, long and unknown words."""

import random
import threading

import numpy as np
import pytest

from groundup.text.tokenizers import unigram_encoding
from groundup.text.tokenizers.double_array import build
from groundup.text.tokenizers.unigram import Unigram, viterbi_segment
from groundup.text.tokenizers.unigram_encoding import BEFORE_EACH, BEFORE_RUNS, WHOLE, UnigramEncoder

LETTERS = ["a", "b", "c", "▁", "é", "x"]


@pytest.fixture(scope="module")
def model():
    """A Unigram of 200 pieces of few letters, each with a score of its own."""
    choose = random.Random(8)
    pieces = {"<unk>": 0.0} | {letter: -4 - choose.random() for letter in LETTERS[:-1]}
    while len(pieces) < 200:
        inside = "".join(choose.choice("abcé") for _ in range(choose.randint(1, 6)))
        pieces[choose.choice(["", "▁"]) + inside] = -5 - 6 * choose.random()
    return Unigram(list(pieces.items()), unk_id=0)


def texts(n: int, seed: int = 0) -> list[str]:
    choose = random.Random(seed)
    return ["".join(choose.choice(LETTERS) for _ in range(choose.randint(0, 60))) for _ in range(n)]


def run(encoder: UnigramEncoder, documents: list[str]) -> list[list[int]]:
    data = [document.encode() for document in documents]
    ids, edges = encoder.encode(b"".join(data), np.cumsum([0, *map(len, data)]))
    return [ids[a:b].tolist() for a, b in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize("splits", [WHOLE, BEFORE_RUNS])
def test_whole_texts_are_cut_as_the_definition_cuts_them(model, splits):
    documents = texts(400)
    expected = [model.ids(viterbi_segment(text, model.scores, model.unknown)) for text in documents]
    encoder = model.encoder(splits)
    assert run(encoder, documents) == expected
    assert run(encoder, documents) == expected, "and from the cache"


def test_words_by_themselves_are_cut_as_the_definition_cuts_each(model):
    documents = texts(400, seed=3)
    expected = []
    for text in documents:
        words = [word for word in text.replace("▁", " ▁").split(" ") if word]
        expected.append([id for word in words for id in model.ids(viterbi_segment(word, model.scores, model.unknown))])
    assert run(model.encoder(BEFORE_EACH), documents) == expected


def test_words_that_overwrite_each_other_in_a_tiny_cache_stay_right(monkeypatch, model):
    monkeypatch.setattr(unigram_encoding, "_CACHED_WORDS", 2)
    documents = texts(200, seed=4)
    expected = [model.ids(viterbi_segment(text, model.scores, model.unknown)) for text in documents]
    assert run(model.encoder(BEFORE_RUNS), documents) == expected


@pytest.mark.parametrize("length", [1, 7, 8, 9, 23, 24, 25, 28, 29, 31, 32, 33, 500, 5000])
def test_words_of_every_length_are_cut_alike(model, length):
    text = ("▁abcabaé" * length)[:1] + ("abcabaéx" * length)[: length - 1]
    expected = model.ids(viterbi_segment(text, model.scores, model.unknown)) if length < 1000 else None
    encoder = model.encoder(BEFORE_RUNS)
    first, second = run(encoder, [text])[0], run(encoder, [text])[0]
    assert first == second and (expected is None or first == expected)


def test_batches_do_not_show(monkeypatch, model):
    documents = texts(300, seed=5)
    whole = run(model.encoder(BEFORE_RUNS), documents)
    monkeypatch.setattr(unigram_encoding, "_BATCH", 64)
    assert run(model.encoder(BEFORE_RUNS), documents) == whole
    assert run(model.encoder(BEFORE_RUNS), []) == []


def test_single_precision_lets_the_rounded_sums_decide():
    third = float(np.float32(-1 / 3))
    pieces = {"a": third, "aa": 2 * third}
    units = build([piece.encode() for piece in pieces], [0, 1])
    options = {"unknown": -20.0, "unk_id": None}
    exact = run(UnigramEncoder(units, [*pieces.values()], **options), ["a" * 40])[0]
    rounded = run(UnigramEncoder(units, [*pieces.values()], single=True, **options), ["a" * 40])[0]
    sums, ways = [np.float32(0), np.float32(third)], [[], [0]]
    for node in range(2, 41):
        longer = np.float32(float(sums[node - 2]) + 2 * third)
        shorter = np.float32(float(sums[node - 1]) + third)
        sums.append(max(longer, shorter))
        ways.append([*ways[node - 1], 0] if shorter > longer else [*ways[node - 2], 1])
    assert rounded == ways[40]
    assert sum(1 + id for id in exact) == 40


def test_threads_do_not_disturb_each_other(model):
    documents, encoder = texts(300, seed=6), model.encoder(BEFORE_RUNS)
    expected, wrong = run(model.encoder(BEFORE_RUNS), documents), []

    def work() -> None:
        wrong.extend(text for text, ids in zip(documents, expected, strict=True) if run(encoder, [text])[0] != ids)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
