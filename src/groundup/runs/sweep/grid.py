"""A sweep as data, and how it is run: sizes, budgets and seeds, as runs of one recipe in one run folder.

    name = "sweep"                             what all runs share: an ordinary recipe
    stages = ["data", "tokenizer", "train"]
    [sweep]
    seeds = [1, 2, 3]
    budgets = [1e11, 3e11, 9e11]               training FLOPs; each size is trained with each of them: an IsoFLOP profile a budget
    fewest_steps = 80                          runs of fewer or more steps are left out: too short to warm up, too long to wait for
    most_steps = 4000
    measure = "bits_per_byte_tinyworld"        a number of train's metrics.jsonl; its last value counts, less is better
    [sizes."64 x 4".model]                     a size: the keys of [model] it changes
    hidden_size = 64

The number of steps follows: budget / (FLOPs a token * tokens a step). Every run is whole, its rate falls to 0 at its own end: the loss in
the middle of a longer run is not that of a shorter one (Hoffmann et al. 2022, arXiv:2203.15556, section 2). It is an ablation
(`groundup.runs.ablation.study`) whose variants are made from the grid: stages are kept by their key, a killed sweep goes on, another budget or
size costs only its own runs, and seeds stand outside, so that after the first there is a whole law already.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import ConfigError
from groundup.runs import fields, recipe
from groundup.runs.ablation import study
from groundup.runs.recipe import Recipe

OnRun = Callable[[str, int, int, int], None]  # name, seed, number of the run, of how many


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepConfig:
    """The table [sweep]: budgets, seeds, and what is measured."""

    budgets: tuple[float, ...] = (1e11, 3e11, 9e11)
    """training FLOPs of a run; each size is trained with each"""
    seeds: tuple[int, ...] = (1, 2, 3)
    """each is train.seed once: first weights and order of the data"""
    fewest_steps: int = 80
    """runs of fewer steps are left out"""
    most_steps: int = 4000
    """runs of more steps are left out"""
    measure: str = "bits_per_byte_tinyworld"
    """the number of train's metrics whose last value is a run's loss"""

    def __post_init__(self) -> None:
        if len(set(self.budgets)) < 2 or not all(0 < budget < float("inf") for budget in self.budgets):
            raise ConfigError(
                f"budgets={list(self.budgets)} fix no law; name two or more numbers of FLOPs, such as [1e11, 3e11, 9e11]"
            )
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"seeds={list(self.seeds)} cannot be; name each once, such as [1, 2, 3]")
        if not 1 <= self.fewest_steps <= self.most_steps:
            raise ConfigError(
                f"fewest_steps={self.fewest_steps} and most_steps={self.most_steps} leave no run; use such as 80 and 4000"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One place of the grid: a size, a budget, and the steps that follow."""

    size: str
    budget: float
    steps: int
    tokens: int
    flops_per_token: float
    parameters: int

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.size}, {self.budget:.2g} FLOPs"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    """A sweep that was read: what all runs share, the places of the grid, and the keys each size changes."""

    base: Mapping[str, Any]
    sizes: Mapping[str, Mapping[str, Any]]
    config: SweepConfig
    source: str

    def recipe(self, point: Point, seed: int) -> Recipe:
        """The whole recipe of one run."""
        raw = recipe.merge(self.base, self.sizes[point.size])
        return self._resolve(recipe.merge(raw, {"train": {"seed": seed, "steps": point.steps}}), point.size)

    def points(self) -> list[Point]:
        """The grid: every size with every budget that gives it a number of steps within the limits."""
        made = [self._point(size, budget) for budget in sorted(self.config.budgets) for size in self.sizes]
        return [point for point in made if self.config.fewest_steps <= point.steps <= self.config.most_steps]

    def _point(self, size: str, budget: float) -> Point:
        from groundup.model.accounting import count

        made = self._resolve(recipe.merge(self.base, self.sizes[size]), size)
        train, counted = made.configs["train"], count(made.configs["model"])
        flops = counted.training_flops_per_token(train.seq_len)
        steps = round(budget / (flops * train.tokens_per_step))
        return Point(
            size=size,
            budget=budget,
            steps=steps,
            tokens=steps * train.tokens_per_step,
            flops_per_token=flops,
            parameters=counted.parameters,
        )

    def _resolve(self, raw: Mapping[str, Any], size: str) -> Recipe:
        return recipe.resolve(raw, f"{self.source}, size '{size}'")


def is_sweep(raw: Mapping[str, Any]) -> bool:
    """Whether a recipe's plain tables hold sizes."""
    return "sizes" in raw


