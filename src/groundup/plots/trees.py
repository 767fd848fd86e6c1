"""Trees of sentences: phrases above their words, and arcs from word to word.

A phrase stands over the middle of its parts, words stand side by side at the bottom. An arc is as high as the arcs under it
demand; its point is at the dependent. `flow_chart` draws other graphs: its boxes would not keep the words in order.
"""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from groundup.plots import style

LEVEL, WORD = 46, 62  # pixels from a phrase to its parts, and of a word's place
PHRASE, TAG = style.COLOURS[0], style.COLOURS[1]


def constituency_tree(tree: Sequence[Any], *, title: str = "") -> go.Figure:
    """Draw a tree of (label, part, ...) and (tag, word): labels above, words in their order at the bottom."""
    nodes: list[tuple[float, float, str, str]] = []  # across, up, text, colour
    lines: list[tuple[float, float, float, float]] = []
    words = 0

    def place(part: Sequence[Any], depth: int) -> tuple[float, int]:
        nonlocal words
        if isinstance(part[1], str):
            across, words = float(words), words + 1
            nodes.append((across, -depth, str(part[0]), TAG))
            nodes.append((across, -depth - 1, part[1], style.INK))
            lines.append((across, -depth, across, -depth - 1))
            return across, depth + 1
        below = [place(child, depth + 1) for child in part[1:]]
        across = (below[0][0] + below[-1][0]) / 2
        nodes.append((across, -depth, str(part[0]), PHRASE))
        lines.extend((across, -depth, child, -depth - 1) for child, _ in below)
        return across, max(deepest for _, deepest in below)

    deepest = place(tree, 0)[1]
    made = _bare(title, 110 + LEVEL * deepest, words)
    made.add_scatter(
        x=[value for a, _, c, _ in lines for value in (a, c, None)],
        y=[value for _, b, _, d in lines for value in (b, d, None)],
        mode="lines", line={"color": style.INK, "width": 1.2}, hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    for across, up, text, colour in nodes:
        _text(made, across, up, text, colour)
    made.update_xaxes(range=[-0.6, words - 0.4])
    made.update_yaxes(range=[-deepest - 0.5, 0.5])
    return made


def dependency_arcs(
    words: Sequence[str],
    heads: Sequence[int],
    labels: Sequence[str] | None = None,
    *,
    tags: Sequence[str] | None = None,
    wrong: Sequence[int] = (),
    title: str = "",
) -> go.Figure:
    """Draw arcs from each word's head to it. heads: counted from 1, 0 for the root; wrong: words whose arc is coloured."""
    arcs = [(head - 1, word) for word, head in enumerate(heads) if head]
    heights = _heights(arcs)
    tallest = max(heights.values(), default=1) + 1
    made = _bare(title, 150 + 40 * tallest, len(words))
    for word, head in enumerate(heads):
        colour = style.COLOURS[1] if word + 1 in wrong else PHRASE
        label, up = labels[word] if labels else "", float(heights.get((head - 1, word), tallest))
        if head:
            side = 0.12 if head - 1 < word else -0.12  # an arc leaves beside the middle, and comes in at it
            xs = [head - 1 + side, head - 1 + 2 * side, word - side, word]
            _line(made, xs, [0.0, up, up, 0.0], colour)
            across = (xs[0] + word) / 2
        else:
            _line(made, [word, word], [up, 0.0], style.FLOOR if colour == PHRASE else colour)
            across = float(word)
        _point(made, word, colour if head else (style.FLOOR if colour == PHRASE else colour))
        _text(made, across, up, label or ("" if head else "root"), colour if head else style.FLOOR, size=11)
        _text(made, word, -0.45, words[word], style.INK)
        if tags:
            _text(made, word, -0.95, tags[word], TAG, size=10)
    made.update_xaxes(range=[-0.6, len(words) - 0.4])
    made.update_yaxes(range=[-1.3, tallest + 0.4])
    return made


def _heights(arcs: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """How high each arc stands: one more than the highest that lies within it."""
    found: dict[tuple[int, int], int] = {}
    for arc in sorted(arcs, key=lambda arc: abs(arc[0] - arc[1])):
        low, high = sorted(arc)
        found[arc] = 1 + max((up for other, up in found.items() if low <= min(other) and max(other) <= high), default=0)
    return found


def _line(made: go.Figure, xs: list[float], ys: list[float], colour: str) -> None:
    made.add_scatter(
        x=xs, y=ys, mode="lines", line={"color": colour, "width": 1.6}, hoverinfo="skip", showlegend=False
    )  # fmt: skip


def _point(made: go.Figure, word: int, colour: str) -> None:
    made.add_scatter(
        x=[word], y=[0.0], mode="markers", marker={"symbol": "triangle-down", "size": 9, "color": colour},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip


def _text(made: go.Figure, across: float, up: float, text: str, colour: str, *, size: int = 12) -> None:
    made.add_annotation(
        x=across, y=up, text=style.escape(text), showarrow=False, font={"color": colour, "size": size},
        bgcolor="#fbfbfb", borderpad=1,
    )  # fmt: skip


def _bare(title: str, height: int, words: int) -> go.Figure:
    """A figure without axes, wide enough for so many words."""
    made = style.figure(title, height=height)
    made.update_layout(meta={"least_width": 100 + WORD * words}, margin={"l": 20, "r": 36, "b": 20})
    nothing = {"showgrid": False, "showline": False, "zeroline": False, "showticklabels": False}
    made.update_xaxes(**nothing)
    made.update_yaxes(**nothing)
    return made
