"""Which checkpoints of a run stay: the newest few, the best few by validation, and every n-th for good.

    last k      a damaged newest one is survived, and a spike can be looked at from before
    best b      the model that generalises best is often not the last
    every n     a trail through the run, for studies of how it learned

The rule is a function of steps and validations alone. What removes by it counts only checkpoints that look whole (every
file there, none cut short: no bits are read), so a half copy never pushes out a good one, and it removes only after the
newest was written and flushed: there is always one that is whole.
"""

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import GroundupError
from groundup.slots import slot
from groundup.training.checkpoint.checkpointing import NOTES, damage, found, step_of

VALIDATIONS = ("bits_per_byte", "heldout_loss", "validation")  # how losses on held-out texts begin in metrics.jsonl
TAIL_BYTES = 1 << 16


@slot
def kept_steps(
    steps: Sequence[int], validations: Mapping[int, float], last: int, best: int = 0, every: int = 0
) -> list[int]:
    """The steps whose checkpoints stay: the `last` newest, the `best` with the lowest validation, multiples of `every`.

    validations: of those steps that were validated; of equal ones the earlier is the better. best, every: 0 for none.

    >>> kept_steps([10, 20, 30, 40, 50], {20: 1.5, 40: 1.7}, last=1, best=1, every=30)
    [20, 30, 50]
    """
    newest = sorted(steps)[max(0, len(steps) - last) :]
    lowest = sorted((step for step in steps if step in validations), key=lambda step: (validations[step], step))[:best]
    marked = [step for step in steps if every and step % every == 0]
    return sorted({*newest, *lowest, *marked})


def remove_others(folder: Path, last: int, best: int = 0, every: int = 0) -> list[Path]:
    """Remove the checkpoints that the rule does not keep; those removed."""
    whole = {step_of(path): path for path in found(folder) if looks_whole(path)}
    validations = {step: value for step, path in whole.items() if (value := validation_of(path)) is not None}
    kept = {whole[step] for step in kept_steps(list(whole), validations, last, best, every)}
    removed = [path for path in found(folder) if path not in kept] if kept else []
    for path in removed:
        files.discard(path)
    return removed


def looks_whole(folder: Path) -> bool:
    """Whether every file that the checksums list is there, and no tensor file is cut short."""
    try:
        return all(_long_enough(folder / name) for name in files.read_json(folder / files.CHECKSUMS))
    except (GroundupError, OSError, TypeError):
        return False


def _long_enough(path: Path) -> bool:
    if path.suffix != ".safetensors":
        return path.is_file()
    from safetensors import SafetensorError, safe_open

    try:  # its head says how long the file must be, and the reader holds it to that
        with safe_open(path, "pt"):
            return True
    except (SafetensorError, OSError):
        return False


def validation_of(folder: Path) -> float | None:
    """The validation that was measured at a checkpoint's step; None where there was none."""
    try:
        value = files.read_json(folder / NOTES).get("validation")
    except (GroundupError, AttributeError):
        return None
    return float(value) if isinstance(value, int | float) else None


def validation_at(metrics: Path, step: int) -> float | None:
    """The mean of what was validated at a step, from the end of a metrics.jsonl; None where nothing was."""
    values = [
        value
        for record in _last_records(metrics, step)
        if record.get("step") == step
        for name, value in record.items()
        if name.startswith(VALIDATIONS) and isinstance(value, int | float)
    ]
    return sum(values) / len(values) if values else None


def _last_records(path: Path, step: int) -> list[dict[str, Any]]:
    """The last records of a metrics.jsonl, back to one of an earlier step: a long run's file is not read whole."""
    size = path.stat().st_size if path.is_file() else 0
    read = min(size, TAIL_BYTES)
    while True:
        records = _records_of_the_end(path, read) if size else []
        if read == size or any(record.get("step", step) < step for record in records):
            return records
        read = min(size, 4 * read)


def _records_of_the_end(path: Path, size: int) -> list[dict[str, Any]]:
    """The records that lie whole in the last `size` bytes."""
    with open(path, "rb") as file:
        file.seek(-size, os.SEEK_END)
        lines = file.read().split(b"\n")
    records = []
    for line in lines:
        with contextlib.suppress(ValueError):  # the first is cut by where the reading began, the last perhaps by a kill
            records.append(json.loads(line))
    return [record for record in records if isinstance(record, dict)]


def inventory(folder: Path, read: bool = True) -> list[dict[str, Any]]:
    """What lies in a run's folder of checkpoints, oldest first: step, validation, size, and what is wrong with it.

    read: hold every byte to its checksum; otherwise only look whether files are missing or cut short.
    """
    return [_described(path, read) for path in found(folder)]


def _described(path: Path, read: bool) -> dict[str, Any]:
    wrong = damage(path) if read else None if looks_whole(path) else "a file is missing or cut short"
    return {
        "checkpoint": str(path),
        "step": step_of(path),
        "validation": validation_of(path),
        "size_bytes": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()),
        "model_folder": (path / "config.json").is_file(),
        "damage": wrong,
    }
