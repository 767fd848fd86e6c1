"""A decoder as the list of its parts: what a family's file writes, what `parts` builds, what `accounting` counts.

    Blueprint            embedding, positions, blocks, last norm, head
      Block              which order of norms and additions, and the two parts
        Attention        heads, biases, QK-norm, rotary, window, scale, soft cap       LatentAttention   all heads from one latent
        FeedForward      width, activation, gate, biases                               Experts           many, of which a token uses a few
      Norm, Rotary       what these are made with

A variant is a value here and a part there; no layer asks which family it stands in. Each description knows its own number
of parameters, so a configuration is counted without torch. A new kind of feed-forward is a class with `counted` and a
line in `parts.BUILDERS`; a new kind of attention also says what it costs (`pair_products`) and keeps (`cache_widths`, `cache_heads`).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from groundup.errors import ConfigError

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
class Alibi:
    """A bias that falls with the distance, for all blocks. scale: what it is multiplied by. in_bfloat16: as Falcon rounds it."""

    scale: float = 1.0
    in_bfloat16: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Relative:
    """A learned bias for each head and bucket of distances, one table for all blocks of a stack (T5)."""

    buckets: int = 32
    max_distance: int = 128


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
    causal: bool = True  # False: in an encoder every token sees all
    interleaved: bool = False  # the pairs that turn are (2i, 2i + 1) and not (i, i + half)

    def matrices(self, hidden: int) -> dict[str, tuple[int, int]]:
        """The projections by name: how many numbers each reads and writes."""
        query, shared = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (hidden, query),
            "k_proj": (hidden, shared),
            "v_proj": (hidden, shared),
            "o_proj": (query, hidden),
        }

    @property
    def pair_products(self) -> tuple[int, int]:
        """Multiplications for one query with one key, in all heads: of the score, and of the value that is mixed in."""
        return self.heads * self.head_dim, self.heads * self.head_dim

    @property
    def cache_widths(self) -> tuple[int, int]:
        """Numbers of one token that the cache keeps as key and as value; an encoder keeps none."""
        width = self.kv_heads * self.head_dim if self.causal else 0
        return width, width

    def counted(self, hidden: int) -> Counted:
        """Four projections, their biases, and the gains of QK-norm."""
        matrices = self.matrices(hidden)
        vectors = sum(matrices[f"{name}_proj"][1] for name in self.bias)
        if self.qk_norm is not None:
            made = (matrices["q_proj"][1], matrices["k_proj"][1])
            vectors += sum(
                map(self.qk_norm.counted, (self.head_dim, self.head_dim) if self.qk_norm_over == "head" else made)
            )
        return Counted(sum(reads * writes for reads, writes in matrices.values()), vectors)

    @property
    def turning(self) -> int:
        """How many coordinates of a head turn."""
        return 0 if self.rotary is None else int(self.head_dim * self.rotary.share)

    @property
    def cache_heads(self) -> int:
        """Among how many heads these numbers are shared."""
        return self.kv_heads


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentAttention:
    """Keys and values of all heads made from one short vector a token; a part of each head, alike for all keys, turns.

    The fields have the names of DeepSeek's configurations. q_lora_rank: the query's own latent; None: a plain projection.
    interleaved: the pairs that turn are (2i, 2i + 1) and not (i, i + half). scale: None for 1 / sqrt(head_dim).
    """

    qk_norm: ClassVar[None] = None
    window: ClassVar[None] = None
    soft_cap: ClassVar[None] = None

    heads: int
    kv_lora_rank: int
    qk_nope_head_dim: int
    qk_rope_head_dim: int
    v_head_dim: int
    rotary: Rotary
    q_lora_rank: int | None = None
    bias: bool = False
    interleaved: bool = True
    scale: float | None = None

    def matrices(self, hidden: int) -> dict[str, tuple[int, int]]:
        """The projections by name: how many numbers each reads and writes."""
        query, up = self.heads * self.head_dim, self.heads * (self.qk_nope_head_dim + self.v_head_dim)
        asking = {"q_proj": (hidden, query)}
        if self.q_lora_rank is not None:
            asking = {"q_a_proj": (hidden, self.q_lora_rank), "q_b_proj": (self.q_lora_rank, query)}
        return asking | {
            "kv_a_proj_with_mqa": (hidden, self.kv_lora_rank + self.qk_rope_head_dim),
            "kv_b_proj": (self.kv_lora_rank, up),
            "o_proj": (self.heads * self.v_head_dim, hidden),
        }

    def counted(self, hidden: int) -> Counted:
        """The projections, the biases of what comes from and goes to the stream, and the gains of the latents' norms."""
        matrices, biased = self.matrices(hidden), ("q_a_proj", "kv_a_proj_with_mqa", "o_proj") if self.bias else ()
        biases = sum(matrices[name][1] for name in biased if name in matrices)
        gains = (self.q_lora_rank or 0) + self.kv_lora_rank
        return Counted(sum(reads * writes for reads, writes in matrices.values()), biases + gains)

    @property
    def head_dim(self) -> int:
        """Coordinates of a query and of a key."""
        return self.qk_nope_head_dim + self.qk_rope_head_dim

    @property
    def kv_heads(self) -> int:
        """As many as query heads, once they are made."""
        return self.heads

    @property
    def turning(self) -> int:
        """How many coordinates of a head turn."""
        return self.qk_rope_head_dim

    @property
    def pair_products(self) -> tuple[int, int]:
        """Multiplications for one query with one key, where the heads' keys and values are made, as they are for many queries."""
        return self.heads * self.head_dim, self.heads * self.v_head_dim

    @property
    def cache_widths(self) -> tuple[int, int]:
        """Numbers of one token that the cache keeps: the latent in the place of a key, the part that turns in that of a value."""
        return self.kv_lora_rank, self.qk_rope_head_dim

    @property
    def cache_heads(self) -> int:
        """All heads' keys are made from the same numbers."""
        return 1


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedForward:
    """Widen, bend, narrow; gated: a third matrix decides how far each unit opens."""

    intermediate: int
    activation: str = "silu"
    gated: bool = True
    bias: bool = False

    def matrices(self, hidden: int) -> dict[str, tuple[int, int]]:
        """The matrices by name: how many numbers each reads and writes."""
        wide = {"up_proj": (hidden, self.intermediate), "down_proj": (self.intermediate, hidden)}
        return {"gate_proj": (hidden, self.intermediate)} | wide if self.gated else wide

    def counted(self, hidden: int) -> Counted:
        """Two or three matrices and their biases."""
        matrices = self.matrices(hidden).values()
        vectors = sum(writes for _, writes in matrices) if self.bias else 0
        return Counted(sum(reads * writes for reads, writes in matrices), vectors)


