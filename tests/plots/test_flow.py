"""Flow charts: a box stands after all that point to it."""

import pytest

from groundup.plots import figure_html, flow_chart
from groundup.plots.flow import layout


def test_the_longest_way_decides_the_layer():
    places = layout(["a", "b", "c", "d"], [("a", "d"), ("a", "b"), ("b", "c"), ("c", "d")])
    assert [places[name][0] for name in "abcd"] == [0, 1, 2, 3]


def test_boxes_of_a_layer_stand_apart_and_in_order():
    places = layout(["root", "left", "right"], [("root", "left"), ("root", "right")])
    assert places["left"][1] - places["right"][1] == 1


def test_every_box_and_arrow_is_drawn_with_its_words_as_they_are():
    figure = flow_chart({"a": "<x>", "b": "b = 2"}, [("a", "b", "da/db")], groups={"a": "input"}, title="graph")
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts == ["", "da/db", "&lt;x>", "b = 2"]
    assert [annotation.showarrow for annotation in figure.layout.annotations] == [True, False, False, False]


def test_a_tree_grows_down_with_the_first_branch_at_the_left():
    tree = flow_chart({"a": "a", "b": "b", "c": "c"}, [("a", "b"), ("a", "c")], down=True)
    root, left, right = tree.layout.annotations[2:]
    assert root.y > left.y == right.y and left.x < root.x < right.x


def test_a_circle_and_an_unknown_end_are_refused():
    with pytest.raises(AssertionError, match="circle"):
        layout(["a", "b"], [("a", "b"), ("b", "a")])
    with pytest.raises(AssertionError, match="names"):
        layout(["a"], [("a", "z")])


def test_boxes_side_by_side_are_narrow_enough_for_the_page():
    texts = {str(number): "the scores of all keys that a query may look at" for number in range(6)}
    figure = flow_chart(texts, [(str(number), str(number + 1)) for number in range(5)])
    drawn = [note.text for note in figure.layout.annotations if note.text]
    assert [text.replace("<br>", " ") for text in drawn] == list(texts.values())
    widths = [max(map(len, text.split("<br>"))) * 6.5 + 16 for text in drawn]
    assert sum(widths) < 860


def test_a_page_too_narrow_for_the_boxes_scrolls():
    boxes = {str(number): "a box of twenty lett" for number in range(4)}
    chart = flow_chart(boxes, [(str(number), str(number + 1)) for number in range(3)])
    least = chart.layout.meta["least_width"]
    assert 4 * 20 * 6.5 < least < 860  # four boxes of twenty letters side by side; the page of a lesson is 860 wide
    assert f"min-width: {least}px" in figure_html(chart, "chart") and "overflow-x: auto" in figure_html(chart, "chart")


def test_texts_at_arrows_that_cross_stand_apart():
    arrows = [(f"0{i}", f"1{j}", f"{i} to {j}") for i in range(2) for j in range(2)]
    figure = flow_chart({name: name for name in ("00", "01", "10", "11")}, arrows)
    places = {note.text: (note.x, note.y) for note in figure.layout.annotations if " to " in (note.text or "")}
    assert len(set(places.values())) == 4 and places["0 to 0"] == (0.5, 0.5)
    assert abs(places["0 to 1"][1] - places["1 to 0"][1]) == pytest.approx(0.4)
