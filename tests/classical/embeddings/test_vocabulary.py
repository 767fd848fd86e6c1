"""A corpus as ids: against counting by hand, and what cannot be a corpus."""

import importlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.embeddings.vocabulary import check_seed, read_corpus, sentences_of
from groundup.errors import ConfigError, InputError


@given(st.lists(st.lists(st.sampled_from("abcde"), max_size=6), min_size=1, max_size=8), st.integers(1, 3))
def test_sentences_come_back_without_the_rare_words(sentences, min_count):
    counts = {word: sum(s.count(word) for s in sentences) for word in "abcde"}
    kept = sorted((w for w in counts if counts[w] >= min_count), key=lambda w: (-counts[w], w))
    if len(kept) < 2:
        with pytest.raises(InputError):
            read_corpus(sentences, min_count)
        return
    corpus = read_corpus(sentences, min_count)
    assert corpus.words == kept and corpus.counts.tolist() == [counts[word] for word in kept]
    assert [corpus.sentence(s) for s in range(len(corpus))] == [[w for w in s if w in kept] for s in sentences]
    assert corpus.raw_words == sum(map(len, sentences)) and corpus.ids.dtype == np.int32


def test_a_largest_size_keeps_the_most_frequent():
    assert read_corpus([list("aaabbc")], 1, 2).words == ["a", "b"]


CONFIGS = [
    ("classical.embeddings.word2vec", "Word2VecConfig"),
    ("classical.embeddings.fasttext", "FastTextConfig"),
    ("classical.embeddings.glove", "GloveConfig"),
    ("classical.embeddings.cooccurrence", "CooccurrenceConfig"),
    ("classical.embeddings.evaluation.t_sne", "TsneConfig"),
    ("classical.embeddings.evaluation.umap", "UmapConfig"),
    ("classical.recurrent.char_lm", "CharacterConfig"),
    ("classical.recurrent.bidirectional", "TaggerConfig"),
    ("classical.recurrent.seq2seq_network", "Seq2SeqConfig"),
]


@pytest.mark.parametrize(("module", "name"), CONFIGS)
def test_a_seed_below_zero_is_refused_before_anything_is_read(module, name):
    config = getattr(importlib.import_module(f"groundup.{module}"), name)
    with pytest.raises(ConfigError, match="seed=-1 is not possible; use 0 or more"):
        config(seed=-1)
    check_seed(0)
    assert config(seed=0).seed == 0


@pytest.mark.parametrize(("module", "name"), CONFIGS[:4])
def test_a_largest_size_below_two_is_named(module, name):
    config = getattr(importlib.import_module(f"groundup.{module}"), name)
    for size in (-1, 0, 1):
        with pytest.raises(ConfigError, match=f"max_vocabulary={size} leaves no two words; use 2 or more"):
            config(max_vocabulary=size)
        with pytest.raises(ConfigError, match=f"max_vocabulary={size}"):
            read_corpus([["a", "b", "c"]], 1, size)
    assert config(max_vocabulary=2).max_vocabulary == 2


@pytest.mark.parametrize(
    ("sentences", "min_count", "said"),
    [
        ([], 1, "no words in the corpus"),
        ([[]], 1, "no words in the corpus"),
        ([["a", "a"]], 1, "holds one word, 'a'"),
        ([["a", "b", "b"]], 5, "min_count=5 leaves 0 of 2 words .* use min_count=1 or less"),
        ([["a", "b", "b"]], 2, "min_count=2 leaves 1 of 2 words"),
        (["a text"], 1, "is the text 'a text', whose parts are letters"),
    ],
)
def test_what_cannot_be_a_corpus(sentences, min_count, said):
    with pytest.raises(InputError, match=said):
        read_corpus(sentences, min_count)


def test_texts_become_sentences_of_small_words():
    assert list(sentences_of(["Hello, World! -- 2 cats.", "..."])) == [["hello", "world"], ["2", "cats"]]