@dataclass(frozen=True, kw_only=True, slots=True)
class Experts:
    """Gated feed-forwards side by side, of which each token uses `chosen`; how a token is sent: `model.moe.routing`.

    intermediate: the width of one. scores: "softmax" over all experts, or a "sigmoid" each, with a bias that only chooses,
    in the best chosen_groups of groups. normalize: the weights of the chosen are divided by their sum; scaling: then
    multiplied. shared: the width of a feed-forward beside them that every token uses, 0: none; shared_gate: it is opened
    by a number between 0 and 1 of the token's own.
    """

    experts: int
    chosen: int
    intermediate: int
    activation: str = "silu"
    scores: str = "softmax"
    normalize: bool = True
    groups: int = 1
    chosen_groups: int = 1
    scaling: float = 1.0
    shared: int = 0
    shared_gate: bool = False

    def __post_init__(self) -> None:
        check_routing(self.experts, self.chosen, self.groups, self.chosen_groups)
        if self.intermediate < 1:
            raise ConfigError(f"moe_intermediate_size={self.intermediate} is not possible; use 1 or more")

    @property
    def gated(self) -> bool:
        """Each of them has three matrices."""
        return True

    def counted(self, hidden: int) -> Counted:
        """The router, the chosen and the shared multiply a token; the other experts are idle."""
        one = 3 * hidden * self.intermediate
        beside = 3 * hidden * self.shared + hidden * self.shared_gate
        return Counted(hidden * self.experts + self.chosen * one + beside, 0, (self.experts - self.chosen) * one)


