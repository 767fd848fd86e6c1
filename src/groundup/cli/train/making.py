"""What the models before the transformer share when they are made: text apart to measure on, a folder, and results.json in it.

A folder that holds something else is not written over: saving puts a whole folder in place of what stood there.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from groundup.errors import ConfigError, InputError

RESULTS = "results.json"
EVERY = 20  # of the sentences of a treebank each so-manieth is held out, where no other file is given
HELD_OUT_BYTES = 2_000_000  # of text, at most

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True, slots=True)
class Making:
    """Where the result goes."""

    out: Path
    """the folder to make"""
    json: bool = False
    """print the results as JSON on stdout"""


def given(config: type, flags: Mapping[str, Any], what: str) -> Any:
    """A configuration from the flags that were given (not None); ConfigError for one that it does not have."""
    known = {field.name for field in fields(config)}
    said = {name: value for name, value in flags.items() if value is not None}
    for name in said:
        if name not in known:
            raise ConfigError(f"--{name.replace('_', '-')} says nothing about {what}; leave it out")
    return config(**said)


def free(folder: Path) -> None:
    """Refuse a folder that holds something other than a model of this kind."""
    if folder.is_file():
        raise InputError(f"{folder} is a file; give --out a folder that is new")
    from groundup.cli import classical  # a run has a results.json too, and is never replaced

    if folder.is_dir() and any(folder.iterdir()) and classical.kind(folder) is None:
        raise InputError(f"{folder} holds other things, which would be replaced; give --out a folder that is new")


def texts(path: Path, heldout: Path | None) -> tuple[list[str], list[str]]:
    """The documents of a file or folder to train on, and those to measure on: of another path, or about a twenty-fifth of the same."""
    from groundup.data.sources.files import documents
    from groundup.data.splits import hold_out

    if heldout is not None:
        train, measured = ([one.text for one in documents(place)] for place in (path, heldout))
    else:
        train, measured = ([one.text for one in part] for part in hold_out(documents(path), most_bytes=HELD_OUT_BYTES))
    for place, found in ((path, train), (heldout or path, measured)):
        if not any(text.strip() for text in found):
            raise InputError(f"{place} holds no text; give a file or folder that does")
    return train, measured


def apart(items: Sequence[Item], what: str) -> tuple[list[Item], list[Item]]:
    """Items to train on and every twentieth to measure on; InputError when there are too few."""
    if len(items) < 2:
        raise InputError(
            f"{len(items)} {what} cannot be parted into some to train on and some to measure on; give more, or --test"
        )
    heldout = range(min(EVERY, len(items)) - 1, len(items), EVERY)
    return [item for place, item in enumerate(items) if place not in heldout], [items[place] for place in heldout]


def make(
    options: Making, family: str, train: Callable[[], Any], measure: Callable[[Any], Mapping[str, Any]], **told: Any
) -> None:
    """Train, save, measure on what was held out, write results.json, show it. told: what else is worth a row."""
    from groundup import files
    from groundup.cli import running, show

    begin = time.perf_counter()
    model = train()
    seconds = time.perf_counter() - begin
    model.save(options.out)
    numbers = dict(measure(model))
    for told_later in [name for name, value in told.items() if callable(value)]:
        told[told_later] = told[told_later](model)
    found = {"family": family, "made": str(options.out), "seconds": seconds, **told, "heldout": numbers}
    found["command"] = running.command_line()
    files.write_json(options.out / RESULTS, found)
    if options.json:
        running.print_json(found)
        return
    show.table(f"{family}: {show.seconds(seconds)}", ["", ""], rows(found))
    show.console().print(f"made: {options.out}\nlook: groundup inspect {options.out}", markup=False, soft_wrap=True)


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """The rows of a table for what was told and measured."""
    from groundup.cli.show import number

    told = {
        name: value for name, value in found.items() if name not in ("family", "made", "seconds", "heldout", "command")
    }
    named = {name.replace("_", " "): value for name, value in told.items() if value is not None}
    named |= {f"held out: {name.replace('_', ' ')}": value for name, value in found["heldout"].items()}
    return [[name, number(value)] for name, value in named.items()]
