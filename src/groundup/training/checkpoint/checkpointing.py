"""The state of a run on disk: weights, optimiser, generators and step, from which the run goes on bit for bit.

    checkpoints/step-000400/
        config.json  model.safetensors  tokenizer.json ...   a model folder (`model_folder`): groundup.load reads it
        optimizer.safetensors                                what the next step needs beside the weights
        state.json                                           step, configuration, last losses, validation
        checksums.json                                       the sha256 of each of these

It is written whole or not at all. The files go to a folder beside it, each is flushed to the disk (fsync), the folder is
renamed, and the folder that holds it is flushed: after that, neither kill -9 nor a power cut takes it away, and before
that nothing stands under its name. It is read only when its checksums hold; a damaged one is said aloud, set aside as
`damaged-step-000400` (not deleted: part of it may be wanted) and the one before it is used.

What changes from step to step beside the weights says so by two methods, `state() -> {name: tensor}` and `load(table)`:
an optimiser, a running mean of weights, a loss scaler, or all of a run's in one table (`Stateful`). No pickle: tensors
are safetensors, the rest is JSON. The order of the data is a function of the step, so the step is all its state.

Left out: a disk that reports a flush before it is done; bits that flip in memory before they are written.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from groundup import files, progress
from groundup.errors import GroundupError
from groundup.model.formats import shards
from groundup.slots import slot
from groundup.training.checkpoint import random_state
from groundup.training.checkpoint.model_folder import Layout, differing, refuse, weights_of

TRAINING, NOTES = "optimizer.safetensors", "state.json"
NAME = re.compile(r"step-(\d+)")
GENERATORS = "random."


class Stateful(Protocol):
    """What a checkpoint keeps beside the weights: a flat table of tensors to save, and to take back bit for bit.

    `load` is given the whole table of the checkpoint, which may hold more than its own names.
    """

    def state(self) -> dict[str, Tensor]:
        """Its tensors by names that no other part uses."""
        ...

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take them back."""
        ...


@slot
def write_whole(target: Path, parts: Sequence[Callable[[Path], object]]) -> None:
    """Make the folder `target` such that a kill at any moment leaves all of it or nothing under its name.

    parts: functions that write files into the folder they are given. `checksums.json` lists the sha256 of every file, as
    {path inside the folder: hexadecimal digits}. Where a part fails, nothing is left and an older `target` stays as it was.
    """
    with files.atomic_folder(target) as temporary:
        for part in parts:
            part(temporary)
        files.write_checksums(temporary)


def tensors_of(module: torch.nn.Module, state: Stateful) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights by the module's names, and all that the training file holds."""
    table = dict(state.state()) | Layout.of(module).rest() | random_state.state()
    return (
        {name: tensor.detach() for name, tensor in weights_of(module).items()},
        {name: tensor.detach() for name, tensor in table.items()},
    )


def write(
    target: Path,
    module: torch.nn.Module,
    tensors: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    notes: Mapping[str, Any],
    tokenizer: Any = None,
) -> None:
    """Write a checkpoint of tensors that `tensors_of` gave, or copies of them; of the module only its shape is used."""
    weights, table = tensors
    write_whole(
        target,
        [
            lambda folder: Layout.of(module).write(folder, weights, tokenizer),
            lambda folder: shards.write_file(folder / TRAINING, table),
            lambda folder: files.write_json(folder / NOTES, dict(notes)),
        ],
    )


def save(
    folder: Path, step: int, module: torch.nn.Module, state: Stateful, notes: Mapping[str, Any], tokenizer: Any = None
) -> Path:
    """Write the checkpoint of a step, at once. notes: JSON to get back. tokenizer: written beside the weights."""
    target = path_of(folder, step)
    write(target, module, tensors_of(module, state), {"step": step, **notes}, tokenizer)
    return target


def load_newest(
    folder: Path, module: torch.nn.Module, state: Stateful, check: Callable[[dict[str, Any]], None] = lambda notes: None
) -> dict[str, Any] | None:
    """Restore the newest whole checkpoint; its notes with its step, or None where there is none.

    check: sees the notes before anything is restored, and raises where they do not fit.
    """
    candidates = list(reversed(found(folder)))
    for candidate in candidates:
        if (wrong := damage(candidate)) is not None:
            progress.say(f"checkpoint {candidate.name} is not used: {wrong}{_set_aside(candidate)}")
            continue
        notes = dict(files.read_json(candidate / NOTES))
        check(notes)
        _restore(candidate, module, state)
        return notes
    if candidates:
        progress.say(f"no checkpoint in {folder} is whole, so the run begins at its first step")
    return None


def found(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    entries = folder.iterdir() if folder.is_dir() else ()
    return sorted((path for path in entries if NAME.fullmatch(path.name) and path.is_dir()), key=step_of)


def path_of(folder: Path, step: int) -> Path:
    """Where the checkpoint of a step lies."""
    return folder / f"step-{step:06d}"


def step_of(path: Path) -> int:
    """The step of a checkpoint, from its name.

    >>> step_of(Path("checkpoints/step-000400"))
    400
    """
    return int(path.name.removeprefix("step-"))


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint: the first file that is missing or not what was written. None: it is whole."""
    try:
        files.verify_checksums(folder)
        read = files.read_json(folder / NOTES)
        return None if isinstance(read, dict) and "step" in read else f"{folder / NOTES} does not say its step"
    except (GroundupError, OSError) as error:
        return str(error).split(";")[0]


def _set_aside(folder: Path) -> str:
    """Take a damaged checkpoint out of the row, under a name that is free; how that is said."""
    names = (f"damaged-{folder.name}{'' if number == 1 else f'-{number}'}" for number in range(1, 1000))
    aside = next(folder.with_name(name) for name in names if not folder.with_name(name).exists())
    try:
        folder.rename(aside)
    except OSError:
        return ""
    return f"; it is kept as {aside.name}"


def _restore(folder: Path, module: torch.nn.Module, state: Stateful) -> None:
    layout, table = Layout.of(module), shards.read_file(folder / TRAINING)
    refuse(folder, "model", layout.differences(folder))
    refuse(folder, "optimiser", _missing(table, state.state()))
    refuse(folder, "model", _missing(table, layout.rest()))
    layout.restore(folder, table)
    state.load({name: tensor for name, tensor in table.items() if not name.startswith(GENERATORS)})
    random_state.load(table)


def _missing(table: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> list[str]:
    """The tensors that are not there in the shape that is wanted."""
    shapes = {name: tuple(table[name].shape) for name in wanted if name in table}
    return differing(shapes, {name: tuple(tensor.shape) for name, tensor in wanted.items()})
