"""Where sentences end: cases by hand, and a treebank against the naive full stop."""

import pytest

from groundup.text.preprocess.sentences import (
    boundary_scores,
    joined_with_ends,
    naive_ends,
    sentence_ends,
    split_sentences,
)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Dr. Smith arrived at 5 p.m. yesterday.", "He left."],
        ["It costs 3.50 dollars, i.e. less than No. 5.", "The rest is free!"],
        ["“Really?” she asked.", "“Yes.”", "Then he left."],
        ["J. R. R. Tolkien wrote it.", "It is long."],
        ["He works for Acme Inc.", "The firm is small."],
        ["He lives in the U.S. and likes it.", "We don't."],
        ["See p. 12 and vol. 3.", "Done?", "Yes!"],
        ["Wait... what?!", "No."],
        ["this is informal.", "nobody writes capitals here."],
        ["I love her. :)", "She knows."],
        ["(He said so.)", "Nobody heard."],
        ["Это первое предложение.", "Это второе!"],
        ["यह पहला वाक्य है।", "यह दूसरा है।"],
        ["هل أنت هنا؟", "نعم."],
        ["No sign at the end"],
    ],
)
def test_sentences_are_found_again(sentences):
    assert split_sentences(" ".join(sentences)) == sentences


def test_wide_signs_need_no_space():
    assert split_sentences("你好。你在做什么？我在「看书。」") == ["你好。", "你在做什么？", "我在「看书。」"]


def test_an_empty_line_ends_a_sentence_without_a_sign():
    assert split_sentences("A heading\n\nThe text\ngoes on.") == ["A heading", "The text\ngoes on."]


@pytest.mark.parametrize("text", ["", "   ", "\n\n\n", "...", "。。。", ". . .", "\x00", "!" * 1000])
def test_odd_texts_are_taken(text):
    assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())


def test_nothing_is_lost(strings):
    for text in strings(2_000, seed=5):
        assert "".join("".join(split_sentences(text)).split()) == "".join(text.split())
        ends = sentence_ends(text)
        assert ends == sorted(set(ends)) and all(0 < end <= len(text) for end in ends)


def test_a_long_text_takes_time_in_proportion():
    assert len(sentence_ends("He left. " * 20_000)) == 20_000
    assert split_sentences("a" * 200_000) == ["a" * 200_000]


def scores(treebank, splitter, marked):
    """All paragraphs' boundaries inside; `marked`: of the right ones only those that a sign marks."""
    found, right = set(), set()
    for number, paragraph in enumerate(treebank):
        text, ends = joined_with_ends([sentence for sentence, _ in paragraph])
        inside = [end for end in ends[:-1] if not marked or text[end - 1] in ".!?…\"')”"]
        right |= {(number, end) for end in inside}
        found |= {(number, end) for end in splitter(text) if end < len(text)}
    return boundary_scores(found, right)


def test_web_text_is_split_better_than_by_the_full_stop(treebank):
    """Half of what is missed has no sign at all: signatures, headings, lists of files in e-mails."""
    ours, naive = (scores(treebank, splitter, False) for splitter in (sentence_ends, naive_ends))
    assert ours["precision"] > 0.98 > 0.94 > naive["precision"]
    assert ours["f1"] > naive["f1"] + 0.01
    marked, naively = (scores(treebank, splitter, True)["f1"] for splitter in (sentence_ends, naive_ends))
    assert marked > 0.96 and 1 - marked < 0.85 * (1 - naively), "of the boundaries that a sign marks"


def test_scores_are_those_of_the_definition():
    assert boundary_scores([], []) == {"precision": 0.0, "recall": 0.0, "f1": 0.0}
    assert boundary_scores([1, 2], [2])["f1"] == pytest.approx(2 / 3)
