"""Differences from a base as dots on a line, each with its interval: which are left of zero, which right, which cross it."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from groundup.plots import style

UNSURE = style.INK  # an interval that holds zero


def differences(found: Mapping[str, Mapping[str, Any]], *, x: str = "", title: str = "") -> go.Figure:
    """Draw {name: {value, low, high}} from top to bottom, in the order given; without low and high there is only the dot.

    A coloured dot's interval leaves zero out, a grey one's does not.
    """
    made = style.figure(title, x=x, height=140 + 26 * len(found))
    names = [style.escape(name) for name in found]
    lows, values, highs = (
        [float(one.get(key, one["value"])) for one in found.values()] for key in ("low", "value", "high")
    )
    made.add_scatter(
        x=values,
        y=names,
        mode="markers",
        marker={"size": 9, "color": [tone(one) for one in found.values()]},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [high - value for high, value in zip(highs, values, strict=True)],
            "arrayminus": [value - low for low, value in zip(lows, values, strict=True)],
            "color": style.INK,
            "thickness": 1.5,
        },
        customdata=list(zip(lows, highs, strict=True)),
        hovertemplate="%{y}: %{x:+.4f} (%{customdata[0]:+.4f} to %{customdata[1]:+.4f})<extra></extra>",
        showlegend=False,
    )
    made.add_vline(x=0, line={"color": style.INK, "dash": "dash", "width": 1.5})
    made.update_yaxes(autorange="reversed")
    return made


def tone(one: Mapping[str, Any]) -> str:
    """The colour of a difference: below zero, above it, or neither for sure."""
    if "low" not in one or one["low"] <= 0 <= one["high"]:
        return UNSURE
    return style.colour(0) if one["high"] < 0 else style.colour(1)
