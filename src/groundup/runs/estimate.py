"""What a run will cost, before it starts: parameters, tokens, operations, disk, memory and time of each stage, on this machine.

A run in small (`runs.measurement`) gives the seconds of one unit of each kind of work, the peak of memory and the size of the files; the recipe says how many
units there will be. The measurement is kept in the user's cache folder for this machine and recipe. Compare a forecast with the truth only after dividing by
the machine's drift: `matmul_seconds` is its time for a fixed product when the forecast was made.
"""

import dataclasses
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundup import files, progress, slots
from groundup.errors import ConfigError
from groundup.processor import machine_name
from groundup.runs import child, measurement
from groundup.runs.keys import digest, outside
from groundup.runs.recipe import Recipe, table_of
from groundup.runs.resources import give_back, memory_bytes
from groundup.runs.stages import STAGES
from groundup.training.schedules import batches_before

if TYPE_CHECKING:
    from groundup.model.accounting import Training

FORMAT = 9
# Over all its rounds, with answers of every length, `align` peaks above the first twelve: by 7 to 12 % in three runs of the demo.
MORE_ROUNDS = {"align": 1.07}
LATER_CLOSING = 1.15  # rows of a batch leave at different times: a token of a tuned model's answer costs this much more than its share


def keep(
    recipe: Recipe, folder: Path, inputs: Mapping[str, Path], *, may_measure: bool = True
) -> dict[str, Any] | None:
    """The forecast of a run whose documents and tokenizer are there already, kept in its folder for the report to compare with the truth.

    may_measure: False takes only a forecast that is kept already, and is None without one.
    """
    kept, path = folder / "forecast.json", cache_path(recipe)
    if kept.exists() and files.read_json(kept).get("of") == path.name:
        return files.read_json(kept)
    kept.unlink(missing_ok=True)  # of other settings
    if not path.is_file() and not may_measure:
        return None
    forecast = files.read_json(path) if path.is_file() else from_measured(recipe, measure(recipe, inputs), held_bytes())
    files.write_json(kept, forecast | {"of": path.name})
    return forecast


def held_bytes() -> int:
    """What this process holds before it trains: torch, and what earlier stages of a run leave (compiled code above all)."""
    import torch  # noqa: F401

    give_back()
    return memory_bytes()


def estimate(recipe: Recipe, *, again: bool = False) -> dict[str, Any]:
    """The forecast for this machine: from the measurement that was kept, or from a new one."""
    path = cache_path(recipe)
    if path.is_file() and not again:
        return files.read_json(path)
    forecast = from_measured(recipe, measure(recipe))
    files.write_json(path, forecast)
    return forecast


def cache_path(recipe: Recipe) -> Path:
    """Where the forecast of this recipe on this machine is kept."""
    tables = {name: table_of(config) for name, config in recipe.configs.items()}
    about = [
        FORMAT,
        recipe.stages,
        tables,
        machine_name(),
        slots.source_hash(),
        [outside(recipe, STAGES[stage]) for stage in recipe.stages],
    ]
    return files.cache_folder() / f"forecast-{digest(about)[:16]}.json"


def measure(recipe: Recipe, inputs: Mapping[str, Path] | None = None) -> dict[str, Any]:
    """Run in small in a child process, from the documents and tokenizer given or made anew; a user's mistake that shows there is raised here."""
    given = {role: str(path.resolve()) for role, path in (inputs or {}).items()}
    stages = tuple(stage for stage in recipe.stages if STAGES[stage].makes not in given)
    recipe = dataclasses.replace(recipe, stages=stages, inputs=dict(recipe.inputs) | given)
    progress.say(f"measuring a few steps of {recipe.name} on this machine")
    with tempfile.TemporaryDirectory(prefix="groundup-") as folder:
        files.write_text(Path(folder) / "recipe.toml", recipe.to_toml())
        environment = os.environ | {"GROUNDUP_QUIET": "1"}
        command = child.command("measurement", folder)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        child.raise_mistake(done.returncode, done.stderr)
        if child.lacked_memory(done.returncode, done.stderr):
            raise ConfigError(no_memory(recipe))
        assert done.returncode == 0, f"the measurement failed: {done.stderr.strip()[-2000:]}"
        return files.read_json(Path(folder) / measurement.RESULT)


