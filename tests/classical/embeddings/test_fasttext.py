"""FastText: pieces and hashes are gensim's, words never seen get vectors, the compiled loop is the readable one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.classical.embeddings import prediction
from groundup.classical.embeddings.fasttext import (
    FastTextConfig,
    FastTextVectors,
    Subwords,
    buckets_of,
    character_ngrams,
    ngram_bucket,
    pieces_of_words,
    train_fasttext,
)
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import read_corpus
from groundup.classical.embeddings.word2vec import train_reference
from groundup.errors import ConfigError, FormatError, InputError

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
SMALL = dict(hidden_size=16, min_count=1, epochs=3, threads=1, sample=0, learning_rate=0.1)


def planted() -> list[list[str]]:
    """Sentences about one of two things, whose words have one stem each in many forms."""
    generator = np.random.default_rng(0)
    forms = [
        [stem + end for stem in stems for end in ("", "s", "ed", "ing")]
        for stems in (("walk", "jump"), ("boil", "cook"))
    ]
    return [generator.choice(forms[side], 8).tolist() for side in generator.integers(0, 2, 300)]


@settings(deadline=None)  # the first call compiles
@given(st.lists(TEXT, min_size=1, max_size=5), st.integers(1, 4), st.integers(0, 3), st.integers(1, 5000))
def test_pieces_and_buckets_are_gensims(words, min_n, more, buckets):
    inner = pytest.importorskip("gensim.models.fasttext_inner")
    subwords = Subwords(min_n, min_n + more, buckets)
    starts, rows = pieces_of_words(words, subwords)
    for number, word in enumerate(words):
        theirs = inner.compute_ngrams_bytes(word, min_n, min_n + more)
        assert [piece.encode() for piece in character_ngrams(word, min_n, min_n + more)] == theirs
        assert buckets_of(word, subwords) == [inner.ft_hash_bytes(piece) % buckets for piece in theirs]
        assert rows[starts[number] : starts[number + 1]].tolist() == buckets_of(word, subwords)


def test_pieces_by_hand_and_the_published_hash():
    assert character_ngrams("where", 3, 3) == ["<wh", "whe", "her", "ere", "re>"]
    assert ngram_bucket("foobar", 2**32) == 0xBF9CF968, "the published value of FNV-1a"
    assert character_ngrams("a", 1, 1) == ["a"], "a mark alone is none"


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_the_compiled_loop_is_the_readable_one(architecture):
    corpus = read_corpus(planted()[:40], 1)
    config = FastTextConfig(architecture=architecture, **SMALL)
    starts, hashed = pieces_of_words(corpus.words, config.subwords)
    held, rows = np.unique(hashed, return_inverse=True)
    pieces = starts, (rows + len(corpus.words)).astype(np.int32)
    made = prediction.problem(corpus, config, pieces, from_middle=True)
    results = []
    for work in (prediction.compiled_work(made), train_reference):
        inputs = prediction.first_inputs(len(corpus.words) + len(held), 16, 0, 0.1)
        prediction.train_weights(made, inputs, config, work=work)
        results.append(inputs)
    # few words, so that many are drawn twice for one example; the readable form then takes both at once
    assert np.abs(results[0] - results[1]).max() < 0.06 * np.abs(results[1]).max()


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_a_word_never_seen_is_near_its_relatives(architecture, tmp_path):
    vectors = train_fasttext(planted(), FastTextConfig(architecture=architecture, **SMALL))
    assert "walker" not in vectors
    assert {near[:4] for near, _ in vectors.nearest("walker", 6)} <= {"walk", "jump"}
    assert {near[:4] for near, _ in vectors.nearest("cookery", 6)} <= {"boil", "cook"}
    vectors.save(tmp_path / "v")
    again = WordVectors.load(tmp_path / "v")
    assert isinstance(again, FastTextVectors)
    assert np.array_equal(again["walker"], vectors["walker"]) and np.array_equal(again["walk"], vectors["walk"])
    with pytest.raises(InputError, match="'zzz' is none of the 16 words"):
        again["zzz"]


def test_a_vector_is_the_mean_of_a_words_rows():
    vectors = FastTextVectors(
        ["cat"], Subwords(3, 3, 1000), {"vectors": np.ones((1, 2)), "pieces": np.array([[1.0, 2], [3, 6]]),
        "buckets": np.array(sorted(ngram_bucket(piece, 1000) for piece in ("<ca", "cat")), np.int32)},
    )  # fmt: skip
    assert vectors["cat"].tolist() == [1, 1], "a known word has its own"
    assert vectors["cats"].tolist() == [2, 4], "<ca and cat are held, ats and ts> are not"


def test_what_cannot_be(tmp_path):
    with pytest.raises(ConfigError, match="min_n=4 to max_n=3"):
        FastTextConfig(min_n=4, max_n=3)
    with pytest.raises(ConfigError, match="buckets=0"):
        Subwords(buckets=0)
    with pytest.raises(InputError, match="pieces of shape"):
        FastTextVectors(
            ["a"], Subwords(), {"vectors": np.ones((1, 2)), "pieces": np.ones((1, 2)), "buckets": np.zeros(2)}
        )
    train_fasttext(planted()[:50], FastTextConfig(**SMALL)).save(tmp_path / "v")
    path = tmp_path / "v" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(FormatError, match=r"model.safetensors is damaged"):
        WordVectors.load(tmp_path / "v")
