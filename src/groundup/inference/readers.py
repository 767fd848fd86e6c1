"""Who reads a folder that is no model's own. A room further down makes such folders, an adapter's for one, and gives what reads them, as a plain callable.

    READERS["adapter_config.json"] = lambda folder, **options: ...     the file that marks the folder; who calls `load` need not know

The faces do that before anything is loaded (`groundup.load`, the command line: `tuning.efficient.offer_reader`). Loads no torch.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.errors import InputError

READERS: dict[str, Callable[..., Any]] = {}
ADAPTER = "adapter_config.json"


def reader_of(folder: Path) -> Callable[..., Any] | None:
    """What reads this folder as a module (folder, dtype, device); None: it is a model's own, with a config.json."""
    if (folder / "config.json").is_file():
        return None
    found = next((read for mark, read in READERS.items() if (folder / mark).is_file()), None)
    if found is None and (folder / ADAPTER).is_file():
        raise InputError(f"{folder} is an adapter's folder and no model's; load it with groundup.load, or merge it with `groundup merge`")
    return found
