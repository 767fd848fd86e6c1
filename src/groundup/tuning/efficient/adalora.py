"""AdaLoRA: rank is spent where it matters, a triplet at a time.

    W + s P diag(E) Q       P: (outputs, r)    E: (r)    Q: (r, inputs)        begins with more triplets than it may keep

After each step every number's importance is |number * gradient|, smoothed, times the smoothed deviation of that; a triplet's is that of its
E plus the means of those of its row of Q and its column of P. The least important triplets of the whole model have their E set to 0; how many stay
falls along a cube from all to target_r a matrix. P and Q are kept nearly orthogonal by a loss, so that triplets can be compared.

Zhang et al. 2023, arXiv:2303.10512, eq. 3, 8-12. PEFT's file names: lora_A is Q, lora_B is P.
Left out: to take the dropped triplets out of the matrices before the last steps.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from groundup.errors import ConfigError
from groundup.tuning.efficient.config import AdaLoraConfig
from groundup.tuning.efficient.lora import beside, dense

TINY = 1e-5  # PEFT adds it to the rank it divides by


class AdaLoraPart(nn.Module):
    """The triplets beside one matrix, with what is known of their importance."""

    kept: Tensor

    adds = True  # the layer's own output, and something beside it

    def __init__(self, layer: Any, config: AdaLoraConfig, generator: torch.Generator, path: str = ""):
        super().__init__()
        outputs, inputs = dense(layer).shape
        if config.init_r > (most := min(outputs, inputs)):
            raise ConfigError(
                f"AdaLoRA begins with init_r={config.init_r} triplets a matrix (one and a half times the r of a tuning), more than the matrix "
                f"{outputs} x {inputs} has; use at most {most}, which is r={2 * most // 3} of a tuning"
            )
        self.config, r = config, config.init_r
        self.scaling = config.lora_alpha / (r + TINY)
        self.lora_A = nn.Parameter(torch.empty(r, inputs).normal_(0, 0.02, generator=generator))
        self.lora_B = nn.Parameter(torch.empty(outputs, r).normal_(0, 0.02, generator=generator))
        self.lora_E = nn.Parameter(torch.zeros(r, 1))
        for name in ("A", "B", "E"):
            of = getattr(self, f"lora_{name}")
            self.register_buffer(f"mean_{name}", torch.zeros_like(of))
            self.register_buffer(f"deviation_{name}", torch.zeros_like(of))
        self.register_buffer("kept", torch.ones(r, 1))
        self.last: dict[str, Tensor] = {}  # |number * gradient| of this step
        for name in ("A", "B", "E"):
            getattr(self, f"lora_{name}").register_post_accumulate_grad_hook(self._noting(name))

    def _noting(self, name: str) -> Any:
        def note(parameter: Tensor) -> None:  # the last of a step's batches sees the whole gradient
            assert parameter.grad is not None
            self.last[name] = (parameter * parameter.grad).abs().detach()

        return note

    def matrices(self) -> tuple[Tensor, Tensor]:
        """A and B of the LoRA that does the same."""
        return self.lora_A * self.lora_E, self.lora_B

    def forward(self, x: Tensor, layer: Any) -> Tensor:
        """The layer's output with the triplets' beside it."""
        a, b = (one.to(x.dtype) for one in self.matrices())
        if not hasattr(layer, "weight"):
            return layer(x) + self.scaling * ((x @ a.T) @ b.T)
        return beside(x, layer, None if layer.bias is None else layer.bias.to(x.dtype), a, b, self.scaling)

    @torch.no_grad()
    def merged(self, weight: Tensor) -> Tensor:
        """One matrix in fp32."""
        a, b = self.matrices()
        return weight.float() + self.scaling * (b.float() @ a.float())

    def skewed(self) -> Tensor:
        """How far rows of Q and columns of P are from orthogonal, as a sum of two norms."""
        sides = (self.lora_A @ self.lora_A.T, self.lora_B.T @ self.lora_B)
        return sum(
            (torch.linalg.matrix_norm(one - torch.eye(len(one), device=one.device)) for one in sides), torch.zeros(())
        )

    @torch.no_grad()
    def importance(self) -> Tensor:
        """A number a triplet, smoothed over the steps."""
        beta1, beta2 = self.config.beta1, self.config.beta2
        found = {}
        for name, now in self.last.items():
            mean, deviation = getattr(self, f"mean_{name}"), getattr(self, f"deviation_{name}")
            mean.mul_(beta1).add_(now, alpha=1 - beta1)
            deviation.mul_(beta2).add_((now - mean).abs(), alpha=1 - beta2)
            found[name] = mean * deviation
        if not found:
            return torch.zeros(self.config.init_r)
        return found["E"].flatten() + found["A"].mean(1) + found["B"].mean(0)


def budget(config: AdaLoraConfig, step: int, matrices: int) -> int:
    """Triplets that the whole model keeps after a step (eq. 12).

    >>> one = AdaLoraConfig(init_r=12, target_r=8, total_step=100, tinit=10, tfinal=20)
    >>> [budget(one, step, 10) for step in (5, 10, 45, 80, 100)]
    [120, 120, 85, 80, 80]
    """
    first, last = config.init_r * matrices, config.target_r * matrices
    if step <= config.tinit:
        return first
    if step >= config.total_step - config.tfinal:
        return last
    left = 1 - (step - config.tinit) / (config.total_step - config.tfinal - config.tinit)
    return int(last + (first - last) * left**3)


@torch.no_grad()
def drop(parts: Iterable[AdaLoraPart], step: int) -> int:
    """Set the E of the least important triplets to 0; how many stay."""
    parts = list(parts)
    scores = [part.importance() for part in parts]
    config = parts[0].config
    keep, all_scores = budget(config, step, len(parts)), torch.cat(scores)
    changing = config.tinit < step < config.total_step - config.tfinal and step % config.deltaT == 0
    if keep >= len(all_scores) or not (changing or step >= config.total_step - config.tfinal):
        return len(all_scores)
    if step > config.total_step - config.tfinal:
        for part in parts:  # the choice stays: what is 0 stays 0
            part.lora_E.mul_(part.kept)
        return keep
    least = all_scores.kthvalue(len(all_scores) - keep).values
    for part, score in zip(parts, scores, strict=True):
        part.kept.copy_((score > least).float()[:, None])
        part.lora_E.mul_(part.kept)
    return keep


def with_orthogonality(parts: Iterable[AdaLoraPart], objective: Any) -> Any:
    """The objective with the cost of skewed triplets added to the mean loss, which is reported without it."""
    parts = list(parts)

    def charged(module: Any, batch: Any) -> tuple[Tensor, int]:
        loss, count = objective(module, batch)
        cost = sum((part.skewed() for part in parts), torch.zeros(())) / (2 * len(parts))
        cost = parts[0].config.orth_reg_weight * count * cost
        return loss + cost - cost.detach(), count

    return charged
