"""Where to compute and with how many threads: what "auto" means on this machine."""

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

    count = count or cores()
    torch.set_num_threads(count)
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    return count
