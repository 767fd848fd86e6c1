"""A lone JSON object is the call: what a constraint makes where a tool must be called, whatever the family writes by itself."""

from collections.abc import Sequence

from groundup.serving.api.tool_formats.calls import Call, Parsed, ToolFormat, read_object, spelled


def write(calls: Sequence[Call]) -> str:
    """The first call as an object."""
    return spelled(calls[0], "arguments")


def plain_call(text: str, final: bool = True) -> Parsed:
    """What is certain of an answer that is one call.

    >>> plain_call('{"name": "f", "arguments": {"a')
    Parsed(words='', calls=(Call(name='f', arguments='{"a'),))
    """
    found = read_object(text.lstrip())
    if found.call is not None:
        return Parsed("", (found.call,))
    return Parsed(text if final or found.broken else "")


PLAIN = ToolFormat("plain", "", (), write, plain_call)
