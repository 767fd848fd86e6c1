"""A decoder as the list of its parts: what a family's file writes, what `parts` builds, what `accounting` counts.

    Blueprint            embedding, positions, blocks, last norm, head
      Block              which order of norms and additions, and the two parts
        Attention        heads, biases, QK-norm, rotary, window, scale, soft cap
        FeedForward      width, activation, gate, biases
      Norm, Rotary       what these are made with

A variant is a value here and a part there; no layer asks which family it stands in. Each description knows its own number
of parameters, so a configuration is counted without torch. A new kind of feed-forward is a class with `counted` and a
line in `parts.BUILDERS`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

# Names of Hugging Face's configurations; several name one function. What they compute: `model.layers.feed_forward`.
ACTIVATIONS = (
    "silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "relu2",
)  # fmt: skip
# order of norms and additions in a block -> how many norms it has; what they compute: `model.layers.residual`
ORDERS = {"pre_norm": 2, "post_norm": 2, "sandwich": 4, "output_norm": 2, "parallel": 1, "parallel_two_norms": 2}


class Counted(NamedTuple):
    """Parameters of a part: in matrices that multiply a token, in biases and gains, which cost next to nothing, and in matrices
    that a given token does not meet (the experts it is not sent to)."""

    weights: int
    vectors: int
    idle: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Norm:
    """How a vector is brought to unit size: by its root mean square, or (kind "layer") by its deviation from its mean."""

    eps: float = 1e-6
    kind: str = "rms"
    offset: float = 0.0  # added to the stored gain: 1 where a gain of one is stored as 0 (Gemma)
    gain: bool = True
    bias: bool = False

    def counted(self, width: int) -> int:
        """Gains and biases of one norm."""
        return width * (self.gain + self.bias)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rotary:
    """Angles between positions. share: the part of a head that turns. scaling: as in config.json, for longer contexts."""

    theta: float = 10_000.0
    share: float = 1.0
    scaling: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """Query heads that share key/value heads. bias: which of q, k, v, o add one."""

    heads: int
    kv_heads: int
    head_dim: int
    bias: str = ""
    qk_norm: Norm | None = None
    qk_norm_over: str = "head"  # or "width": all heads of a token together (OLMo 2)
    rotary: Rotary | None = None
    window: int | None = None  # how many tokens a query sees, itself included; None: all before it
    scale: float | None = None  # what the scores are multiplied by; None: 1 / sqrt(head_dim)
    soft_cap: float | None = None

    def counted(self, hidden: int) -> Counted:
        """Four projections, their biases, and the gains of QK-norm."""
        query, shared = self.heads * self.head_dim, self.kv_heads * self.head_dim
        outputs = {"q": query, "k": shared, "v": shared, "o": hidden}
        vectors = sum(outputs[name] for name in self.bias)
        if self.qk_norm is not None:
            widths = (self.head_dim, self.head_dim) if self.qk_norm_over == "head" else (query, shared)
            vectors += sum(map(self.qk_norm.counted, widths))
        return Counted(hidden * (2 * query + 2 * shared), vectors)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedForward:
    """Widen, bend, narrow; gated: a third matrix decides how far each unit opens."""

    intermediate: int
    activation: str = "silu"
    gated: bool = True
    bias: bool = False

    def counted(self, hidden: int) -> Counted:
        """Two or three matrices and their biases."""
        wide = 2 if self.gated else 1
        vectors = (wide * self.intermediate + hidden) if self.bias else 0
        return Counted((wide + 1) * hidden * self.intermediate, vectors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One attention and one feed-forward, the norms about them, and what their output is multiplied by before it is added."""

    attention: Attention
    feed_forward: Any
    norm: Norm
    order: str = "pre_norm"
    residual_scale: float = 1.0

    def counted(self, hidden: int) -> Counted:
        """Both parts and all norms."""
        attention, feed_forward = self.attention.counted(hidden), self.feed_forward.counted(hidden)
        norms = ORDERS[self.order] * self.norm.counted(hidden)
        weights, vectors, idle = (one + other for one, other in zip(attention, feed_forward, strict=True))
        return Counted(weights, vectors + norms, idle)


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """A whole decoder. norm: before the head; None for none, as in GPT-1."""

    vocab: int
    hidden: int
    blocks: tuple[Block, ...]
    norm: Norm | None
    embedding_scale: float = 1.0
    learned_positions: int = 0  # rows of a learned table that is added to the tokens; 0: none
    first_position: int = 0  # the row at which position 0 stands (OPT: 2)
    head_bias: bool = False
    logit_scale: float = 1.0
    logit_soft_cap: float | None = None
