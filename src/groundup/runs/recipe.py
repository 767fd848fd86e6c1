"""A recipe: a whole run as data. One TOML file names the stages and holds one table a stage.

    name = "demo"
    seed = 1
    stages = ["data", "tokenizer", "train", "tune", "align", "eval", "report"]
    [train]
    steps = 400

A recipe may name a `parent` and write only what differs; `--set train.steps=200` overrides any key. Tables are the rooms' own configuration classes,
so a key exists because a field exists. Reading a recipe loads no torch. Leaves out: conditions, loops and variables (a recipe is data).
"""

import dataclasses
import importlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from groundup.errors import ConfigError, InputError, did_you_mean
from groundup.runs import fields, toml
from groundup.runs.stages import STAGES, makers

SECTIONS = {  # a recipe's table, and the dataclass that reads it
    "machine": "groundup.runs.settings:MachineConfig",
    "data": "groundup.data.config:DataConfig",
    "tokenizer": "groundup.text.tokenizers.config:TokenizerConfig",
    "train": "groundup.training.config:TrainConfig",
    "tune": "groundup.tuning.config:TuneConfig",
    "reward": "groundup.alignment.rewards.config:RewardConfig",
    "align": "groundup.alignment.config:GrpoConfig",
    "compress": "groundup.compression.config:CompressConfig",
    "eval": "groundup.evaluation.config:EvalConfig",
}
TOP = ("name", "description", "parent", "seed", "stages", "inputs", "depth")
ROLES = tuple(dict.fromkeys(role for stage in STAGES.values() for role in (*stage.needs, *stage.may_read)))
SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """A resolved recipe: parents merged, overrides applied, every table checked."""

    name: str
    description: str
    seed: int
    stages: tuple[str, ...]
    configs: Mapping[str, Any]  # table -> its checked configuration
    inputs: Mapping[str, str] = dataclasses.field(
        default_factory=dict
    )  # role ("model", ...) -> folder made outside this run
    source: str = "the recipe"

    def to_toml(self) -> str:
        """The recipe written out whole, defaults included; reading it gives an equal recipe."""
        top = {"name": self.name, "description": self.description, "seed": self.seed, "stages": list(self.stages)}
        tables: dict[str, Any] = {"inputs": dict(self.inputs)} if self.inputs else {}
        return toml.dump(top | tables | {name: table_of(config) for name, config in self.configs.items()})


def table_of(config: Any) -> dict[str, Any]:
    """A configuration as a recipe's table; a model's has its `model_type` first, and not its head: a run trains that of text."""
    if not hasattr(config, "model_type"):
        return fields.plain(config)
    table = {"model_type": config.model_type} | fields.plain(config)
    return {key: value for key, value in table.items() if key not in ("head", "labels")}


def available() -> dict[str, str]:
    """The recipes that come with groundup: name -> one line about it."""
    folder = resources.files("groundup.recipes")
    found = sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return {name: parse((folder / f"{name}.toml").read_text("utf-8"), name).get("description", "") for name in found}


def load(source: str | Path, overrides: Sequence[str] = (), changes: Mapping[str, Any] | None = None) -> Recipe:
    """The recipe of that name or file, with `--set` lines (`train.steps=200`) and, before them, plain `changes` merged in."""
    return resolve(changed(read(source), overrides, changes or {}, f"recipe {source}"), f"recipe {source}")


