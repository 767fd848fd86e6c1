"""Where to compute and with how many threads: what "auto" means on this machine."""

import copy
import dataclasses
from typing import Any

import torch

from groundup.errors import ConfigError
from groundup.processor import cores


def pick_device(name: str = "auto") -> str:
    """The device of a name: auto, cpu, cuda (or cuda:1), mps; ConfigError when this machine has none of that kind."""
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(kind for kind, there in present.items() if there)
    if not present.get(name.split(":")[0], False):
        usable = ", ".join(kind for kind, there in present.items() if there)
        raise ConfigError(f"this machine has no device {name!r} that torch can use; give --device auto or {usable}")
    return name


def set_threads(count: int = 0) -> int:
    """Give torch and Numba so many threads (0: as many as cores); how many that is."""
    import numba

    from groundup.text.compiled import start_pool

    count = count or cores()
    start_pool()  # before Numba does
    torch.set_num_threads(count)
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    return count


def placed(batch: Any, device: torch.device | str) -> Any:
    """The batch with all its tensors on a device: a dataclass, a named tuple or a plain namespace. On a CPU it is there already."""
    if torch.device(device).type == "cpu":
        return batch
    if hasattr(batch, "to"):
        return batch.to(device)
    names = getattr(batch, "_fields", None) or [
        field.name for field in (dataclasses.fields(batch) if dataclasses.is_dataclass(batch) else ())
    ]
    given = {name: getattr(batch, name) for name in names or vars(batch)}
    moved = {name: value.to(device) for name, value in given.items() if isinstance(value, torch.Tensor)}
    if hasattr(batch, "_replace"):
        return batch._replace(**moved)
    if dataclasses.is_dataclass(batch) and not isinstance(batch, type):
        return dataclasses.replace(batch, **moved)
    made = copy.copy(batch)
    vars(made).update(moved)
    return made


def device_of_module(module: Any) -> torch.device:
    """Where a module's weights lie; what has none (a table that answers as a module does) is read on the CPU."""
    if hasattr(module, "device"):
        return module.device
    weight = next(module.parameters(), None) if isinstance(module, torch.nn.Module) else None
    return torch.device("cpu") if weight is None else weight.device