def read(source: str | Path, overrides: Sequence[str] = (), changes: Mapping[str, Any] | None = None) -> Sweep:
    """The sweep of that name or file; `--set` lines change what all runs share, or [sweep] itself. Every run is checked now."""
    raw = recipe.merge(recipe.read(source), changes or {})
    sizes, table = raw.pop("sizes", {}), dict(raw.pop("sweep", {}))
    for line in overrides:
        section, _, rest = line.partition(".")
        key, equals, text = rest.partition("=")
        if section == "sweep" and equals:
            table[key.strip()] = fields.parse_value(text.strip())
        else:
            recipe.override(raw, line)
    where = f"recipe {source}"
    sweep = Sweep(base=raw, sizes=sizes, config=fields.build(SweepConfig, table, "sweep", where), source=where)
    check(sweep)
    return sweep


def check(sweep: Sweep) -> None:
    """Refuse what would give no law."""
    sizes = sweep.sizes
    if not isinstance(sizes, Mapping) or len(sizes) < 2:
        raise ConfigError(
            f'{sweep.source} has fewer than two sizes; write for example [sizes."64 x 4".model] and hidden_size = 64'
        )
    for name, tables in sizes.items():
        if not isinstance(tables, Mapping) or set(tables) != {"model"} or not isinstance(tables["model"], Mapping):
            raise ConfigError(
                f"{sweep.source}: size '{name}' may change [model] and nothing else; write [sizes.\"{name}\".model]"
            )
    if "train" not in sweep.base.get("stages", ()):
        raise ConfigError(f'{sweep.source} trains nothing; write stages = ["data", "tokenizer", "train"]')
    points = sweep.points()
    if len({point.size for point in points}) < 2 or len({point.tokens for point in points}) < 2:
        raise ConfigError(
            f"{sweep.source}: only {len(points)} runs have between {sweep.config.fewest_steps} and {sweep.config.most_steps} steps; "
            "raise sweep.budgets, or widen fewest_steps and most_steps"
        )
    for point in points:
        sweep.recipe(point, sweep.config.seeds[0])


def run(
    sweep: Sweep,
    folder: str | Path,
    *,
    command: str = "",
    on_run: OnRun = lambda name, seed, number, of: None,
    keep: Callable[[list[dict[str, Any]]], None] = lambda rows: None,
) -> list[dict[str, Any]]:
    """Bring every run to its end; a row each. keep: told after each what there is so far."""
    rows: list[dict[str, Any]] = []
    order = [(point, seed) for seed in sweep.config.seeds for point in sweep.points()]
    for number, (point, seed) in enumerate(order, 1):
        on_run(point.name, seed, number, len(order))
        rows.append(row(sweep, point, seed, Path(folder), command))
        keep(rows)
    return rows


def row(sweep: Sweep, point: Point, seed: int, folder: Path, command: str = "") -> dict[str, Any]:
    """One run as a row: where it stands in the grid, its loss, or the sentence with which it diverged."""
    whole = study.Study(
        base=recipe.merge(sweep.base, {"train": {"steps": point.steps}}),
        variants={point.size: sweep.sizes[point.size]},
        config=study.AblationConfig(seeds=(seed, seed + 1), measure=sweep.config.measure),
        source=sweep.source,
    )
    found = study.outcome(whole, point.size, seed, folder, command)
    place = {"size": point.size, "budget": point.budget, "steps": point.steps, "tokens": point.tokens}
    return place | {"flops": point.flops_per_token * point.tokens, "parameters": point.parameters} | found


def floor(folder: str | Path) -> float | None:
    """The exact bits per byte of tinyworld's held-out documents, below which no model comes; None where there are none.

    Training measures on the first of them only, whose own floor is what counts.
    """
    from groundup.data.folder import DataFolder
    from groundup.runs.heldout import VALIDATION_BYTES, first_bytes

    for place in sorted(Path(folder).glob("stages/*-data-*/documents")):
        data = DataFolder.open(place)
        if "tinyworld" in data.worlds:
            shown = len(first_bytes(data.texts("tinyworld", "heldout"), VALIDATION_BYTES))
            from groundup.data.build import floor as exact

            return float(exact(list(data.documents("tinyworld", "heldout", shown)))["bits_per_byte"])
    return None


def rows_of(path: str | Path) -> list[dict[str, Any]]:
    """The rows of a sweep's results.json that have a loss."""
    return [one for one in files.read_json(path)["runs"] if "value" in one]
