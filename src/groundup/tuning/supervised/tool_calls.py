"""Conversations in which the assistant calls functions, written for templates that know calls and for those that do not.

    {"messages": [{"role": "user", ...},
                  {"role": "assistant", "tool_calls": [{"function": {"name": "add", "arguments": "{\\"a\\": 2}"}}]},
                  {"role": "tool", "content": "5"}, {"role": "assistant", "content": "It is 5."}], "tools": [{...}]}

A call is the assistant's own words, so it is learned; what the tool gave back is read and not learned. A chat template that has no place for calls
gets them as text, in the form in which the server tells a model of tools and reads its calls (Hermes): a model that is tuned here calls there.
ShareGPT's function_call and observation are read too. Left out: calls in the forms of other families, which their own templates write.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundup.errors import InputError

Message = dict[str, Any]


class WithTools(list[Message]):
    """The messages of a conversation, and the functions (as JSON schemas) that the assistant may call in it."""

    def __init__(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()):
        super().__init__(messages)
        self.tools = list(tools)


def written_for(conversation: Sequence[Message], template: str) -> tuple[list[Message], dict[str, Any]]:
    """The messages as a chat template can write them, and the variables that it is to be given.

    A template knows calls when its text asks for `tool_calls`; another one gets calls and results as words.
    """
    tools = getattr(conversation, "tools", [])
    messages = [_plain(message) for message in conversation]
    if not tools and not any("tool_calls" in message or message["role"] == "tool" for message in messages):
        return messages, {}
    if "tool_calls" in template:
        return [_whole(message) for message in messages], {"tools": tools} if tools else {}
    return as_words(messages, tools), {}


def as_words(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]] = ()) -> list[Message]:
    """Calls and results as text: functions stand in the system message, calls in the assistant's words, results in the user's.

    >>> call = {"function": {"name": "add", "arguments": {"a": 2}}}
    >>> as_words([{"role": "assistant", "content": "", "tool_calls": [call]}])[0]["content"]
    '<tool_call>\\n{"name": "add", "arguments": {"a": 2}}\\n</tool_call>'
    """
    made = [_in_words(message) for message in messages]
    if tools:
        system = made.pop(0)["content"] + "\n\n" if made and made[0]["role"] == "system" else ""
        made.insert(0, {"role": "system", "content": system + described(tools)})
    return made


def described(tools: Sequence[Mapping[str, Any]]) -> str:
    """What a system message says of functions, as the server says it."""
    lines = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return (
        f"You may call these functions:\n<tools>\n{lines}\n</tools>\nTo call one, write\n"
        '<tool_call>\n{"name": NAME, "arguments": {...}}\n</tool_call>'
    )


def _plain(message: Message) -> Message:
    """The message without tool_calls that are null or none: exports put the key on every message."""
    return (
        message
        if message.get("tool_calls")
        else {name: value for name, value in message.items() if name != "tool_calls"}
    )


def _in_words(message: Message) -> Message:
    content = message.get("content") or ""
    if message["role"] == "tool":
        return {"role": "user", "content": f"<tool_response>\n{content}\n</tool_response>"}
    calls = [one["function"] for one in _whole(_plain(message)).get("tool_calls", [])]
    texts = [
        f'<tool_call>\n{{"name": {json.dumps(one["name"])}, "arguments": {json.dumps(one["arguments"])}}}\n</tool_call>'
        for one in calls
    ]
    return {"role": message["role"], "content": content + "\n".join(texts)}


def _whole(message: Message) -> Message:
    """The message with content as text and each call's arguments as the object that templates expect."""
    made = message | {"content": message.get("content") or ""}
    if "tool_calls" in message:
        made["tool_calls"] = [call | {"function": _with_object(call["function"])} for call in message["tool_calls"]]
    return made


def _with_object(function: Mapping[str, Any]) -> dict[str, Any]:
    arguments = function.get("arguments") or {}
    return {**function, "arguments": json.loads(arguments) if isinstance(arguments, str) else arguments}


def check_calls(message: Mapping[str, Any], where: str) -> None:
    """InputError for calls that no template could write: no list, without a name, or with arguments that are no JSON object."""
    calls = message["tool_calls"]
    for call in calls if isinstance(calls, list) and calls else [None]:
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise InputError(
                f'{where} has tool_calls that name no function; write [{{"function": {{"name": "add", "arguments": {{"a": 2}}}}}}]'
            )
        try:
            arguments = _with_object(function)["arguments"]
        except (ValueError, RecursionError):
            arguments = None
        if not isinstance(arguments, Mapping):
            raise InputError(
                f"{where} calls {function['name']} with arguments that are no JSON object; give a name and a value each"
            )


def from_sharegpt(text: str, where: str) -> dict[str, Any]:
    """ShareGPT's function_call, a JSON text {"name", "arguments"}, as a message's calls."""
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError(
            f'{where} has a function_call that is no JSON; write {{"name": ..., "arguments": ...}}'
        ) from None
    return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call}]}
