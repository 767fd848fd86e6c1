"""Several figures as one HTML page that opens anywhere, without a network: Plotly's script stands in it, once."""

import html
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

CSS = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; max-width: 980px; margin: 2rem auto; padding: 0 1rem;
       background: Canvas; color: CanvasText; }
"""


def plotly_script() -> str:
    """Plotly's own script as an element (about 5 MB); a page holds it once, before its first figure."""
    return f"<script>{get_plotlyjs()}</script>"


def figure_html(figure: go.Figure, name: str) -> str:
    """One figure as a piece of a page that already holds `plotly_script()`; `name` is the element's id, so the same input gives the same page."""
    options = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage", "resetViews"]]}
    drawn = figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=options)
    least = (figure.layout.meta or {}).get("least_width")  # a flow chart says below which width its boxes would overlap
    return f'<div style="overflow-x: auto"><div style="min-width: {least}px">{drawn}</div></div>' if least else drawn


def to_html(figures: Sequence[go.Figure], *, title: str = "groundup") -> str:
    """A whole page of figures, one below another."""
    pieces = "\n".join(figure_html(figure, f"figure-{number}") for number, figure in enumerate(figures, 1))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title)}</title><style>{CSS}</style>{plotly_script()}</head>\n<body>\n{pieces}\n</body></html>\n"
    )
