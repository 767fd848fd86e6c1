r"""The gated delta rule: a state that is corrected where it is wrong, instead of only added to.

    w_t = a_t S_(t-1)^T k_t                    what the faded state answers to this key
    S_t = a_t S_(t-1) + k_t (b_t (v_t - w_t))^T        write the difference; b_t in (0, 1): how much of it
    o_t = S_t^T q_t

A state space adds every value under its key, so two values under one key come back as their sum. The delta rule (Widrow and
Hoff 1960; as fast weights Schlag et al. 2021, arXiv:2102.11174) takes the old answer out first: with b = 1 and unit keys,
the state answers exactly with the last value. With the gate a_t it can also let go of everything at once.
Yang, Kautz and Hatamizadeh 2024 (gated DeltaNet), arXiv:2412.06464, eq. 10, there as S_t = S_(t-1) a_t (I - b_t k_t k_t^T) +
b_t v_t k_t^T with the state transposed. The layer has the form of Qwen3-Next's; Kimi's has a decay for each coordinate.

In chunks (Yang et al. 2024, arXiv:2406.06484, section 3): the corrections u_t = b_t (v_t - w_t) of a chunk depend on one
another only through a lower triangular system,

    (I + A) u = b (v - g k^T S_0),      A[t, j] = b_t L[t, j] k_t . k_j for j < t,      g_t = a_1 ... a_t

so u = T(b v) - T(b g k) S_0 with T = (I + A)^(-1) (the WY form of a product of Householder-like matrices). Given u, what is
left is the state space of `state_space.py` with u as its values.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.model.attention.scaled_dot_product import repeat_heads
from groundup.model.layers.linear import Linear
from groundup.model.recurrence.convolution import CausalConvolution
from groundup.model.recurrence.segments import faded, segments_of, written
from groundup.model.recurrence.state_space import (
    CHUNK,
    GatedRMSNorm,
    decay_matrix,
    decay_rates,
    empty_state,
    in_chunks,
    in_stretches,
    step_biases,
    wide,
)
from groundup.slots import filled, slot


@slot
def delta_rule_step(
    state: Float[Tensor, "batch heads key_dim value_dim"],
    query: Float[Tensor, "batch heads key_dim"],
    key: Float[Tensor, "batch heads key_dim"],
    value: Float[Tensor, "batch heads value_dim"],
    log_decay: Float[Tensor, "batch heads"],
    beta: Float[Tensor, "batch heads"],
) -> tuple[Float[Tensor, "batch heads value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Let the state fade, move its answer to the key towards the value by the share beta, and read it with the query.

    Gives (output, new state). key: of unit length. log_decay: 0 keeps all of the old state, -inf none. beta: 0 writes
    nothing, 1 makes the state answer `key` with `value`.
    """
    state = state * log_decay.exp()[..., None, None]
    answer = (key[..., None, :] @ state)[..., 0, :]
    correction = beta[..., None] * (value - answer)
    state = state + key[..., :, None] * correction[..., None, :]
    return (query[..., None, :] @ state)[..., 0, :], state


def delta_rule_reference(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    beta: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Run the recurrence token by token: all outputs, and the state after the last token."""
    state = empty_state(key, value) if state is None else state
    outputs = []
    for parts in zip(*(x.unbind(2) for x in (query, key, value, log_decay, beta)), strict=True):
        output, state = delta_rule_step(state, *parts)
        outputs.append(output)
    return torch.stack(outputs, dim=2), state


def corrections(
    key: Float[Tensor, "*chunks chunk key_dim"],
    value: Float[Tensor, "*chunks chunk value_dim"],
    log_decay: Float[Tensor, "*chunks chunk"],
    beta: Float[Tensor, "*chunks chunk"],
) -> tuple[Float[Tensor, "*chunks chunk value_dim"], Float[Tensor, "*chunks chunk key_dim"]]:
    """What each token of a chunk writes, as two matrices: corrections = first - second @ (the state before the chunk)."""
    pairs = (beta[..., None] * (key @ key.mT) * decay_matrix(log_decay)).tril(-1)
    since_start = log_decay.cumsum(-1).exp()
    wanted = torch.cat((value, key * since_start[..., None]), dim=-1) * beta[..., None]
    # The diagonal, 1, is not read: `unitriangular`.
    solved = torch.linalg.solve_triangular(pairs, wanted, upper=False, unitriangular=True)
    return tuple(solved.split([value.shape[-1], key.shape[-1]], dim=-1))


def delta_rule_chunked(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    beta: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
    chunk: int = CHUNK,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Compute the recurrence chunk by chunk: all outputs, and the state after the last token.

    What needs no state is solved for all chunks at once; the loop over chunks is three matrix products each.
    """
    state, seq = empty_state(key, value) if state is None else state, value.shape[2]
    query, key, value, log_decay, beta = (in_chunks(x, min(chunk, seq)) for x in (query, key, value, log_decay, beta))
    decay = decay_matrix(log_decay)
    own, by_state = corrections(key, value, log_decay, beta)
    scores = query @ key.mT * decay
    reading = query * log_decay.cumsum(-1).exp()[..., None]
    writing = (key * decay[..., -1, :, None]).mT
    kept = log_decay.sum(-1).exp()[..., None, None]
    outputs = []
    for index in range(own.shape[2]):
        correction = own[:, :, index] - by_state[:, :, index] @ state
        outputs.append(scores[:, :, index] @ correction + reading[:, :, index] @ state)
        state = kept[:, :, index] * state + writing[:, :, index] @ correction
    return torch.cat(outputs, dim=2)[:, :, :seq], state


def delta_rule(
    query: Float[Tensor, "batch heads seq key_dim"],
    key: Float[Tensor, "batch heads seq key_dim"],
    value: Float[Tensor, "batch heads seq value_dim"],
    log_decay: Float[Tensor, "batch heads seq"],
    beta: Float[Tensor, "batch heads seq"],
    state: Float[Tensor, "batch heads key_dim value_dim"] | None = None,
) -> tuple[Float[Tensor, "batch heads seq value_dim"], Float[Tensor, "batch heads key_dim value_dim"]]:
    """Run the recurrence by its fastest form, in float32 at least; token by token where the learner wrote the step."""
    step_by_step = value.shape[2] == 1 or filled("model.recurrence.delta_rule_step")
    form = delta_rule_reference if step_by_step else delta_rule_chunked
    output, state = in_stretches(form, [wide(x) for x in (query, key, value, log_decay, beta)], state)
    return output.to(value.dtype), state


def unit_length(x: Float[Tensor, "*batch dim"], eps: float = 1e-6) -> Float[Tensor, "*batch dim"]:
    """Scale a vector to length 1, in float32 at least; eps is added to its square."""
    x = wide(x)
    return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + eps)


