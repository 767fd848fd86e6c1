"""Messages of a client as chat templates expect them.

Clients write messages in OpenAI's form; chat templates were written for the form of `transformers`, which is nearly the same:

    content as a list of parts        -> one text
    content null beside tool calls    -> ""
    arguments as a JSON text          -> the object itself, which templates write in their own way
    role developer                    -> system, unless the template knows it

Left out: images, sound and files in messages, which are refused by their type.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundup.serving.api.errors import bad
from groundup.slots import slot

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
TEXT_PARTS = ("text", "input_text", "output_text", "refusal")


def text_of(content: Any, place: str) -> str:
    """The text of a message's content: a string, or parts that are all text."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    texts = []
    for part in content:
        kind = part.get("type", "text") if isinstance(part, Mapping) else None
        if isinstance(part, str):
            texts.append(part)
        elif kind in TEXT_PARTS and isinstance(text := part.get("text", part.get("refusal")), str):
            texts.append(text)
        else:
            raise bad(
                f"{place} has a part of type {str(kind)[:40]!r} but this model reads text alone; send text parts", place
            )
    return "".join(texts)


@slot
def template_messages(messages: Sequence[Mapping[str, Any]], roles: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Messages of a client as a chat template expects them; the given ones are not changed.

    Content becomes one text ("" for null); arguments of tool calls, a JSON text on the wire, become the object (a text that is no JSON object stays).
    role "developer" becomes "system" unless it is among `roles`, "function" becomes "tool". Keys that are None are left out.

    >>> template_messages([{"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]}])
    [{'role': 'system', 'content': 'Be brief.'}]
    """
    renamed = {"developer": "system", "function": "tool"}
    written = []
    for number, message in enumerate(messages):
        one = {key: value for key, value in message.items() if value is not None}
        one["content"] = text_of(message.get("content"), f"messages.{number}.content")
        if one["role"] not in roles:
            one["role"] = renamed.get(one["role"], one["role"])
        if one.get("tool_calls"):
            one["tool_calls"] = [_with_object(call) for call in one["tool_calls"]]
        written.append(one)
    return written


def _with_object(call: Mapping[str, Any]) -> dict[str, Any]:
    function = dict(call["function"])
    try:
        arguments = json.loads(function.get("arguments") or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        function["arguments"] = arguments
    return {**call, "function": function}
