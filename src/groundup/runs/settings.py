"""Where and how a verb computes: the four flags that every computing verb has.

A recipe holds them in `[machine]`. "auto" is decided once by a stage and kept in its `chosen.json`. Importing this module loads no torch.
"""

import os
from dataclasses import dataclass
from typing import Literal

from groundup.errors import ConfigError
from groundup.processor import cores

# torch keeps a compiled kernel for every shape of a bf16 product, 1,024 of them, about 1 MB each: memory grew
# with every new shape. With 32 kept a step of the demo takes 11 to 18 % longer; with 64 training peaks at 864 MB, with 256 at 829.
KERNEL_CACHES, KEPT_KERNELS = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"), "256"


@dataclass(frozen=True, kw_only=True, slots=True)
class MachineConfig:
    """Device, number format and threads; 0 threads and "auto" mean: the best this machine has."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """where tensors live"""
    dtype: Literal["auto", "float32", "bfloat16", "float16", "float8"] = "auto"
    """number format of the matrix products; auto: bfloat16 or float32 by a short measurement; float8: training on newer NVIDIA cards"""
    threads: int = 0
    """CPU threads; 0: as many as cores"""

    def __post_init__(self) -> None:
        if not 0 <= self.threads <= 4096:
            raise ConfigError(
                f"threads={self.threads} is not a number of threads; give 1 or more, or 0 for as many as cores"
            )


def threads(config: MachineConfig) -> int:
    """The number of threads that `config` means on this machine."""
    return config.threads or cores()


def device(config: MachineConfig) -> str:
    """The device that `config` means on this machine; ConfigError when it has none of that kind."""
    from groundup.machine.probe.device import pick_device

    return pick_device(config.device)


def apply(config: MachineConfig) -> None:
    """Give torch and Numba their number of threads; called before any stage computes."""
    for cache in KERNEL_CACHES:
        os.environ.setdefault(cache, KEPT_KERNELS)
    from groundup.machine.probe.device import set_threads

    set_threads(threads(config))