def no_memory(recipe: Recipe) -> str:
    """What to do where even the run in small does not fit."""
    config = recipe.configs.get("train")
    way = "try a smaller model" if config is None else child.ways(config)
    return f"a few steps of {recipe.name} already need more memory than this machine gives; {way}"


def from_measured(recipe: Recipe, measured: Mapping[str, Any], held: int = 0) -> dict[str, Any]:
    """The forecast of the full recipe from the run in small.

    held: the memory of the process that will run it; what it holds more than the small run did at its beginning stays through all stages.
    """
    small = measurement.small(recipe, 1)
    began = next(iter(measured["stages"].values()))["done"]["cost"]["start_memory_bytes"]
    more = max(0, held - began)
    stages = [
        stage_forecast(recipe, small, name, measured, more) for name in recipe.stages if name in measured["stages"]
    ]
    matmul = [
        seconds
        for entry in measured["stages"].values()
        for seconds in entry["done"]["cost"]["matmul_seconds"]
        if seconds
    ]
    model = measured["stages"].get("train", {}).get("done", {}).get("numbers", {}).get("model", {})
    return {
        "recipe": recipe.name,
        "machine": machine_name(),
        "parameters": model.get("parameters"),
        "matmul_seconds": sorted(matmul)[len(matmul) // 2] if matmul else None,
        "stages": stages,
        "seconds": sum(stage["seconds"] for stage in stages),
        "memory_bytes": max((stage["memory_bytes"] for stage in stages), default=0),
        "disk_bytes": sum(stage["disk_bytes"] for stage in stages),
    }


def uses(recipe: Recipe) -> list[dict[str, Any]]:
    """What its model costs in use, counted and not measured: answering, a step as [train] has it, LoRA; [] where none is trained."""
    if "model" not in recipe.configs or "train" not in recipe.configs:
        return []
    from groundup.model.summary import costs

    model, dtype = recipe.configs["model"], recipe.configs["machine"].dtype
    dtype = {"auto": "float32", "float8": "bfloat16"}.get(dtype, dtype)  # the larger one
    return costs(model, model.max_position_embeddings, dtype, step_of(recipe.configs["train"], dtype))


def step_of(config: Any, dtype: str) -> "Training":
    """A step of [train] in accounting's words."""
    from groundup.model.accounting import Training

    mode = config.activation_checkpointing
    return Training(
        batch=config.batch_size,
        dtype="bfloat16" if dtype == "float8" else dtype,
        seq_len=config.seq_len,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        optimizer="_".join(filter(None, (config.optimizer, config.optimizer_state))),
        checkpointing=mode == "layers",
        offload=mode == "offload",
        every=config.activation_checkpointing_every,
    )


def stage_forecast(
    recipe: Recipe, small: Recipe, name: str, measured: Mapping[str, Any], more_bytes: int = 0
) -> dict[str, Any]:
    """One stage: its time from the units of the small run, its memory as it was there and what the run holds beyond."""
    entry = measured["stages"][name]
    done, numbers = entry["done"], entry["done"]["numbers"]
    seconds = done["cost"]["seconds"]
    if name in UNITS:
        seconds += UNITS[name](recipe, small, numbers, measured)
    steps = steps_of(recipe, name, numbers)
    return {
        "name": name,
        "seconds": max(seconds, 0.0),
        "memory_bytes": round(done["cost"]["peak_memory_bytes"] * MORE_ROUNDS.get(name, 1.0)) + more_bytes,
        "disk_bytes": disk_bytes(recipe, name, entry["disk_bytes"], steps, numbers),
        **operations(recipe, name, steps, numbers),
    }


def steps_of(recipe: Recipe, name: str, numbers: Mapping[str, Any]) -> int:
    """How many steps a training stage of the full recipe makes."""
    config: Any = recipe.configs.get(name)
    if name == "tune":
        rows = config.batch_size * config.gradient_accumulation_steps
        return config.steps or max(1, -(-round(config.epochs * numbers["rows_per_epoch"]) // rows))
    if name == "align" and hasattr(config, "pairs"):
        return config.steps or max(1, round(config.epochs * config.pairs / config.batch_size))
    return getattr(config, "steps", 0) if name in ("train", "align") else 0


def calls(every: int, steps: int) -> int:
    """How often something that comes every so many steps, and after the last, comes."""
    return max(1, -(-steps // every) if every else 1)


def full_steps(config: Any, steps: int) -> float:
    """To how many steps of a whole batch so many first ones come: while a batch still grows a step is a part of one."""
    ramp, whole = getattr(config, "batch_ramp_steps", 0), getattr(config, "gradient_accumulation_steps", 1)
    return batches_before(steps, whole, ramp) / whole


def more_steps(recipe: Recipe, small: Recipe, name: str, numbers: Mapping[str, Any]) -> float:
    """The seconds of the steps, validations, samples and checkpoints that the full run has more of than the small one."""
    config, little = recipe.configs[name], small.configs[name]
    steps, units = steps_of(recipe, name, numbers), numbers["units"]
    pace = "mean" if name == "train" else "typical"  # of a handful of steps the mean is what interrupted one
    seconds = (full_steps(config, steps) - little.steps) * units["step"][pace]
    other = {"validation": "validate_every", "sample": "sample_every"}
    for kind, every in other.items():
        if kind in units:
            seconds += (calls(getattr(config, every), steps) - units[kind]["count"]) * units[kind]["typical"]
    more = calls(config.checkpoint_every, steps) - calls(little.checkpoint_every, little.steps)
    return seconds + more * numbers["checkpoint_seconds"]


def more_training(recipe: Recipe, small: Recipe, numbers: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    """`train`: more steps."""
    return more_steps(recipe, small, "train", numbers)


def more_tuning(recipe: Recipe, small: Recipe, numbers: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    """`tune`: more steps."""
    return more_steps(recipe, small, "tune", numbers)


def more_rounds(recipe: Recipe, small: Recipe, numbers: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    """`align`: more rounds."""
    return more_steps(recipe, small, "align", numbers)


def more_pairs(recipe: Recipe, small: Recipe, numbers: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    """`reward`: more steps, for each member of an ensemble."""
    config, little = recipe.configs["reward"], small.configs["reward"]
    full = -(-round(config.epochs * config.pairs) // config.batch_size) * config.members
    done = -(-round(little.epochs * little.pairs) // little.batch_size)
    return (full - done) * numbers["units"]["step"]["typical"]


def more_questions(recipe: Recipe, small: Recipe, numbers: Mapping[str, Any], measured: Mapping[str, Any]) -> float:
    """`eval`: a second model that reads, more questions, and the models that the small run did not ask."""
    config, little, units = recipe.configs["eval"], small.configs["eval"], numbers["units"]
    models = sum(STAGES[stage].makes == "model" for stage in recipe.stages)
    seconds = units["token read"]["seconds"] * (min(2, models) - 1)
    asked = {kind: entry for kind, entry in units.items() if kind.startswith("answer of")}
    more = config.instructions / max(1, little.instructions) - 1
    seconds += sum(entry["seconds"] for entry in asked.values()) * more
    if asked and measured["answering"] and models > 1:
        cost = measured["answering"]
        batch = cost["read_seconds"] + LATER_CLOSING * cost["token_seconds"] * measured["answer_tokens"]
        seconds += (models - 1) * batch * 2 * config.instructions / cost["rows"]
    return seconds


UNITS = {
    "train": more_training,
    "tune": more_tuning,
    "reward": more_pairs,
    "align": more_rounds,
    "eval": more_questions,
}


def disk_bytes(recipe: Recipe, name: str, sizes: Mapping[str, int], steps: int, numbers: Mapping[str, Any]) -> int:
    """A stage's folder: as many checkpoints as are kept, lines in proportion to the steps."""
    config = recipe.configs.get(name)
    every, made = getattr(config, "keep_every", 0), calls(getattr(config, "checkpoint_every", 0), steps)
    stay = getattr(config, "keep_checkpoints", 2) + getattr(config, "keep_best", 0) + (steps // every if every else 0)
    kept = min(stay, made + (steps // every if every else 0)) if steps else 0
    grown = steps / max(1, numbers.get("steps", 1)) if steps else 1
    return round(sizes["rest"] + kept * sizes["checkpoint"] + grown * sizes["lines"])


def operations(recipe: Recipe, name: str, steps: int, numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens and floating-point operations of a stage that trains on rows of tokens."""
    if name not in ("train", "tune") or "model" not in recipe.configs:
        return {}
    from groundup.model.accounting import count

    config = recipe.configs[name]
    tokens = round(full_steps(config, steps) * config.batch_size * config.seq_len * config.gradient_accumulation_steps)
    return {"tokens": tokens, "flops": tokens * count(recipe.configs["model"]).training_flops_per_token(config.seq_len)}
