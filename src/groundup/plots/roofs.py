"""A roofline: what a machine can do at best, over operations a byte, and what really ran beneath it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style

SYMBOLS = ("circle", "square", "diamond", "cross", "x", "triangle-up", "triangle-down", "star", "hexagon", "pentagon")


def roofline(
    peaks: Mapping[str, float],
    bandwidths: Mapping[str, float],
    points: Sequence[tuple[str, str, float, float]] = (),
    *,
    title: str = "Roofline",
) -> go.Figure:
    """Draw flat roofs (name: operations a second), slanted ones (name: bytes a second), and (label, group, intensity, speed) beneath.

    A slanted roof ends where it meets the highest flat one. A group has one colour, a label one symbol.
    """
    made = style.figure(title, x="operations a byte", y="billion operations a second", height=560)
    top = max(peaks.values())
    places = [intensity for _, _, intensity, _ in points] or [1.0]
    left = min(0.25 * min(places), 0.1)
    right = max(4 * max(places), 8 * top / min(bandwidths.values()))
    for number, (name, bytes_per_s) in enumerate(bandwidths.items()):
        ends = np.array([left, top / bytes_per_s])
        named = left * (top / bytes_per_s / left) ** (
            number % 4 / 5
        )  # each name at another place: the lines may be near
        _roof(made, ends, ends * bytes_per_s, f"{name}: {bytes_per_s / 1e9:,.0f} GB/s", named)
    for name, flops in peaks.items():
        first = flops / max(bandwidths.values())
        ends = np.array([first, right])
        _roof(made, ends, np.array([flops, flops]), f"{name}: {flops / 1e9:,.0f} billion a second", right)
    groups, labels = ({one[place]: None for one in points} for place in (1, 0))
    for label, group, intensity, speed in points:
        look = {
            "color": style.colour(list(groups).index(group)),
            "symbol": SYMBOLS[list(labels).index(label) % len(SYMBOLS)],
        }
        _point(made, f"{group}, {label}" if group else label, intensity, speed, look)
    for axis in (made.update_xaxes, made.update_yaxes):
        style.logarithmic(axis)
    made.update_layout(showlegend=bool(points))
    return made


def _roof(made: go.Figure, x: Any, y: Any, name: str, named: float) -> None:
    """A dashed limit with its name at an intensity."""
    made.add_scatter(
        x=x.tolist(),
        y=(y / 1e9).tolist(),
        mode="lines",
        line={"color": style.BASELINE, "dash": "dash", "width": 1.5},
        showlegend=False,
        hovertemplate=style.escape(name),
    )
    flat = y[0] == y[1]
    made.add_annotation(
        x=float(np.log10(named if flat else 1.1 * named)),
        y=float(np.log10((y[0] if flat else named * y[0] / x[0]) / 1e9)),
        text=style.escape(name),
        showarrow=False,
        xanchor="right" if flat else "left",
        yanchor="bottom" if flat else "top",
        font={"size": 11, "color": style.BASELINE},
    )


def _point(made: go.Figure, name: str, intensity: float, speed: float, look: dict[str, str]) -> None:
    """What ran: its entry in the legend says what it is, for parts of one model lie close together."""
    made.add_scatter(
        x=[intensity],
        y=[speed / 1e9],
        name=style.escape(name),
        mode="markers",
        marker={"size": 10, **look},
        hovertemplate="%{y:.3g} billion a second at %{x:.3g} operations a byte",
    )
