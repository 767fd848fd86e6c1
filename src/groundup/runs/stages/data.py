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

CLEANED = "pipeline"  # what it kept, dropped and why: `groundup data inspect` pages through this folder


def run(context: Context) -> dict[str, Any]:
    """Build the data folder; counts and bytes by world, the floor where it is known, and what a pipeline kept and dropped."""
    from groundup.data.build import build

    if context.config.pipeline is None:
        return build(context.config, context.made)
    from groundup.data.pipeline import exchange

    report = clean(context.config, context.folder / CLEANED)
    told = {name: report[name] for name in ("kept", "failed", "damaged")}
    told["steps"] = [{name: value for name, value in one.items() if name != "samples"} for one in report["steps"]]
    return build(context.config, context.made, exchange.read(context.folder / CLEANED)) | {"pipeline": told}


def clean(config: Any, folder: Path) -> dict[str, Any]:
    """The user's text through the pipeline that its configuration names; the pipeline's report. Killed, it goes on at the next shard."""
    from groundup.data.pipeline import etl

    made = pipeline(config.pipeline)
    fields = {name: getattr(config, name) for name in ("text_key", "text_encoding")}
    defaults = {one.name: one.default for one in dataclasses.fields(config)}
    asked = {name: value for name, value in fields.items() if value != defaults[name]}
    report = etl.run(dataclasses.replace(made, **asked), config.text, folder)
    if not report["kept"]["documents"]:
        raise InputError(
            f"the pipeline {config.pipeline} kept no document of {config.text}; "
            f"`groundup data inspect {folder}` says why: loosen the step, or give another data.pipeline"
        )
    return report


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
