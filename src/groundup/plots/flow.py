"""A small graph of boxes and arrows: a computational graph, a tree, the stages of a run.

A box stands one layer after the last one that points to it (the longest way from a beginning decides), and within its
layer in the order in which it came, centred. Left out: fewest crossings, and graphs with a circle.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from groundup.plots import style

WIDTH, GAP = 860, 34  # pixels of a picture in a page, and between two boxes: borders and an arrow
CHARACTER, LINE = 6.5, 17  # pixels of a letter and of a line in a box
CROSSED = 0.3  # of the way: where a text stands at an arrow that another one crosses in its middle


def flow_chart(
    boxes: Mapping[str, object],
    arrows: Sequence[Sequence[str]],
    *,
    groups: Mapping[str, str] | None = None,
    down: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw boxes ({id: what stands in it}) and arrows ((from, to) or (from, to, what stands at it)).

    groups: a name for a box, one colour each. down: the first layer is at the top (a tree); else at the left.
    """
    places = layout(list(boxes), arrows)
    layers, widest = _extent(places)
    if down:
        places = {name: (-across, -layer) for name, (layer, across) in places.items()}
    texts = {name: wrapped(content, widest if down else layers) for name, content in boxes.items()}
    tallest = max((content.count("\n") for content in texts.values()), default=0)
    made = style.figure(title, height=100 + (62 + LINE * max(0, tallest - 1)) * max(3, layers if down else widest))
    made.update_layout(meta={"least_width": least_width(texts, places)})
    middles = Counter(_between(places[start], places[end], 0.5) for start, end, *_rest in arrows)
    for arrow in arrows:
        start, end = places[arrow[0]], places[arrow[1]]
        ends = (half(texts[name], down) for name in arrow[:2])
        share = 0.5 if middles[_between(start, end, 0.5)] == 1 else CROSSED
        _arrow(made, start, end, arrow[2] if len(arrow) > 2 else "", share, *ends)
    colours = {group: style.colour(number) for number, group in enumerate(dict.fromkeys((groups or {}).values()))}
    for name, content in texts.items():
        _box(made, places[name], content, colours.get((groups or {}).get(name, ""), style.INK))
    made.add_scatter(x=[at[0] for at in places.values()], y=[at[1] for at in places.values()], mode="markers",
                     marker={"opacity": 0}, hoverinfo="skip", showlegend=False)  # fmt: skip
    nothing = {"showgrid": False, "showline": False, "zeroline": False, "showticklabels": False}
    made.update_xaxes(**nothing, range=_room([at[0] for at in places.values()]))
    made.update_yaxes(**nothing, range=_room([at[1] for at in places.values()]))
    return made


def wrapped(content: object, side_by_side: int) -> str:
    """A box's text in lines so short that as many boxes find room beside one another.

    >>> wrapped("the scores of all keys", 8)
    'the scores\\nof all keys'
    """
    most = max(8, int((WIDTH / max(1, side_by_side) - GAP) / CHARACTER))
    return "\n".join(short for line in str(content).splitlines() for short in textwrap.wrap(line, most) or [""])


def least_width(texts: Mapping[str, str], places: Mapping[str, tuple[float, float]]) -> int:
    """Pixels below which boxes, 1 apart, would cover each other: a narrower page scrolls.

    >>> least_width({"a": "four", "b": "four"}, {"a": (0.0, 0.0), "b": (1.0, 0.0)})
    156
    """
    widest = max((2 * half(content, down=False) for content in texts.values()), default=0)
    across = [at[0] for at in places.values()]
    return round((widest + GAP) * (max(across, default=0) - min(across, default=0) + 1))


def layout(names: Sequence[str], arrows: Sequence[Sequence[str]]) -> dict[str, tuple[float, float]]:
    """Where each box stands: (layer, place across it).

    >>> layout(["a", "b", "c"], [("a", "c"), ("b", "c")])
    {'a': (0.0, 0.5), 'b': (0.0, -0.5), 'c': (1.0, 0.0)}
    """
    unknown = {end for arrow in arrows for end in arrow[:2]} - set(names)
    assert not unknown, f"an arrow names {sorted(unknown)}, and there are only {list(names)}"
    layer = dict.fromkeys(names, 0)
    for _ in names:
        for start, end, *_rest in arrows:
            layer[end] = max(layer[end], layer[start] + 1)
    assert max(layer.values(), default=0) < max(1, len(names)), "the arrows go in a circle"
    rows = {depth: [name for name in names if layer[name] == depth] for depth in layer.values()}
    return {name: (float(layer[name]), (len(row := rows[layer[name]]) - 1) / 2 - row.index(name)) for name in names}


def _extent(places: Mapping[str, tuple[float, float]]) -> tuple[int, int]:
    """How many layers there are, and how many boxes stand in the widest."""
    layers = [layer for layer, _ in places.values()]
    return len(set(layers)), max((layers.count(layer) for layer in layers), default=0)


def _box(made: go.Figure, at: tuple[float, float], content: object, colour: str) -> None:
    made.add_annotation(
        x=at[0], y=at[1], text=style.escape(content).replace("\n", "<br>"), showarrow=False, bordercolor=colour,
        borderwidth=1.5, borderpad=6, bgcolor="#fbfbfb", font={"color": "#333333", "size": 12},
    )  # fmt: skip


def half(content: str, down: bool) -> float:
    """Pixels from the middle of a box to the side at which arrows come in."""
    lines = content.split("\n")
    return (len(lines) * LINE if down else max(map(len, lines)) * CHARACTER) / 2 + 9


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])


def _arrow(
    made: go.Figure, start: tuple[float, float], end: tuple[float, float], content: str,
    share: float, first: float, last: float,
) -> None:  # fmt: skip
    """A line that begins and ends at its boxes' sides, and what stands at it after a share of its way."""
    made.add_annotation(
        x=end[0], y=end[1], ax=start[0], ay=start[1], xref="x", yref="y", axref="x", ayref="y", showarrow=True,
        arrowhead=2, arrowsize=1.2, arrowwidth=1.3, arrowcolor=style.INK, standoff=last, startstandoff=first, text="",
    )  # fmt: skip
    if content:
        x, y = _between(start, end, share)
        made.add_annotation(
            x=x, y=y, text=style.escape(content), showarrow=False, yshift=10,
            font={"size": 11, "color": style.COLOURS[1]},
        )  # fmt: skip


def _room(values: Sequence[float]) -> list[float]:
    """The ends of an axis, with half a box of room."""
    return [min(values, default=0.0) - 0.5, max(values, default=0.0) + 0.5]
