"""A model folder for a verb: loaded with the machine's settings, and what its maker wrote about it in `groundup.json`."""

from pathlib import Path
from typing import Any

from groundup.runs.settings import MachineConfig

ABOUT = "groundup.json"  # beside the model: {"trained_on": ..., "prompts": [...]}


def load(folder: Path, machine: MachineConfig, tokenizer: bool = True) -> Any:
    """The handle of a model folder or of a hub's owner/name; InputError when there is none."""
    from groundup.errors import InputError
    from groundup.runs import settings

    if not folder.is_dir() and len(folder.parts) != 2:
        raise InputError(f"there is no model folder {folder}; `groundup demo` makes one at runs/demo/model")
    settings.apply(machine)
    from groundup.inference.handle import load as load_handle

    return load_handle(
        folder,
        dtype=None if machine.dtype == "auto" else machine.dtype,
        device=settings.device(machine),
        tokenizer=tokenizer,
    )


def about(folder: Path) -> dict[str, Any]:
    """What the maker of a model folder wrote about it; empty for a folder of somebody else."""
    from groundup import files

    return files.read_json(folder / ABOUT) if (folder / ABOUT).is_file() else {}


def opening(folder: Path) -> list[str]:
    """The two lines a chat opens with."""
    told = about(folder)
    prompts = told.get("prompts") or ["Hello!", "What can you do?", "Tell me a story."]
    return [
        f"trained on: {told.get('trained_on', 'its folder does not say; see its README.md')}",
        "try: " + " · ".join(prompts[:3]),
    ]
