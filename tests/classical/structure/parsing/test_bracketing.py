"""Labelled brackets: counted by hand, and equal trees are right in everything."""

import pytest

from groundup.classical.structure.parsing.bracketing import bracketing_f1, brackets
from groundup.classical.structure.parsing.trees import read_brackets
from groundup.errors import InputError

GOLD = read_brackets(
    "(TOP (S (NP (PRP I)) (VP (VBD saw) (NP (NP (NNS stars)) (PP (IN with) (NP (NNS ears))))) (. .)))"
)[0]
OTHER = read_brackets("(TOP (S (NP (PRP I)) (VP (VBD saw) (NP (NNS stars)) (PP (IN with) (NP (NNS ears)))) (. .)))")[0]


def test_one_wrong_attachment_counted_by_hand():
    assert (
        brackets(GOLD).total() == 7 and brackets(OTHER).total() == 6 and (brackets(GOLD) & brackets(OTHER)).total() == 6
    )
    found = bracketing_f1([GOLD, OTHER], [OTHER, OTHER])
    assert found == {"precision": 1.0, "recall": 12 / 13, "f1": pytest.approx(24 / 25), "exact": 0.5}


def test_a_tree_is_right_in_everything_about_itself():
    assert bracketing_f1([GOLD], [GOLD]) == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "exact": 1.0}


def test_punctuation_does_not_part_words_and_prt_is_advp():
    one, other = read_brackets(
        "(TOP (S (NP (NN a) (, ,) (NN b)) (PRT (RP up))))(TOP (S (NP (NN a) (, ,)(NN b)) (ADVP (RP up))))"
    )
    assert ("NP", 0, 2) in brackets(one) and brackets(one) == brackets(other)


def test_punctuation_is_what_the_right_tree_tags_so():
    gold, other = read_brackets(
        "(TOP (S (NP (NN a)) (, ,) (NP (NN b)) (VP (VB go))))(TOP (S (NP (NN a)) (NN ,) (NP (NN b)) (VP (VB go))))"
    )
    assert bracketing_f1([gold], [other])["f1"] == 1.0, "one comma taken for a noun moves no bracket"
    assert bracketing_f1([other], [gold])["f1"] == 1.0


def test_nothing_shared_is_zero_and_not_a_division_by_zero():
    assert bracketing_f1([("TOP", ("NN", "a"))], [("TOP", ("X", ("NN", "a")))])["f1"] == 0.0


def test_trees_of_other_sentences_are_refused():
    with pytest.raises(InputError, match="sentence 2 have different words"):
        bracketing_f1([GOLD, GOLD], [GOLD, ("TOP", ("NN", "a"))])
    with pytest.raises(InputError, match="at least one"):
        bracketing_f1([], [])
