"""Curves: every value is drawn or marked, the floor and the baselines are named."""

import json

import pytest

from groundup.plots import lines, loss_curve


def names(figure):
    return [trace.name for trace in figure.data]


def test_training_and_validation_are_drawn_at_their_own_steps():
    figure = loss_curve([1, 2, 3], [3.0, 2.0, 1.5], validation=([0, 3], [4.0, 1.7]))
    assert names(figure) == ["training", "validation"]
    assert list(figure.data[0].y) == [3.0, 2.0, 1.5] and list(figure.data[1].x) == [0, 3]


def test_the_floor_and_the_baselines_stand_as_lines_with_their_names():
    figure = loss_curve([1], [2.0], floor=1.234, baselines={"5-gram": 2.5})
    assert [shape.y0 for shape in figure.layout.shapes] == [2.5, 1.234]
    assert [note.text for note in figure.layout.annotations] == ["5-gram 2.5", "floor 1.23"]


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), None])
def test_a_loss_that_is_no_number_is_marked_and_the_rest_is_drawn(broken):
    figure = loss_curve([1, 2, 3], [2.0, broken, 1.0])
    assert list(figure.data[0].y) == [2.0, None, 1.0]
    assert names(figure)[1] == "training: no number" and list(figure.data[1].x) == [2]
    json.loads(figure.to_json(), parse_constant=lambda word: pytest.fail(word))


def test_a_curve_of_nothing_but_broken_values_is_still_a_figure():
    assert list(loss_curve([1], [float("nan")]).data[1].x) == [1]


def test_the_steps_can_be_logarithmic():
    assert loss_curve([1], [1.0], log_x=True).layout.xaxis.type == "log"


def test_functions_of_one_number_share_their_axis():
    figure = lines([1, 10, 100], {"a": [1, 2, 3], "b": [3, 2, 1]}, log_x=True)
    assert [(trace.name, list(trace.y)) for trace in figure.data] == [("a", [1, 2, 3]), ("b", [3, 2, 1])]
    assert figure.layout.xaxis.type == "log" and figure.layout.showlegend
    assert not lines([1], {"a": [1]}).layout.showlegend


def test_a_level_goes_from_end_to_end_and_is_named_with_its_value():
    level = lines([3, 1, 2], {"a": [1, 2, 3]}, log_y=True, levels={"limit": 100.0}).data[1]
    assert (list(level.x), list(level.y), level.name) == ([1, 3], [100, 100], "limit 100")
    assert level.line.dash == "dash"


def test_a_value_between_two_gaps_is_seen():
    """A loss of 1 at every fifth step and NaN between: no line joins these points, so they have dots."""
    values = [1.0 if step % 5 == 0 else float("nan") for step in range(1, 21)]
    assert loss_curve(range(1, 21), values).data[0].mode == "lines+markers"
    assert loss_curve([1, 2, 3], [2.0, 1.0, None]).data[0].mode == "lines"
    assert loss_curve([1], [2.0]).data[0].mode == "lines+markers"


def test_the_truth_is_dotted_in_the_colour_of_what_was_measured():
    """In colours of their own, four measured curves and four known ones had eight colours out of seven."""
    names = ["a", "b", "c", "d"]
    figure = lines([1, 2], {name: [1, 2] for name in names}, truth={name: [1, 3] for name in [*names, "bound"]}, marked=True)
    measured, known = figure.data[:4], figure.data[4:]
    assert [one.name for one in known] == ["a, exactly", "b, exactly", "c, exactly", "d, exactly", "bound"]
    assert [one.line.color for one in known[:4]] == [one.line.color for one in measured] and len({one.line.color for one in known}) == 5
    assert {(one.line.dash, one.mode) for one in known} == {("dot", "lines")} and {one.line.dash for one in measured} == {None}


def test_whole_numbers_from_nought_or_one_are_the_ticks():
    assert lines([1, 2], {"a": [1, 2]}).layout.xaxis.dtick == lines([0, 1, 2], {"a": [1, 2, 3]}).layout.xaxis.dtick == 1
    for other in ([1, 2.5], [3, 4], range(1, 60), []):
        assert lines(other, {"a": list(other)}).layout.xaxis.dtick is None


def test_a_known_place_is_an_upright_line_as_high_as_what_is_drawn():
    line = lines([1, 2, 3], {"a": [1, 5, float("nan")]}, levels={"limit": 7.0}, upright={"turn": 1.5}).data[-1]
    assert (list(line.x), list(line.y), line.name, line.line.dash) == ([1.5, 1.5], [1, 7], "turn 1.5", "dot")
