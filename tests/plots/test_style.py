"""The style: readable on white and on black, markup never read."""

import itertools

import pytest

from groundup.plots import style


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("ground", ["#ffffff", "#0d1117"])
def test_every_colour_can_be_seen_on_a_light_and_on_a_dark_page(ground):
    assert all(contrast(colour, ground) >= 3 for colour in (*style.COLOURS, style.FLOOR))  # WCAG: 3 for graphics
    assert contrast(style.INK, ground) >= 4  # 4.5 on both does not exist for a page that is not pure black


def test_no_two_colours_are_the_same():
    assert all(one != other for one, other in itertools.combinations(style.COLOURS, 2))
    assert style.FLOOR not in style.COLOURS
    assert style.colour(len(style.COLOURS)) == style.colour(0)


def test_a_figure_stands_on_no_ground_of_its_own_and_shows_its_title_as_text():
    made = style.figure("<b>a</b> & b", x="step", y="loss")
    assert made.layout.paper_bgcolor == made.layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert made.layout.title.text == "&lt;b>a&lt;/b> &amp; b"
    assert made.layout.xaxis.title.text == "step"


def test_bytes_and_seconds_take_the_unit_of_the_largest():
    assert style.scaled([5e8, 2e9], "B") == ([0.5, 2.0], "GB")
    assert style.scaled([30.0, None], "s") == ([30.0, None], "seconds")
    assert style.scaled([], "s") == ([], "seconds")


def test_a_long_title_takes_more_lines_and_the_picture_keeps_its_size():
    short, long = style.figure("short"), style.figure("a title of many words " * 5)
    lines = long.layout.title.text.split("<br>")
    assert len(lines) > 1 and max(map(len, lines)) <= 50
    inner = [made.layout.height - made.layout.margin.t - made.layout.margin.b for made in (short, long)]
    assert inner[0] == inner[1]


def test_a_logarithmic_axis_is_labelled_with_powers_of_ten():
    made = style.figure("")
    style.logarithmic(made.update_yaxes)
    assert (made.layout.yaxis.type, made.layout.yaxis.exponentformat) == ("log", "power")
