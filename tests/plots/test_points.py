"""Points: in the plane and in space, a colour a group, words at them."""

import pytest

from groundup.plots import scatter


def test_each_group_is_one_trace_with_its_own_points_and_words():
    figure = scatter([[0, 0], [1, 1], [2, 0]], labels=["a", "b", "c"], groups=["x", "y", "x"])
    assert [trace.name for trace in figure.data] == ["x", "y"]
    assert list(figure.data[0].x) == [0, 2] and list(figure.data[0].text) == ["a", "c"]
    assert figure.layout.showlegend


def test_three_columns_are_drawn_in_space():
    figure = scatter([[0, 0, 1], [1, 1, 2]], z="height", joined=True)
    assert figure.data[0].type == "scatter3d" and figure.data[0].mode == "lines+markers"
    assert figure.layout.scene.zaxis.title.text == "height"


def test_paths_are_lines_without_a_legend():
    figure = scatter([[0, 0]], paths=[[[0, 0], [3, 4]]])
    assert figure.data[1].mode == "lines" and list(figure.data[1].y) == [0, 4] and not figure.data[1].showlegend


def test_equal_units_where_asked():
    assert scatter([[0, 0]], square=True).layout.yaxis.scaleanchor == "x"


def test_points_have_two_or_three_numbers():
    with pytest.raises(AssertionError, match=r"\(n, 2\) or \(n, 3\)"):
        scatter([[1.0]])
