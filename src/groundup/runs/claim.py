"""A run folder belongs to one recipe: a new or empty folder is taken, one of the same recipe goes on, any other is refused before anything is written."""

import shutil
import tomllib
from pathlib import Path

from groundup.errors import ConfigError
from groundup.runs.recipe import Recipe


def owner(folder: Path) -> str | None:
    """The name of the recipe a run folder belongs to; None when it is no run folder."""
    try:
        name = tomllib.loads((folder / "recipe.toml").read_text("utf-8")).get("name")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return None
    return name if isinstance(name, str) else None


def claim(folder: Path, recipe: Recipe) -> bool:
    """Take `folder` for `recipe`; True when it is new. ConfigError when it belongs to another recipe or holds something else."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder} is a file, not a folder; give another place with --out")
    visible = [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.exists() else []
    if not visible:
        _make(folder)
        return True
    name = owner(folder)
    if name is None:
        raise ConfigError(f"{folder} holds other files and no run; give a new folder with --out")
    if name != recipe.name:
        raise ConfigError(
            f"{folder} belongs to recipe '{name}', not '{recipe.name}'; give another folder with --out, or `groundup runs remove {folder}`"
        )
    return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be made ({error.strerror}); give a folder you may write to with --out"
        ) from None


def release(folder: Path) -> None:
    """Remove a run folder that was new and came to nothing, unless something of value stands in it by now."""
    stages = folder / "stages"
    if stages.exists() and any(stages.iterdir()):
        return
    shutil.rmtree(folder, ignore_errors=True)
