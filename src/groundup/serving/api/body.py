"""Bytes to checked fields: what comes over the wire is nobody's friend.

Types are exact (the string "5" is no number, true is no 1), numbers are finite, unknown fields are refused. JSON is read by pydantic's own
reader, which has a bounded depth, refuses half a surrogate pair and invalid UTF-8, and never recurses in Python.
Every mistake becomes one sentence that names the field; what was sent is repeated only as a short excerpt of a number or a word.

A body is read where all answers pass, so what one costs has a bound: 4 MB of `[{},{},...]` for a prompt took a minute while pydantic wrote a complaint
about each, and nobody was answered meanwhile. A list is now given up at its first mistake, an object at its first unknown name, and a body of more than
50,000 lists and objects is refused before it is read.
"""

import difflib
import re
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import from_json

from groundup.serving.api.errors import ApiError, bad

MOST_BYTES = 4 << 20  # a context of 100,000 tokens is about 400 kB of text
MOST_NESTED = 50_000  # lists and objects
TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # one that never ends too, or looking for ends would take the square of the length


def few(most: int) -> BeforeValidator:
    """Counts the names of an object before any is looked at."""

    def check(given: Any) -> Any:
        if isinstance(given, dict) and len(given) > most:
            raise ValueError(f"it has {len(given):,} names but at most {most:,} are read; send fewer")
        return given

    return BeforeValidator(check)


def hasty(schema: Any) -> Any:
    """Pydantic's own form of a type, with lists that are given up at their first mistake.

    >>> hasty({"type": "nullable", "schema": {"type": "list"}})
    {'type': 'nullable', 'schema': {'type': 'list', 'fail_fast': True}}
    """
    if isinstance(schema, list | tuple):
        return type(schema)(map(hasty, schema))
    if not isinstance(schema, dict):
        return schema
    made = {name: hasty(part) for name, part in schema.items()}
    return made | {"fail_fast": True} if made.get("type") == "list" else made


class Fields(BaseModel):
    """A request's fields. `not_built`: fields of the published API that are refused unless null, false or empty."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())
    not_built: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """How pydantic checks it."""
        return hasty(handler(source))

    @model_validator(mode="before")
    @classmethod
    def _first_unknown(cls, given: Any) -> Any:
        """Of the names that are not known the first alone: a complaint about each of a million takes seconds."""
        if not isinstance(given, dict) or len(given) <= len(cls.model_fields):
            return given
        known = {field.alias or name for name, field in cls.model_fields.items()}
        first = next(name for name in given if name not in known)
        return {name: value for name, value in given.items() if name in known or name == first}


Read = TypeVar("Read", bound=Fields)


async def read_bytes(request: Any, most: int = MOST_BYTES) -> bytes:
    """The body of a request; 413 as soon as it is too long, before the rest is taken."""
    said = request.headers.get("content-length", "0")
    size = int(said) if said.isdecimal() and len(said) < 19 else 0
    parts, have = [], 0
    if size <= most:
        async for part in request.stream():
            have += len(part)
            if have > most:
                break
            parts.append(part)
    if max(size, have) > most:
        raise ApiError(
            413,
            f"the request has {max(size, have):,} bytes or more but this server reads {most:,}; send a shorter one",
            code="request_too_large",
        )
    return b"".join(parts)


def parse(raw: bytes, kind: type[Read]) -> Read:
    """The fields of a body; ApiError 400 with the field's name."""
    _check_nested(raw)
    try:
        found = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise bad(f"the body is no JSON that can be read: {error}; send one JSON object in UTF-8") from None
    if not isinstance(found, dict):
        raise bad(f"the body is a JSON {_kind(found)}; send an object, in braces")
    return checked(found, kind)


def _check_nested(raw: bytes) -> None:
    """Refuse a body of more lists and objects than are made while others wait."""
    if raw.count(b"[") + raw.count(b"{") <= MOST_NESTED:  # those inside of texts included
        return
    bare = TEXT.sub(b"", raw)
    if (nested := bare.count(b"[") + bare.count(b"{")) > MOST_NESTED:
        raise bad(f"the body has {nested:,} lists and objects but at most {MOST_NESTED:,} are read; send fewer in a request")


def checked(found: Mapping[str, Any], kind: type[Read]) -> Read:
    """The same from an object that is read already."""
    given = {name: value for name, value in found.items() if name not in kind.not_built or value}
    for name in given.keys() & kind.not_built.keys():
        raise bad(f"{name} is not offered by this server: {kind.not_built[name]}; leave it out", name)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _sentence(error, kind) from None
    except RecursionError:
        raise bad("the body is nested too deep; send a flatter one") from None


def _kind(value: Any) -> str:
    names = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _sentence(error: ValidationError, kind: type[Fields]) -> ApiError:
    """The first mistake that pydantic found, as a sentence."""
    # a union complains once a member: the complaint that is not only of another type is that of the member that was meant
    complaints = error.errors(include_url=False, include_context=False, include_input=False)
    first = complaints[0]["loc"][:1]
    found = max(
        (one for one in complaints if one["loc"][:1] == first),
        key=lambda one: (not one["type"].endswith("_type"), len(one["loc"])),
    )
    path = ".".join(str(step) for step in found["loc"] if not _is_a_type(step))[:200] or "body"
    if found["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path, kind.model_fields, n=1)
        way_out = f"did you mean {near[0]}?" if near else "leave it out"
        return bad(f"Unrecognized request argument supplied: {path}; {way_out}", path, "unknown_parameter")
    if found["type"] == "missing":
        return bad(f"Missing required parameter: '{path}'; add it", path, "missing_required_parameter")
    message = found["msg"].removeprefix("Value error, ").rstrip(".")
    message = message[0].lower() + message[1:]
    way_out = "" if ";" in message else "; see the API's reference for what it takes"
    return bad(f"Invalid value for '{path}': {message}{way_out}", path, "invalid_value")


def _is_a_type(step: Any) -> bool:
    """Whether a step of pydantic's path names a member of a union instead of a field."""
    return isinstance(step, str) and (
        not (step.isidentifier() or step.isdecimal())
        or step in ("str", "int", "float", "bool", "dict", "list")
        or step[0].isupper()
    )
