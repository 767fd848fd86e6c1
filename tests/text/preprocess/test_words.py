"""Words: cases by hand, and a treebank's tokens against splitting at spaces and at everything that is no letter."""

import re

import pytest

from groundup.text.preprocess.sentences import boundary_scores
from groundup.text.preprocess.words import kinds, split_words, word_spans


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't, she'll; we're", "I|do|n't|,|she|'ll|;|we|'re"),
        ("He cannot, it’s his.", "He|can|not|,|it|’s|his|."),
        ("1,234.56 at 10:30 on 3/4, 21st", "1,234.56|at|10:30|on|3/4|,|21st"),
        ("see https://a.b/c?d=e#f, or x.y@z.com!", "see|https://a.b/c?d=e#f|,|or|x.y@z.com|!"),
        ("#fun @ann_b :-) <3 ...", "#fun|@ann_b|:-)|<3|..."),
        ("Dr. Li of the U.S. said: e.g. this.", "Dr.|Li|of|the|U.S.|said|:|e.g.|this|."),
        ("(rock'n'roll)", "(|rock'n'roll|)"),
        ("15-year-old", "15|-|year|-|old"),
        ("猫は窓", "猫|は|窓"),
        ("नमस्ते दुनिया", "नमस्ते|दुनिया"),
        ("👨\u200d👩\u200d👧🏽🇩🇪❤️ok", "👨\u200d👩\u200d👧🏽|🇩🇪|❤️|ok"),
        ("e\u0301te\u0301", "e\u0301te\u0301"),
        ("", ""),
    ],
)
def test_a_text_falls_into_its_words(text, words):
    assert split_words(text) == (words.split("|") if words else [])


def test_nothing_is_lost(strings):
    for text in strings(2_000, seed=6):
        assert "".join(split_words(text)) == "".join(text.split())
        assert "".join(token for token, _ in kinds(text)) == "".join(text.split())


def test_a_long_text_takes_time_in_proportion():
    assert split_words("a" * 100_000) == ["a" * 100_000] and len(split_words("a.b " * 20_000)) == 60_000
    assert len(split_words("." * 50_000)) == 1 and len(split_words("1." * 20_000)) == 2


def scores(treebank, splitter):
    found, right = set(), set()
    for number, (text, words) in enumerate(sentence for paragraph in treebank for sentence in paragraph):
        right |= {(number, span) for span in word_spans(text, words)}
        found |= {(number, span) for span in word_spans(text, splitter(text))}
    return boundary_scores(found, right)


def test_a_treebanks_words_are_found(treebank):
    ours = scores(treebank, split_words)["f1"]
    letters = scores(treebank, lambda text: re.findall(r"\w+|[^\w\s]", text))["f1"]
    assert ours > 0.975 > 0.92 > letters > 0.9 > 0.8 > scores(treebank, str.split)["f1"]
