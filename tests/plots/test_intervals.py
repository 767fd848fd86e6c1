"""Differences as dots: where they lie, how far their intervals reach, and which colour says that one is sure."""

from groundup.plots import differences, style

FOUND = {
    "better": {"value": -0.2, "low": -0.3, "high": -0.1},
    "worse <b>": {"value": 0.2, "low": 0.1, "high": 0.4},
    "unsure": {"value": 0.1, "low": -0.1, "high": 0.3},
    "alone": {"value": -0.5},
}


def test_a_dot_stands_at_its_value_and_its_interval_ends_at_low_and_high():
    dots = differences(FOUND).data[0]
    assert list(dots.x) == [-0.2, 0.2, 0.1, -0.5]
    ends = [round(x + up, 9) for x, up in zip(dots.x, dots.error_x.array, strict=True)]
    assert ends == [-0.1, 0.4, 0.3, -0.5]
    assert [round(x - down, 9) for x, down in zip(dots.x, dots.error_x.arrayminus, strict=True)] == [
        -0.3,
        0.1,
        -0.1,
        -0.5,
    ]


def test_only_an_interval_without_zero_is_coloured():
    colours = differences(FOUND).data[0].marker.color
    assert colours[0] == style.colour(0) and colours[1] == style.colour(1) and set(colours[2:]) == {style.INK}


def test_names_stay_text_and_zero_has_a_line():
    made = differences(FOUND, title="t")
    assert made.data[0].y[1] == "worse &lt;b>"
    assert [shape.x0 for shape in made.layout.shapes] == [0]
