"""Llama 3.1 to 3.3: an answer that is a call is nothing but a call.

    {"name": "add", "parameters": {"a": 1, "b": 2}}        several with ; between them, or on lines of their own
    <|python_tag|>{"name": ...}                             where the prompt names the built-in tools

https://www.llama.com/docs/model-cards-and-prompt-formats/llama3_1. An object that has a name and no parameters may be an answer in JSON, and is words.
Left out: <function=name>{...}</function>, which the 3.1 card offers for prompts of one's own.
"""

from collections.abc import Sequence

from groundup.serving.api.tool_formats.calls import Call, Parsed, ToolFormat, held_back, read_object, spelled

TAG = "<|python_tag|>"


def write(calls: Sequence[Call]) -> str:
    """Calls as the model writes them."""
    return "; ".join(spelled(call, "parameters") for call in calls)


def llama3_calls(text: str, final: bool = True) -> Parsed:
    """What is certain of an answer so far.

    >>> llama3_calls('{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {')
    Parsed(words='', calls=(Call(name='f', arguments='{"a": 1}'), Call(name='g', arguments='{')))
    """
    before, tag, behind = text.partition(TAG)
    if text.lstrip().startswith("{"):  # what began as a call stays one: a mark behind it is words
        before, tag, behind = text, "", ""
    if not tag and not (text.lstrip().startswith("{") or (not text.strip() and not final)):
        return Parsed(held_back(text, (TAG,), final))
    words, rest = (before, behind) if tag else ("", text)
    calls: list[Call] = []
    while rest := rest.lstrip("; \n\r\t"):
        found = read_object(rest)
        if found.call is None or found.arguments is None:
            certain = final or found.broken or found.end >= 0
            return Parsed(words + (rest if calls else tag + rest) if certain else words, tuple(calls))
        calls.append(found.call)
        if found.end < 0:
            break
        rest = rest[found.end :]
    return Parsed(words, tuple(calls)) if calls else Parsed(words + tag if final else words)


LLAMA3 = ToolFormat("llama3", TAG, (TAG,), write, llama3_calls)
