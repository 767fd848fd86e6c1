"""Bars: scores with their intervals, what stages took beside what was forecast, compression, cost; any values by name, and how often values occur.

A score is a mapping with `value` and, where it is known, `low` and `high`, the ends of its interval: the form that
results have in `results.json`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from groundup.plots import style

Score = Mapping[str, Any]
LIMITS = ("floor",)  # who is no competitor but the limit
LONG, ABOVE = 10, 28  # characters of a name that may stand aslant, where the legend else is; pixels of a legend above


def accuracy_bars(accuracy: Mapping[str, Mapping[str, Score]], *, title: str = "Accuracy by task") -> go.Figure:
    """Draw accuracy (0 to 1) grouped by family, one bar a stage: {stage: {family: score}}."""
    made = style.figure(title, y="answered exactly")
    _grouped(made, accuracy, "%{y:.1%}")
    made.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return made


def bits_per_byte_bars(
    bits: Mapping[str, Mapping[str, Score]], *, title: str = "Bits per byte on held-out text"
) -> go.Figure:
    """Draw bits per byte, one group a world, one bar a model or method: {world: {who: score}}; less is better."""
    made = style.figure(title, y="bits per byte (less is better)")
    methods = list(dict.fromkeys(who for world in bits.values() for who in world))
    turned = {who: {world: scores[who] for world, scores in bits.items() if who in scores} for who in methods}
    _grouped(made, turned, "%{y:.3f}")
    return made


def compression_bars(
    bytes_per_token: Mapping[str, Mapping[str, float]], *, title: str = "Tokenizer: bytes a token"
) -> go.Figure:
    """Draw how many bytes of text a token stands for, grouped by text, one bar a tokenizer: {tokenizer: {text: value}}."""
    made = style.figure(title, y="bytes a token (more is better)")
    _grouped(
        made,
        {name: {text: {"value": value} for text, value in values.items()} for name, values in bytes_per_token.items()},
        "%{y:.2f}",
    )
    return made


def _grouped(made: go.Figure, series: Mapping[str, Mapping[str, Score]], form: str) -> None:
    """One bar a series in each group, with error bars where a score has an interval."""
    for number, (name, scores) in enumerate(series.items()):
        limit = name in LIMITS
        made.add_bar(
            x=[style.escape(group) for group in scores],
            y=[score["value"] for score in scores.values()],
            name=style.escape(name),
            error_y=_whiskers(list(scores.values())),
            marker={
                "color": style.FLOOR if limit else style.colour(number),
                "pattern": {"shape": "/" if limit else ""},
            },
            hovertemplate=f"{style.escape(name)}, %{{x}}: {form}<extra></extra>",
        )
    made.update_layout(barmode="group")


def _whiskers(scores: Sequence[Score]) -> dict[str, Any]:
    """The intervals as distances from the values; scores without one have none."""
    above = [max(0.0, score.get("high", score["value"]) - score["value"]) for score in scores]
    below = [max(0.0, score["value"] - score.get("low", score["value"])) for score in scores]
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "color": style.INK,
        "thickness": 1.5,
        "visible": any(above) or any(below),
    }


def time_and_memory_bars(stages: Sequence[Mapping[str, Any]], *, title: str = "Time and memory by stage") -> go.Figure:
    """Draw what every stage took beside its forecast, time at the left and memory at the right.

    A stage has `name`, `seconds`, `peak_memory_bytes` and, where it was forecast, `forecast_seconds` and
    `forecast_memory_bytes`.
    """
    made = style.figure(title)
    for side, key, forecast, unit in (
        ("", "seconds", "forecast_seconds", "s"),
        ("2", "peak_memory_bytes", "forecast_memory_bytes", "B"),
    ):
        names = [style.escape(stage["name"]) for stage in stages]
        both, word = style.scaled(
            [stage.get(key) for stage in stages] + [stage.get(forecast) for stage in stages], unit
        )
        for name, values, shape in (("measured", both[: len(stages)], ""), ("forecast", both[len(stages) :], "/")):
            made.add_bar(
                x=names,
                y=values,
                name=name,
                legendgroup=name,
                showlegend=not side,
                xaxis=f"x{side}",
                yaxis=f"y{side}",
                marker={"color": style.INK if shape else style.colour(0), "pattern": {"shape": shape}},
                hovertemplate=f"%{{x}}, {name}: %{{y:.3g}} {word}<extra></extra>",
            )
        made.update_layout({f"yaxis{side}": {"title": {"text": word}}})
    quiet = {"gridcolor": style.GRID, "automargin": True}
    made.update_layout(
        barmode="group",
        xaxis={"domain": [0, 0.46]},
        xaxis2={"domain": [0.54, 1], "anchor": "y2", **quiet},
        yaxis2={"anchor": "x2", **quiet},
    )
    return made


def cost_bar(
    seconds: Mapping[str, float],
    *,
    cpu_hours: float | None = None,
    energy_wh: float | None = None,
    title: str = "What the run cost",
) -> go.Figure:
    """Draw where the time of a run went as one bar of its stages, with CPU hours and energy in the title where they are known."""
    values, word = style.scaled(seconds.values(), "s")
    total, total_word = style.scaled([sum(seconds.values())], "s")
    parts = [f"{total[0]:.3g} {total_word}"]
    parts += [f"{cpu_hours:.2g} CPU hours"] if cpu_hours is not None else []
    parts += [f"about {energy_wh:.2g} Wh"] if energy_wh is not None else []
    made = style.figure(f"{title}: {', '.join(parts)}", x=word, height=220)
    for number, (name, value) in enumerate(zip(seconds, values, strict=True)):
        made.add_bar(
            x=[value],
            y=[""],
            orientation="h",
            name=style.escape(name),
            marker={"color": style.colour(number)},
            text=style.escape(name),
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate=f"{style.escape(name)}: %{{x:.3g}} {word}<extra></extra>",
        )
    made.update_layout(
        barmode="stack", legend={"traceorder": "normal", "y": -0.4, "yanchor": "top", "x": 0, "xanchor": "left"}
    )
    return made


def value_bars(
    series: Mapping[str, Mapping[Any, float]],
    *,
    x: str = "",
    y: str = "",
    levels: Mapping[str, float] | None = None,
    title: str = "",
) -> go.Figure:
    """Draw values by name, one bar a series in each group: {series: {name: value}}; levels: {name: value}, dashed.

    A distribution over tokens is one series.
    """
    made = style.figure(title, x=x, y=y)
    _grouped(
        made, {name: {key: {"value": v} for key, v in values.items()} for name, values in series.items()}, "%{y:.4g}"
    )
    made.update_xaxes(type="category")
    for name, level in (levels or {}).items():
        style.reference_line(made, name, level)
    made.update_yaxes(rangemode="tozero")  # zeros alone would stand in the middle of -1 to 1
    made.update_layout(showlegend=len(series) > 1)
    if max((len(str(key)) for values in series.values() for key in values), default=0) > LONG:
        layout = made.layout
        made.update_layout(legend={"y": 1, "yanchor": "bottom"}, margin={"t": layout.margin.t + ABOVE}, height=layout.height + 2 * ABOVE)
    return made


def histogram(
    samples: Mapping[str, Any], *, bins: int = 40, x: str = "", y: str = "share of the values", title: str = ""
) -> go.Figure:
    """Draw how values are spread: {name: values}, all in the same bins, each name's shares 1 in all."""
    made = style.figure(title, x=x, y=y)
    arrays = {name: np.asarray(values, dtype=float).ravel() for name, values in samples.items()}
    edges = np.histogram_bin_edges(np.concatenate([*arrays.values(), np.empty(0)]), bins)
    for number, (name, values) in enumerate(arrays.items()):
        made.add_bar(
            x=((edges[1:] + edges[:-1]) / 2).tolist(),
            y=(np.histogram(values, edges)[0] / max(1, len(values))).tolist(),
            width=(edges[1:] - edges[:-1]).tolist(),
            name=style.escape(name),
            opacity=0.65,
            marker={"color": style.colour(number), "line": {"width": 0}},
        )
    made.update_layout(barmode="overlay", bargap=0, showlegend=len(arrays) > 1)
    return made
