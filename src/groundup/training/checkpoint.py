"""The state of a run on disk: weights, optimiser, random state and step, from which the run goes on bit for bit.

    checkpoints/step-000400/{model.safetensors, optimizer.safetensors, state.json, checksums.json}

A checkpoint is written whole or not at all, and read only when its checksums hold; a damaged one is said aloud and the
one before it is used. No pickle: tensors are safetensors, the rest is JSON. The order of the data is a function of the
step, so the step is all its state.
"""

from collections.abc import Mapping
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
        safetensors.torch.save_file(_owned(dict(module.named_parameters())), temporary / "model.safetensors")
        table = {name: tensor.contiguous() for name, tensor in optimizer.state().items()}
        safetensors.torch.save_file(table | {RANDOM: torch.get_rng_state()}, temporary / "optimizer.safetensors")
        files.write_json(temporary / "state.json", {"step": step, **notes})
        files.write_checksums(temporary)
    for old in found(folder)[:-keep]:
        files.remove(old)
    return target


def load_newest(folder: Path, module: torch.nn.Module, optimizer: Any) -> dict[str, Any] | None:
    """Restore the newest whole checkpoint; its notes with its step, or None where there is none."""
    for candidate in reversed(found(folder)):
        try:
            files.verify_checksums(candidate)
        except GroundupError as error:
            progress.say(f"checkpoint {candidate.name} is not used: {error}")
            continue
        return _restore(candidate, module, optimizer)
    return None


def found(folder: Path) -> list[Path]:
    """The checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if path.is_dir()) if folder.is_dir() else []


def _restore(folder: Path, module: torch.nn.Module, optimizer: Any) -> dict[str, Any]:
    weights = safetensors.torch.load_file(folder / "model.safetensors")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name not in weights or weights[name].shape != parameter.shape:
                raise FormatError(
                    f"{folder} is of another model ({name} differs); remove the folder or choose another --out"
                )
            parameter.copy_(weights[name])
    table = safetensors.torch.load_file(folder / "optimizer.safetensors")
    torch.set_rng_state(table.pop(RANDOM))
    optimizer.load(table)
    return dict(files.read_json(folder / "state.json"))


def _owned(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
