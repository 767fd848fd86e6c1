"""The stage `data`: documents of each world for training and for measuring, and instructions with answers that can be checked.

Also what reads a pipeline's TOML, because a recipe's values are checked here as everywhere:

    name = "web"
    [[steps]]
    kind = "length"
    min_characters = 200
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup.errors import ConfigError, InputError, did_you_mean
from groundup.runs.context import Context


def run(context: Context) -> dict[str, Any]:
    """Build the data folder; counts and bytes by world, and the floor where it is known."""
    from groundup.data.build import build

    return build(context.config, context.made)


def pipeline(source: str | Path) -> Any:
    """A `data.pipeline.etl.Pipeline` from a TOML file, or from the name of one that is there already."""
    from groundup.data.pipeline.domains import PIPELINES

    if str(source) in PIPELINES:
        return PIPELINES[str(source)]
    if not Path(source).is_file():
        raise InputError(f"there is no pipeline {source}: give a TOML file, or {did_you_mean(str(source), PIPELINES)}")
    try:
        table = tomllib.loads(Path(source).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{source} is not TOML ({error}); mend it there") from error
    return pipeline_of(table, str(source))


def pipeline_of(table: Mapping[str, Any], source: str) -> Any:
    """The same from a table of plain values."""
    from groundup.data.pipeline import steps
    from groundup.data.pipeline.etl import Pipeline
    from groundup.runs import fields

    listed = table.get("steps", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ConfigError(
            f'{source}: the steps are a list of tables; begin each with [[steps]] and a line kind = "length"'
        )
    made = []
    for number, one in enumerate(listed, 1):
        if "kind" not in one:
            raise ConfigError(f'{source}: step {number} has no kind; write for example kind = "length" into it')
        settings = {name: value for name, value in one.items() if name != "kind"}
        made.append(fields.build(steps.find(one["kind"]), settings, f"steps.{one['kind']}", source))
    others = {name: value for name, value in table.items() if name != "steps"}
    return dataclasses.replace(fields.build(Pipeline, others, "pipeline", source), steps=tuple(made))