def check_routing(experts: int, chosen: int, groups: int = 1, chosen_groups: int = 1) -> None:
    """Refuse a choice that cannot be made. groups: into how many the experts fall; chosen_groups: among how many a token chooses."""
    if not 1 <= chosen <= experts:
        raise ConfigError(f"num_experts_per_tok={chosen} of {experts} experts; use 1 to {experts}")
    if groups < 1 or experts % groups or not 1 <= chosen_groups <= groups:
        raise ConfigError(
            f"n_group={groups}, topk_group={chosen_groups} do not fit {experts} experts; use a divisor and at most it"
        )
    if chosen > experts // groups * chosen_groups:
        held = f"{chosen_groups} groups of {experts // groups} hold"
        raise ConfigError(f"num_experts_per_tok={chosen} is more than {held}; raise topk_group")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One attention and one feed-forward, the norms about them, and what their output is multiplied by before it is added."""

    attention: Attention | LatentAttention
    feed_forward: Any
    norm: Norm
    order: str = "pre_norm"
    residual_scale: float = 1.0
    cross: Attention | None = None  # attention to a source, between the two and with a norm of its own

    def counted(self, hidden: int) -> Counted:
        """All parts and all norms."""
        parts = [part for part in (self.attention, self.cross, self.feed_forward) if part is not None]
        norms = (ORDERS[self.order] + (self.cross is not None)) * self.norm.counted(hidden)
        weights, vectors, idle = map(sum, zip(*(part.counted(hidden) for part in parts), strict=True))
        return Counted(weights, vectors + norms, idle)


@dataclass(frozen=True, kw_only=True, slots=True)
class LanguageModelHead:
    """One matrix, a row a token of the vocabulary; its bias, scale and cap stand in the blueprint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskedHead:
    """BERT's: one more layer with a norm, then the embedding as matrix, and a bias a token of the vocabulary."""

    activation: str
    norm: Norm


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreHead:
    """A score a label, of every token or of the whole text: what its `reads` token holds. dense: one more layer with tanh."""

    labels: int
    bias: bool = False
    every_token: bool = False
    reads: str = "last"  # or "first", or "pooler": the first as BERT's pooler gives it
    dense: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Blueprint:
    """A whole decoder or encoder. norm: before the head; None for none, as in GPT-1. head: None for the hidden states."""

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
    embedding_norm: Norm | None = None  # behind the embedding; this and the two below: `architectures/tricks.py`
    residual_scalars: bool = False  # before each block the stream is scaled and the embedding added again
    value_embeddings: tuple[int, ...] = ()  # numbers of the blocks whose values have an embedding of their own
    head: LanguageModelHead | MaskedHead | ScoreHead | None = LanguageModelHead()
    token_types: int = 0  # rows of a table of kinds of token, added like positions (BERT: which of two sentences)
    pooler: bool = False  # one more layer with tanh on the first token (BERT)
    alibi: Alibi | None = None
    position_axes: int = 1  # how many numbers say where a token stands, each with a learned table (GLM: 2)
    sinusoidal: bool = False  # sines and cosines of the place are added to each token (2017)
    relative: Relative | None = None
    encoder: tuple[Block, ...] = ()  # the blocks of the encoder that the decoder asks
    encoder_norm: Norm | None = None

    @property
    def scores_vocabulary(self) -> bool:
        """Whether the head has a row a token, which may be the embedding's."""
        return isinstance(self.head, LanguageModelHead | MaskedHead)

    def head_counted(self) -> Counted:
        """The head, with the matrix that a tied one shares; idle: what meets one token of a text and not each."""
        layer = Counted(self.hidden * self.hidden, self.hidden)
        match self.head:
            case LanguageModelHead():
                return Counted(self.vocab * self.hidden, self.vocab if self.head_bias else 0)
            case MaskedHead(norm=norm):
                vectors = layer.vectors + norm.counted(self.hidden) + self.vocab
                return Counted(layer.weights + self.vocab * self.hidden, vectors)
            case ScoreHead(labels=labels, bias=bias, every_token=every, dense=dense):
                weights = labels * self.hidden + dense * layer.weights
                vectors = bias * labels + dense * layer.vectors
                return Counted(weights, vectors) if every else Counted(0, vectors, weights)
        return Counted(0, 0)

    @property
    def beside(self) -> int:
        """Parameters of the tricks, the token types, the pooler and the encoder, none of which multiplies every token."""
        norm = 0 if self.embedding_norm is None else self.embedding_norm.counted(self.hidden)
        scalars = 2 * len(self.blocks) if self.residual_scalars else 0
        encoder = self._encoder() + self.token_types * self.hidden + self.pooler * (self.hidden + 1) * self.hidden
        heads = [self.blocks[number].attention for number in self.value_embeddings]
        values = sum(self.vocab * attention.kv_heads * attention.head_dim for attention in heads)
        return norm + scalars + encoder + values

    def _encoder(self) -> int:
        """Parameters of the encoder's blocks and norm, and of the tables of relative positions."""
        stacks = 2 if self.encoder else 1
        tables = 0 if self.relative is None else stacks * self.relative.buckets * self.blocks[0].attention.heads
        norm = 0 if self.encoder_norm is None else self.encoder_norm.counted(self.hidden)
        return tables + norm + sum(sum(block.counted(self.hidden)) for block in self.encoder)
