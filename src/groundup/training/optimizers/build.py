"""Which optimiser a run uses, and for which weights: the one place that makes an optimiser from a configuration."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from groundup.training.config import TrainConfig
from groundup.training.optimizers.adafactor import Adafactor
from groundup.training.optimizers.adam import Adam
from groundup.training.optimizers.adamw import AdamW
from groundup.training.optimizers.lion import Lion
from groundup.training.optimizers.low_memory import LowMemoryAdamW
from groundup.training.optimizers.momentum import Momentum
from groundup.training.optimizers.muon import Muon
from groundup.training.optimizers.nesterov import Nesterov
from groundup.training.optimizers.rmsprop import RMSprop
from groundup.training.optimizers.sgd import SGD


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


def adamw(named: Mapping[str, Tensor], config: TrainConfig) -> AdamW:
    """AdamW, its state in fp32 or as the configuration says."""
    told: dict[str, Any] = {name: getattr(config, name) for name in ("learning_rate", "weight_decay", "beta1")}
    told["beta2"] = BETA2 if config.beta2 is None else config.beta2
    return (
        LowMemoryAdamW(named, form=config.optimizer_state, **told) if config.optimizer_state else AdamW(named, **told)
    )


BETA2 = 0.95  # of AdamW for language models: Brown et al. 2020, arXiv:2005.14165, appendix B

# a configuration's word -> its optimiser, what that takes besides rate and decay, and from which key
ALONE: dict[str, tuple[Callable[..., Any], dict[str, str]]] = {
    "sgd": (SGD, {}),
    "momentum": (Momentum, {"beta": "beta1"}),
    "nesterov": (Nesterov, {"beta": "beta1"}),
    "rmsprop": (RMSprop, {"beta": "beta2"}),
    "adam": (Adam, {"beta1": "beta1", "beta2": "beta2"}),
    "adafactor": (Adafactor, {}),
    "lion": (Lion, {"beta1": "beta1", "beta2": "beta2"}),
}


def build_optimizer(module: torch.nn.Module, config: TrainConfig) -> Any:
    """The optimiser that a configuration names, over the parameters that train."""
    named = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if config.optimizer == "adamw":
        return adamw(named, config)
    if config.optimizer in ALONE:
        make, keys = ALONE[config.optimizer]
        told = {argument: getattr(config, key) for argument, key in keys.items() if getattr(config, key) is not None}
        return make(named, learning_rate=config.learning_rate, weight_decay=config.weight_decay, **told)
    inside = {name: parameter for name, parameter in named.items() if parameter.dim() == 2 and ".layers." in name}
    rest = {name: parameter for name, parameter in named.items() if name not in inside}
    dtype = torch.bfloat16 if getattr(module, "compute_dtype", None) == torch.bfloat16 else torch.float32
    told = {"learning_rate": config.matrix_learning_rate, "momentum": config.matrix_momentum}
    muon = Muon(inside, weight_decay=config.weight_decay, dtype=dtype, **told)
    return Together(muon, adamw(rest, config))
