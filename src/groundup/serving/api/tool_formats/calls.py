r"""A call of a tool: written as text by a model, read as (name, arguments) while the text comes.

A family's `parse` says what is certain of the text so far: words that are no call, and calls with as much of their arguments as came. It is a plain
function of the text, so what it says cannot depend on where the text was cut; and what it says of a longer text begins with what it said of a shorter one,
so a `Reader` sends on the differences. Text that may still become a mark is held back, and a call is announced when its name is known.
Arguments are the characters that the model wrote, not re-written JSON.

What begins as a call and is none (no JSON object, no name) counts as words.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from groundup.inference.streaming import longest_beginning


class Call(NamedTuple):
    """A call. arguments: the text of a JSON object, or as much of it as came."""

    name: str
    arguments: str


class Parsed(NamedTuple):
    """What is certain of a text."""

    words: str
    calls: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text that is no call."""

    text: str


@dataclass(frozen=True, slots=True)
class Begin:
    """A call begins; index counts the calls of an answer from 0."""

    index: int
    name: str


@dataclass(frozen=True, slots=True)
class Arguments:
    """The next characters of a call's arguments."""

    index: int
    text: str


Part = Words | Begin | Arguments


@dataclass(frozen=True)
class ToolFormat:
    """A family's way. mark: by which its chat template is recognised; tokens: control tokens that are part of a call's text.

    write: calls as the model writes them. parse(text, final): what is certain of the text so far; final: no more will come.
    """

    name: str
    mark: str
    tokens: tuple[str, ...]
    write: Callable[[Sequence[Call]], str]
    parse: Callable[[str, bool], Parsed]


class Reader:
    """Reads one answer in pieces."""

    def __init__(self, parse: Callable[[str, bool], Parsed]):
        self.parse, self.text, self.sent = parse, "", Parsed("")

    def push(self, text: str) -> list[Part]:
        """Take text; give what is certain now and was not before."""
        self.text += text
        return self._new(self.parse(self.text, False))

    def finish(self) -> list[Part]:
        """End the answer: what was held back."""
        return self._new(self.parse(self.text, True))

    def _new(self, now: Parsed) -> list[Part]:
        before, self.sent = self.sent, now
        parts: list[Part] = [Words(now.words[len(before.words) :])] if len(now.words) > len(before.words) else []
        for index, call in enumerate(now.calls):
            known = before.calls[index].arguments if index < len(before.calls) else None
            if known is None:
                parts.append(Begin(index, call.name))
            if more := call.arguments[len(known or "") :]:
                parts.append(Arguments(index, more))
        return parts


class Partial(NamedTuple):
    """A call's object as far as it came. end: characters of it, -1 where it is not closed; broken: it is no JSON object."""

    name: str | None
    arguments: str | None
    end: int
    broken: bool = False

    @property
    def call(self) -> Call | None:
        """The call, where its name is known; one that was closed without arguments has none."""
        return None if self.name is None else Call(self.name, self.arguments or ("{}" if self.end >= 0 else ""))


STEP = re.compile(r'"((?:[^"\\]|\\.)*)("?)|[{}\[\]:,]', re.DOTALL)
ARGUMENTS = ("arguments", "parameters")


def read_object(text: str) -> Partial:
    r"""The call in {"name": ..., "arguments": {...}}, whole or only begun; keys in either order, also "parameters".

    >>> read_object('{"name": "f", "arguments": {"a": [1')
    Partial(name='f', arguments='{"a": [1', end=-1, broken=False)
    >>> read_object('{"arguments": {}, "name": "f"} more')
    Partial(name='f', arguments='{}', end=30, broken=False)
    """
    if not text.startswith("{"):
        return Partial(None, None, -1, bool(text))
    values, depth, key, start = dict[str, str](), 0, None, -1
    for found in STEP.finditer(text):
        token, place = found[0], found.start()
        if token in "{[":
            depth += 1
        elif token in "}]":
            depth -= 1
        if depth == 1 and key is not None and start >= 0 and (token in ",}]" or found[2]):
            values[key] = text[
                start : place if token == "," else found.end()
            ]  # a later comma only adds blanks, stripped below
        if depth == 0:
            if key is not None and key not in values and start >= 0:
                values[key] = text[start:place]
            return _partial(values, None, found.end())
        if depth == 1 and token[0] == '"' and start < 0:
            key = _text(token) if found[2] else None
        elif depth == 1 and token == ":" and start < 0:
            if key is None:
                return Partial(None, None, -1, True)
            start = found.end()
        elif depth == 1 and token == ",":
            key, start = None, -1
    begun = (key, text[start:]) if key is not None and start >= 0 and key not in values else None
    return _partial(values, begun, -1)


