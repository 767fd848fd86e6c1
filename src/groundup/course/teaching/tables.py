"""The TOML files that a teacher writes or edits (a set's and a pack's manifest): read completely, or refused by key."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, FormatError, InputError

WORDS = {str: "text", list: "a list", float: "a number", int: "a number"}


def read(path: Path) -> dict[str, Any]:
    """A TOML file as a dict; a missing or damaged one is named."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not valid TOML ({error}); mend the line") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error


def hold(table: Mapping[str, Any], wanted: Mapping[str, type], where: str, optional: tuple[str, ...] = ()) -> None:
    """ConfigError for a key of a table that is unknown, missing or of another kind."""
    unknown = [key for key in table if key not in wanted]
    if unknown:
        raise ConfigError(f"{where} has an unknown key {unknown[0]!r}; use {', '.join(wanted)}")
    for key, kind in wanted.items():
        if key not in table and key not in optional:
            raise ConfigError(f"{where} has no {key}; add a line {key} = ...")
        value = table.get(key, kind())
        kinds = (int, float) if kind is float else (kind,)
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise ConfigError(f"{where}: {key} = {value!r} is not {WORDS[kind]}; write it as {WORDS[kind]}")
