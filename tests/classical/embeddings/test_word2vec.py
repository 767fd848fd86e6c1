"""word2vec: steps by hand and against torch's gradients, the compiled loop against the readable one, planted groups found again."""

import dataclasses

import numpy as np
import pytest
import torch

from groundup import slots
from groundup.classical.embeddings import prediction, prediction_kernel, word2vec
from groundup.classical.embeddings.fasttext import FastTextConfig, train_fasttext
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import read_corpus
from groundup.classical.embeddings.word2vec import (
    Word2VecConfig,
    cbow_step,
    skip_gram_step,
    train_reference,
    train_word2vec,
    work_for,
)
from groundup.errors import ConfigError, Diverged, InputError

WAYS = [(a, o) for a in ("skip-gram", "cbow") for o in ("negative sampling", "hierarchical softmax")]


def planted(sentences: int = 600, seed: int = 0) -> list[list[str]]:
    """Four groups of six words; a sentence holds words of one group."""
    generator = np.random.default_rng(seed)
    return [[f"{'abcd'[g]}{generator.integers(6)}" for _ in range(10)] for g in generator.integers(0, 4, sentences)]


def test_one_cbow_step_by_hand():
    window, outputs = cbow_step(np.array([[1.0, 0], [0, 1]]), np.array([[2.0, 0], [0, 0]]), np.array([1.0, 0]), 0.1)
    # the mean is (1/2, 1/2); the scores are 1 and 0, sigma 0.731059 and 0.5; steps 0.1 (1 - 0.731059) and 0.1 (0 - 0.5)
    assert np.allclose(window, [[1 + 2 * 0.0268941, 0], [2 * 0.0268941, 1]], atol=1e-7)
    assert np.allclose(outputs, [[2 + 0.0134471, 0.0134471], [-0.025, -0.025]], atol=1e-7)


def test_a_skip_gram_step_is_torchs_gradient():
    generator = np.random.default_rng(1)
    vector, outputs, labels = generator.normal(size=5), generator.normal(size=(4, 5)), np.array([1.0, 0, 0, 0])
    v, u = (torch.tensor(x, requires_grad=True) for x in (vector, outputs))
    torch.nn.functional.binary_cross_entropy_with_logits(u @ v, torch.tensor(labels), reduction="sum").backward()
    new_vector, new_outputs = skip_gram_step(vector, outputs, labels, 0.3)
    assert np.allclose(new_vector, vector - 0.3 * v.grad.numpy(), atol=1e-12)
    assert np.allclose(new_outputs, outputs - 0.3 * u.grad.numpy(), atol=1e-12)
    window = np.stack([vector, vector])  # its mean is the vector: cbow_step does the same to both
    assert np.allclose(cbow_step(window, outputs, labels, 0.3)[0], [new_vector, new_vector])


@pytest.mark.parametrize(("architecture", "output"), WAYS)
def test_the_compiled_loop_is_the_readable_one(architecture, output):
    generator = np.random.default_rng(2)
    sentences = [[f"w{int(word) % 400}" for word in generator.zipf(1.2, 12)] for _ in range(40)]
    config = Word2VecConfig(
        architecture=architecture, output=output, hidden_size=20, min_count=1, epochs=2, threads=1, sample=0.01
    )
    corpus = read_corpus(sentences, 1)
    made = prediction.problem(corpus, config, prediction.no_pieces(corpus))
    weights = []
    for work in (prediction.compiled_work(made), train_reference):
        inputs = prediction.first_inputs(len(corpus.words), 20, 0, 0.5)
        weights.append((inputs, prediction.train_weights(made, inputs, config, work=work)))
    for ours, reference in zip(*weights, strict=True):
        # sigma from a table; a word drawn twice for one example is taken one after the other
        assert np.abs(ours - reference).max() < 0.004 < 0.1 < np.abs(weights[0][1]).max()
        assert not ours[:, 20:].any(), "what pads a row stays zero"


def test_the_table_of_sigma():
    x = np.linspace(-5.999, 5.999, 10_001)
    table = prediction_kernel.sigmoid_table()
    assert np.abs(table[((x + 6) * (2048 / 12)).astype(int)] - 1 / (1 + np.exp(-x))).max() < 0.0008


@pytest.mark.parametrize(("architecture", "output"), WAYS)
def test_planted_groups_are_found(architecture, output):
    config = Word2VecConfig(
        architecture=architecture,
        output=output,
        hidden_size=16,
        min_count=1,
        epochs=8,
        threads=1,
        sample=0,
        learning_rate=0.1,
    )
    vectors = train_word2vec(planted(), config)
    right = sum(word[0] == near[0] for word in vectors.words for near, _ in vectors.nearest(word, 5))
    assert right >= 0.95 * 5 * 24
    assert vectors.counts is not None and vectors.counts.sum() == 6000
    assert vectors.trained["architecture"] == architecture


