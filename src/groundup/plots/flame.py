"""The flame picture: what runs inside what, each as wide as the time it took; click on a row to look into it.

Gregg's flame graph (2016, doi:10.1145/2927299.2927301) with the root at the top: a row lies under the row it ran inside of.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from groundup.plots import style

ROW = 26  # pixels


def flame_graph(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", unit_scale: float = 1000.0, unit: str = "ms"
) -> go.Figure:
    """Draw rows of `name`, `seconds` and `inside`, the number of the row it stands in (None: the root); a row holds its children."""
    made = style.figure(title, height=120 + ROW * _depth(rows))
    totals = [row["seconds"] * unit_scale for row in rows]
    made.add_icicle(
        ids=[str(number) for number in range(len(rows))],
        labels=[style.escape(row["name"]) for row in rows],
        parents=["" if row["inside"] is None else str(row["inside"]) for row in rows],
        values=_holding(rows, totals),
        branchvalues="total",
        tiling={"orientation": "v"},
        sort=False,
        textinfo="label",
        hovertemplate=f"%{{label}}<br>%{{value:.3g}} {unit}, %{{percentRoot:.1%}} of all<extra></extra>",
        marker={"colors": _colours(rows), "line": {"width": 1, "color": "rgba(255,255,255,0.6)"}},
        textfont={"color": "white"},
        pathbar={"visible": True},
    )
    made.update_layout(margin={"l": 8, "r": 36, "t": 56, "b": 8})
    return made


def _holding(rows: Sequence[Mapping[str, Any]], totals: Sequence[float]) -> list[float]:
    """The totals, none below the sum of what lies in it: rounding alone would make the picture empty."""
    held, sums = list(totals), [0.0] * len(rows)
    for number in reversed(range(len(rows))):  # a row stands before those inside it
        held[number] = max(held[number], sums[number])
        if rows[number]["inside"] is not None:
            assert rows[number]["inside"] < number, f"row {number} stands before the one it lies in"
            sums[rows[number]["inside"]] += held[number]
    return held


def _depth(rows: Sequence[Mapping[str, Any]]) -> int:
    depths: list[int] = []
    for row in rows:
        depths.append(0 if row["inside"] is None else depths[row["inside"]] + 1)
    return 1 + max(depths, default=0)


def _colours(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """One colour for all below the same child of the root."""
    colours: list[str] = []
    branches = 0
    for row in rows:
        if row["inside"] is None:
            colours.append(style.INK)
        elif rows[row["inside"]]["inside"] is None:
            colours.append(style.colour(branches))
            branches += 1
        else:
            colours.append(colours[row["inside"]])
    return colours
