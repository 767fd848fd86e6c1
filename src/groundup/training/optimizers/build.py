"""Which optimiser a run uses, and for which weights."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from groundup.training.optimizers.adamw import AdamW
from groundup.training.optimizers.muon import Muon


class Together:
    """Several optimisers as one."""

    def __init__(self, *parts: Any):
        self.parts = parts

    def step(self, factor: float = 1.0) -> None:
        """Let each move its own parameters."""
        for part in self.parts:
            part.step(factor)

    def state(self) -> dict[str, Tensor]:
        """Every part's state in one table."""
        return {name: tensor for part in self.parts for name, tensor in part.state().items()}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Give each part its state back."""
        for part in self.parts:
            part.load(table)


def build_optimizer(module: torch.nn.Module, config: Any) -> Any:
    """The optimiser that a `TrainConfig` names, over the parameters that train."""
    named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    adam = {
        "learning_rate": config.learning_rate,
        "beta1": config.beta1,
        "beta2": config.beta2,
        "weight_decay": config.weight_decay,
    }
    if config.optimizer == "adamw":
        return AdamW(named, **adam)
    inside = {name: parameter for name, parameter in named.items() if parameter.dim() == 2 and ".layers." in name}
    rest = {name: parameter for name, parameter in named.items() if name not in inside}
    dtype = torch.bfloat16 if getattr(module, "compute_dtype", None) == torch.bfloat16 else torch.float32
    muon = Muon(inside, learning_rate=config.matrix_learning_rate, weight_decay=config.weight_decay, dtype=dtype)
    return Together(muon, AdamW(rest, **adam))
