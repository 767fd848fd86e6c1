"""Compiled blocks: torch looks through a block's Python once and writes one kernel for what stands between two matrix products.

    plain       norm, rotation, activation, sum: a kernel each, every result written to memory and read again
    compiled    the same in a few C++ loops, their results in registers; matrix products stay those of the library

All blocks of a model are one program with other weights, so each is compiled for itself and only while it trains: texts are sampled and validated
with shapes of their own, and would be compiled anew. Numbers differ by float error, as sums are taken in another order.

It is off by default, and pays seldom on a CPU: the first step takes half a minute of the compiler, and there products are most of the
work. On AMD's processors it even gives up a faster product (`model/layers/product.py`), into which the compiler cannot look. Figures of
this machine: `benchmarks/training/step/compile.py`. A learner's function in the model cannot be looked into either, nor counted, so it
switches compiling off, which is said. Ansel et al. 2024 (PyTorch 2), doi:10.1145/3620665.3640366.
Left out: the loss and the optimiser's step, which have kernels of their own; other back ends than Inductor.
"""

import math
import os
import shutil
from typing import Any

import torch
from torch import Tensor

from groundup import progress, slots
from groundup.errors import ConfigError
from groundup.training.config import TrainConfig
from groundup.training.step.accumulation import Objective
from groundup.training.step.activation_checkpointing import blocks_of, blocks_through

COMPILERS = ("g++", "clang++", "c++")


def pays_after(compile_s: float, step_s: float, compiled_step_s: float) -> float:
    """How many steps give back the time for compiling; infinite where a compiled step is no faster.

    >>> pays_after(30.0, 1.0, 0.5)
    60.0
    """
    return compile_s / (step_s - compiled_step_s) if compiled_step_s < step_s else math.inf


def with_compiled_blocks(module: Any, objective: Objective, config: TrainConfig) -> Objective:
    """The objective of a run, its way forward through compiled blocks; itself where [train] does not ask for that."""
    if not config.compile:
        return objective
    check(module)
    filled = [one.id for one in slots.active()]
    if filled:
        progress.say(f"compile = true is off: a compiler cannot look into your {', '.join(filled)}")
        return objective
    made = {block: torch.compile(block.forward, dynamic=False) for stack in blocks_of(module) for block in stack}

    def compiled(module: Any, batch: Any) -> tuple[Tensor, int]:
        with blocks_through(module, lambda block: lambda _, *given: made[block](*given)):
            return objective(module, batch)

    return compiled


def check(module: Any) -> None:
    """Refuse what cannot be compiled here: ConfigError."""
    if not blocks_of(module):
        raise ConfigError(
            f"compile = true is for models made of blocks, and {type(module).__name__} has none; leave it out"
        )
    if next(module.parameters()).device.type == "cpu" and compiler() is None:
        raise ConfigError(
            f"compile = true needs a C++ compiler on a CPU, and none of {', '.join(COMPILERS)} is here; install one "
            "(`apt-get install g++`) or name it in CXX, or leave compile out"
        )


def compiler() -> str | None:
    """The C++ compiler that torch will call; None where there is none."""
    named = os.environ.get("CXX")
    return next((found for name in ((named,) if named else COMPILERS) if (found := shutil.which(name))), None)
