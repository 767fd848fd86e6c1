"""Tables of text: what a model wrote at several steps of its training."""

from collections.abc import Sequence

import plotly.graph_objects as go

from groundup.plots import style


def samples_table(samples: Sequence[tuple[object, str, str]], *, title: str = "Samples over time") -> go.Figure:
    """Show (when, prompt, what the model wrote) as rows, the earliest first; text is shown as it is, never as markup."""
    made = style.figure(title, height=120 + 62 * max(1, len(samples)))
    columns = list(zip(*samples, strict=True)) or [(), (), ()]
    cells = [[_shown(text) for text in column] for column in columns]
    plain = {"fill_color": "rgba(0,0,0,0)", "line_color": style.GRID, "align": "left"}
    made.add_table(
        columnwidth=[12, 25, 63],
        header={
            "values": ["step", "prompt", "what the model wrote"],
            "font": {"color": style.INK, "size": 13},
            **plain,
        },
        cells={"values": cells, "font": {"color": style.INK, "size": 12}, "height": 26, **plain},
    )
    return made


def _shown(text: object) -> str:
    """One cell's text: its line breaks kept, its markup made harmless."""
    return style.escape(text).replace("\n", "<br>")
