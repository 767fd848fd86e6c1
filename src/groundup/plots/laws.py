"""A law through measured runs: dots, the curve with its band, the floor it ends on, and what was foretold and then met."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from groundup.plots import style

Series = Mapping[str, tuple[Sequence[float], Sequence[float]]]


def law(
    measured: Series,
    *,
    curves: Series | None = None,
    band: tuple[Sequence[float], Sequence[float], Sequence[float]] | None = None,
    met: Series | None = None,
    floor: float | None = None,
    x: str = "",
    y: str = "",
    log_y: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw {name: (xs, ys)} as dots over a logarithmic x.

    curves: drawn as lines; band: xs, lows, highs, the range in which a run is expected; met: runs made after the law was fitted, as
    crosses; floor: what nothing can go below.
    """
    made = style.figure(title, x=x, y=y, height=440)
    if band is not None:
        _band(made, *band)
    for name, (xs, ys) in (curves or {}).items():
        line = {"color": style.INK, "width": 2}
        made.add_scatter(x=list(xs), y=list(ys), name=style.escape(name), mode="lines", line=line)
    for number, (name, (xs, ys)) in enumerate(measured.items()):
        marker = {"color": style.colour(number), "size": 8}
        made.add_scatter(x=list(xs), y=list(ys), name=style.escape(name), mode="markers", marker=marker)
    for name, (xs, ys) in (met or {}).items():
        marker = {"color": style.colour(4), "size": 11, "symbol": "x"}
        made.add_scatter(x=list(xs), y=list(ys), name=style.escape(name), mode="markers", marker=marker)
    if floor is not None:
        style.reference_line(made, "floor", floor, colour=style.FLOOR, at="bottom left")
    style.logarithmic(made.update_xaxes)
    if log_y:
        style.logarithmic(made.update_yaxes)
    return made


def _band(made: go.Figure, xs: Sequence[float], lows: Sequence[float], highs: Sequence[float]) -> None:
    """A grey area between two curves."""
    around = {
        "x": [*xs, *reversed(xs)],
        "y": [*highs, *reversed(lows)],
        "fill": "toself",
        "fillcolor": "rgba(128,128,128,0.2)",
        "line": {"width": 0},
    }
    made.add_scatter(**around, name="where a run is expected", mode="lines", hoverinfo="skip")
