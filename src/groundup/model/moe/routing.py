r"""Routing: a token's scores for the experts become a short list of experts, each with a weight.

    top-k        p = softmax(logits); the k largest p; weights p / their sum         Mixtral: Jiang et al. 2024, arXiv:2401.04088, 2.1
                 (or p as they are: Qwen2-MoE, arXiv:2407.10671, 2.2.2)
    Switch       the one largest p, with p itself as the weight                       Fedus et al. 2021, arXiv:2101.03961, eq. 2
    DeepSeek     s = sigmoid(logits); the k largest s + bias, in the best groups;     DeepSeek-V3, arXiv:2412.19437, eq. 12 to 16
                 weights s / their sum * scaling

Choosing has no gradient; the router learns through the weights alone. In Switch the weight must stay p: divided by its sum it
would be 1, and the router would learn nothing. The bias of DeepSeek moves the choice and not the weights, so it can balance the
load without pulling at what the model learns (`balance.py`).

A capacity bounds what an expert takes of one text, so that tensors have fixed shapes: whoever comes later is dropped, and only
the residual carries it on. Room is counted within one call: a token that is decoded alone always finds some.
Left out: noise on the scores, expert choice (experts that choose tokens).
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.architectures.blueprint import check_routing
from groundup.slots import slot


class Routing(NamedTuple):
    """Where each token goes. A dropped token has weight 0; logits are those of all experts, for losses and pictures."""

    experts: Int[Tensor, "tokens chosen"]
    weights: Float[Tensor, "tokens chosen"]
    logits: Float[Tensor, "tokens experts"]
    kept: Bool[Tensor, "tokens chosen"] | None = None  # None: no capacity, all are kept


@slot
def top_k_routing(
    logits: Float[Tensor, "tokens experts"], k: int
) -> tuple[Int[Tensor, "tokens k"], Float[Tensor, "tokens k"]]:
    """Choose the k most probable experts of each token, the most probable first: (experts, weights that sum to 1).

    The weights are the softmax over all experts, divided by the sum of the chosen: in float32 at least.
    """
    probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=-1)
    weights, experts = probabilities.topk(k, dim=-1)
    return experts, weights / weights.sum(dim=-1, keepdim=True)


def switch_routing(
    logits: Float[Tensor, "tokens experts"],
) -> tuple[Int[Tensor, "tokens 1"], Float[Tensor, "tokens 1"]]:
    """Choose the most probable expert of each token, with its probability as the weight."""
    probabilities = logits.to(torch.promote_types(logits.dtype, torch.float32)).softmax(dim=-1)
    weights, experts = probabilities.max(dim=-1, keepdim=True)
    return experts, weights


def within_capacity(experts: Int[Tensor, "*batch seq"], count: int, capacity: int) -> Bool[Tensor, "*batch seq"]:
    """Which tokens find room: in each text the first `capacity` that chose an expert.

    >>> within_capacity(torch.tensor([0, 1, 0, 0]), count=2, capacity=2).tolist()
    [True, True, True, False]
    """
    came = functional.one_hot(experts, count).cumsum(-2)
    return came.gather(-1, experts[..., None])[..., 0] <= capacity


def capacity_of(tokens: int, experts: int, factor: float) -> int:
    """How many of these tokens an expert takes: an even share times the factor, rounded down, at least 1 (Switch, eq. 3)."""
    return max(1, int(tokens / experts * factor))


def grouped_sigmoid_routing(
    logits: Float[Tensor, "tokens experts"],
    bias: Float[Tensor, " experts"],
    k: int,
    groups: int = 1,
    chosen_groups: int = 1,
    scaling: float = 1.0,
    normalize: bool = True,
) -> tuple[Int[Tensor, "tokens k"], Float[Tensor, "tokens k"]]:
    """Choose k experts by sigmoid(logits) + bias within the best groups, and weigh them by sigmoid(logits) alone.

    A group is as good as its two best experts together; limiting a token to a few groups limits the machines it travels to.
    The weights sum to `scaling`; without normalize each is its own score times that.
    """
    scores = logits.to(torch.promote_types(logits.dtype, torch.float32)).sigmoid()
    biased = _only_in_best_groups(scores + bias, groups, chosen_groups)
    experts = biased.topk(k, dim=-1).indices
    weights = scores.gather(-1, experts)
    total = weights.sum(dim=-1, keepdim=True) + 1e-20 if normalize else 1.0
    return experts, weights / total * scaling


def _only_in_best_groups(biased: Tensor, groups: int, chosen: int) -> Tensor:
    """Put the experts of all but the best groups out of reach."""
    if chosen == groups:
        return biased
    grouped = biased.unflatten(-1, (groups, -1))
    best = grouped.topk(min(2, grouped.shape[-1]), dim=-1).values.sum(-1).topk(chosen, dim=-1).indices
    outside = torch.ones(grouped.shape[:-1], dtype=torch.bool, device=biased.device).scatter(-1, best, False)
    return grouped.masked_fill(outside[..., None], -torch.inf).flatten(-2)


class Router(nn.Module):
    """Hold one row an expert and score in float32, since a rounded score is another expert. Kinds differ in `choose`.

    normalize: the weights of the chosen are divided by their sum.
    """

    def __init__(self, hidden: int, experts: int, k: int = 1, *, normalize: bool = True):
        super().__init__()
        check_routing(experts, k)
        self.weight = nn.Parameter(torch.empty(experts, hidden))
        self.k, self.normalize = k, normalize

    def forward(self, x: Float[Tensor, "batch seq hidden"]) -> Routing:
        """Route every token of every text; tokens are numbered row by row."""
        dtype = torch.promote_types(x.dtype, torch.float32)
        logits = functional.linear(x.to(dtype), self.weight.to(dtype))
        return self.choose(logits)

    def choose(self, logits: Float[Tensor, "batch seq experts"]) -> Routing:
        """Mixtral's: top-k of a softmax."""
        flat = logits.flatten(0, 1)
        experts, weights = top_k_routing(flat, self.k)
        if not self.normalize:
            weights = flat.softmax(dim=-1).gather(-1, experts)
        return Routing(experts, weights, flat)


