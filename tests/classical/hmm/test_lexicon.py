"""What a word may be: its own counts, its ending's, its shape's, mixed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.hmm.lexicon import Lexicon, endings, shape, smoothed, word_counts

WORDS = {("running", 1): 2, ("singing", 1): 3, ("ring", 0): 1, ("Paris", 0): 4, ("the", 2): 50}


def test_an_ending_tells_the_tag_of_a_new_word():
    lexicon = Lexicon.count(WORDS, 3)
    assert lexicon.distribution("jumping").argmax() == 1
    assert lexicon.distribution("London").argmax() == 0
    assert lexicon.distribution("the").argmax() == 2 and lexicon.distribution("the")[2] > 0.95
    assert lexicon.knows("the") and not lexicon.knows("The")


def test_frequent_words_tell_nothing_about_new_ones():
    lexicon = Lexicon.count(WORDS, 3)
    assert "a the" in lexicon.nodes
    assert lexicon.distribution("bathe") == pytest.approx(
        lexicon.shares[lexicon.nodes["a "]]
    )  # as any word of small letters
    assert lexicon.shares[lexicon.nodes["a the"]][2] < 0.3 < 0.9 < lexicon.shares[lexicon.nodes["\tthe"]][2]


def test_a_mixture_by_hand():
    # the root saw 3 and 1 of two tags, both kinds: (3 + 2/2)/6 and (1 + 2/2)/6; below it 1 of the second, one kind
    shares = smoothed(np.array([[3.0, 1.0], [0.0, 1.0]], np.float32), np.array([0, 0]), np.array([0, 1]))
    assert shares == pytest.approx(np.array([[4 / 6, 2 / 6], [(4 / 6) / 2, (1 + 2 / 6) / 2]]))


@given(
    st.dictionaries(
        st.tuples(st.text("aBc1-", min_size=1, max_size=4), st.integers(0, 2)), st.integers(1, 30), min_size=1
    )
)
def test_every_word_has_shares_that_sum_to_one(words):
    lexicon = Lexicon.count(words, 3)
    assert np.allclose(lexicon.shares.sum(1), 1, atol=1e-5) and (lexicon.shares > 0).all()
    for word in ["", "never", "X-1", *[word for word, _ in words]]:
        assert lexicon.distribution(word).sum() == pytest.approx(1, abs=1e-5)


@given(st.text(max_size=12))
def test_keys_of_any_word_grow_by_a_letter(word):
    keys = endings(word)
    assert keys[0] == "" and keys[1] == f"{shape(word)} "
    assert [len(key) for key in keys[1:]] == list(range(len(keys[1]), len(keys[1]) + len(keys) - 1))


def test_words_are_counted_with_their_tags():
    assert word_counts([(["a", "b", "a"], [0, 1, 0])]) == {("a", 0): 2, ("b", 1): 1}
