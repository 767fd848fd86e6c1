"""Trees of sentences: every label is drawn, words stand in their order, arcs do not lie on each other."""

from groundup.plots import constituency_tree, dependency_arcs, figure_html
from groundup.plots.trees import _heights

TREE = ("S", ("NP", ("DT", "the"), ("NN", "<cat>")), ("VP", ("VBZ", "sleeps")))


def test_a_phrase_stands_above_the_middle_of_its_parts_and_words_in_their_order():
    at = {note.text: (note.x, note.y) for note in constituency_tree(TREE, title="a tree").layout.annotations}
    assert [at[word][0] for word in ("the", "&lt;cat>", "sleeps")] == [0, 1, 2]
    assert at["NP"] == (0.5, -1) and at["VP"] == (2, -1) and at["S"] == (1.25, 0)


def test_every_arc_has_its_label_at_its_own_height():
    figure = dependency_arcs(["the", "cat", "sleeps"], [2, 3, 0], ["det", "nsubj", "root"], tags=["D", "N", "V"])
    at = {note.text: note.y for note in figure.layout.annotations}
    assert {"the", "cat", "sleeps", "det", "nsubj", "root", "D", "N", "V"} == set(at)
    assert at["root"] > at["nsubj"] == at["det"] > at["cat"] > at["N"]


def test_an_arc_goes_over_those_within_it():
    assert _heights([(0, 1), (3, 0), (3, 1)]) == {(0, 1): 1, (3, 1): 1, (3, 0): 2}


def test_a_wrong_arc_has_another_colour_and_the_page_is_written():
    words, heads = ["a", "b", "c"], [2, 0, 2]
    colours = [{line.line.color for line in dependency_arcs(words, heads, wrong=wrong).data if line.mode == "lines"}
               for wrong in ((), (1,))]  # fmt: skip
    assert len(colours[1]) == len(colours[0]) + 1
    assert "<div" in figure_html(dependency_arcs(words, heads), "arcs")
