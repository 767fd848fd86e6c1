"""Curves: what falls over the steps of a run, with the level that it cannot fall below; and any functions of one number."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style


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
    levels: Mapping[str, float] | None = None,
    marked: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw functions of the same x_values: {name: values}; levels: {name: value}, dashed; marked: a dot at each value."""
    made = style.figure(title, x=x, y=y)
    for number, (name, values) in enumerate(curves.items()):
        made.add_scatter(
            x=np.asarray(x_values).tolist(),
            y=np.asarray(values, dtype=float).tolist(),
            name=style.escape(name),
            mode="lines+markers" if marked else "lines",
            line={"color": style.colour(number), "width": 2},
        )
    ends = [np.min(x_values), np.max(x_values)] if levels else []
    for name, value in (
        levels or {}
    ).items():  # as curves: a drawn line's label would be misplaced on a logarithmic axis
        look = {"line": {"color": style.BASELINE, "dash": "dash", "width": 1.5}, "mode": "lines"}
        made.add_scatter(x=ends, y=[value, value], name=f"{style.escape(name)} {value:.3g}", **look)
    made.update_layout(showlegend=len(made.data) > 1)
    for wanted, axis in ((log_x, made.update_xaxes), (log_y, made.update_yaxes)):
        if wanted:
            style.logarithmic(axis)
    return made