class SwitchRouter(Router):
    """Top-1, with room for `capacity_factor` times an even share of each text; None drops nobody."""

    def __init__(self, hidden: int, experts: int, capacity_factor: float | None = 1.25):
        super().__init__(hidden, experts)
        if capacity_factor is not None and capacity_factor <= 0:
            raise ConfigError(f"capacity_factor={capacity_factor} leaves no room; use 1 or more, or None for no limit")
        self.capacity_factor = capacity_factor

    def choose(self, logits: Float[Tensor, "batch seq experts"]) -> Routing:
        """The best expert, where it has room."""
        flat = logits.flatten(0, 1)
        experts, weights = switch_routing(flat)
        if self.capacity_factor is None:
            return Routing(experts, weights, flat)
        _, seq, count = logits.shape
        rows = experts.view(-1, seq)
        kept = within_capacity(rows, count, capacity_of(seq, count, self.capacity_factor)).view(-1, 1)
        return Routing(experts, weights * kept, flat, kept)


class SigmoidRouter(Router):
    """DeepSeek-V3's: sigmoid scores, groups, and the bias that only chooses (a buffer: it is steered, not learned)."""

    def __init__(
        self,
        hidden: int,
        experts: int,
        k: int,
        *,
        groups: int = 1,
        chosen_groups: int = 1,
        scaling: float = 1.0,
        normalize: bool = True,
    ):
        super().__init__(hidden, experts, k, normalize=normalize)
        check_routing(experts, k, groups, chosen_groups)
        self.groups, self.chosen_groups, self.scaling = groups, chosen_groups, scaling
        self.e_score_correction_bias: Tensor
        self.register_buffer("e_score_correction_bias", torch.zeros(experts))

    def choose(self, logits: Float[Tensor, "batch seq experts"]) -> Routing:
        """The best of the best groups."""
        flat, bias = logits.flatten(0, 1), self.e_score_correction_bias.to(logits.dtype)
        within = self.groups, self.chosen_groups
        return Routing(*grouped_sigmoid_routing(flat, bias, self.k, *within, self.scaling, self.normalize), flat)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "SigmoidRouter":
        """Go where the module goes, but stay in float32: bf16 would round steps of 0.001 away."""
        exact = self.e_score_correction_bias
        super()._apply(fn, recurse)
        if not exact.is_meta:
            self.e_score_correction_bias = exact.to(self.e_score_correction_bias.device)
        return self
