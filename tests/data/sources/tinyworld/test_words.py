"""The lexicon: large, inflected rightly, every noun of one category, and no word that begins another of its list."""

import doctest
import re
from collections import Counter
from itertools import chain

import pytest

from groundup.data.sources.tinyworld import arithmetic, choices, lexicon, vocabulary, words, world

NOUNS = """TOYS TOOLS KITCHEN CLOTHES INSTRUMENTS FURNITURE VEHICLES PAPER KEEPSAKES ANIMALS FRUITS VEGETABLES BAKED DISHES
DRINKS FLOWERS TREES JOBS BODY SHAPES SONG_WORDS ROOMS OUTDOORS KIN SUBJECTS""".split()


def test_there_are_at_least_fifteen_hundred_words():
    blocks = [block for name, block in vars(lexicon).items() if name.isupper()]
    assert len({word.lower() for block in blocks for word in re.split(r"[\s:_]+", block)}) >= 1500


def test_a_noun_stands_in_one_category():
    counted = Counter(chain.from_iterable(set(lexicon.entries(getattr(lexicon, name))) for name in NOUNS))
    assert [noun for noun, count in counted.items() if count > 1] == []


def test_a_verb_is_of_one_kind():
    counted = Counter(chain.from_iterable(v for kind, v in words.VERBS.items() if not kind.startswith("common")))
    assert [verb for verb, count in counted.items() if count > 1] == []


@pytest.mark.parametrize("category", words.WORDS)
def test_no_word_of_a_category_comes_twice_or_begins_another(category):
    listed = words.WORDS[category]
    assert len(set(listed)) == len(listed)
    assert not [(a, b) for a in listed for b in listed if b.startswith(a + " ")]


def test_irregular_and_regular_forms():
    assert [words.plural(w) for w in ("mouse", "shelf", "sheep", "potato", "dish", "day")] == [
        "mice", "shelves", "sheep", "potatoes", "dishes", "days",
    ]  # fmt: skip
    assert [words.past(w) for w in ("go", "put down", "hurry", "skip", "play", "trim")] == [
        "went", "put down", "hurried", "skipped", "played", "trimmed",
    ]  # fmt: skip


def test_common_words_carry_the_mass():
    for category in ("name", "thing", "adjective", "place"):
        probabilities = words.options(category).probabilities
        assert probabilities == sorted(probabilities, reverse=True)
        assert sum(probabilities[:20]) > 0.7


@pytest.mark.parametrize("module", [lexicon, words, world, arithmetic, choices, vocabulary])
def test_the_examples_in_the_docstrings_are_true(module):
    assert doctest.testmod(module).failed == 0
