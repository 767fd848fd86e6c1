"""The learning journal: dated entries in Markdown, beside the code they speak of.

An entry is a heading with the date, the current exercise and the step, and the text below. What was explained in one's
own words is what a chapter's success asks for.
"""

import re
from datetime import datetime
from pathlib import Path

from groundup import files
from groundup.course.paths import standing
from groundup.course.record import Record
from groundup.errors import InputError

NAME = "journal.md"


def write(folder: Path, text: str, when: datetime) -> str:
    """Append an entry; its heading."""
    if not text.strip():
        raise InputError('the entry is empty; write groundup learn path --journal "what you learned"')
    record = Record(folder)
    title = f"## {when:%Y-%m-%d %H:%M} · {record.current or 'no exercise yet'} · chapter {standing.where(record)}"
    path = folder / NAME
    before = path.read_text(encoding="utf-8").rstrip() if path.is_file() else "# Learning journal"
    files.write_text(path, f"{before}\n\n{title}\n\n{_plain(text)}\n")
    return title


def _plain(text: str) -> str:
    """The text without headings of its own: an entry is one heading.

    >>> _plain("# big")
    '\\\\# big'
    """
    return re.sub(r"(?m)^( {0,3})(#)", r"\1\\\2", text.strip())