def test_one_thread_gives_the_same_vectors_and_another_seed_others(tmp_path):
    config = Word2VecConfig(hidden_size=8, min_count=1, epochs=1, threads=1)
    first, again = train_word2vec(planted(200), config), train_word2vec(planted(200), config)
    assert np.array_equal(first.vectors, again.vectors)
    other = train_word2vec(planted(200), dataclasses.replace(config, seed=1))
    assert not np.array_equal(first.vectors, other.vectors)
    first.save(tmp_path / "v")
    assert np.array_equal(WordVectors.load(tmp_path / "v").vectors, first.vectors)


def test_threads_read_every_word_and_find_the_groups():
    counted = []

    class Bar:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def update(self, amount=1, **values):
            counted.append(amount)

    config = Word2VecConfig(hidden_size=16, min_count=1, epochs=4, threads=2, sample=0, learning_rate=0.1)
    vectors = train_word2vec(planted(3000), config, Bar())
    assert sum(counted) == pytest.approx(4 * 30_000) and len(counted) == 4 * 3
    assert sum(word[0] == vectors.nearest(word, 1)[0][0][0] for word in vectors.words) >= 23


def test_a_sentence_longer_than_a_piece_is_cut():
    corpus = read_corpus([["a", "b"] * 12_000, ["a", "b", "b"]], 1)
    pieces = prediction.cut(corpus)
    assert [piece[0] for piece in pieces] == [0, 10_000, 20_000] and pieces[-1][-1] == 24_003
    assert [after[0] for after in pieces[1:]] == [piece[-1] for piece in pieces[:-1]]
    assert max(np.diff(piece).max() for piece in pieces) <= 10_000


def test_only_a_sentence_longer_than_a_piece_is_cut():
    lengths = [7_000, 7_000, 25_000, 10_000, 3]
    pieces = prediction.cut(read_corpus([(["a", "b"] * length)[:length] for length in lengths], 1))
    borders = sorted({int(place) for piece in pieces for place in piece})
    assert borders == [0, 7_000, 14_000, 24_000, 34_000, 39_000, 49_000, 49_003]


def test_what_a_ready_corpus_was_cut_by_is_what_is_recorded():
    corpus = read_corpus([["a", "b", "b", "c", "c", "c"]] * 3, 4, 2)
    config = Word2VecConfig(hidden_size=4, epochs=1, threads=1, min_count=5, max_vocabulary=None)
    trained = train_word2vec(corpus, config).trained
    assert trained["min_count"] == 4 and trained["max_vocabulary"] == 2 and trained["epochs"] == 1
    given = train_fasttext(corpus, FastTextConfig(hidden_size=4, epochs=1, threads=1, buckets=10)).trained
    assert given["min_count"] == 4 and given["max_vocabulary"] == 2 and given["method"] == "fasttext"


@pytest.mark.parametrize("name", ["skip_gram_step", "cbow_step"])
def test_a_learners_step_runs_in_the_real_training(monkeypatch, name):
    config = Word2VecConfig(
        architecture="skip-gram" if name == "skip_gram_step" else "cbow",
        hidden_size=8,
        min_count=1,
        epochs=2,
        threads=1,
        sample=0,
    )
    compiled = train_word2vec(planted(20), config).vectors
    calls, step = [], getattr(word2vec, name)
    monkeypatch.setattr(word2vec, name, lambda *arguments: calls.append(name) or step(*arguments))
    monkeypatch.setattr(slots, "filled", lambda id: id == f"classical.embeddings.{name}")
    assert f"classical.embeddings.{name}" in slots.registry
    assert work_for(None) is train_reference
    readable = train_word2vec(planted(20), config).vectors
    assert len(calls) > 100 and np.abs(readable - compiled).max() < 0.004 < np.abs(compiled).max()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"architecture": "glove"}, "architecture='glove' is not known; use 'skip-gram' or 'cbow'"),
        ({"output": "softmax"}, "output='softmax'"),
        ({"hidden_size": 0}, "hidden_size=0"),
        ({"threads": 0}, "threads=0"),
        ({"learning_rate": 0.00001}, "the rate falls from learning_rate=1e-05"),
        ({"learning_rate": float("nan")}, "the rate falls"),
        ({"sample": -1.0}, "sample=-1.0"),
    ],
)
def test_settings_that_cannot_be(settings, said):
    with pytest.raises(ConfigError, match=said):
        Word2VecConfig(**settings)


def test_a_corpus_that_cannot_be_and_a_rate_too_high():
    with pytest.raises(InputError, match="no words"):
        train_word2vec([])
    with pytest.raises(InputError, match="min_count=5 leaves 0 of 3 words"):
        train_word2vec([["one", "two", "three"]])
    with pytest.raises(Diverged, match="learning_rate=1e"):
        config = Word2VecConfig(learning_rate=1e30, min_count=1, hidden_size=4, threads=1, sample=0, epochs=4)
        train_word2vec(planted(100), config)
