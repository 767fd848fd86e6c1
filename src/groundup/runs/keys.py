"""The key of a stage: a fingerprint of all that its result depends on, so that equal keys mean an equal result.

It hashes the stage's own resolved tables, the keys of the stages it reads, the content of files from outside the run, the version of the stage's
format, the Python whose standard library is read as text, and the source of every filled slot of the rooms it uses. What a measurement decided (number
format, threads) is not in it: that is decided once and kept in the stage's `chosen.json`.
"""

import dataclasses
import hashlib
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup import files, slots
from groundup.errors import ConfigError, InputError
from groundup.runs.recipe import Recipe, table_of
from groundup.runs.stages import STAGES, Stage, makers

WITHOUT_EFFECT = {"trackers"}  # keys that change no result: with other ones the same stage goes on
# table -> its key that names a file or folder of the user's
USER_FILES = {"data": "text", "tune": "data", "reward": "data", "align": "data"}
MORE_FILES = (("tune", "heldout_data"), ("tune", "old_data"))
WORLDS = ("tinyworld", "python")  # text that is named and not a file


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One stage of a run, with its key and where it reads from."""

    stage: Stage
    number: int
    key: str
    parts: Mapping[str, Any]  # what was hashed, kept in stage.toml: two runs differ where their parts do
    reads: Mapping[str, str]  # role -> the stage that makes it, or "" for a folder from outside

    @property
    def folder_name(self) -> str:
        """`03-train-1a2b3c4d`."""
        return f"{self.number:02d}-{self.stage.name}-{self.key[:8]}"


def digest(value: Any) -> str:
    """sha256 of a plain value, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def plan(recipe: Recipe) -> list[Plan]:
    """Every stage of the recipe with its key."""
    made: list[Plan] = []
    for number, name in enumerate(recipe.stages, 1):
        made.append(_plan_one(recipe, STAGES[name], number, made))
    return made


def _plan_one(recipe: Recipe, stage: Stage, number: int, before: list[Plan]) -> Plan:
    reads = {role: _nearest(role, before) for role in (*stage.needs, *stage.may_read)}
    reads = {role: maker for role, maker in reads.items() if maker or role in recipe.inputs}
    read_all = [earlier for earlier in before if earlier.stage.makes in stage.reads_all]
    parts = {
        "stage": stage.name,
        "format": stage.format,
        "tables": {section: effective(table_of(recipe.configs[section])) for section in stage.sections},
        "machine": table_of(recipe.configs["machine"]) if stage.makes in ("model", "scores") else {},
        "reads": {role: next((p.key for p in before if p.stage.name == maker), "") for role, maker in reads.items()},
        "reads_all": [earlier.key for earlier in read_all],
        "outside": outside(recipe, stage, [role for role, maker in reads.items() if not maker]),
        "slots": slots.source_hash(stage.uses) if stage.uses else "",
    }
    return Plan(stage=stage, number=number, key=digest(parts), parts=parts, reads=reads)


def effective(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table without the keys that change no result."""
    return {key: value for key, value in table.items() if key not in WITHOUT_EFFECT}


def _nearest(role: str, before: list[Plan]) -> str:
    """The last stage so far that makes a role; "" when it comes from outside."""
    return next((p.stage.name for p in reversed(before) if p.stage.name in makers(role)), "")


def outside(recipe: Recipe, stage: Stage, roles: Iterable[str] = ()) -> dict[str, str]:
    """The content of what comes from outside the run: the user's text, a model folder, the standard library of this Python."""
    found = {role: folder_digest(Path(recipe.inputs[role])) for role in roles}
    for section, name in [*USER_FILES.items(), *MORE_FILES]:
        path = getattr(recipe.configs[section], name, None) if section in stage.sections else None
        found |= {f"{section}.{name}": folder_digest(Path(path))} if path and path not in WORLDS else {}
    return found | (_outside_of_data(recipe.configs["data"]) if stage.name == "data" else {})


def _outside_of_data(config: Any) -> dict[str, str]:
    """Of the data stage: its pipeline, and the standard library where the embedded worlds are read."""
    if config.pipeline and not config.text:
        raise ConfigError(
            f"the pipeline {config.pipeline} wants text of your own; name its file or folder: --set data.text=PATH"
        )
    found = {"data.pipeline": pipeline_digest(config.pipeline)} if config.pipeline else {}
    return found | ({"python": platform.python_version()} if not config.text or config.beside_worlds else {})


def pipeline_digest(source: str) -> str:
    """One hash of a pipeline's steps and of the lists, benchmarks and classifiers that they read."""
    from groundup.data.pipeline.etl import FOLDERS
    from groundup.runs.stages.data import pipeline

    plain = pipeline(source).plain()
    named = {str(value) for step in plain["steps"] for name, value in step.items() if name in FOLDERS and value}
    return digest([plain, {name: folder_digest(Path(name)) for name in sorted(named)}])


def folder_digest(path: Path) -> str:
    """One hash of a file, or of every file of a folder with its name; InputError when there is none."""
    if path.is_file():
        return files.sha256(path)
    if not path.is_dir():
        raise InputError(f"there is no file or folder {path}; check the path")
    return digest({str(file.relative_to(path)): files.sha256(file) for file in _files(path)})


def _files(path: Path) -> Iterator[Path]:
    yield from sorted(file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
