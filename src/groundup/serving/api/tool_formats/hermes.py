"""Hermes, Qwen 2.5 and 3: each call stands between two marks, and several follow one another.

    <tool_call>
    {"name": "add", "arguments": {"a": 1, "b": 2}}
    </tool_call>

https://github.com/NousResearch/Hermes-Function-Calling. Blanks between the marks and between calls belong to the format.
"""

from collections.abc import Sequence

from groundup.serving.api.tool_formats.calls import (
    Call,
    Parsed,
    ToolFormat,
    behind_call,
    held_back,
    read_object,
    spelled,
)
from groundup.slots import slot

OPEN, CLOSE = "<tool_call>", "</tool_call>"


def write(calls: Sequence[Call]) -> str:
    """Calls as the model writes them."""
    return "\n".join(f"{OPEN}\n{spelled(call, 'arguments')}\n{CLOSE}" for call in calls)


@slot
def hermes_calls(text: str, final: bool = True) -> Parsed:
    """What is certain of an answer so far: its words, and its calls with as much of their arguments as came.

    final: no more text comes. Until then an end that may become a mark is held back, and so is a call without a name. A mark that no object with
    a name follows is words. `read_object` reads the object.

    >>> hermes_calls('Sum: <tool_call>{"name": "add", "arguments": {"a"', False)
    Parsed(words='Sum: ', calls=(Call(name='add', arguments='{"a"'),))
    >>> hermes_calls("2 <tool", False), hermes_calls("2 <tool", True)
    (Parsed(words='2 ', calls=()), Parsed(words='2 <tool', calls=()))
    """
    opening, closing = "<tool_call>", "</tool_call>"
    words, calls, rest = "", list[Call](), text
    while True:
        before, mark, behind = rest.partition(opening)
        words += before if mark else held_back(before, (opening,), final)
        if not mark:
            break
        body = behind.lstrip()
        found = read_object(body)
        if found.call is None and not (final or found.broken or found.end >= 0):
            break  # nothing is certain behind here
        if found.call is None:
            words, rest = words + opening, behind
            continue
        calls.append(found.call)
        rest = behind_call(body[found.end :], closing, final) if found.end >= 0 else ""
    return Parsed(words if words.strip() or (final and not calls) else "", tuple(calls))


HERMES = ToolFormat("hermes", OPEN, (OPEN, CLOSE), write, hermes_calls)
