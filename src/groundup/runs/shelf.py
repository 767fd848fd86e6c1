"""The runs of a folder: what each is and how far it came, where two of them differ, and what can be removed."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, GroundupError, InputError
from groundup.runs import keys, recipe
from groundup.runs.claim import owner
from groundup.runs.stages import STAGES


def entries(folder: Path) -> list[dict[str, Any]]:
    """One entry a run inside `folder`, newest first."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}; `groundup demo` makes the first run in runs/")
    found = [entry(run) for run in folder.iterdir() if owner(run)]
    return sorted(found, key=lambda one: one["when"], reverse=True)


def entry(run: Path) -> dict[str, Any]:
    """What one run is: its recipe, its stages so far, its scores, its size."""
    raw = _recipe(run)
    done = [path.parent.name for path in sorted((run / "stages").glob("*/done.json"))]
    results = results_of(run)
    stages = raw.get("stages", [])
    ended = [stage for stage in stages if any(f"-{stage}-" in name for name in done)]
    return {
        "run": str(run),
        "recipe": raw["name"],
        "when": (run / "recipe.toml").stat().st_mtime,
        "stages": stages,
        "ended": ended,
        "finished": bool(results) and len(ended) == len(stages),
        "size_bytes": size_bytes(run),
        "results": results,
        "progress": {} if len(ended) == len(stages) else progress(run),
    }


def progress(run: Path) -> dict[str, Any]:
    """How far the stage came that was written to last and has not ended: step, loss, pace, time left, and whether a process is at it."""
    from groundup.training.monitor.monitoring import progress_of

    open_ones = [path for path in (run / "stages").glob("*/metrics.jsonl") if not (path.parent / "done.json").exists()]
    if not open_ones:
        return {}
    newest = max(open_ones, key=lambda path: path.stat().st_mtime)
    stage = newest.parent.name.split("-")[1]
    steps = _recipe(run).get(stage, {}).get("steps", 0)
    found = progress_of(files.read_jsonl(newest), steps)
    return {"stage": stage, **found, "running": files.locked(run)} if found else {}


def said(run: Path, *, step: int | None = None, around: int = 0, **where: Any) -> tuple[list[Any], list[Any]]:
    """The lines of a run's logs in order, and the metrics of the step that was asked for. run: its folder, or its name in runs/."""
    from groundup.training.monitor import logging

    run = run if run.exists() or not (Path("runs") / run).is_dir() else Path("runs") / run
    if not owner(run):
        raise InputError(f"{run} is not a run folder; `groundup runs list` shows those in runs/")
    lines: list[Any] = []
    metrics: list[Any] = []
    for stage in sorted((run / "stages").iterdir()):
        lines += logging.search(logging.merged(logging.streams(stage)), step=step, around=around, **where) if any(stage.glob("logs/*")) else []
        if step is not None and (stage / "metrics.jsonl").exists():
            near = (one for one in files.read_jsonl(stage / "metrics.jsonl") if abs(one.get("step", -1) - step) <= around)
            metrics += [{"stage": stage.name, **one} for one in near]
    return lines, metrics


def checkpoints(run: Path, *, read: bool = True) -> list[dict[str, Any]]:
    """The checkpoints of every stage of a run; of a folder that the training loop was given by itself, its own.

    read: hold every byte to its checksum.
    """
    from groundup.training.checkpoint import inventory

    folders = sorted({*run.glob("stages/*/checkpoints"), *run.glob("checkpoints")})
    if not folders:
        raise InputError(f"{run} holds no checkpoints; `groundup runs list` shows the runs in runs/")
    return [one for folder in folders for one in inventory(folder, read)]


def results_of(run: Path) -> dict[str, Any]:
    """The results.json of a run; empty while there is none."""
    try:
        return files.read_json(run / "results.json") if (run / "results.json").is_file() else {}
    except GroundupError:
        return {}


def size_bytes(folder: Path) -> int:
    """What the files of a folder occupy; hard links count once."""
    stats = (path.stat() for path in folder.rglob("*") if path.is_file())
    return sum({(stat.st_dev, stat.st_ino): stat.st_size for stat in stats}.values())


def compare(first: Path, second: Path) -> dict[str, Any]:
    """The recipe keys in which two runs differ, and every number of their results side by side."""
    settings = [
        flat({key: value for key, value in _recipe(run).items() if key != "description"}) for run in (first, second)
    ]
    numbers = [
        {key: value for key, value in flat(results_of(run)).items() if isinstance(value, (int, float))}
        for run in (first, second)
    ]
    return {
        "runs": [str(first), str(second)],
        "losses": losses(first, second),
        "settings": {
            key: [one.get(key) for one in settings]
            for key in sorted(settings[0].keys() | settings[1].keys())
            if _differ(settings, key)
        },
        "numbers": {key: [one.get(key) for one in numbers] for key in numbers[0] if key in numbers[1]},
    }


def losses(first: Path, second: Path) -> dict[str, str]:
    """Stage -> a sentence on its losses in two runs, step by step; for the stages that both have and that take steps."""
    from groundup.runs.ablation.pair import losses as of
    from groundup.training.loop.compare import compare as judge

    told = {}
    for name in (stage for stage in STAGES if STAGES[stage].steps):
        folders = [sorted((run / "stages").glob(f"*-{name}-*/metrics.jsonl")) for run in (first, second)]
        curves = [of(found[-1].parent) if found else [] for found in folders]
        if all(curves):
            told[name] = judge(curves[:1], curves[1:]).sentence(str(first), str(second))
    return told


def _differ(pair: list[dict[str, Any]], key: str) -> bool:
    return pair[0].get(key) != pair[1].get(key)


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys.

    >>> flat({"train": {"steps": 2}, "seed": 1})
    {'train.steps': 2, 'seed': 1}
    """
    if not isinstance(value, dict):
        return {prefix: value}
    return {
        name: leaf
        for key, part in value.items()
        for name, leaf in flat(part, f"{prefix}.{key}" if prefix else key).items()
    }


def removable(run: Path, *, unused: bool) -> list[Path]:
    """The folders that `remove` would remove: the run, or its stages that the present recipe does not use."""
    if not owner(run):
        raise InputError(f"{run} is not a run folder; `groundup runs list` shows those in runs/")
    if not unused:
        return [run]
    present = {planned.folder_name for planned in keys.plan(recipe.resolve(_recipe(run), str(run / "recipe.toml")))}
    return [path for path in sorted((run / "stages").iterdir()) if path.name not in present]


def remove(run: Path, folders: list[Path]) -> int:
    """Remove the folders of a run that nobody is writing to; the bytes freed."""
    with files.lock(run):
        freed = sum(size_bytes(folder) for folder in folders)
        for folder in folders:
            shutil.rmtree(folder)
    return freed


def _recipe(run: Path) -> dict[str, Any]:
    try:
        return tomllib.loads((run / "recipe.toml").read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise InputError(f"{run} is not a run folder; `groundup runs list` shows those in runs/") from None
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{run}/recipe.toml is damaged ({error}); run the recipe again to write it anew") from None
