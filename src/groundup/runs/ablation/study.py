"""An ablation as data, and how it is run: base and variants, each from every seed, as runs of one recipe in one run folder.

    name = "ablation"                          the base: an ordinary recipe
    stages = ["data", "tokenizer", "train"]
    [ablation]
    seeds = [1, 2, 3]                          each is train.seed once: first weights and order of the data
    measure = "bits_per_byte_tinyworld"        a number of train's metrics.jsonl; its last value counts, less is better
    [variants."QK-norm".model]                 a variant: the keys it changes, merged over the base
    qk_norm = true

Stages are kept by their key, so data and tokenizer are made once, a killed ablation goes on where it was, and a variant that is
added later costs only itself. Seeds stand outside, variants inside: after the first seed there is a whole table already. All
variants see the same batches in the same order, and as many: what is compared is the loss at equal steps, not at equal time.
A run that diverges is a result and stays in the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import ConfigError, Diverged
from groundup.runs import fields, recipe, runner
from groundup.runs.recipe import Recipe

BASE = "base"
CHANGEABLE = ("tokenizer", "model", "train")  # other documents or another machine would be another comparison

OnRun = Callable[[str, int, int, int], None]  # variant, seed, number of the run, of how many


@dataclass(frozen=True, kw_only=True, slots=True)
class AblationConfig:
    """The table [ablation]: from which seeds each variant is trained, and what is compared."""

    seeds: tuple[int, ...] = (1, 2, 3)
    measure: str = "bits_per_byte_tinyworld"

    def __post_init__(self) -> None:
        if len(self.seeds) < 2 or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(
                f"seeds={list(self.seeds)} gives no interval; name two or more, each once, such as [1, 2, 3]"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """An ablation that was read: plain tables of the base, and of what each variant changes."""

    base: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    config: AblationConfig
    source: str

    @property
    def names(self) -> list[str]:
        """The base and every variant, in the order of the file."""
        return [BASE, *self.variants]

    def recipe(self, variant: str, seed: int) -> Recipe:
        """The whole recipe of one run."""
        raw = recipe.merge(self.base, self.variants.get(variant, {}))
        where = self.source if variant == BASE else f"{self.source}, variant '{variant}'"
        return recipe.resolve(recipe.merge(raw, {"train": {"seed": seed}}), where)


def is_ablation(raw: Mapping[str, Any]) -> bool:
    """Whether a recipe's plain tables hold variants."""
    return "variants" in raw


def read(source: str | Path, overrides: Sequence[str] = (), changes: Mapping[str, Any] | None = None) -> Study:
    """The ablation of that name or file; `--set` lines change the base, or [ablation] itself. Every variant is checked now."""
    raw = recipe.turned(recipe.read(source), changes or {}, f"recipe {source}")
    variants, table = raw.pop("variants", {}), dict(raw.pop("ablation", {}))
    for line in overrides:
        section, _, rest = line.partition(".")
        key, equals, text = rest.partition("=")
        if section == "ablation" and equals:
            table[key.strip()] = fields.parse_value(text.strip())
        else:
            recipe.override(raw, line)
    where = f"recipe {source}"
    study = Study(
        base=raw, variants=variants, config=fields.build(AblationConfig, table, "ablation", where), source=where
    )
    check(study)
    return study


def check(study: Study) -> None:
    """Refuse what would compare nothing, or something else than the variants."""
    if not isinstance(study.variants, Mapping) or not study.variants:
        raise ConfigError(
            f"{study.source} has no variants; write for example [variants.wider.model] and the keys it changes"
        )
    seed = study.config.seeds[0]
    base = study.recipe(BASE, seed)
    if "train" not in base.stages:
        raise ConfigError(f'{study.source} trains nothing to compare; write stages = ["data", "tokenizer", "train"]')
    for name, tables in study.variants.items():
        if name == BASE or not isinstance(tables, Mapping) or not all(isinstance(t, Mapping) for t in tables.values()):
            raise ConfigError(
                f"{study.source}: variants.{name} cannot be; give it another name and tables, such as [variants.{name}-2.model]"
            )
        if outside := set(tables) - set(CHANGEABLE):
            raise ConfigError(
                f"{study.source}: variant '{name}' changes {', '.join(sorted(outside))}; only {', '.join(CHANGEABLE)} can differ, "
                "as all variants read the same documents"
            )
        if study.recipe(name, seed).configs == base.configs:
            raise ConfigError(f"{study.source}: variant '{name}' is the base; change a key or remove it")


def run(
    study: Study,
    folder: str | Path,
    *,
    command: str = "",
    on_run: OnRun = lambda variant, seed, number, of: None,
    keep: Callable[[Mapping[str, list[dict[str, Any]]]], None] = lambda outcomes: None,
) -> dict[str, list[dict[str, Any]]]:
    """Bring every run to its end; variant -> what each seed gave. keep: told after each run what there is so far."""
    outcomes: dict[str, list[dict[str, Any]]] = {name: [] for name in study.names}
    order = [(name, seed) for seed in study.config.seeds for name in study.names]
    for number, (name, seed) in enumerate(order, 1):
        on_run(name, seed, number, len(order))
        outcomes[name].append(outcome(study, name, seed, Path(folder), command))
        keep(outcomes)
    if (
        "value" in outcomes[BASE][0]
    ):  # what stands at the top of the folder is the base's, and not that of whoever came last
        runner.run(study.recipe(BASE, study.config.seeds[0]), folder, command=command)
    return outcomes


def outcome(study: Study, variant: str, seed: int, folder: Path, command: str = "") -> dict[str, Any]:
    """One run: its measure, its time a step and its size; or the sentence with which it diverged."""
    try:
        done = runner.run(study.recipe(variant, seed), folder, command=command)
    except Diverged as error:  # what else stops a run (a user's mistake, a full disk, Ctrl-C) is nothing a variant did
        return {"seed": seed, "failed": str(error)}
    train = next(stage for stage in done.stages if stage.name == "train")
    records = files.read_jsonl(train.folder / "metrics.jsonl")
    model = train.done["numbers"].get("model", {})
    return {
        "seed": seed,
        "value": measured(records, study.config.measure, study.source),
        "milliseconds": 1000 * quick([record["seconds"] for record in records if "seconds" in record]),
        "parameters": model.get("parameters"),
        "stage": train.folder.name,
    }


def measured(records: Sequence[Mapping[str, Any]], name: str, source: str) -> float:
    """The last value of a measure in a stage's metrics."""
    found = [record[name] for record in records if name in record]
    if not found:
        known = sorted({key for record in records for key, value in record.items() if isinstance(value, float)})
        raise ConfigError(f"{source}: ablation.measure={name!r} was not recorded; use one of {', '.join(known)}")
    return float(found[-1])


def quick(seconds: Sequence[float]) -> float:
    """The time that nine of ten steps take at least: what else the machine does makes steps slower, never faster.

    >>> quick([3.0, 1.0, 2.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0])
    2.0
    """
    return sorted(seconds)[len(seconds) // 10]
