"""One visual language for every figure: its colours, its font, its quiet axes.

A figure is drawn on nothing (a transparent ground), in tones that can be read on white and on black alike, so the same
figure stands in a light and in a dark page. Neighbouring colours differ in lightness too, for readers who see no red or
green. What is measured is solid, what is a limit or another method is dashed, what was forecast is hatched.
"""

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

import plotly.graph_objects as go

COLOURS = ("#2f7ed8", "#d9711c", "#a862d9", "#8a7a1f", "#d8486a", "#1c8ea3", "#7f7f7f")
INK = "#767676"  # contrast 4.5 on white and 4.6 on black: text has no other tone that is readable on both
GRID = "rgba(128,128,128,0.22)"
FLOOR = "#1b9a75"  # kept for the limit that nothing can beat
BASELINE = INK
# beside the buttons, which stand under one another in the right margin
TOP_LEFT = {"x": 0, "xanchor": "left", "xref": "paper", "y": 1, "yanchor": "top", "yref": "container"}
TITLE_CHARACTERS, TITLE_LINE = (
    50,
    21,
)  # a line fits into 500 pixels, the width of a telephone held upright; pixels of a line
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


def figure(title: str, *, x: str = "", y: str = "", height: int = 380) -> go.Figure:
    """An empty figure in the house's style, with titled axes."""
    made, titled = go.Figure(), textwrap.wrap(title, TITLE_CHARACTERS)
    more = TITLE_LINE * max(0, len(titled) - 1)  # pixels of its further lines
    made.update_layout(
        title={"text": "<br>".join(map(escape, titled)), "font": {"size": 16}, "pad": {"t": 8 + more // 2}, **TOP_LEFT},
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        colorway=list(COLOURS),
        margin={"l": 64, "r": 36, "t": 48 + more, "b": 56},
        height=height + more,
        hovermode="closest",
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": INK, "activecolor": COLOURS[0], "orientation": "v"},
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "xanchor": "left"},
        bargap=0.25,
        bargroupgap=0.08,
    )
    lines = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GRID, "automargin": True}
    made.update_xaxes(title_text=x, **lines)
    made.update_yaxes(title_text=y, **lines)
    return made


def logarithmic(axis: Callable[..., Any]) -> None:
    """Make an axis logarithmic (`figure.update_xaxes` or `update_yaxes`), its labels powers of ten and not 10f or 100µ."""
    axis(type="log", exponentformat="power")


def colour(number: int) -> str:
    """The colour of the n-th series; after the last, from the first again."""
    return COLOURS[number % len(COLOURS)]


def escape(text: object) -> str:
    """Text as it is: Plotly would read `<b>` and links in labels, and labels hold what users and models wrote.

    >>> escape("<a href='x'>")
    "&lt;a href='x'>"
    """
    return str(text).replace("&", "&amp;").replace("<", "&lt;")


def reference_line(made: go.Figure, name: str, value: float, *, colour: str = BASELINE, at: str = "top right") -> None:
    """Draw a level that does not move (a floor, a baseline) as a dashed line with its name and value."""
    made.add_hline(
        y=value,
        line={"color": colour, "dash": "dash", "width": 1.5},
        annotation_text=f"{escape(name)} {value:.3g}",
        annotation_position=at,
        annotation_font={"color": colour, "size": 12},
    )


def scaled(values: Iterable[float | None], unit: str) -> tuple[list[float | None], str]:
    """Seconds or bytes in the unit that keeps the largest value readable.

    >>> scaled([90.0, 240.0, None], "s")
    ([1.5, 4.0, None], 'minutes')
    """
    values = list(values)
    largest = max((value for value in values if value is not None), default=0.0)
    steps = {
        "s": [(7200.0, 3600.0, "hours"), (120.0, 60.0, "minutes"), (0.0, 1.0, "seconds")],
        "B": [(1e9, 1e9, "GB"), (1e6, 1e6, "MB"), (0.0, 1e3, "kB")],
    }[unit]
    size, word = next((size, word) for least, size, word in steps if largest >= least)
    return [None if value is None else value / size for value in values], word
