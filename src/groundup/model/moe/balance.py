r"""Balance: whether all experts are used, and what makes them be.

Left alone, an expert that is a little better gets more tokens, learns more, and gets more still; the others idle.

    loss        n * sum over experts of f_i P_i          f_i: share of the choices, P_i: mean probability;  1 when even
                Fedus et al. 2021 (Switch), arXiv:2101.03961, eq. 4 to 6; Hugging Face's Mixtral gives k times this
    z-loss      mean of (log sum exp logits)^2           holds the logits small; Zoph et al. 2022, arXiv:2202.08906, eq. 5
    bias        b_i + rate * sign(mean load - load_i)    Wang et al. 2024, arXiv:2408.15664, algorithm 1; DeepSeek-V3, 2.1.2

The loss bends what the model learns: its gradient reaches every layer below, through P (f only counts). The bias is added to the
scores for choosing and to nothing else, so no gradient is disturbed; it is moved once a step, by the load of that step.

`watch(model)` collects the routings of every layer during a pass, for losses, biases and pictures; `loads(model, ids)` says how
many tokens each expert of each layer got. In training: `training/objectives/balanced.py`. Left out: the loss of DeepSeek-V3
within each text, devices and their balance.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.model.moe.routing import Router, Routing, SigmoidRouter
from groundup.slots import slot


def load_of(experts: Int[Tensor, "tokens chosen"], count: int) -> Int[Tensor, " experts"]:
    """How many tokens each of `count` experts was chosen for.

    >>> load_of(torch.tensor([[0, 2], [2, 1]]), 4).tolist()
    [1, 1, 2, 0]
    """
    return torch.bincount(experts.flatten(), minlength=count)


@slot
def balance_loss(
    probabilities: Float[Tensor, "tokens experts"], experts: Int[Tensor, "tokens chosen"]
) -> Float[Tensor, ""]:
    """Charge for uneven use: experts * the sum of (share of the choices) * (mean probability); 1 when both are even.

    experts: those chosen. The shares are counts, so the gradient goes through the probabilities alone. Switch, eq. 4.
    """
    count = probabilities.shape[-1]
    shares = torch.bincount(experts.flatten(), minlength=count) / experts.numel()
    return count * (shares.to(probabilities.dtype) * probabilities.mean(dim=0)).sum()


def z_loss(logits: Float[Tensor, "tokens experts"]) -> Float[Tensor, ""]:
    """Charge for large logits, whose softmax rounds badly: the mean square of their log-sum-exp."""
    return logits.logsumexp(dim=-1).square().mean()


@slot
def update_bias(
    bias: Float[Tensor, " experts"], load: Int[Tensor, " experts"], rate: float
) -> Float[Tensor, " experts"]:
    """Move each expert's bias by `rate`: up where it had less than the mean load, down where it had more; a new tensor.

    load: tokens that each expert got in the last step. Wang et al. 2024, algorithm 1.
    """
    load = load.to(bias.dtype)
    return bias + rate * torch.sign(load.mean() - load)


@dataclass(frozen=True, slots=True)
class Load:
    """How evenly the experts of one layer were used."""

    tokens: tuple[int, ...]  # choices an expert
    dropped: float  # share of the choices that found no room

    @property
    def shares(self) -> tuple[float, ...]:
        """The share of all choices that each expert got."""
        total = max(1, sum(self.tokens))
        return tuple(one / total for one in self.tokens)

    @property
    def evenness(self) -> float:
        """Entropy of the shares over that of an even load: 1 when even, 0 when one expert does all."""
        shares = torch.tensor(self.shares, dtype=torch.float64)
        if len(shares) == 1:
            return 1.0
        return (torch.special.entr(shares).sum() / torch.log(torch.tensor(len(shares), dtype=torch.float64))).item()

    @property
    def violation(self) -> float:
        """How much more than the mean the busiest expert had: max / mean - 1 (MaxVio of Wang et al. 2024, eq. 4)."""
        return max(self.shares) * len(self.shares) - 1.0


def measured(routing: Routing) -> Load:
    """Measure one routing."""
    dropped = 0.0 if routing.kept is None else 1.0 - routing.kept.double().mean().item()
    return Load(tuple(load_of(routing.experts, routing.logits.shape[-1]).tolist()), dropped)


@contextmanager
def watch(module: nn.Module) -> Iterator[dict[str, Routing]]:
    """Collect, while it is open, the last routing of every router in a module, by its name."""
    seen: dict[str, Routing] = {}
    routers = [(name, part) for name, part in module.named_modules() if isinstance(part, Router)]

    def keeper(name: str):
        def keep(part: nn.Module, arguments: tuple, routing: Routing) -> None:
            seen[name] = routing

        return keep

    handles = [part.register_forward_hook(keeper(name)) for name, part in routers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def of_tokens(routing: Routing, real: Bool[Tensor, " tokens"]) -> Routing:
    """The part of a routing that is about these tokens: padding is sent to experts, too, and is no load of theirs."""
    kept = None if routing.kept is None else routing.kept[real]
    return Routing(routing.experts[real], routing.weights[real], routing.logits[real], kept)


@torch.no_grad()
def loads(
    module: nn.Module, input_ids: Int[Tensor, "batch seq"], real: Bool[Tensor, "batch seq"] | None = None, **named
) -> dict[str, Load]:
    """Run a model over texts and measure, for each of its routers by name, how evenly its experts were used.

    real: False on padding; named: what else the model is given, such as the mask that hides the padding.
    """
    with watch(module) as routings:
        module(input_ids, **named)
    chosen = torch.ones_like(input_ids, dtype=torch.bool) if real is None else real
    return {name: measured(of_tokens(routing, chosen.flatten())) for name, routing in routings.items()}


def total_balance_loss(routings: dict[str, Routing]) -> Float[Tensor, ""]:
    """The mean balance loss of the watched layers, by the softmax of their logits."""
    losses = [balance_loss(routing.logits.softmax(-1), routing.experts) for routing in routings.values()]
    return torch.stack(losses).mean()


def steer(module: nn.Module, routings: dict[str, Routing], rate: float = 0.001) -> None:
    """Move the bias of every sigmoid router by the load that was watched, in place; after the optimizer's step."""
    steer_by(module, {name: load_of(one.experts, one.logits.shape[-1]) for name, one in routings.items()}, rate)


@torch.no_grad()
def steer_by(module: nn.Module, loads: dict[str, Int[Tensor, " experts"]], rate: float = 0.001) -> None:
    """The same by loads that were counted, such as over all batches of a step."""
    for name, load in loads.items():
        router = module.get_submodule(name)
        if isinstance(router, SigmoidRouter):
            bias = router.e_score_correction_bias
            bias.copy_(update_bias(bias, load, rate))