def object_end(text: str) -> int:
    r"""Where the JSON object with which a text begins is closed; -1 where it is not yet. Brackets inside strings do not count.

    >>> object_end('{"a": "}"} and more'), object_end('{"a": [1'), object_end(r'{"\"": 1}')
    (10, -1, 9)
    """
    depth = 0
    for found in STEP.finditer(text):
        depth += (found[0] in "{[") - (found[0] in "}]")
        if depth == 0:
            return found.end()
    return -1


def _partial(values: dict[str, str], begun: tuple[str, str] | None, end: int) -> Partial:
    """The name and the arguments among the values of an object; begun: the value that is not whole yet."""
    name = (_text(values["name"].strip()) or None) if "name" in values else None
    broken = "name" in values and name is None
    whole = next((values[key].strip() for key in ARGUMENTS if key in values), None)
    if whole is not None:
        return Partial(name, _decoded(whole), end, broken)
    open_ = begun[1].lstrip() if begun and begun[0] in ARGUMENTS else None
    if open_ is not None and not open_.startswith("{"):
        open_ = ""  # a string or a word counts when it is whole
    return Partial(name, open_, end, broken)


def _decoded(value: str) -> str:
    """The arguments of a value: an object as it stands, a string's content, {} for null."""
    if value.startswith('"'):
        return _text(value)
    return "{}" if value == "null" else value


def _text(token: str) -> str:
    """A JSON string's text, "" for what is none."""
    try:
        found = json.loads(token, strict=False)
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def held_back(words: str, marks: Sequence[str], final: bool) -> str:
    """Words without an end that may still become a mark.

    >>> held_back("a <to", ["<tool>"], False), held_back("a <to", ["<tool>"], True)
    ('a ', 'a <to')
    """
    return words if final else words[: len(words) - longest_beginning(words, marks)]


def behind_call(text: str, closing: str, final: bool) -> str:
    """The words behind a call's object: without the closing mark and the blanks around it; nothing while the mark is only begun.

    >>> behind_call(" </a> Done.", "</a>", False), behind_call(" </", "</a>", False)
    ('Done.', '')
    """
    rest = text.lstrip()
    if rest.startswith(closing):
        return rest.removeprefix(closing).lstrip()
    return "" if closing.startswith(rest) and not final else rest


def spelled(call: Call, key: str) -> str:
    """A call as the object that most families write.

    >>> spelled(Call("f", '{"a":1}'), "arguments")
    '{"name": "f", "arguments": {"a":1}}'
    """
    return f'{{"name": {json.dumps(call.name, ensure_ascii=False)}, "{key}": {call.arguments or "{}"}}}'


def describe(tools: Sequence[dict[str, Any]]) -> str:
    """What a system message says of tools where the chat template has no place for them; answers are then read as Hermes'."""
    lines = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    return (
        f"You may call these functions:\n<tools>\n{lines}\n</tools>\nTo call one, write\n"
        '<tool_call>\n{"name": NAME, "arguments": {...}}\n</tool_call>'
    )


def joined(parts: Sequence[Part]) -> Parsed:
    """The words and the calls of all parts.

    >>> joined([Words("a"), Begin(0, "f"), Arguments(0, "{"), Arguments(0, "}")])
    Parsed(words='a', calls=(Call(name='f', arguments='{}'),))
    """
    calls: list[Call] = []
    for part in parts:
        if isinstance(part, Begin):
            calls.append(Call(part.name, ""))
        elif isinstance(part, Arguments):
            calls[part.index] = Call(calls[part.index].name, calls[part.index].arguments + part.text)
    return Parsed("".join(part.text for part in parts if isinstance(part, Words)), tuple(calls))
