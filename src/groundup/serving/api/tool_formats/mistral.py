"""Mistral: one mark, then a list of calls (tokenizers v3 to v7), or a mark, a name and its arguments for each call (v11 and later).

    [TOOL_CALLS][{"name": "add", "arguments": {"a": 1}}, {"name": ...}]
    [TOOL_CALLS]add[ARGS]{"a": 1}[TOOL_CALLS]...

https://github.com/mistralai/mistral-common. [CALL_ID] and what stands behind it up to [ARGS] is dropped: the server gives calls ids of its own.
"""

import re
from collections.abc import Sequence

from groundup.serving.api.tool_formats.calls import (
    Call,
    Parsed,
    ToolFormat,
    held_back,
    object_end,
    read_object,
    spelled,
)

MARK, ARGS, ID = "[TOOL_CALLS]", "[ARGS]", "[CALL_ID]"
NAMED = re.compile(r"\s*([\w.-]+)(?:\[CALL_ID\][\w-]*)?(?:\[ARGS\]|(?=\{))", re.ASCII)


def write(calls: Sequence[Call]) -> str:
    """Calls as the model writes them."""
    return f"{MARK}[{', '.join(spelled(call, 'arguments') for call in calls)}]"


def mistral_calls(text: str, final: bool = True) -> Parsed:
    """What is certain of an answer so far.

    >>> mistral_calls('[TOOL_CALLS][{"name": "f", "arguments": {}}, {"name": "g", "arguments": {"b"')
    Parsed(words='', calls=(Call(name='f', arguments='{}'), Call(name='g', arguments='{"b"')))
    >>> mistral_calls('Well. [TOOL_CALLS]f[ARGS]{"a": 1}')
    Parsed(words='Well. ', calls=(Call(name='f', arguments='{"a": 1}'),))
    """
    words, calls, rest = "", list[Call](), text
    while True:
        before, mark, behind = rest.partition(MARK)
        words += before if mark else held_back(before, (MARK,), final)
        if not mark:
            break
        new, end, broken = _listed(behind) if behind.lstrip().startswith("[") else _named(behind)
        if not new and not (broken or final):
            break  # nothing is certain behind here
        words += "" if new else MARK
        calls += new
        rest = behind[end:] if end >= 0 else ""
    return Parsed(words, tuple(calls))


def _listed(text: str) -> tuple[list[Call], int, bool]:
    """The calls of a list; where it ends, -1 where it is not closed; whether it holds something else than calls."""
    calls, place = list[Call](), text.index("[") + 1
    while rest := text[place:].lstrip(", \n\r\t"):
        place = len(text) - len(rest)
        if rest[0] == "]":
            return calls, place + 1 if calls else 0, not calls
        found = read_object(rest)
        if found.call is None:
            broken = found.broken or found.end >= 0
            return calls, 0 if broken and not calls else -1, broken
        calls.append(found.call)
        if found.end < 0:
            break
        place += found.end
    return calls, -1, False


def _named(text: str) -> tuple[list[Call], int, bool]:
    """The same for the call of a name and its arguments."""
    found = NAMED.match(text)
    if not found:
        return [], 0, not re.fullmatch(r"\s*[\w.-]*(\[[\w\[\]-]*)?", text, re.ASCII)
    body = text[found.end() :].lstrip()
    if not body.startswith("{"):
        return [Call(found[1], "")], len(text) - len(body) if body else -1, False
    end = object_end(body)
    return [Call(found[1], body if end < 0 else body[:end])], -1 if end < 0 else len(text) - len(body) + end, False


MISTRAL = ToolFormat("mistral", MARK, (MARK, ARGS, ID), write, mistral_calls)
