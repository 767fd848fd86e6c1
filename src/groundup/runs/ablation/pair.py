"""Two configurations of one recipe, trained from the same seeds: an ablation with one variant, and a verdict instead of a table.

    groundup run demo-fast --against train.optimizer=adamw --seeds 3

The other configuration is the recipe with the keys of `--against`. Both are stages of one run folder, so what was trained once is not
trained again, and a killed comparison goes on. What the verdict means: `training/loop/compare.py`.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import ConfigError
from groundup.runs import recipe
from groundup.runs.ablation import study
from groundup.runs.ablation.study import BASE, AblationConfig, Study
from groundup.training.loop.compare import Verdict, compare


def read(
    source: str | Path,
    against: Sequence[str],
    seeds: int,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> Study:
    """The recipe, and beside it the same with the lines of `against`; only what is needed to train is run."""
    if seeds < 2:
        raise ConfigError(f"--seeds {seeds} gives no interval; use 2 or more, such as 3")
    where, raw = f"recipe {source}", recipe.read(source)
    if study.is_ablation(raw):
        raise ConfigError(f"{where} has variants already; `groundup run {source}` compares them, leave --against out")
    raw = recipe.changed(raw, overrides, changes or {}, where)
    stages = list(raw.get("stages", ()))
    raw["stages"] = stages[: stages.index("train") + 1] if "train" in stages else stages
    other = copy.deepcopy(raw)
    for line in against:
        if "." not in line.partition("=")[0]:
            raise ConfigError(
                f"--against {line} cannot be compared; change a key of a table, such as train.optimizer=lion"
            )
        recipe.override(other, line)
    variant = {
        table: {key: value for key, value in keys.items() if raw.get(table, {}).get(key) != value}
        for table, keys in other.items()
        if isinstance(keys, Mapping) and keys != raw.get(table)
    }
    first = int(raw.get("seed", 1))
    # compared are losses; the measure of an ablation must only be there
    config = AblationConfig(seeds=tuple(range(first, first + seeds)), measure="loss")
    made = Study(base=raw, variants={" ".join(against): variant}, config=config, source=where)
    study.check(made)
    return made


def verdict(made: Study, outcomes: Mapping[str, Sequence[Mapping[str, Any]]], folder: str | Path) -> Verdict:
    """Compare what both left, pair by pair; ConfigError names a side that diverged."""
    for name, runs in outcomes.items():
        for run in runs:
            if "failed" in run:
                raise ConfigError(f"{name} from seed {run['seed']} cannot be compared: {run['failed']}")
    curves = {name: [losses(Path(folder) / "stages" / run["stage"]) for run in runs] for name, runs in outcomes.items()}
    return compare(curves.pop(BASE), *curves.values())


def losses(stage: Path) -> list[float]:
    """The losses of a stage, a number for every step; where one was no number (and skipped), that of the step before."""
    found: list[float] = []
    for record in files.read_jsonl(stage / "metrics.jsonl"):
        if "loss" in record and "step" in record:
            found.append(record["loss"] if record["loss"] is not None else found[-1] if found else 0.0)
    return found
