"""Points in the plane or in space: word vectors, clusters, the way of an optimizer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style


def scatter(
    points: Any,
    *,
    labels: Sequence[object] = (),
    groups: Sequence[object] = (),
    joined: bool = False,
    paths: Sequence[Any] = (),
    x: str = "",
    y: str = "",
    z: str = "",
    square: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw points of shape (n, 2) or (n, 3).

    labels: a word at each point. groups: a name a point; one colour and one entry of the legend each. joined: a line from
    point to point of a group. paths: further lines, arrays of the same width (arrows, axes, a border). square: equal units.
    """
    places = np.asarray(points, dtype=float)
    assert places.ndim == 2 and places.shape[1] in (2, 3), f"points are (n, 2) or (n, 3), and these {places.shape}"
    made = style.figure(title, x=x, y=y, height=460)
    names = [style.escape(group) for group in groups] or [""] * len(places)
    texts = [style.escape(label) for label in labels]
    for number, name in enumerate(dict.fromkeys(names)):
        chosen = [place for place, group in enumerate(names) if group == name]
        words = [texts[place] for place in chosen] if texts else []
        _cloud(made, places[chosen], name, words, style.colour(number), joined)
    for path in paths:
        _line(made, np.asarray(path, dtype=float))
    made.update_layout(showlegend=len(set(names)) > 1)
    if places.shape[1] == 3:
        space(made, x, y, z)
    elif square:
        made.update_yaxes(scaleanchor="x", scaleratio=1)
    return made


def _cloud(made: go.Figure, places: np.ndarray, name: str, words: Sequence[str], colour: str, joined: bool) -> None:
    """The points of one group."""
    mode = "+".join(["lines"] * joined + ["markers"] + ["text"] * bool(words))
    flat = places.shape[1] == 2
    looks: dict[str, Any] = {
        "marker": {"color": colour, "size": 8 if flat else 4},
        "line": {"color": colour, "width": 2},
    }
    words_at = {"text": words, "textposition": "top center"} if words else {}
    (made.add_scatter if flat else made.add_scatter3d)(**axes(places), name=name, mode=mode, **words_at, **looks)


def _line(made: go.Figure, places: np.ndarray) -> None:
    """A line that is no group of its own."""
    add = made.add_scatter if places.shape[1] == 2 else made.add_scatter3d
    add(**axes(places), mode="lines", line={"color": style.INK, "width": 2}, showlegend=False, hoverinfo="skip")


def axes(places: np.ndarray) -> dict[str, Any]:
    """The columns of an array as x, y and, where there is a third, z."""
    return dict(zip("xyz", places.T.tolist(), strict=False))


def space(made: go.Figure, x: str, y: str, z: str) -> None:
    """Name the three axes of a figure in space, in the house's style."""
    look = {"gridcolor": style.GRID, "zerolinecolor": style.GRID, "showbackground": False, "color": style.INK}
    named = zip("xyz", (x, y, z), strict=True)
    made.update_layout(scene={f"{axis}axis": {"title": {"text": name}, **look} for axis, name in named})
