r"""The parts of a tokenizer.json as objects: how one is written, read, and refused when it is not known.

A part is a small frozen dataclass named as its "type" in the file, with the file's keys as fields. An unknown type or key
would silently change ids, so it is refused by name. Patterns are those of the engine that Hugging Face uses (Oniguruma):
`^` and `$` mean lines, and letters, numbers and white space mean `unicode_classes`, not what this Python's Unicode says.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import regex

from groundup.errors import UnsupportedModel
from groundup.text.tokenizers import unicode_classes
from groundup.text.tokenizers.aligned_text import occurrences

_SETS = {r"\p{L}": unicode_classes.LETTERS, r"\p{N}": unicode_classes.NUMBERS, r"\s": unicode_classes.SPACES}
_CLASS_OR_ESCAPE = regex.compile(r"\[(?:\\.|[^\]\\])*\]|\\[pP]\{\^?\w+\}|\\.", regex.DOTALL)


@functools.cache
def character_ranges(packed: str) -> str:
    """The inside of a character class that holds packed ranges."""
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in unicode_classes.unpack(packed))


def _spell(found: Any) -> str:
    text = found[0]
    if text == r"\S":
        return f"[^{character_ranges(unicode_classes.SPACES)}]"
    if text[0] != "[":
        return f"[{character_ranges(_SETS[text])}]" if text in _SETS else text
    for name, packed in _SETS.items():
        text = text.replace(name, character_ranges(packed))
    return text


@functools.lru_cache(256)
def compiled(pattern: str) -> Any:
    """A pattern of a tokenizer.json for the package `regex`."""
    try:
        return regex.compile(_CLASS_OR_ESCAPE.sub(_spell, pattern), regex.MULTILINE)
    except regex.error as error:
        raise UnsupportedModel(
            f"the pattern {pattern!r} cannot be read ({error}); use a tokenizer with one of the published patterns"
        ) from error


@dataclass(frozen=True, slots=True)
class Pattern:
    """What is looked for in a text: {"String": ...} or {"Regex": ...} in the file."""

    text: str
    is_regex: bool = False

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where it stands, from the left and without overlap; the empty string stands nowhere."""
        if not self.is_regex:
            return occurrences(text, self.text)
        return (found.span() for found in compiled(self.text).finditer(text) if found.end() > found.start())

    def to_json(self) -> dict[str, str]:
        """As the file has it."""
        return {"Regex" if self.is_regex else "String": self.text}

    @classmethod
    def from_json(cls, raw: Any) -> "Pattern":
        """Read what `to_json` wrote; older files have the bare string."""
        if isinstance(raw, str):
            return cls(raw)
        (kind, text), *more = raw.items()
        if more or kind not in ("String", "Regex") or not isinstance(text, str):
            raise ValueError(f"{raw} is no pattern")
        if kind == "Regex":
            compiled(text)
        return cls(text, kind == "Regex")


@dataclass(frozen=True, slots=True)
class Part:
    """What all parts share: the way into a file and out of it."""

    def to_json(self) -> dict[str, Any]:
        """The part as tokenizer.json has it."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        return {"type": type(self).__name__} | {name: _written(value) for name, value in values.items()}


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_written(item) for item in value]
    return value.to_json() if hasattr(value, "to_json") else value


def read_part(raw: Any, what: str, known: Mapping[str, Any]) -> Any:
    """Build the part that a file describes; None stays None. what: its place in the file, as in "pre_tokenizer"."""
    if raw is None:
        return None
    kind = raw["type"]
    if kind not in known:
        raise UnsupportedModel(
            f"its {what} {kind} would change the ids and is not implemented; use a tokenizer whose {what} is one of "
            + ", ".join(known)
        )
    given = {key: value for key, value in raw.items() if key != "type"}
    part = known[kind]
    if hasattr(part, "prepared"):
        given = part.prepared(given)
    fields = {field.name: field for field in dataclasses.fields(part)}
    unknown = given.keys() - fields.keys()
    if unknown:
        raise UnsupportedModel(
            f"its {what} {kind} has the option {sorted(unknown)[0]!r}, which is not implemented; use a tokenizer without it"
        )
    return part(**{name: _read(value, fields[name].type, what, known) for name, value in given.items()})


def _read(value: Any, kind: Any, what: str, known: Mapping[str, Any]) -> Any:
    """A field: a pattern, other parts, or the value as it is when it has the right type."""
    if kind is Pattern:
        return Pattern.from_json(value)
    if kind == tuple[Part, ...]:
        return tuple(read_part(item, what, known) for item in value)
    if kind in (bool, int, str) and not (isinstance(value, kind) and (kind is not int or value is not True)):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
