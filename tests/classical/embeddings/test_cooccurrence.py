"""Counts, PPMI and SVD beside dense definitions, SciPy's svds, and numbers by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings.cooccurrence import (
    CooccurrenceConfig,
    cooccurrence_counts,
    count_pairs,
    ppmi,
    sparse_ppmi,
    train_cooccurrence,
    truncated_svd,
    window_weights,
)
from groundup.classical.embeddings.sparse import from_dense
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import read_corpus
from groundup.errors import ConfigError, InputError

sentences_of_numbers = st.lists(st.lists(st.integers(0, 6).map(str), max_size=12), min_size=1, max_size=8)


def toy(count: int = 300, seed: int = 0) -> list[list[str]]:
    """Sentences about animals or about meals, whose words never mix."""
    source = np.random.default_rng(seed)
    kinds = [["cat", "dog", "cow", "runs", "barks", "fur"], ["bread", "soup", "rice", "eat", "cook", "salt"]]
    return [[*source.choice(kinds[i % 2], 6), "the"] for i in range(count)]


# ───────── counts ─────────


def test_four_words_by_hand():
    counts = cooccurrence_counts([[0, 1, 2, 1]], [1.0, 0.5], 4)
    assert counts.tolist() == [[0, 1, 0.5, 0], [1, 1, 2, 0], [0.5, 2, 0, 0], [0, 0, 0, 0]]


@settings(max_examples=25, deadline=None)
@given(
    sentences_of_numbers, st.sampled_from(["flat", "harmonic", "linear"]), st.integers(1, 5), st.sampled_from([1, 2])
)
def test_the_fast_counts_are_the_definitions(sentences, weighting, window, threads):
    sentences = [*sentences, ["0", "1"]]
    corpus = read_corpus(sentences, min_count=1)
    ids = [[corpus.words.index(word) for word in sentence] for sentence in sentences]
    weights = window_weights(window, weighting)
    found = count_pairs(corpus, weights, threads)
    np.testing.assert_allclose(found.dense(), cooccurrence_counts(ids, weights.tolist(), len(corpus.words)), atol=1e-12)
    assert all((np.diff(found.columns[a:b]) > 0).all() for a, b in zip(found.first, found.first[1:], strict=False))


@settings(max_examples=25, deadline=None)
@given(sentences_of_numbers, st.integers(1, 4))
def test_counts_are_symmetric_and_add_up(sentences, window):
    ids = [[int(word) for word in sentence] for sentence in sentences]
    counts = cooccurrence_counts(ids, [1.0] * window, 7)
    assert (counts == counts.T).all()
    pairs = sum(max(len(sentence) - distance, 0) for sentence in ids for distance in range(1, window + 1))
    assert counts.sum() == 2 * pairs


def test_a_window_longer_than_any_sentence_and_long_sentences():
    sentence = [str(number % 17) for number in range(900)]
    corpus = read_corpus([sentence], min_count=1)
    assert count_pairs(corpus, window_weights(255)).values.sum() == 2 * sum(900 - d for d in range(1, 256))


# ───────── PPMI ─────────


def test_ppmi_by_hand():
    counts = np.array([[0.0, 2.0], [2.0, 4.0]])  # P(0, 1) = 1/4 beside P(0) P(1) = 1/4 * 3/4
    expected = [[0, np.log((1 / 4) / (3 / 16))], [np.log(4 / 3), 0]]
    np.testing.assert_allclose(ppmi(counts), expected, atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 99), st.sampled_from([1.0, 5.0, 0.5]), st.sampled_from([1.0, 0.75, 0.0]))
def test_sparse_ppmi_is_the_dense_one(seed, shift, smoothing):
    source = np.random.default_rng(seed)
    counts = source.integers(0, 4, (12, 12)) * (source.random((12, 12)) < 0.5)
    counts = (counts + counts.T).astype(float)
    if counts.sum():
        with np.errstate(all="ignore"):
            dense = np.nan_to_num(ppmi(counts, shift, smoothing))
        np.testing.assert_allclose(sparse_ppmi(from_dense(counts), shift, smoothing).dense(), dense, atol=2e-6)


def test_independent_words_are_no_surprise_and_a_shift_lowers_all_by_its_logarithm():
    assert ppmi(np.outer([1.0, 2, 3], [1.0, 2, 3])).max() < 1e-12
    counts = np.array([[0.0, 9.0, 1.0], [9.0, 0.0, 1.0], [1.0, 1.0, 5.0]])
    plain, shifted = ppmi(counts), ppmi(counts, shift=1.2)
    np.testing.assert_allclose(shifted, np.maximum(plain - np.log(1.2), 0), atol=1e-12)


# ───────── SVD ─────────


def test_the_largest_directions_are_scipys():
    svds = pytest.importorskip("scipy.sparse.linalg").svds
    corpus = read_corpus(toy(), min_count=1)
    source = np.random.default_rng(0)
    matrix = from_dense(source.normal(size=(120, 120)) * (source.random((120, 120)) < 0.1))
    for one, rank in ((matrix, 5), (sparse_ppmi(count_pairs(corpus, [1.0, 1.0])), 4)):
        u, s, vt = truncated_svd(one, rank, iterations=30)
        _, expected, _ = svds(one.dense().astype(float), k=rank)
        np.testing.assert_allclose(s, np.sort(expected)[::-1], rtol=1e-5)
        np.testing.assert_allclose(one.dense() @ vt.T, u * s, atol=1e-4 * s[0])  # each is a singular pair
        np.testing.assert_allclose(u.T @ u, np.eye(rank), atol=1e-5)


def test_four_turns_leave_the_best_approximation_within_a_hundredth():
    matrix = sparse_ppmi(count_pairs(read_corpus(toy(), min_count=1), [1.0, 1.0]))
    u, s, vt = truncated_svd(matrix, 3)
    best = np.linalg.svd(matrix.dense())[1]
    assert np.linalg.norm(matrix.dense() - (u * s) @ vt) < 1.01 * np.linalg.norm(best[3:])


def test_signs_and_threads_change_nothing():
    matrix = sparse_ppmi(count_pairs(read_corpus(toy(), min_count=1), [1.0, 1.0]))
    one, other = truncated_svd(matrix, 3, 20, seed=0, threads=1), truncated_svd(matrix, 3, 20, seed=5, threads=2)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-3)


# ───────── vectors ─────────


def test_words_of_one_kind_are_neighbours_and_the_folder_reads_back(tmp_path):
    vectors = train_cooccurrence(toy(), CooccurrenceConfig(hidden_size=4, min_count=1))
    assert {word for word, _ in vectors.nearest("cat", 5)} == {"dog", "cow", "runs", "barks", "fur"}
    vectors.save(tmp_path / "vectors")
    again = WordVectors.load(tmp_path / "vectors")
    assert (
        again.words == vectors.words
        and (again.vectors == vectors.vectors).all()
        and again.trained["method"] == "cooccurrence"
    )


def test_a_learners_functions_replace_the_fast_ones(monkeypatch):
    from groundup.classical.embeddings import cooccurrence

    config = CooccurrenceConfig(hidden_size=3, min_count=1)
    fast = train_cooccurrence(toy(60), config)
    monkeypatch.setattr(cooccurrence.slots, "filled", lambda id: True)
    np.testing.assert_allclose(train_cooccurrence(toy(60), config).vectors, fast.vectors, atol=1e-4)


@pytest.mark.parametrize(
    ("corpus", "config", "sentence"),
    [
        ([], {}, "no words in the corpus"),
        ([["word"]], {"min_count": 1}, "one word"),
        ([["a", "b"]], {"min_count": 9}, "min_count"),
        ([["a", "b"], ["a", "b"]], {"min_count": 1, "shift": 50.0}, "more often than by chance"),
        ([["a"], ["b"]], {"min_count": 1}, "no two words stand together"),
    ],
)
def test_what_cannot_be_counted_is_said(corpus, config, sentence):
    with pytest.raises(InputError, match=sentence):
        train_cooccurrence(corpus, CooccurrenceConfig(**config))


def test_fewer_directions_than_asked_for_are_said_and_recorded(capsys):
    corpus = [["a", "b", "c", "d"], ["a", "b"], ["c", "d"]] * 2
    vectors = train_cooccurrence(corpus, CooccurrenceConfig(hidden_size=100, min_count=1))
    assert vectors.dimension == 4 and vectors.trained["hidden_size"] == 4
    assert "hidden_size=100" in capsys.readouterr().err


def test_settings_that_cannot_be_are_refused():
    for wrong in (
        {"window": 0},
        {"window": 256},
        {"weighting": "round"},
        {"hidden_size": 0},
        {"shift": 0},
        {"smoothing": 2},
    ):
        with pytest.raises(ConfigError):
            CooccurrenceConfig(**wrong)
    with pytest.raises(InputError, match="use 1 to 3"):
        truncated_svd(from_dense(np.eye(3)), 4)
