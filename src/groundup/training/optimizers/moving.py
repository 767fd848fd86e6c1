"""What all optimisers here share: weights by name, tensors of state beside them, and a step count, saved as one flat table.

A class names its tables of state (`velocity`, `exp_avg`, ...: torch's words) and moves lists of weights; which weights decay,
the count of steps, saving and taking back are the same for all and stand here. Matrices decay, vectors (gains, biases) do
not: a gain belongs near 1, not near 0.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from groundup.slots import filled

FUSED_ON = ("cpu", "cuda", "mps")


class Moving:
    """An optimiser over named weights. A subclass says its `label`, its `tables`, and `apply`."""

    label: ClassVar[str] = ""
    tables: ClassVar[tuple[str, ...]] = ()
    move: Callable[..., None]  # the form that moves lists of weights: the definition one by one, or a faster one

    def __init__(self, parameters: Mapping[str, Tensor], learning_rate: float, weight_decay: float):
        self.parameters = dict(parameters)
        lay_out(parameters.values())
        self.learning_rate, self.weight_decay, self.steps = learning_rate, weight_decay, 0
        self.kept = {name: self.start(parameter) for name, parameter in parameters.items()}
        vectors = [name for name, parameter in parameters.items() if parameter.dim() < 2]
        self.groups = [([name for name in parameters if name not in vectors], weight_decay), (vectors, 0.0)]

    def start(self, parameter: Tensor) -> dict[str, Tensor]:
        """The state of a weight before its first move: zeros of its shape in every table."""
        return {table: torch.zeros_like(parameter, requires_grad=False) for table in self.tables}

    def apply(
        self, weights: list[Tensor], gradients: list[Tensor], states: list[list[Tensor]], rate: float, decay: float
    ) -> None:
        """Move these weights; states: a list as long as `weights` for each table."""
        raise NotImplementedError

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Move every parameter once, at `factor` times the peak rate."""
        self.steps += 1
        for names, decay in self.groups:
            if names:
                weights = [self.parameters[name] for name in names]
                states = [list(table) for table in zip(*(self.kept[name].values() for name in names), strict=True)]
                gradients = [gradient_of(weight) for weight in weights]
                self.apply(weights, gradients, states, self.learning_rate * factor, decay)

    def state(self) -> dict[str, Tensor]:
        """Every tensor of state as `parameter.table`, and the step count."""
        table: dict[str, Any] = {
            f"{name}.{key}": tensor for name, kept in self.kept.items() for key, tensor in kept.items()
        }
        return table | {f"{self.label}.steps": torch.tensor(self.steps)}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back, bit for bit."""
        for name, kept in self.kept.items():
            for key, tensor in kept.items():
                tensor.copy_(table[f"{name}.{key}"])
        self.steps = int(table[f"{self.label}.steps"])


def lay_out(parameters: Iterable[Tensor]) -> None:
    """Let every weight stand row after row in memory, as its gradient and state do.

    torch's fused kernels walk through all of them by address: a weight that is a strided view (the three parts of GPT-2's `c_attn`,
    turned around) would be moved by other weights' gradients.
    """
    for parameter in parameters:
        if not parameter.is_contiguous():
            parameter.data = parameter.data.contiguous()


def gradient_of(parameter: Tensor) -> Tensor:
    """A parameter's gradient; zeros where nothing depended on it in this step."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad.contiguous()


def fusible(weights: Iterable[Tensor], slot: str) -> bool:
    """Whether torch's fused kernel can move these weights, and no learner's function wants to."""
    known = list(weights)
    devices = {weight.device for weight in known}
    fits = all(weight.dtype == torch.float32 for weight in known) and len(devices) <= 1
    return fits and all(device.type in FUSED_ON for device in devices) and not filled(slot)


def with_decay(weights: Sequence[Tensor], gradients: Sequence[Tensor], decay: float) -> list[Tensor]:
    """The gradients of the loss plus decay / 2 times the sum of all squared weights (L2); new tensors where there is a decay."""
    return list(torch._foreach_add(list(gradients), list(weights), alpha=decay)) if decay else list(gradients)
