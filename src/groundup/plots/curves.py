"""Curves: what falls over the steps of a run, with the level that it cannot fall below; and any functions of one number."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style

MOST_NAMED = 12  # whole numbers on an axis, each with its own label


def loss_curve(
    steps: Sequence[float],
    train: Sequence[float | None],
    *,
    validation: tuple[Sequence[float], Sequence[float | None]] | None = None,
    floor: float | None = None,
    baselines: Mapping[str, float] | None = None,
    log_x: bool = False,
    unit: str = "nats a token",
    title: str = "Loss",
) -> go.Figure:
    """Draw training and validation loss over steps, with the floor (the data's own entropy) and baselines as lines.

    validation: its own steps and values. A loss that is no number (None, NaN, infinite) is a gap, marked on the axis.
    """
    made = style.figure(title, x="step", y=unit)
    _line(made, "training", steps, train, style.colour(0), width=1.5)
    if validation is not None:
        _line(made, "validation", *validation, style.colour(1), width=2.5, marked=True)
    for name, value in (baselines or {}).items():
        style.reference_line(made, name, value)
    if floor is not None:
        style.reference_line(
            made, "floor", floor, colour=style.FLOOR, at="bottom left"
        )  # where the curve is still high
    if log_x:
        style.logarithmic(made.update_xaxes)
    return made


def _line(
    made: go.Figure,
    name: str,
    steps: Sequence[float],
    values: Sequence[float | None],
    colour: str,
    *,
    width: float,
    marked: bool = False,
) -> None:
    """One curve; where its value is no number it has a gap, and a cross at the bottom."""
    finite = [value if value is not None and math.isfinite(value) else None for value in values]
    made.add_scatter(
        x=list(steps),
        y=finite,
        name=name,
        mode="lines+markers" if marked or _alone(finite) else "lines",
        line={"color": colour, "width": width},
        hovertemplate="step %{x}: %{y:.4f}",
    )
    broken = [step for step, value in zip(steps, finite, strict=True) if value is None]
    if broken:
        lowest = min((value for value in finite if value is not None), default=0.0)
        made.add_scatter(
            x=broken,
            y=[lowest] * len(broken),
            name=f"{name}: no number",
            mode="markers",
            marker={"symbol": "x", "color": colour, "size": 8},
            hovertemplate="step %{x}: not a finite number",
        )


def _alone(values: Sequence[float | None]) -> bool:
    """Whether a value stands between two gaps: no line reaches it, so without a dot it would not be seen."""
    around = [None, *values, None]
    return any(
        value is not None and before is None and after is None
        for before, value, after in zip(around, values, around[2:], strict=False)
    )


def lines(
    x_values: Any,
    curves: Mapping[str, Any],
    *,
    x: str = "",
    y: str = "",
    log_x: bool = False,
    log_y: bool = False,
    truth: Mapping[str, Any] | None = None,
    levels: Mapping[str, float] | None = None,
    upright: Mapping[str, float] | None = None,
    marked: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw functions of the same x_values: {name: values}; marked: a dot at each value.

    truth: what is known without measuring, {name: values}, dotted, in the colour of the curve of that name or in one of its own.
    levels, upright: {name: value} of y and of x, dashed and dotted.
    """
    made, places, known = style.figure(title, x=x, y=y), np.asarray(x_values).tolist(), truth or {}
    colours = {name: style.colour(number) for number, name in enumerate(dict.fromkeys([*curves, *known]))}
    for name, values in curves.items():
        mode = "lines+markers" if marked else "lines"
        _curve(made, places, values, name, mode=mode, line={"color": colours[name], "width": 2})
    for name, values in known.items():
        told = f"{name}, exactly" if name in curves else name
        _curve(made, places, values, told, mode="lines", line={"color": colours[name], "width": 2, "dash": "dot"})
    _limits(made, places, levels or {}, upright or {})
    made.update_layout(showlegend=len(made.data) > 1)
    if not log_x and 1 < len(places) <= MOST_NAMED and places in (list(range(len(places))), list(range(1, len(places) + 1))):
        made.update_xaxes(dtick=1)  # blocks, runs, rounds: there is nothing at 1.5
    for wanted, axis in ((log_x, made.update_xaxes), (log_y, made.update_yaxes)):
        if wanted:
            style.logarithmic(axis)
    return made


def _curve(made: go.Figure, places: Sequence[float], values: Any, name: str, **look: Any) -> None:
    made.add_scatter(x=places, y=np.asarray(values, dtype=float).tolist(), name=style.escape(name), **look)


def _limits(made: go.Figure, places: Sequence[float], levels: Mapping[str, float], upright: Mapping[str, float]) -> None:
    """Lines across and upright, as curves: a drawn line's label would be misplaced on a logarithmic axis."""
    ends = [min(places), max(places)] if levels else []
    heights = [value for one in made.data for value in one.y if np.isfinite(value)] + [*levels.values()]
    for name, value in levels.items():
        look = {"color": style.BASELINE, "dash": "dash", "width": 1.5}
        _curve(made, ends, [value, value], f"{name} {value:.3g}", mode="lines", line=look)
    for name, value in upright.items():
        look = {"color": style.BASELINE, "dash": "dot", "width": 1.5}
        _curve(made, [value, value], [min(heights), max(heights)], f"{name} {value:.3g}", mode="lines", line=look)
