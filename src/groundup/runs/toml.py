"""TOML written: the standard library reads it only. Enough for recipes: tables of numbers, words, lists and inline tables.

Leaves out dates, comments and arrays of tables; a value that TOML cannot hold (None) is refused by an assertion.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def text(words: str) -> str:
    """A basic string: JSON's form, but for the one control character that JSON leaves as it is."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """A key, in quotes only where TOML asks for them."""
    return name if BARE_KEY.fullmatch(name) else text(name)


def value(item: Any) -> str:
    """One value on one line.

    >>> value(["a", 1, 2.0, True])
    '["a", 1, 2.0, true]'
    """
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        return repr(item) if math.isfinite(item) else str(item)
    if isinstance(item, int):
        return str(item)
    if isinstance(item, str):
        return text(item)
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(value(part) for part in item) + "]"
    assert isinstance(item, Mapping), f"TOML has no form for {item!r}"
    return "{ " + ", ".join(f"{key(name)} = {value(part)}" for name, part in item.items()) + " }" if item else "{}"


def dump(document: Mapping[str, Any]) -> str:
    """A whole document: plain keys first, then one `[table]` for each mapping."""
    lines = [f"{key(name)} = {value(item)}" for name, item in document.items() if not isinstance(item, Mapping)]
    for name, table in document.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{key(name)}]", *(f"{key(field)} = {value(item)}" for field, item in table.items())]
    return "\n".join(lines).lstrip("\n") + "\n"
