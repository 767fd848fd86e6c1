"""`groundup data synthesize`: texts that a local model writes from templates, filtered, resumable, with a data card."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.runs.settings import MachineConfig


@dataclass(frozen=True, kw_only=True, slots=True)
class SynthesizeOptions:
    """let a local model write documents from templates"""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """a model folder"""
    recipe: Path
    """a TOML file: templates, lists, prompts, rollouts, and [[steps]] that filter"""
    out: Path = Path("runs/synthetic")
    """the new folder"""
    chat: bool = False
    """prompts are messages of a conversation; left out: beginnings to go on with"""
    max_new_tokens: int = 128
    """of an answer"""
    temperature: float = 1.0
    """how wild the answers are"""
    json: bool = False
    """print the report as JSON"""
    machine: tyro.conf.OmitArgPrefixes[MachineConfig] = field(default_factory=MachineConfig)


def synthesize(options: SynthesizeOptions) -> None:
    """Write them, and say how many stayed."""
    from groundup.cli import loading, running, show
    from groundup.data.pipeline import synthesize as synthesis

    config, steps = _read(options.recipe)
    model = loading.load(options.model, options.machine)
    drawing = {"max_new_tokens": options.max_new_tokens, "temperature": options.temperature}

    def generate(prompt: str, seed: int) -> str:
        write = model.chat if options.chat else model.generate
        return str(write(prompt, seed=seed, **drawing))

    name = f"{options.model.name} ({_digest(options.model)}) {drawing}{' chat' if options.chat else ''}"
    report = synthesis.synthesize(config, generate, options.out, model=name, steps=steps)
    if options.json:
        running.print_json(report | {"out": str(options.out)})
        return
    rows = [
        [
            made["step"]["kind"],
            f"{made['seen']:,}",
            f"{made['kept']:,}",
            ", ".join(f"{reason} {count:,}" for reason, count in made["dropped"].items()) or "-",
        ]
        for made in report["steps"]
    ]
    show.table(f"{report['kept']:,} documents in {options.out}", ["step", "seen", "kept", "dropped"], rows)


def _digest(folder: Path) -> str:
    """What tells two models of one name apart: a finished folder's checksums, or else the sizes and times of its files."""
    from groundup import files
    from groundup.data.pipeline.shard import key_of

    if (folder / files.CHECKSUMS).is_file():
        return files.sha256(folder / files.CHECKSUMS)[:12]
    stamps = [(path, path.stat()) for path in sorted(folder.rglob("*")) if path.is_file()]
    return key_of([[path.name, found.st_size, found.st_mtime_ns] for path, found in stamps])[:12]


def _read(path: Path) -> tuple[Any, tuple[Any, ...]]:
    """The configuration and the filters of a recipe."""
    import tomllib

    from groundup.data.pipeline.synthesize import SynthesisConfig
    from groundup.errors import ConfigError, InputError
    from groundup.runs import fields
    from groundup.runs.stages.data import pipeline_of

    if not path.is_file():
        raise InputError(
            f'{path} is not there; write a TOML file with templates = ["Write about {{animal}}."] and lists.animal = ["a fox"]'
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML ({error}); mend it there") from error
    steps = pipeline_of({"steps": table.pop("steps", [])}, str(path)).steps
    return fields.build(SynthesisConfig, table, "synthesis", str(path)), steps