def changed(
    raw: Mapping[str, Any], overrides: Sequence[str], changes: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """Plain tables with changes over them and `--set` lines over those; a depth comes first, so that single keys can differ from it."""
    over = dict(changes)
    first = [line for line in overrides if line.partition("=")[0].strip() == "depth"]
    for line in first:
        override(over, line)
    made = turned(raw, over, source)
    for line in overrides:
        if line not in first:
            override(made, line)
    return made


def turned(parent: Mapping[str, Any], child: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`parent` with `child` over it; where the child has a `depth`, what that sets stands between them (`training/loop/dial.py`)."""
    parent = without_another_kinds(parent, child)
    if "depth" not in child:
        return merge(parent, child)
    from groundup.training.loop.dial import dial

    own = {key: value for key, value in child.items() if key != "depth"}
    both = merge(parent, own)
    depth = fields.convert(int, child["depth"], "depth", source)
    sizes = {"vocab_size": both.get("tokenizer", {}).get("vocab_size"), "seq_len": both.get("train", {}).get("seq_len")}
    tables = dial(depth, **{name: size for name, size in sizes.items() if isinstance(size, int)})
    old = {key: value for key, value in parent.items() if key != "model"}  # another family's keys would not fit
    kept = {
        key: value
        for key, value in parent.get("model", {}).items()
        if parent["model"].get("model_type", "qwen3") == "qwen3"
    }
    return merge(merge(old | {"model": kept}, tables), own)


def without_another_kinds(parent: Mapping[str, Any], child: Mapping[str, Any]) -> Mapping[str, Any]:
    """`parent` without its [align] where the child's method learns from other things: rounds say nothing to pairs, nor pairs to rounds."""
    from groundup.alignment.methods import kind

    tables = [table if isinstance(table := one.get("align"), Mapping) else {} for one in (parent, child)]
    methods = [table.get("method", "grpo") for table in tables]
    if "method" not in tables[1] or kind(str(methods[0])) == kind(str(methods[1])):
        return parent
    return {key: value for key, value in parent.items() if key != "align"}


def read(source: str | Path, seen: tuple[str, ...] = (), beside: Path | None = None) -> dict[str, Any]:
    """The plain tables of a recipe with its parents merged in; `beside` is the folder in which a parent file is looked for."""
    path, text = _locate(str(source), beside)
    if str(path) in seen:
        raise ConfigError(
            f"recipe {source} is its own parent ({' -> '.join([*seen, str(path)])}); remove one of the parent lines"
        )
    raw = parse(text, str(source))
    parent = raw.pop("parent", None)
    if parent is None:
        return turned({}, raw, f"recipe {source}")
    if not isinstance(parent, str):
        raise ConfigError(
            f'recipe {source}: parent wants the name or file of one recipe; write for example parent = "demo"'
        )
    return turned(read(parent, (*seen, str(path)), path.parent), raw, f"recipe {source}")


def _locate(source: str, beside: Path | None) -> tuple[Path, str]:
    """Where a recipe stands and its text: a file, or a name of those that come with groundup."""
    file = (beside / source) if beside and source.endswith(".toml") else Path(source)
    if source.endswith(".toml") or file.is_file():
        try:
            return file.resolve(), file.read_text("utf-8")
        except FileNotFoundError:
            raise InputError(
                f"there is no recipe file {file}; `groundup run --list` shows the recipes that come with groundup"
            ) from None
        except (UnicodeDecodeError, OSError) as error:
            raise InputError(f"recipe {file} cannot be read ({error}); give a TOML text file") from None
    entry = resources.files("groundup.recipes") / f"{source}.toml"
    if not SAFE_NAME.fullmatch(source) or not entry.is_file():
        raise InputError(
            f"there is no recipe '{source}'; {did_you_mean(source, available())}; a file of your own ends in .toml"
        )
    return Path(str(entry)), entry.read_text("utf-8")


def parse(text: str, source: str) -> dict[str, Any]:
    """TOML, with its error as one sentence that names the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"recipe {source} is not valid TOML ({error}); correct that line") from None


def merge(parent: Mapping[str, Any], child: Mapping[str, Any]) -> dict[str, Any]:
    """`parent` with the keys of `child` put over it, tables key by key, everything else whole."""
    merged = dict(parent)
    for key, value in child.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def override(raw: dict[str, Any], line: str) -> None:
    """Put one `--set table.key=value` into the plain tables."""
    path, equals, text = line.partition("=")
    section, dot, name = path.strip().partition(".")
    if not equals or not (dot or section in TOP):
        raise ConfigError(f"--set {line} is not of the form table.key=value; write for example --set train.steps=200")
    value = fields.parse_value(text.strip())
    if not dot:
        raw[section] = value
        return
    _known_section(section, f"--set {line}")
    kind = fields.hints(_class(section, raw)).get(name)
    if isinstance(value, (int, float)) and str in (kind, *get_args(kind)):
        value = text.strip()
    raw.setdefault(section, {})[name] = value


def resolve(raw: Mapping[str, Any], source: str) -> Recipe:
    """Check the plain tables of a recipe and make it."""
    if "depth" in raw:
        raw = turned({}, raw, source)
    if "variants" in raw:
        raise ConfigError(f"{source} is an ablation, many runs and not one; `groundup run` carries it out")
    if "sizes" in raw:
        raise ConfigError(f"{source} is a sweep, many runs and not one; `groundup run` carries it out")
    if "challenge" in raw:
        raise ConfigError(f"{source} is a challenge, a study and not one run; `groundup run` carries it out")
    for key in raw:
        if key not in TOP:
            _known_section(key, source)
    top = {"name": "run", "description": "", "seed": 1, "inputs": {}} | {key: raw[key] for key in TOP if key in raw}
    name, description, seed = (
        fields.convert(kind, top[key], key, source)
        for key, kind in (("name", str), ("description", str), ("seed", int))
    )
    if not SAFE_NAME.fullmatch(name):
        raise ConfigError(
            f"{source}: name = {fields.shown(name)} cannot name a folder; use letters, digits, '-', '_' and '.'"
        )
    inputs = fields.convert(dict, top["inputs"], "inputs", source)
    for role, path in inputs.items():
        if role not in ROLES:
            raise ConfigError(f"{source}: inputs.{role} is nothing that a stage reads; {did_you_mean(role, ROLES)}")
        fields.convert(str, path, f"inputs.{role}", source)
    stages = check_stages(top.get("stages"), inputs, source)
    configs = _configs(raw, stages, seed, source)
    return Recipe(
        name=name, description=description, seed=seed, stages=stages, configs=configs, inputs=inputs, source=source
    )


def check_stages(stages: Any, inputs: Mapping[str, str], source: str) -> tuple[str, ...]:
    """The stages in order, every one known, named once, and with what it reads made before it."""
    if stages is None or not (chain := fields.convert(tuple[str, ...], stages, "stages", source)):
        raise ConfigError(f'{source} names no stages; write for example stages = ["data", "tokenizer", "train"]')
    for place, name in enumerate(chain):
        if name not in STAGES:
            raise ConfigError(f"{source}: '{name}' is not a stage; {did_you_mean(name, STAGES)}")
        if name in chain[:place]:
            raise ConfigError(f"{source}: stage '{name}' stands twice; name it once")
        for role in STAGES[name].needs:
            if role not in inputs and not (set(makers(role)) & set(chain[:place])):
                raise ConfigError(f"{source}: {_missing(name, role, chain)}")
    return chain


def _missing(stage: str, role: str, chain: Sequence[str]) -> str:
    made_by = makers(role)
    later = next((name for name in chain if name in made_by), None)
    if later:
        return (
            f"stage '{stage}' stands before '{later}', which makes the {role} it reads; put '{later}' before '{stage}'"
        )
    return f"stage '{stage}' reads the {role} of an earlier stage and none makes it; put '{made_by[0]}' before it, or give a folder as inputs.{role}"


def _known_section(section: str, source: str) -> None:
    if section != "model" and section not in SECTIONS:
        raise ConfigError(
            f"{source}: '{section}' is not a table or key of a recipe; {did_you_mean(section, [*SECTIONS, 'model', *TOP])}"
        )


def _class(section: str, raw: Mapping[str, Any]) -> type:
    """The dataclass that reads a table; the model's depends on its model_type."""
    if section == "model":
        from groundup.model import architectures

        model_type = raw.get("model", {}).get("model_type", "qwen3")
        if not architectures.is_family(model_type):
            raise ConfigError(
                f"model.model_type = {fields.shown(model_type)} is not a family; {did_you_mean(str(model_type), architectures.FAMILIES)}"
            )
        return architectures.FAMILIES[model_type][0]
    found = SECTIONS[section]
    if section == "align":
        from groundup.alignment.methods import METHODS

        table = raw.get("align")
        method = str(table.get("method", "grpo")) if isinstance(table, Mapping) else "grpo"
        if method not in METHODS:
            raise ConfigError(f"align.method = {fields.shown(method)} is no method; {did_you_mean(method, METHODS)}")
        found = METHODS[method]
    module, _, name = found.partition(":")
    return getattr(importlib.import_module(module), name)


def _configs(raw: Mapping[str, Any], stages: Sequence[str], seed: int, source: str) -> dict[str, Any]:
    """The checked configuration of every table that the stages read; a `seed`, `device`, `dtype` left out is the run's own."""
    needed = ["machine", *dict.fromkeys(section for stage in stages for section in STAGES[stage].sections)]
    configs: dict[str, Any] = {}
    for section in needed:
        table = raw.get(section, {})
        if not isinstance(table, Mapping):
            raise ConfigError(f"{source}: {section} is a table; write [{section}] on a line and its keys below")
        shared = {"seed": seed} | (fields.plain(configs["machine"]) if configs else {})
        if section == "model":
            shared = {"vocab_size": vocabulary(table, configs.get("tokenizer"), source)}
        cls = _class(section, raw)
        known = {key: value for key, value in shared.items() if key in fields.hints(cls)}
        kept = {key: value for key, value in table.items() if not (section == "model" and key == "model_type")}
        configs[section] = fields.build(cls, known | kept, section, source)
    _check_objective(configs, stages, source)
    check_lengths(configs, source)
    return configs


def _check_objective(configs: dict[str, Any], stages: Sequence[str], source: str) -> None:
    """Refuse a model that cannot learn the objective; give the tokenizer of the run the tokens that it needs."""
    from groundup.training.objectives import registry

    if not {"model", "train"} <= configs.keys():
        return
    try:
        registry.check(configs["model"], configs["train"], stages)
        registry.check_head(configs["model"], configs["train"].objective)
        if "tokenizer" in configs:
            marks = registry.with_marks(configs["tokenizer"], configs["train"])
            configs["tokenizer"] = dataclasses.replace(configs["tokenizer"], special_tokens=marks)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def vocabulary(model: Mapping[str, Any], tokenizer: Any, source: str) -> int:
    """The model's vocabulary is the tokenizer's. One that comes as a folder is only read when the model is made: until then any size will do."""
    size = model.get("vocab_size", 4096) if tokenizer is None else tokenizer.vocab_size
    if model.get("vocab_size", size) != size:
        raise ConfigError(
            f"{source}: model.vocab_size={model['vocab_size']} is not tokenizer.vocab_size={size}; leave it out of [model]"
        )
    return size


def check_lengths(configs: Mapping[str, Any], source: str) -> None:
    """Refuse rows or answers that are longer than the model's context."""
    context = configs["model"].longest if "model" in configs else None
    for section, name in (("train", "seq_len"), ("tune", "seq_len"), ("align", "max_new_tokens")):
        length = getattr(configs.get(section), name, 0)
        if context is not None and length > context:
            raise ConfigError(
                f"{source}: {section}.{name}={length} is more than model.max_position_embeddings={context}; "
                f"use {section}.{name}={context}, or a model with max_position_embeddings={length}"
            )
