r"""Experts: feed-forwards in one stack, of which each token runs through its own few.

    y = sum over chosen e of weight_e * expert_e(x)          (+ shared(x), which every token uses)

Shazeer et al. 2017, arXiv:1701.06538, eq. 1. An expert is a gated feed-forward (Mixtral, DeepSeek) or two matrices with ReLU
(Switch). DeepSeek's are fine-grained: the same weights cut into more and narrower experts, of which more are used, so that
there are more ways to combine them; what all need is learned once, in the shared one (Dai et al. 2024, arXiv:2401.06066).

`mixture_reference` is the definition, token by token. `mixture` sorts the choices by expert, so that each expert multiplies all
its tokens at once, and adds the results back in their places; no loop over tokens. Every token is computed, whatever the
load; a capacity drops by weight 0 (`routing.py`), and dropped choices are not computed.
Left out: experts on several devices, block-sparse kernels for a GPU.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.layers.feed_forward import ACTIVATIONS, GatedFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.moe.routing import Router, Routing, SigmoidRouter, SwitchRouter

Expert = Callable[[int, Tensor], Tensor]  # the number of an expert and rows of hidden -> rows of hidden


def mixture_reference(
    x: Float[Tensor, "tokens hidden"],
    experts: Int[Tensor, "tokens chosen"],
    weights: Float[Tensor, "tokens chosen"],
    expert: Expert,
) -> Float[Tensor, "tokens hidden"]:
    """Add up, token by token, what its experts say of it, each times its weight. expert(number, rows) computes one expert."""
    rows = []
    for token, numbers, shares in zip(x, experts.tolist(), weights, strict=True):
        said = [share * expert(number, token[None])[0] for number, share in zip(numbers, shares, strict=True)]
        rows.append(sum(said, torch.zeros_like(token)).to(x.dtype))
    return torch.stack(rows)


def mixture(
    x: Float[Tensor, "tokens hidden"],
    experts: Int[Tensor, "tokens chosen"],
    weights: Float[Tensor, "tokens chosen"],
    expert: Expert,
    count: int,
) -> Float[Tensor, "tokens hidden"]:
    """The same with the choices grouped by expert: each of `count` experts multiplies all its tokens at once.

    A choice whose expert is `count` itself was dropped: it is not computed and adds nothing.
    """
    order = experts.flatten().argsort(stable=True)
    loads = torch.bincount(experts.flatten(), minlength=count)[:count].tolist()
    order = order[: sum(loads)]
    tokens = order.div(experts.shape[1], rounding_mode="floor")
    groups = x[tokens].split(loads)
    said = [expert(number, rows) for number, rows in enumerate(groups) if len(rows)]
    if not said:
        return torch.zeros_like(x)
    shares = weights.flatten()[order, None].to(x.dtype)
    return torch.zeros_like(x).index_add(0, tokens, torch.cat(said) * shares)


class GatedExperts(nn.Module):
    """A stack of gated feed-forwards; gate and up stand in one matrix an expert, as in the Hugging Face modules."""

    def __init__(self, hidden: int, intermediate: int, experts: int, activation: str = "silu"):
        super().__init__()
        self.gate_up_proj = nn.Parameter(torch.empty(experts, 2 * intermediate, hidden))
        self.down_proj = nn.Parameter(torch.empty(experts, hidden, intermediate))
        self.activation = activation

    @property
    def expert(self) -> Expert:
        """What computes one expert. The stack is taken apart once: indexed, each expert's gradient would be as large as all."""
        gate_up, down = self.gate_up_proj.unbind(), self.down_proj.unbind()

        def answer(number: int, rows: Tensor) -> Tensor:
            gate, up = functional.linear(rows, gate_up[number].to(rows.dtype)).chunk(2, dim=-1)
            return functional.linear(ACTIVATIONS[self.activation](gate) * up, down[number].to(rows.dtype))

        return answer

    def forward(self, x: Float[Tensor, "batch seq hidden"], routing: Routing) -> Float[Tensor, "batch seq hidden"]:
        """Every token through its experts."""
        return _routed(self, x, routing)


