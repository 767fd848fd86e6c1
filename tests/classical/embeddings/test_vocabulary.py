"""A corpus as ids: against counting by hand, and what cannot be a corpus."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.embeddings.vocabulary import read_corpus, sentences_of
from groundup.errors import InputError


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
