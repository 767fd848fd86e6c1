"""Counting in blocks, from disk, gives what counting in memory gives."""

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import ConfigError, InputError
from groundup.text.ngram import streamed
from groundup.text.ngram.counts import count_ngrams
from groundup.text.ngram.streamed import count_streamed

FIELDS = ("words", "counts", "adjusted", "first", "shorter")


def same(some, others):
    for one, other in zip(some, others, strict=True):
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)


def test_the_worked_examples_in_the_docstrings_hold():
    assert doctest.testmod(streamed).failed == 0


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.integers(1, 5),
    st.sampled_from([None, 0]),
    st.integers(1, 30),
    st.integers(1, 20),
)
@settings(deadline=None)
def test_blocks_of_any_size_and_chunks_of_any_size_give_the_counts_of_the_whole(ids, order, boundary, block, chunk):
    ids = np.array(ids)
    chunks = [ids[at : at + chunk] for at in range(0, len(ids), chunk)]
    same(count_streamed(chunks, order, 6, boundary, block=block), count_ngrams(ids, order, 6, boundary))


def test_many_runs_of_many_words_are_merged_and_their_files_go(tmp_path):
    ids = np.minimum(np.random.default_rng(0).zipf(1.3, 30_000), 999)
    found = count_streamed(iter(np.array_split(ids, 7)), 4, 1000, 0, block=1_000, folder=tmp_path)
    same(found, count_ngrams(ids, 4, 1000, 0))
    assert not list(tmp_path.iterdir())


def test_nothing_to_count_ids_outside_and_a_block_of_nothing_are_refused():
    with pytest.raises(InputError, match="give a text that is not empty"):
        count_streamed([], 2, 3)
    with pytest.raises(InputError, match="pass its vocab_size"):
        count_streamed([np.array([1, 3])], 2, 3)
    with pytest.raises(ConfigError, match="use 1 or more"):
        count_streamed([np.array([1])], 2, 3, block=0)
    with pytest.raises(ConfigError, match="use 1 or more"):
        count_streamed([np.array([1])], 0, 3)
