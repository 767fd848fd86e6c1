"""A student's results as one page that opens anywhere, without a network: the verdicts, the cases that fail, the next hint.

All that a student's code had a hand in (names, messages, values, what it printed) is escaped, and the page forbids scripts
and loads nothing. The hint is one further for each new file that did not pass.
"""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup import files
from groundup.course.teaching.submissions import plain

POLICY = "default-src 'none'; style-src 'unsafe-inline'"
CSS = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; max-width: 760px; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8886; margin-top: 1.5rem; }
pre { background: #8882; padding: .5rem .75rem; border-radius: 6px; overflow-x: auto; white-space: pre-wrap; }
dt { font-weight: 600; } dd { margin: 0; }
.rung { border: 1px solid #8888; border-radius: 99px; padding: 0 .6rem; margin-right: .3rem; } .rung.done { background: #2a84; }
"""


def shown(value: Any) -> str:
    """A value as text of a page: nothing in it is markup, and no control character is left but the ends of lines.

    >>> shown("<script>x</script>\\x00")
    '&lt;script&gt;x&lt;/script&gt;�'
    """
    text = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    return html.escape(text)


def page(student: Mapping[str, Any], title: str) -> str:
    """The page of one student of the results."""
    name = shown(f"{plain(title)}: {student['student']}")
    parts = "".join(_exercise(row) for row in student["exercises"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{POLICY}"><title>{name}</title><style>{CSS}</style></head>
<body><h1>{name}</h1>
<p>{student["passed"]} of {len(student["exercises"])} exercises passed, {student["points"]:g} of {student["of"]:g} points.</p>
{parts}</body></html>
"""


def _exercise(row: Mapping[str, Any]) -> str:
    mark = "✓ passed" if row["passed"] else "✗ not yet"
    rungs = "".join(
        f'<span class="rung{" done" if rung in row["rungs_passed"] else ""}">{"✓ " if rung in row["rungs_passed"] else ""}'
        f"{shown(rung)}</span>"
        for rung in row["rungs"]
    )
    where = f"{row['rung']}: " if row["rung"] else ""
    case = "".join(_given(name, row[name]) for name in ("input", "expected", "got"))
    printed = _given("your code printed", row["printed"])
    hint = f"<p><strong>A hint.</strong> {shown(row['hint'])}</p>" if row["hint"] else ""
    return f"""<section><h2>{shown(row["title"])} · {mark}</h2>
<p><code>{shown(row["exercise"])}</code> · {row["points"]:g} of {row["of"]:g} points</p>
<p>{rungs}</p><p>{shown(where + row["sentence"])}</p><dl>{case}{printed}</dl>{hint}</section>
"""


def _given(name: str, value: str) -> str:
    return f"<dt>{name}</dt><dd><pre>{shown(value)}</pre></dd>" if value else ""


def write(found: Mapping[str, Any], folder: Path) -> None:
    """One page a student, where the results say."""
    for student in found["students"]:
        files.write_text(folder / student["feedback"], page(student, found["set"]))
