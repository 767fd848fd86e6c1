"""The state of a run on disk: weights, optimiser, random state and step, from which the run goes on bit for bit.

    checkpoints/step-000400/{model.safetensors, optimizer.safetensors, state.json, checksums.json}

A checkpoint is written whole or not at all, and read only when its checksums hold; a damaged one is said aloud and the
one before it is used. No pickle: tensors are safetensors, the rest is JSON. The order of the data is a function of the
step, so the step is all its state.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from groundup import files, progress
from groundup.errors import FormatError, GroundupError

RANDOM = "random.torch"


def save(
    folder: Path, step: int, module: torch.nn.Module, optimizer: Any, notes: Mapping[str, Any], keep: int = 2
) -> Path:
    """Write the checkpoint of a step and remove all but the newest `keep`. notes: JSON to get back."""
    target = folder / f"step-{step:06d}"
    with files.atomic_folder(target) as temporary:
        safetensors.torch.save_file(_owned(_kept(module)), temporary / "model.safetensors")
        table = {name: tensor.contiguous() for name, tensor in optimizer.state().items()}
        safetensors.torch.save_file(table | {RANDOM: torch.get_rng_state()}, temporary / "optimizer.safetensors")
        files.write_json(temporary / "state.json", {"step": step, **notes})
        files.write_checksums(temporary)
    for old in found(folder)[:-keep]:
        files.remove(old)
    return target


def load_newest(
    folder: Path, module: torch.nn.Module, optimizer: Any, check: Callable[[dict[str, Any]], None] = lambda notes: None
) -> dict[str, Any] | None:
    """Restore the newest whole checkpoint; its notes with its step, or None where there is none.

    check: sees the notes before anything is restored, and raises where they do not fit.
    """
    for candidate in reversed(found(folder)):
        try:
            files.verify_checksums(candidate)
        except GroundupError as error:
            progress.say(f"checkpoint {candidate.name} is not used: {error}")
            continue
        notes = dict(files.read_json(candidate / "state.json"))
        check(notes)
        _restore(candidate, module, optimizer)
        return notes
    return None


def found(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    folders = [path for path in folder.glob("step-*") if path.is_dir()] if folder.is_dir() else []
    return sorted(folders, key=lambda path: int(path.name.removeprefix("step-")))


def _restore(folder: Path, module: torch.nn.Module, optimizer: Any) -> None:
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    table = safetensors.torch.load_file(folder / "optimizer.safetensors")
    parameters = _kept(module)
    _fits({name: weights.get(name) for name in parameters}, parameters, folder)
    _fits({name: table.get(name) for name in optimizer.state()}, optimizer.state(), folder)
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    optimizer.load(table)
    torch.set_rng_state(table[RANDOM])


def _fits(read: Mapping[str, Tensor | None], wanted: Mapping[str, Tensor], folder: Path) -> None:
    """Refuse a checkpoint of another model before anything of it is used."""
    for name, tensor in wanted.items():
        kept = read[name]
        if kept is None or kept.shape != tensor.shape:
            raise FormatError(f"{folder} is of another model ({name} differs); remove it or choose another --out")


def _kept(module: torch.nn.Module) -> dict[str, Tensor]:
    """Parameters, and buffers such as the bias of experts, which is steered and not learned."""
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _owned(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
