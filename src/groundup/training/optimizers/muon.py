"""Muon: each matrix moves as a whole, by its momentum with all singular values brought near 1.

    V <- momentum V + G       U <- orthogonalised (G + momentum V)       W <- W - rate U

Adam's step is large in the few directions that the gradient always has and hardly any in the others; here every direction
counts alike, and learning takes about half as many steps. For the matrices inside the blocks: embedding and head are
looked up, not multiplied, and vectors have no directions. Jordan et al. 2024, kellerjordan.github.io/posts/muon.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.slots import slot
from groundup.training.optimizers.moving import gradient_of


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
        self.velocity = {
            shape: torch.zeros(len(names), *shape, device=parameters[names[0]].device)
            for shape, names in self.shapes.items()
        }

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Move every matrix once, at `factor` times the peak rate."""
        rate = self.learning_rate * factor
        for (rows, columns), names in self.shapes.items():
            matrices = [self.parameters[name] for name in names]
            gradients = torch.stack([gradient_of(matrix) for matrix in matrices])
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


@slot
def orthogonalize(
    matrices: Float[Tensor, "matrices rows columns"], dtype: torch.dtype = torch.float32, steps: int = 5
) -> Float[Tensor, "matrices rows columns"]:
    """Bring the singular values of each matrix of a stack near 1 (to 0.7-1.2) and keep its singular vectors.

    Newton-Schulz iteration of an odd quintic polynomial, which needs only products: X is the matrix over its Frobenius
    norm, then `steps` times X <- aX + b(XX')X + c(XX')^2 X with a, b, c = 3.4445, -4.7750, 2.0315, in `dtype`.
    """
    a, b, c = 3.4445, -4.7750, 2.0315  # Jordan's coefficients: the steepest rise at 0 that stays within 0.7-1.2
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = (x.mT if tall else x).to(dtype)
    for _ in range(steps):
        square = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x.mT if tall else x
