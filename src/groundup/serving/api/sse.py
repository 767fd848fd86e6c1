r"""Server-sent events: an answer on the wire while it is made.

    event: message_stop\n      only where the API names its events (Anthropic, Responses)
    data: {"choices": ...}\n
    \n                         the empty line ends an event

OpenAI's streams end with `data: [DONE]`. Lines may end in \n, \r or \r\n, so a line end inside the data would cut it: each of its lines gets a
`data:` of its own (JSON has none, it writes \n as two characters). https://html.spec.whatwg.org/multipage/server-sent-events.html
Left out: `id:` and `retry:`, with which a browser would take a broken stream up again; an answer cannot be.
"""

import json
import math
import re
from typing import Any

from groundup.slots import slot

DONE = b"data: [DONE]\n\n"
COMMENT = b": waiting\n\n"  # a line that no client reads and that keeps proxies from closing a silent connection
LINE_END = re.compile(r"\r\n|\r|\n")


def sse_frame(data: str, event: str = "") -> str:
    r"""One event as it stands on the wire: `event: NAME` where it has a name, a `data: ` for each line of data, an empty line.

    >>> sse_frame("one"), sse_frame("a\nb", "note")
    ('data: one\n\n', 'event: note\ndata: a\ndata: b\n\n')
    """
    lines = [f"data: {line}\n" for line in LINE_END.split(data)]
    return (f"event: {event}\n" if event else "") + "".join(lines) + "\n"


@slot
def sse_events(wire: str) -> list[tuple[str, str]]:
    r"""The events of a whole stream: (name, data) of each, "message" for one without a name, as a client reads them.

    One blank after the colon belongs to the wire; a line that begins with a colon says nothing; an event without data, or that the stream
    breaks off in, is none.

    >>> sse_events("data: one\n\nevent: note\ndata: a\ndata: b\n\n: still here\n\ndata: cut")
    [('message', 'one'), ('note', 'a\nb')]
    """
    events: list[tuple[str, str]] = []
    name, data = "", list[str]()
    *lines, _ = LINE_END.split(wire)  # what stands behind the last line end is no line
    for line in lines:
        if not line:
            if data:
                events.append((name or "message", "\n".join(data)))
            name, data = "", list[str]()
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
    return events


def packed(value: Any) -> bytes:
    """JSON in as few bytes as it takes; a number that JSON has not (inf, NaN) becomes null, half a surrogate pair a question mark."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def event(value: Any, name: str = "") -> bytes:
    """One event with JSON as its data."""
    return sse_frame(packed(value).decode(), name).encode()
