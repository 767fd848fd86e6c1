"""How a gradient becomes a change of the weights.

    AdamW   each weight has its own step: mean gradient over root mean square, with decay apart from the gradient
            Kingma and Ba 2014, arXiv:1412.6980, algorithm 1; Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2
    Muon    each matrix moves as a whole: its momentum with all singular values brought near 1
            Jordan et al. 2024, kellerjordan.github.io/posts/muon; equal learning in about half the steps on matrices

Both work on named parameters, so their state is a flat table of tensors that a safetensors file holds. Weights, momenta
and updates are fp32 whatever the model computes in: in bf16 a weight of 1 would not feel an update of 0.002.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class AdamW:
    """Adam with decoupled weight decay. Vectors (gains, biases) are not decayed."""

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        self.names, self.parameters = list(parameters), list(parameters.values())
        self.learning_rate, self.beta1, self.beta2, self.eps, self.weight_decay = (
            learning_rate,
            beta1,
            beta2,
            eps,
            weight_decay,
        )
        self.decayed = [parameter for parameter in self.parameters if parameter.dim() > 1]
        self.mean = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.square = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Move every parameter once, at `factor` times the peak rate."""
        rate = self.learning_rate * factor
        gradients = [_gradient(parameter) for parameter in self.parameters]
        self.steps += 1
        if self.decayed and self.weight_decay:
            torch._foreach_mul_(self.decayed, 1 - rate * self.weight_decay)
        torch._foreach_lerp_(self.mean, gradients, 1 - self.beta1)
        torch._foreach_mul_(self.square, self.beta2)
        torch._foreach_addcmul_(self.square, gradients, gradients, 1 - self.beta2)
        # both means began at 0; divided by what is missing they are unbiased from the first step
        root = torch._foreach_sqrt(self.square)
        torch._foreach_div_(root, (1 - self.beta2**self.steps) ** 0.5)
        torch._foreach_add_(root, self.eps)
        torch._foreach_addcdiv_(self.parameters, self.mean, root, -rate / (1 - self.beta1**self.steps))

    def state(self) -> dict[str, Tensor]:
        """The momenta by parameter name, and the step count."""
        table = {f"{name}.exp_avg": tensor for name, tensor in zip(self.names, self.mean, strict=True)}
        table |= {f"{name}.exp_avg_sq": tensor for name, tensor in zip(self.names, self.square, strict=True)}
        return table | {"adamw.steps": torch.tensor(self.steps)}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back, bit for bit."""
        for name, mean, square in zip(self.names, self.mean, self.square, strict=True):
            mean.copy_(table[f"{name}.exp_avg"])
            square.copy_(table[f"{name}.exp_avg_sq"])
        self.steps = int(table["adamw.steps"])


class Muon:
    """Nesterov momentum, orthogonalised; for the matrices inside the blocks. Matrices of one shape move together."""

    def __init__(
        self,
        parameters: Mapping[str, Tensor],
        *,
        learning_rate: float = 0.02,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ):
        self.learning_rate, self.momentum, self.weight_decay, self.dtype = learning_rate, momentum, weight_decay, dtype
        self.shapes: dict[tuple[int, ...], list[str]] = {}
        for name, parameter in parameters.items():
            assert parameter.dim() == 2, f"{name} is no matrix"
            self.shapes.setdefault(tuple(parameter.shape), []).append(name)
        self.parameters = dict(parameters)
        self.velocity = {shape: torch.zeros(len(names), *shape) for shape, names in self.shapes.items()}

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Move every matrix once, at `factor` times the peak rate."""
        rate = self.learning_rate * factor
        for (rows, columns), names in self.shapes.items():
            matrices = [self.parameters[name] for name in names]
            gradients = torch.stack([_gradient(matrix) for matrix in matrices])
            velocity = self.velocity[rows, columns]
            velocity.mul_(self.momentum).add_(gradients)
            update = orthogonalize(gradients.add_(velocity, alpha=self.momentum), self.dtype)
            # a tall matrix writes to more outputs than it reads: the same change of each needs this factor
            scale = rate * max(1.0, rows / columns) ** 0.5
            torch._foreach_mul_(matrices, 1 - rate * self.weight_decay)
            torch._foreach_add_(matrices, list(update.float().unbind()), alpha=-scale)

    def state(self) -> dict[str, Tensor]:
        """The momenta by parameter name."""
        return {
            f"{name}.velocity": self.velocity[shape][index]
            for shape, names in self.shapes.items()
            for index, name in enumerate(names)
        }

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back, bit for bit."""
        for name, tensor in self.state().items():
            tensor.copy_(table[name])


def orthogonalize(matrices: Tensor, dtype: torch.dtype = torch.float32, steps: int = 5) -> Tensor:
    """Bring the singular values of each matrix of a stack near 1 (to 0.7-1.2) and keep its singular vectors.

    Newton-Schulz iteration of an odd quintic polynomial: X <- aX + b(XX')X + c(XX')^2 X, which needs only products.
    """
    a, b, c = 3.4445, -4.7750, 2.0315  # Jordan's coefficients: the steepest rise at 0 that stays within 0.7-1.2
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = (x.mT if tall else x).to(dtype)
    for _ in range(steps):
        square = x @ x.mT
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.mT if tall else x


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


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


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
