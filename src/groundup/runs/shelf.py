"""The runs of a folder: what each is and how far it came, where two of them differ, and what can be removed."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, GroundupError, InputError
from groundup.runs import keys, recipe
from groundup.runs.claim import owner


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
    }


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
        "settings": {
            key: [one.get(key) for one in settings]
            for key in sorted(settings[0].keys() | settings[1].keys())
            if _differ(settings, key)
        },
        "numbers": {key: [one.get(key) for one in numbers] for key in numbers[0] if key in numbers[1]},
    }


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