class PlainExperts(nn.Module):
    """A stack of feed-forwards of two matrices (Switch): down(relu(up(x)))."""

    def __init__(self, hidden: int, intermediate: int, experts: int, activation: str = "relu"):
        super().__init__()
        self.up_proj = nn.Parameter(torch.empty(experts, intermediate, hidden))
        self.down_proj = nn.Parameter(torch.empty(experts, hidden, intermediate))
        self.activation = activation

    @property
    def expert(self) -> Expert:
        """What computes one expert."""
        up, down = self.up_proj.unbind(), self.down_proj.unbind()

        def answer(number: int, rows: Tensor) -> Tensor:
            inner = ACTIVATIONS[self.activation](functional.linear(rows, up[number].to(rows.dtype)))
            return functional.linear(inner, down[number].to(rows.dtype))

        return answer

    def forward(self, x: Float[Tensor, "batch seq hidden"], routing: Routing) -> Float[Tensor, "batch seq hidden"]:
        """Every token through its expert."""
        return _routed(self, x, routing)


def _routed(stack: GatedExperts | PlainExperts, x: Tensor, routing: Routing) -> Tensor:
    """Flatten texts to tokens, send what was dropped to no expert, and shape the result as x."""
    count = len(stack.down_proj)
    experts = routing.experts if routing.kept is None else routing.experts.masked_fill(~routing.kept, count)
    return mixture(x.flatten(0, 1), experts, routing.weights, stack.expert, count).view_as(x)


class MixtureOfExperts(nn.Module):
    """`top_k` of `experts` gated feed-forwards, and what else a family has. In the place of a feed-forward: x -> x.

    router: how a token is sent, None: Mixtral's way. shared: the width of a feed-forward that every token uses beside its
    experts, 0: none; shared_gate: each token opens it by a number between 0 and 1 (Qwen2-MoE).
    """

    def __init__(
        self,
        hidden: int,
        intermediate: int,
        experts: int,
        top_k: int,
        *,
        activation: str = "silu",
        router: Router | None = None,
        shared: int = 0,
        shared_gate: bool = False,
    ):
        super().__init__()
        self.gate = Router(hidden, experts, top_k) if router is None else router
        self.experts = GatedExperts(hidden, intermediate, experts, activation)
        self.shared_experts = GatedFeedForward(hidden, shared, activation=activation) if shared else None
        self.shared_expert_gate = Linear(hidden, 1) if shared_gate else None

    def forward(self, x: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq hidden"]:
        """Route, compute, and add what the shared expert says."""
        said = self.experts(x, self.gate(x))
        if self.shared_experts is None:
            return said
        shared = self.shared_experts(x)
        if self.shared_expert_gate is not None:
            shared = torch.sigmoid(self.shared_expert_gate(x)) * shared
        return said + shared


class SwitchFeedForward(nn.Module):
    """Switch's: one expert a token, with a capacity; what was dropped gives 0, and the residual carries it on."""

    def __init__(
        self,
        hidden: int,
        intermediate: int,
        experts: int,
        *,
        capacity_factor: float | None = 1.25,
        activation: str = "relu",
    ):
        super().__init__()
        self.gate = SwitchRouter(hidden, experts, capacity_factor)
        self.experts = PlainExperts(hidden, intermediate, experts, activation)

    def forward(self, x: Float[Tensor, "batch seq hidden"]) -> Float[Tensor, "batch seq hidden"]:
        """Route, then compute what found room."""
        return self.experts(x, self.gate(x))


class SharedMixture(MixtureOfExperts):
    """DeepSeek's: `top_k` fine-grained experts beside `shared` of the same width, merged into one, that every token uses."""

    def __init__(
        self,
        hidden: int,
        intermediate: int,
        experts: int,
        top_k: int,
        *,
        shared: int = 1,
        groups: int = 1,
        chosen_groups: int = 1,
        scaling: float = 1.0,
        activation: str = "silu",
    ):
        if shared < 1:
            raise ConfigError(f"n_shared_experts={shared}; use 1 or more, or MixtureOfExperts for none")
        router = SigmoidRouter(hidden, experts, top_k, groups=groups, chosen_groups=chosen_groups, scaling=scaling)
        width = shared * intermediate
        super().__init__(hidden, intermediate, experts, top_k, activation=activation, router=router, shared=width)
