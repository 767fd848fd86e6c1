"""Heat: a matrix as colours, with names at its rows and columns: attention, a confusion matrix, an update of weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style

RISING = ((0.0, "#eef3f9"), (0.5, "#7fb0e6"), (1.0, "#153e75"))  # from nothing to much; steps of lightness, not of hue
AROUND_ZERO = ((0.0, "#b3500c"), (0.5, "#f4f2ef"), (1.0, "#1d5fb0"))  # orange below 0, blue above


def heat_map(
    values: Any,
    *,
    rows: Sequence[object] = (),
    columns: Sequence[object] = (),
    x: str = "",
    y: str = "",
    low: float | None = None,
    high: float | None = None,
    text: bool = False,
    title: str = "",
) -> go.Figure:
    """Draw a matrix, its first row at the top.

    rows, columns: the names of the ticks, which may repeat (tokens of a text do); none: their numbers. low, high: the ends
    of the colours; where values are negative and no end is given, zero is the middle. text: write each value into its cell.
    """
    grid = np.asarray(values, dtype=float)
    assert grid.ndim == 2, f"a heat map draws a matrix, and this has the shape {grid.shape}"
    signed = low is None and high is None and bool(np.nanmin(grid, initial=0.0) < 0)
    if signed:
        high = float(np.nanmax(np.abs(grid)))
        low = -high
    made = style.figure(title, x=x, y=y, height=140 + 26 * min(20, max(8, len(grid))))
    made.add_heatmap(
        z=grid,
        zmin=low,
        zmax=high,
        colorscale=[list(stop) for stop in (AROUND_ZERO if signed else RISING)],
        texttemplate=("%{z:d}" if np.array_equal(grid, np.round(grid)) else "%{z:.2f}") if text else None,
        hovertemplate="row %{y}, column %{x}: %{z:.4g}<extra></extra>",
        xgap=1,
        ygap=1,
        colorbar={"thickness": 12, "outlinewidth": 0},
    )
    made.update_xaxes(showgrid=False, zeroline=False, **ticks(columns))
    made.update_yaxes(showgrid=False, zeroline=False, autorange="reversed", **ticks(rows))
    return made


def ticks(names: Sequence[object]) -> dict[str, Any]:
    """Names as ticks at 0, 1, 2, ...: as categories, equal names would fall into one.

    >>> ticks(["the", "the"])
    {'tickmode': 'array', 'tickvals': [0, 1], 'ticktext': ['the', 'the']}
    """
    if not len(names):
        return {}
    return {"tickmode": "array", "tickvals": [*range(len(names))], "ticktext": [style.escape(name) for name in names]}
