"""Every rule lets prose through and stops what it was made for, with the figure in its sentence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data.clean import quality
from groundup.data.clean.repetition import REPEATED, TOP, repetition_reference, repetitions
from groundup.errors import ConfigError

PROSE = """The river rises in the hills to the north, and for the first miles it is hardly more than a brook that one can step over.
Farmers have used its water since the valley was settled, with ditches that lead it between the fields and back again.
In dry years there were quarrels about who might open his gate first, and the old books of the parish are full of them.
Today a board decides, which meets twice a year in the back room of the inn and writes everything down.
Nobody remembers when the mill stopped, but its wheel still turns when the children of the village push it together."""


@pytest.mark.parametrize("name", list(quality.RULES))
def test_prose_keeps_all_rules(name):
    assert quality.judge(PROSE, quality.rules(name)) is None


BROKEN = {
    "words": "The cat and the dog sat to eat.",
    "mean word length": "a b c d the be of " * 40,
    "# a word": PROSE + " #tag" * 60,
    "ellipses a word": PROSE + "… a ... b" * 40,
    "lines that begin with a bullet": "\n".join(f"- the item number {at} of a list and more" for at in range(60)),
    "lines that end with an ellipsis": "\n".join(f"the story number {at} that you have to read..." for at in range(60)),
    "words with a letter": PROSE + " 12 34 + = 7" * 30,
    "stop words": "Lorem dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt " * 9,
    "repeated lines": "the and\n" * 5 + PROSE,
    "characters in repeated lines": PROSE + "\n" + PROSE.splitlines()[0] + "\n" + PROSE.splitlines()[1],
    "characters in the most frequent 2-gram": PROSE + " of cats" * 40,
    "characters in repeated 10-grams": PROSE + " " + PROSE[10:140],
    "lorem ipsum": PROSE + " Lorem ipsum.",
    "curly brackets": PROSE + " if (x) { y }",
    "sentences": "One sentence only that goes on.",
    "lines that end like a sentence": "Home\nNews\nAbout us and our very long and friendly company",
    "lines of 30 characters or fewer": "Yes.\n" + "\n".join(f"Number {at}." for at in range(9)),
}


@pytest.mark.parametrize("name", list(BROKEN))
def test_a_rule_stops_what_it_was_made_for(name):
    every = {rule.name: rule for rule in (*quality.GOPHER, *quality.C4, *quality.FINEWEB)}
    rule = every[name]
    broken = quality.judge(BROKEN[name], [rule])
    assert broken and broken.rule == name and name in broken.reason
    assert quality.judge(PROSE, [rule]) is None


def test_the_first_broken_rule_is_named_with_its_figure_and_bound():
    assert quality.judge("Buy now! " * 40).reason == "stop words: 0, wanted 2 or more"
    assert quality.judge(PROSE + " #" * 60, quality.GOPHER).reason.endswith("allowed 0.1")


def test_figures_by_hand():
    page = quality.figures("the cat\nthe cat\n- of dogs…", (*quality.GOPHER, *quality.FINEWEB))
    assert page["words"] == 7 and page["mean word length"] == (3 + 3 + 3 + 3 + 1 + 2 + 5) / 7
    assert page["repeated lines"] == 1 / 3 and page["characters in repeated lines"] == 7 / 24
    assert page["lines that begin with a bullet"] == page["lines that end with an ellipsis"] == 1 / 3
    assert page["stop words"] == 2 and page["words with a letter"] == 6 / 7
    assert page["characters in the most frequent 2-gram"] == 12 / 20


@settings(deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "é"]), max_size=60))
def test_repetition_is_that_of_the_reference(words):
    measured = repetitions(words)
    for n in TOP:
        assert measured[f"top_{n}"] == pytest.approx(repetition_reference(words, n, top=True))
    for n in REPEATED:
        assert measured[f"repeated_{n}"] == pytest.approx(repetition_reference(words, n))


def test_empty_and_short_texts_are_dropped_with_a_reason():
    for name in quality.RULES:
        assert quality.judge("", quality.rules(name)).reason == "characters: 0, wanted 1 or more"
        assert quality.judge(" \n\x0b", quality.rules(name)) is not None
    assert quality.judge("word").rule == "words"


def test_lines_of_c4():
    text = (
        "Home | News\nThis is a line that ends well.\nPlease enable Javascript to see this page.\nOnly three words.\n"
    )
    text += (
        "We use cookies to make this site better.\nThe river is long.[3] It has many arms [edit] and fish.\nand more..."
    )
    assert quality.c4_lines(text) == "This is a line that ends well.\nThe river is long. It has many arms  and fish."
    assert quality.line_fault("Only three words.") == "fewer than 5 words"
    assert quality.line_fault("Please enable Javascript to see this page.") == "speaks of Javascript"


def test_bounds_can_be_changed_and_mistakes_are_named():
    assert quality.judge("Of the cat.", quality.rules("gopher-quality", words=(1, 10))) is None
    with pytest.raises(ConfigError, match="did you mean 'gopher'"):
        quality.rules("goper")
    with pytest.raises(ConfigError, match="did you mean 'words'"):
        quality.rules("gopher", word=(1, 2))
    with pytest.raises(ConfigError, match="smaller one first"):
        quality.rules("gopher", words=(2, 1))
