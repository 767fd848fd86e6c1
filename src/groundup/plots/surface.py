"""A function of two variables, in space or as seen from above, with the way that something took on it: a loss and its optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style
from groundup.plots.heat import RISING
from groundup.plots.points import axes, space

COLOURS = [list(stop) for stop in RISING]


def surface_3d(
    x_values: Any,
    y_values: Any,
    heights: Any,
    *,
    paths: Mapping[str, Any] | None = None,
    x: str = "",
    y: str = "",
    z: str = "",
    title: str = "",
) -> go.Figure:
    """Draw heights (len(y_values), len(x_values)) as a surface; paths: by name, arrays (n, 3) of x, y and height."""
    made = style.figure(title, height=520)
    made.add_surface(
        x=_plain(x_values), y=_plain(y_values), z=_grid(x_values, y_values, heights), colorscale=COLOURS, opacity=0.85,
        showscale=False, hovertemplate="x %{x:.3g}, y %{y:.3g}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    for number, (name, path) in enumerate((paths or {}).items(), 1):
        look = {
            "line": {"color": style.colour(number), "width": 5},
            "marker": {"size": 3, "color": style.colour(number)},
        }
        made.add_scatter3d(**axes(_path(path, 3)), name=style.escape(name), mode="lines+markers", **look)
    space(made, x, y, z)
    return made


def contour_map(
    x_values: Any,
    y_values: Any,
    heights: Any,
    *,
    paths: Mapping[str, Any] | None = None,
    x: str = "",
    y: str = "",
    low: float | None = None,
    high: float | None = None,
    title: str = "",
) -> go.Figure:
    """Draw heights (len(y_values), len(x_values)) as lines of equal height; paths: by name, arrays (n, 2) of x and y.

    low, high: the heights of the first and the last colour, both or neither; left out: the least and the greatest.
    """
    made = style.figure(title, x=x, y=y, height=460)
    made.add_contour(
        x=_plain(x_values), y=_plain(y_values), z=_grid(x_values, y_values, heights), colorscale=COLOURS, ncontours=20,
        zmin=low, zmax=high, colorbar={"thickness": 12, "outlinewidth": 0}, hovertemplate="x %{x:.3g}, y %{y:.3g}: %{z:.4g}<extra></extra>",
    )  # fmt: skip
    for number, (name, path) in enumerate((paths or {}).items(), 1):
        look = {
            "line": {"color": style.colour(number), "width": 2},
            "marker": {"size": 5, "color": style.colour(number)},
        }
        made.add_scatter(**axes(_path(path, 2)), name=style.escape(name), mode="lines+markers", **look)
    return made


def _plain(values: Any) -> list[float]:
    return np.asarray(values, dtype=float).tolist()


def _grid(x_values: Any, y_values: Any, heights: Any) -> np.ndarray:
    grid = np.asarray(heights, dtype=float)
    expected = (len(y_values), len(x_values))
    assert grid.shape == expected, f"heights are (len(y), len(x)) = {expected}, and these {grid.shape}"
    return grid


def _path(path: Any, width: int) -> np.ndarray:
    places = np.asarray(path, dtype=float)
    assert places.ndim == 2 and places.shape[1] == width, f"a path is (n, {width}), and this {places.shape}"
    return places
