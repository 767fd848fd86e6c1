r"""State-space layers in the form of Mamba-2: a matrix that fades and is added to, read by a query.

    S_t = a_t S_(t-1) + k_t v_t^T          o_t = S_t^T q_t           a_t in (0, 1], chosen by the token

The state S has key_dim x value_dim numbers whatever the length: decoding needs constant memory and constant time a token.
Dao and Gu 2024 (Mamba-2), arXiv:2405.21060, eq. 16: their C is `query`, B is `key`, the input x times its step Delta is
`value`, and a_t = exp(A Delta_t) is given as its logarithm. In this form (theirs is called state-space duality, section 5)
it is attention without a softmax, whose scores are multiplied by the decay between the two places:

    o = (L * Q K^T) V,      L[t, j] = a_(j+1) ... a_t  for j <= t, else 0

Three forms of one function, equal to rounding:
    `state_space_reference`   token by token: the definition, and (one step of it) how a model decodes
    `state_space_matrix`      all pairs at once: quadratic in the length
    `state_space_chunked`     pairs within a chunk, the state between chunks (section 6): linear in the length, and all but a
                              short loop over chunks is matrix products
`Mamba2` is the layer around it. Left out: the scan of Mamba-1 (a decay for each coordinate), Delta's discretisation beyond
Euler's, and a fused kernel.
"""

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.attention.scaled_dot_product import repeat_heads
from groundup.model.layers.linear import Linear
from groundup.model.recurrence.convolution import CausalConvolution
from groundup.model.recurrence.segments import faded, segments_of, written
from groundup.slots import filled, slot

STRETCH = 4096  # tokens of a sequence that are worked on at once
CHUNK = 64  # tokens: larger ones cost more pairs, smaller ones more steps of the loop


