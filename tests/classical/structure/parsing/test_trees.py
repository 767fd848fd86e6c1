"""Trees: brackets in and out, what the treebank marks taken out, binarised and back."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.classical.structure.parsing.bracketing import bracketing_f1, brackets
from groundup.classical.structure.parsing.grammar import rules_of
from groundup.classical.structure.parsing.pcfg import train
from groundup.classical.structure.parsing.trees import (
    binarize,
    clean,
    is_tag,
    read_brackets,
    restore,
    tagged,
    tree_text,
    words_of,
    write_brackets,
)
from groundup.errors import FormatError, InputError

PENN = """
( (S
    (NP-SBJ-1 (NNP Mr.) (NNP Vinken) )
    (VP (VBZ is)
      (VP (VBN named) (S (NP (-NONE- *-1) )
      (NP-PRD (NP (NN chairman) )
        (PP (IN of) (NP (NNP Elsevier) ))))))
    (. .) ))
( (S (NP (-NONE- *)) (VP (VB Go) (PRT (RP up))) (-LRB- -LRB-) ))
"""

words = st.text("abcxyz", min_size=1, max_size=4)
tags = st.tuples(st.sampled_from(["DT", "NN", "VB"]), words)
trees = st.recursive(
    tags,
    lambda parts: st.builds(
        lambda label, below: (label, *below),
        st.sampled_from(["NP", "VP", "S"]),
        st.lists(parts, min_size=1, max_size=5),
    ),
    max_leaves=14,
)


def test_penn_trees_are_read_and_cleaned():
    first, second = (clean(tree) for tree in read_brackets(PENN))
    assert write_brackets(first) == (
        "(TOP (S (NP (NNP Mr.) (NNP Vinken)) (VP (VBZ is) (VP (VBN named) (S (NP (NP (NN chairman)) "
        "(PP (IN of) (NP (NNP Elsevier))))))) (. .)))"
    )
    assert second == ("TOP", ("S", ("VP", ("VB", "Go"), ("PRT", ("RP", "up"))), ("-LRB-", "-LRB-")))


def test_nltk_reads_the_same():
    nltk = pytest.importorskip("nltk")
    for ours in read_brackets(PENN):
        theirs = nltk.Tree.fromstring(write_brackets(ours))
        assert theirs.leaves() == words_of(ours) and theirs.pos() == tagged(ours)


def test_a_tree_of_traces_alone_is_none():
    assert clean(read_brackets("(S (NP (-NONE- *)))")[0]) is None


@given(trees)
def test_what_was_written_is_read_again(tree):
    assert read_brackets(write_brackets(tree)) == [tree]


@given(trees, st.integers(0, 3), st.integers(1, 3))
def test_binarizing_is_undone_and_leaves_at_most_two_parts(tree, horizontal, vertical):
    made = binarize(tree, horizontal, vertical)
    assert restore(made) == tree

    def widest(part):
        return 1 if is_tag(part) else max(len(part) - 1, *map(widest, part[1:]))

    assert widest(made) <= 2


def test_a_symbol_remembers_what_it_is_told_to():
    tree = ("S", ("NP", ("DT", "a"), ("JJ", "b"), ("JJ", "c"), ("NN", "d")))
    assert binarize(tree, 1, 2)[1] == (
        "NP^S", ("DT", "a"), ("@NP^S|DT", ("JJ", "b"), ("@NP^S|JJ", ("JJ", "c"), ("NN", "d"))))  # fmt: skip
    assert binarize(tree, 2, 1)[1][2][2][0] == "@NP|DT_JJ"
    assert binarize(tree, 0, 1)[1][2][0] == binarize(tree, 0, 1)[1][2][2][0] == "@NP|"


@given(trees)
def test_the_picture_in_the_terminal_has_a_line_for_each_label(tree):
    lines = tree_text(tree).splitlines()
    assert [line.split()[-1] for line in lines if re.search(r" \S+ \S+$", " " + line)][-1] == words_of(tree)[-1]
    assert len(lines) == write_brackets(tree).count("(")


@pytest.mark.parametrize(
    ("text", "line", "way_out"),
    [
        ("(S (NN a)\n (NN b)", 1, "lacks 1 closing brackets; add"),
        ("(S (NN a))\n)", 2, "never opened; remove"),
        ("(S (NN a))\nword", 2, "outside of any bracket"),
        ("(S\n(NN a)\n(NN b c))", 3, "more than a tag's one word"),
        ("(S\n(NN ))", 2, "nothing stands under 'NN'"),
        ("(S\n((NN a)))", 2, "no label"),
        ("(S " * 200, 1, "more than 150 brackets"),
    ],
)
def test_damage_is_answered_with_its_line(text, line, way_out):
    with pytest.raises(FormatError, match=f"wsj, line {line}: .*{re.escape(way_out)}"):
        read_brackets(text, "wsj")


def test_what_cannot_be_binarised_is_refused():
    with pytest.raises(InputError, match="rename it"):
        binarize(("NP^S", ("NN", "a"), ("NN", "b")))
    with pytest.raises(InputError, match="use horizontal of 0 or more"):
        binarize(("NP", ("NN", "a")), -1)


def test_a_tree_nested_deeper_than_can_be_followed_is_a_sentence():
    deep = ("S", ("NN", "a"))
    for _ in range(3000):
        deep = ("S", ("NN", "a"), deep)
    for ask in (lambda: train([deep]), lambda: write_brackets(deep), lambda: tree_text(deep),
                lambda: restore(deep)):  # fmt: skip
        with pytest.raises(InputError, match="nested too deeply to be followed"):
            ask()


def test_the_words_rules_and_brackets_of_a_tree_are_read_however_deep_it_is():
    deep = ("S", ("NN", "w0"))
    for place in range(1, 3000):
        deep = ("S", ("NN", f"w{place}"), deep)
    words = [f"w{place}" for place in range(2999, -1, -1)]
    assert words_of(deep) == words and rules_of(deep) == [("S", "NN", "S")] * 2999 + [("S", "NN")]
    assert brackets(deep) == {("S", place, 3000): 1 for place in range(3000)}
    assert bracketing_f1([deep], [deep])["f1"] == 1.0


def test_a_phrase_of_very_many_parts_is_learned_from():
    grammar = train([("S", *[("NN", "a")] * 3000)]).grammar
    assert grammar.words == {("NN", "a"): 0.0} and len(grammar.binary) == 3
