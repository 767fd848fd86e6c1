"""Thinking, words and calls are told apart wherever the text is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serving.api.models import THINKING
from groundup.serving.api.speech import Speaker, ThinkingReader, Thought
from groundup.serving.api.tool_formats.calls import Words


def split(text, cuts, inside=False):
    reader, edges = ThinkingReader(THINKING, inside), sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    said = [
        part for start, end in zip(edges, edges[1:], strict=False) for part in reader.push(text[start:end])
    ] + reader.push("", True)
    return tuple("".join(part.text for part in said if isinstance(part, kind)) for kind in (Thought, Words))


@pytest.mark.parametrize(
    ("text", "thought", "words"),
    [
        ("<think>\nHm.\n</think>\n\nYes.", "Hm.", "Yes."),
        ("<think></think>Yes.", "", "Yes."),
        ("No <think>later</think>", "", "No <think>later</think>"),
        ("<think>never ends", "never ends", ""),
        ("<thin", "", "<thin"),
        ("", "", ""),
    ],
)
def test_thinking_comes_first_or_not_at_all(text, thought, words):
    for cut in range(len(text) + 1):
        assert split(text, [cut]) == (thought, words)


def test_a_template_may_have_opened_the_thinking():
    assert split("Hm.</think>Yes.", [2, 5], inside=True) == ("Hm.", "Yes.")


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<th", "\n", " ", "a", "</"]), max_size=8).map("".join),
    st.lists(st.integers(0, 40), max_size=6),
)
def test_the_cuts_do_not_matter(text, cuts):
    assert split(text, cuts) == split(text, []) == split(text, range(len(text)))


def test_without_marks_and_tools_everything_is_words():
    assert Speaker().push("<think>a", True) == [Words("<think>a")]