@slot
def state_space_step(
    state: Float[Tensor, "batch heads key_dim value_dim"],
    query: Float[Tensor, "batch heads key_dim"],
    key: Float[Tensor, "batch heads key_dim"],
    value: Float[Tensor, "batch heads value_dim"],
    log_decay: Float[Tensor, "batch heads"],
) -> tuple[Float[Tensor, "batch heads value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Let the state fade, write the token's value under its key, and read it with the query: (output, new state).

    log_decay: 0 keeps all of the old state, -inf none. The query already reads what this token wrote.
    """
    state = state * log_decay.exp()[..., None, None] + key[..., :, None] * value[..., None, :]
    return (query[..., None, :] @ state)[..., 0, :], state


def state_space_reference(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Run the recurrence token by token: all outputs, and the state after the last token.

    state: what earlier tokens left, None for zeros.
    """
    state = empty_state(key, value) if state is None else state
    outputs = []
    for t in range(value.shape[2]):
        output, state = state_space_step(state, query[:, :, t], key[:, :, t], value[:, :, t], log_decay[:, :, t])
        outputs.append(output)
    return torch.stack(outputs, dim=2), state


def empty_state(
    key: Float[Tensor, "batch heads seq key_dim"], value: Float[Tensor, "batch heads seq value_dim"]
) -> Float[Tensor, "batch heads key_dim value_dim"]:
    """Nothing remembered."""
    return key.new_zeros(*key.shape[:2], key.shape[-1], value.shape[-1])


def decay_matrix(log_decay: Float[Tensor, "*batch seq"]) -> Float[Tensor, "*batch seq seq"]:
    """What is left at row t of what was written at column j: exp(log_decay[j+1] + ... + log_decay[t]), 0 for j > t.

    The sums start anew in each column, not as differences of one running sum, so that a decay to 0 (-inf) gives no NaN.

    >>> decay_matrix(torch.tensor([0.5, 0.5, 0.25]).log())[2].tolist()
    [0.125, 0.25, 1.0]
    """
    seq = log_decay.shape[-1]
    after = torch.ones(seq, seq, dtype=torch.bool, device=log_decay.device).tril(-1)
    steps = torch.where(after, log_decay[..., :, None], 0.0)
    return steps.cumsum(-2).exp().tril()


def state_space_matrix(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
) -> Float[Tensor, "batch heads seq value_dim"]:
    """Compute all outputs as attention without a softmax, its scores faded by the decay between the two places."""
    return (query @ key.mT * decay_matrix(log_decay)) @ value


def in_chunks(x: Float[Tensor, "batch heads seq *rest"], chunk: int) -> Float[Tensor, "batch heads chunks chunk *rest"]:
    """Cut the sequence into chunks, the last one filled up with zeros (which neither fade nor write anything)."""
    missing = -x.shape[2] % chunk
    if missing:
        x = torch.cat((x, x.new_zeros(*x.shape[:2], missing, *x.shape[3:])), dim=2)
    return x.unflatten(2, (-1, chunk))


def pass_on(
    added: Float[Tensor, "batch heads chunks key_dim value_dim"],
    kept: Float[Tensor, "batch heads chunks"],
    state: Float[Tensor, "batch heads key_dim value_dim"],
) -> tuple[Float[Tensor, "batch heads chunks key_dim value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """The state before each chunk, and after the last: each keeps a share of what it was given and adds its own."""
    before = []
    for share, own in zip(kept[..., None, None].unbind(2), added.unbind(2), strict=True):
        before.append(state)
        state = torch.addcmul(own, share, state)
    return torch.stack(before, dim=2), state


@slot
def state_space_chunked(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
    chunk: int = CHUNK,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Compute the recurrence chunk by chunk: all outputs, and the state after the last token.

    Within a chunk every token reads the tokens up to itself directly; from earlier chunks it reads the state that they left.
    Dao and Gu 2024, section 6. state: what earlier tokens left, None for zeros.
    """
    state, seq = empty_state(key, value) if state is None else state, value.shape[2]
    query, key, value, log_decay = (in_chunks(x, min(chunk, seq)) for x in (query, key, value, log_decay))
    decay = decay_matrix(log_decay)
    within = (query @ key.mT * decay) @ value
    added = (key * decay[..., -1, :, None]).mT @ value  # the last row: what is left at the chunk's end
    before, last = pass_on(added, log_decay.sum(-1).exp(), state)
    from_before = (query * log_decay.cumsum(-1).exp()[..., None]) @ before
    return (within + from_before).flatten(2, 3)[:, :, :seq], last


def wide(x: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """Take float32 for narrower formats: bf16 forgets small additions to a large state."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def in_stretches(
    form: Callable[..., tuple[Tensor, Tensor]], inputs: Sequence[Tensor], state: Tensor | None, stretch: int = STRETCH
) -> tuple[Tensor, Tensor]:
    """Run a recurrence over a long sequence a stretch at a time, each from the state that the one before left.

    The tables of all chunks of 16,384 tokens leave the processor's cache: at once they take 2.9 times as long as those of 8,192.
    """
    outputs = []
    for part in zip(*(x.split(stretch, dim=2) for x in inputs), strict=True):
        output, state = form(*part, state)
        outputs.append(output)
    assert state is not None, "a sequence of no token"
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=2), state


def state_space(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Run the recurrence by its fastest form, in float32 at least; token by token where the learner wrote the step.

    The output has the dtype of `value`; the state stays wide.
    """
    step_by_step = value.shape[2] == 1 or filled("model.recurrence.state_space_step")
    form = state_space_reference if step_by_step else state_space_chunked
    output, state = in_stretches(form, [wide(x) for x in (query, key, value, log_decay)], state)
    return output.to(value.dtype), state


class GatedRMSNorm(nn.Module):
    """Open or close the output by a gate and bring it to unit mean square, group by group; in float32.

    gate_first: the gate before the norm (Mamba-2), or after norm and gain (gated DeltaNet).
    """

    def __init__(self, width: int, eps: float, groups: int = 1, gate_first: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.eps, self.groups, self.gate_first = eps, groups, gate_first

    def forward(
        self, x: Float[Tensor, "*batch width"], gate: Float[Tensor, "*batch width"]
    ) -> Float[Tensor, "*batch width"]:
        """Gate and normalise the last axis."""
        opened = functional.silu(wide(gate))
        parts = (wide(x) * opened if self.gate_first else wide(x)).unflatten(-1, (self.groups, -1))
        unit = (parts * torch.rsqrt(parts.square().mean(-1, keepdim=True) + self.eps)).flatten(-2) * self.weight
        return (unit if self.gate_first else unit * opened).to(x.dtype)


def decay_rates(heads: int, low: float = 1.0, high: float = 16.0, generator: torch.Generator | None = None) -> Tensor:
    """First values of A_log: logarithms of rates drawn evenly between low and high, so that heads forget at different speeds."""
    return torch.empty(heads).uniform_(low, high, generator=generator).log_()


def step_biases(heads: int, low: float = 0.001, high: float = 0.1, generator: torch.Generator | None = None) -> Tensor:
    """First values of dt_bias: the inverse softplus of steps drawn evenly in their logarithm between low and high.

    Gu and Dao 2023 (Mamba), arXiv:2312.00752, section 3.6. With a rate of 1 and a step of 0.001 a head remembers 1,000 tokens.
    """
    step = torch.empty(heads).uniform_(math.log(low), math.log(high), generator=generator).exp_()
    return step + torch.log(-torch.expm1(-step))


class Mamba2(nn.Module):
    """The layer as published: project, convolve, run the recurrence, add a skip, gate and normalise, project back.

    A token chooses its step Delta (dt): how far the state fades, exp(-exp(A_log) dt), and how strongly its value is written.
    groups: heads i of a group share query and key, as grouped-query attention shares keys. Parameters are named as in the
    Hugging Face files (`Mamba2Mixer`). Called as an attention is; angles are not used, as order is in the state.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        head_dim: int,
        state_size: int,
        *,
        groups: int = 1,
        kernel: int = 4,
        bias: bool = False,
        conv_bias: bool = True,
        norm_eps: float = 1e-5,
        time_step_limit: tuple[float, float] = (0.0, math.inf),
    ):
        super().__init__()
        if heads % groups:
            raise ConfigError(f"n_groups={groups} cannot be shared evenly by num_heads={heads}; use a divisor of it")
        self.heads, self.head_dim, self.state_size, self.groups = heads, head_dim, state_size, groups
        self.time_step_limit = time_step_limit
        inner, shared = heads * head_dim, groups * state_size
        self.in_proj = Linear(hidden, 2 * inner + 2 * shared + heads, bias)
        self.conv1d = CausalConvolution(inner + 2 * shared, kernel, conv_bias)
        self.dt_bias = nn.Parameter(torch.empty(heads))
        self.A_log = nn.Parameter(torch.empty(heads))
        self.D = nn.Parameter(torch.empty(heads))
        self.norm = GatedRMSNorm(inner, norm_eps, groups)
        self.out_proj = Linear(inner, hidden, bias)

    def first_values(self, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What the decay starts from: the parameters that no rule by shape can fill."""
        return {
            "A_log": decay_rates(self.heads, generator=generator),
            "dt_bias": step_biases(self.heads, generator=generator),
            "D": torch.ones(self.heads),
        }

    def forward(
        self, x: Float[Tensor, "batch seq hidden"], angles=None, mask: Tensor | None = None, cache=None, layer: int = 0
    ) -> Float[Tensor, "batch seq hidden"]:
        """Read x, and the state that `cache` holds of earlier tokens. mask: padding and documents; None is one text a row."""
        segments = segments_of(mask, x.shape[1])
        before, state = (None, None) if cache is None else cache.recall(layer)
        inner, shared = self.heads * self.head_dim, self.groups * self.state_size
        gate, mixed, dt = self.in_proj(written(x, segments)).split([inner, inner + 2 * shared, self.heads], dim=-1)
        mixed, before = self.conv1d(written(mixed, segments), before, None if segments is None else segments.document)
        value, key, query = functional.silu(mixed).split([inner, shared, shared], dim=-1)
        dt = functional.softplus(wide(dt) + self.dt_bias).clamp(*self.time_step_limit).mT  # (batch heads seq)
        log_decay = faded(-wide(self.A_log).exp()[:, None] * dt, segments)
        value = self._heads(written(value, segments), self.heads)
        query, key = (repeat_heads(self._heads(part, self.groups), self.heads // self.groups) for part in (query, key))
        output, state = state_space(query, key, wide(value) * dt[..., None], log_decay, state)
        output = (output + value * self.D[:, None, None]).to(x.dtype)  # the skip: what the token itself says
        if cache is not None:
            cache.keep(layer, (before, state), x.shape[1])
        return self.out_proj(self.norm(output.transpose(1, 2).flatten(2), gate))

    def _heads(self, x: Tensor, heads: int) -> Float[Tensor, "batch heads seq dim"]:
        return x.unflatten(-1, (heads, -1)).transpose(1, 2)