class GatedDeltaNet(nn.Module):
    """The layer as Qwen3-Next has it: project, convolve, unit keys, delta rule, normalise and gate, project back.

    key_heads are shared by value_heads as in grouped-query attention. Parameters are named as in the Hugging Face files
    (`Qwen3NextGatedDeltaNet`), and `in_proj_qkvz` has its rows key head by key head. Called as an attention is; angles are
    not used.
    """

    def __init__(
        self,
        hidden: int,
        key_heads: int,
        value_heads: int,
        key_dim: int,
        value_dim: int,
        *,
        kernel: int = 4,
        norm_eps: float = 1e-6,
    ):
        super().__init__()
        if value_heads % key_heads:
            raise ConfigError(
                f"linear_num_value_heads={value_heads} cannot be shared evenly by linear_num_key_heads={key_heads}; "
                "use a divisor of it"
            )
        self.key_heads, self.value_heads, self.key_dim, self.value_dim = key_heads, value_heads, key_dim, value_dim
        keys, values = key_heads * key_dim, value_heads * value_dim
        self.in_proj_qkvz = Linear(hidden, 2 * keys + 2 * values)
        self.in_proj_ba = Linear(hidden, 2 * value_heads)
        self.conv1d = CausalConvolution(2 * keys + values, kernel, bias=False)
        self.dt_bias = nn.Parameter(torch.empty(value_heads))
        self.A_log = nn.Parameter(torch.empty(value_heads))
        self.norm = GatedRMSNorm(value_dim, norm_eps, gate_first=False)
        self.out_proj = Linear(values, hidden)

    def first_values(self, generator: torch.Generator | None = None) -> dict[str, Tensor]:
        """What the decay starts from: the parameters that no rule by shape can fill."""
        return {
            "A_log": decay_rates(self.value_heads, generator=generator),
            "dt_bias": step_biases(self.value_heads, generator=generator),
        }

    def forward(
        self, x: Float[Tensor, "batch seq hidden"], angles=None, mask: Tensor | None = None, cache=None, layer: int = 0
    ) -> Float[Tensor, "batch seq hidden"]:
        """Read x, and the state that `cache` holds of earlier tokens. mask: padding and documents; None is one text a row."""
        segments = segments_of(mask, x.shape[1])
        before, state = (None, None) if cache is None else cache.recall(layer)
        mixed, gate, opened, dt = self._projected(written(x, segments))
        mixed, before = self.conv1d(mixed, before, None if segments is None else segments.document)
        query, key, value = self._heads(functional.silu(mixed))
        rate = -wide(self.A_log).exp() * functional.softplus(wide(dt) + self.dt_bias)
        beta = written(opened.sigmoid(), segments).mT
        output, state = delta_rule(query, key, value, faded(rate.mT, segments), beta, state)
        if cache is not None:
            cache.keep(layer, (before, state), x.shape[1])
        return self.out_proj(self.norm(output.transpose(1, 2), gate).flatten(2))

    def _projected(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Query, key and value side by side; the output gate; what opens writing; what sets the decay."""
        shared = self.value_heads // self.key_heads
        sizes = [self.key_dim, self.key_dim, shared * self.value_dim, shared * self.value_dim]
        query, key, value, gate = self.in_proj_qkvz(x).unflatten(-1, (self.key_heads, -1)).split(sizes, dim=-1)
        opened, dt = self.in_proj_ba(x).unflatten(-1, (self.key_heads, -1)).split([shared, shared], dim=-1)
        mixed = torch.cat([part.flatten(2) for part in (query, key, value)], dim=-1)
        return mixed, gate.flatten(2).unflatten(-1, (self.value_heads, -1)), opened.flatten(2), dt.flatten(2)

    def _heads(self, mixed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cut into heads; queries and keys to unit length, and a key head for each value head."""
        keys, shared = self.key_heads * self.key_dim, self.value_heads // self.key_heads
        query, key, value = mixed.split([keys, keys, self.value_heads * self.value_dim], dim=-1)
        query, key = (x.unflatten(-1, (self.key_heads, -1)).transpose(1, 2) for x in (query, key))
        query, key = unit_length(query) * self.key_dim**-0.5, unit_length(key)
        value = value.unflatten(-1, (self.value_heads, -1)).transpose(1, 2)
        return repeat_heads(query, shared), repeat_heads(key, shared), value
