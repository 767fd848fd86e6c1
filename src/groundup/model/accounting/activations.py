"""What the way forward keeps for the way back: every tensor that autograd holds, by formula, for this house's kernels on a CPU.

For each token of a block, in numbers of the width in which it computes (h: hidden, q and k: query and key heads together, f:
the feed-forward's units), with what a norm keeps of its own, 4 bytes (RMSNorm) or 8 (LayerNorm):

    pre-norm                 4 h       the stream, and what the norm makes of it, before each of the two parts
    sandwich                 6 h       and what each part says, which a norm reads
    parallel                 2 h, with two norms 3 h
    attention                2 q + 2 k        query, key, value, what is mixed; one fp32 number a head
      QK-norm                q + k            what it reads
      scores held            heads * keys     on a CPU in bf16 up to 1,024 keys (causal: of those so far, in steps of 128), and with a
                                              soft cap, which keeps them twice
    gated feed-forward       4 f              gate, silu(gate), up, their product
    plain                    2 f
    cross-attention          2 h + 2 q      and 2 k for each token of the source
      with a bias            heads * keys     where scores are held, of all keys: the steps know no bias; a learned one (T5) is always held whole
    experts                  3 h + 4 f for each one chosen
    latent attention         the latents twice; query, key, value and what is mixed of all heads

The loss: what the last norm reads, the gradient of what the head reads, and that of the head itself, since the loss in pieces
makes both on the way forward; or all scores, in fp32, where it does not go in pieces (BERT's head keeps 3 h besides). In bf16
a short copy of each matrix.
With checkpointing each block keeps the stream that enters it, and one block at a time all the rest; with offload nothing.

Counting after Korthikanti et al. 2022, arXiv:2205.05198, section 4.1. Tensor parallelism divides what lies inside the two
parts (q, k, f, scores) and not what lies between them (h).
Left out: an accelerator's kernels, the masks of windows and packed documents, ALiBi's bias itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from groundup.errors import UnsupportedModel
from groundup.model.accounting.use import BYTES, Training
from groundup.model.architectures import blueprint as plan
from groundup.model.architectures.configuration import ModelConfig

# As the kernels have them (a test holds it; to import them would be to import torch, which counting does without):
WHOLE_SCORES_UP_TO = 1024  # keys: `attention.scaled_dot_product` holds all scores in bf16 up to here
STEP = 128  # queries: `attention.staircase` holds no score of later keys, step by step
FIXED, LEARNED = (
    "fixed",
    "learned",
)  # what is added to the scores: a bias of distances that stays (ALiBi), or that learns (T5)
# order of a block -> how many vectors of the stream's width it keeps a token: with the attention, with the feed-forward
STREAM = {
    "pre_norm": (2, 2), "post_norm": (2, 2), "output_norm": (2, 2), "sandwich": (3, 3), "parallel": (2, 0),
    "parallel_two_norms": (2, 1),
}  # fmt: skip
MORE = {
    "quick_gelu": 1,
    "relu": -1,
}  # activations of several steps, and one that keeps what it gives: units kept besides


class Kept(NamedTuple):
    """Bytes a token: inside a part, shared out by tensor parallelism, and between the parts, on every device."""

    inside: float = 0
    between: float = 0

    def __add__(self, other: Any) -> "Kept":
        return Kept(self.inside + other.inside, self.between + other.between)

    def bytes(self, tokens: int, tensor: int = 1) -> int:
        """For so many tokens, on one of `tensor` devices."""
        return round(tokens * (self.inside / tensor + self.between))


def kept(config: ModelConfig, use: Training, tensor: int = 1) -> dict[str, int]:
    """Bytes that the way forward of one batch leaves, by part; without checkpointing exact for the families on a CPU."""
    shape, e = config.blueprint(), BYTES[use.dtype]
    source = replace(use, seq_len=use.source or use.seq_len)
    blocks = [_parts(block, shape, source, tensor) for block in shape.encoder]
    blocks += [_parts(block, shape, use, tensor) | _cross(block, shape, use, source, tensor) for block in shape.blocks]
    less = [
        use.less and index % use.every == 0 for stack in (shape.encoder, shape.blocks) for index in range(len(stack))
    ]
    found: dict[str, int] = {}
    for block, gone in zip(blocks, less, strict=True):
        found |= {name: found.get(name, 0) + size for name, size in block.items() if not gone}
    if use.checkpointing:
        streams = [source.tokens] * len(shape.encoder) + [use.tokens] * len(shape.blocks)
        entering = sum(tokens for tokens, gone in zip(streams, less, strict=True) if gone)
        found["streams that enter"] = e * shape.hidden * entering
        found["asked of the source"] = sum(
            _asked(block, shape, use, source, tensor) for block in shape.blocks[:: use.every]
        )
        found["one block"] = _again(blocks, less)
    if use.offload and less[-1]:
        found["fetched for one product"] = _fetched(shape, use) // tensor
    found |= {"around the blocks": around(config, use), "head": head_kept(config, use) // tensor}
    if e != BYTES[use.weight_dtype]:
        counted = [block.counted(shape.hidden) for block in shape.encoder + shape.blocks]
        short = e * sum(part.weights + part.idle for part in counted) // tensor
        short = short * (len(blocks) - sum(less) + (use.checkpointing and all(less))) // len(blocks)
        head = 0 if in_pieces(config, use) else e * shape.head_counted().weights // tensor
        found["copies of the matrices"] = short + head
    return {name: size for name, size in found.items() if size}


def _fetched(shape: plan.Blueprint, use: Training) -> int:
    """What the way back through an activation has fetched: its units, where it gates those of the other side too, and the stream."""
    parts = [block.feed_forward for block in shape.blocks]
    units = max((2 if getattr(part, "gated", False) else 1) * getattr(part, "intermediate", 0) for part in parts)
    return BYTES[use.dtype] * use.tokens * (units + shape.hidden)


def _again(blocks: list[dict[str, int]], less: list[bool]) -> int:
    """What recomputing a block needs when those behind it are gone, beyond what these had kept."""
    most = before = 0
    for block, gone in zip(blocks, less, strict=True):
        size = sum(block.values())
        most, before = max(most, before + size), before + (0 if gone else size)
    return max(0, most - before)


def _parts(block: plan.Block, shape: plan.Blueprint, use: Training, tensor: int) -> dict[str, int]:
    """What one block keeps of a batch, but for its cross-attention."""
    bias = LEARNED if shape.relative is not None else FIXED if shape.alibi is not None else None
    attention, feed_forward = block_kept(block, shape.hidden, use, bias)
    return {"attention": attention.bytes(use.tokens, tensor), "feed-forward": feed_forward.bytes(use.tokens, tensor)}


def _cross(block: plan.Block, shape: plan.Blueprint, use: Training, source: Training, tensor: int) -> dict[str, int]:
    """Cross-attention: query and what is mixed of each token of the answer, key and value of each of the source."""
    part, e = block.cross, BYTES[use.dtype]
    if part is None:
        return {}
    scores = scores_kept(source, causal=False)
    inside = Kept(inside=2 * e * part.heads * part.head_dim + part.heads * scores)
    answer = inside + Kept(between=2 * e * shape.hidden + norm_bytes(block.norm, shape.hidden, use))
    return {"cross-attention": answer.bytes(use.tokens, tensor) + _asked(block, shape, use, source, tensor)}


def _asked(block: plan.Block, shape: plan.Blueprint, use: Training, source: Training, tensor: int) -> int:
    """Keys and values that one block asks of a source; made before it runs, so they stay where it is run again."""
    part = block.cross
    if part is None:
        return 0
    return Kept(inside=2 * BYTES[use.dtype] * part.kv_heads * part.head_dim).bytes(source.tokens, tensor)


def whole_scores(use: Training) -> bool:
    """Whether attention on a CPU holds all scores of so many keys."""
    return use.dtype == "bfloat16" and use.seq_len <= WHOLE_SCORES_UP_TO


def scores_kept(use: Training, causal: bool, bias: str | None = None) -> float:
    """Bytes that a head keeps a token of its scores: the weights of all keys, or of those so far, in steps; or one fp32 number."""
    if not whole_scores(use) and bias != LEARNED:
        return 4
    steps, rest = divmod(use.seq_len, STEP)
    stepwise = causal and bias is None and steps and not rest
    return BYTES[use.dtype] * use.seq_len * ((steps + 1) / (2 * steps) if stepwise else 1)


def block_kept(block: plan.Block, hidden: int, use: Training, bias: str | None = None) -> tuple[Kept, Kept]:
    """What one block keeps a token, with its attention and with its feed-forward. bias: what is added to the scores."""
    e = BYTES[use.dtype]
    before, beside = STREAM[block.order]
    norms = plan.ORDERS[block.order] / 2 * norm_bytes(block.norm, hidden, use)
    if use.lora is not None:  # what only frozen matrices read is not kept
        before, beside = before - (not _learn(use, "q", "k", "v")), beside - (not _learn(use, "gate", "up"))
    attention = _known(block.attention, ATTENTIONS)(block.attention, use, bias)
    feed_forward = _known(block.feed_forward, FEED_FORWARDS)(block.feed_forward, hidden, use)
    return (
        attention + Kept(between=e * before * hidden + norms),
        feed_forward + Kept(between=e * beside * hidden + norms),
    )


def _learn(use: Training, *names: str) -> bool:
    """Whether one of these matrices has something to learn."""
    return use.lora is None or any(f"{name}_proj" in use.lora.targets for name in names)


def norm_bytes(norm: plan.Norm, width: int, use: Training) -> float:
    """What one norm keeps of a vector besides what it reads."""
    if norm.kind == "rms":
        return 4
    short = use.dtype != "float32" and norm.gain  # gain and bias are applied apart, to the normalised vector
    return BYTES[use.dtype] * (2 + (width if short else 0))


def _attention(part: plan.Attention, use: Training, bias: str | None) -> Kept:
    e, query, key = BYTES[use.dtype], part.heads * part.head_dim, part.kv_heads * part.head_dim
    inside = e * (2 * query + 2 * key)
    if part.qk_norm is not None:
        inside += e * (query + key)
        inside += 4 * (part.heads + part.kv_heads if part.qk_norm_over == "head" else 2)
    if (whole_scores(use) or part.soft_cap is not None) and not _learn(use, "o"):
        inside -= e * query
    scores = scores_kept(use, part.causal, bias) if part.soft_cap is None else 2 * e * use.seq_len
    return Kept(inside=inside + part.heads * scores)


def _feed_forward(part: plan.FeedForward, hidden: int, use: Training) -> Kept:
    more = MORE.get(part.activation, 0) - (not _learn(use, "down"))
    return Kept(inside=BYTES[use.dtype] * part.intermediate * ((4 if part.gated else 2) + more))


def _latent(part: plan.LatentAttention, use: Training, bias: str | None) -> Kept:
    """The latents before and behind their norms; the query, and the keys and values of all heads that are made of them."""
    e, heads = BYTES[use.dtype], part.heads
    width = max(part.head_dim, part.v_head_dim)  # of what the kernel is given, the narrower filled up with zeros
    made = heads * (2 * part.head_dim + 2 * width + (part.v_head_dim if part.v_head_dim < width else 0))
    short = 2 * part.kv_lora_rank + part.qk_rope_head_dim + 2 * (part.q_lora_rank or 0)
    scores = heads * scores_kept(use, True, bias)
    return Kept(inside=e * made + scores, between=e * short + 4 * (1 + (part.q_lora_rank is not None)))


def _experts(part: plan.Experts, hidden: int, use: Training) -> Kept:
    """For each chosen expert the token's row, its units, what it says and that weighted; the router's scores and choices."""
    e = BYTES[use.dtype]
    chosen = part.chosen * (e * (3 * hidden + 4 * part.intermediate) + 2 * 4 + 3 * 8)
    shared = e * (4 * part.shared + (hidden if part.shared_gate else 0))
    return Kept(inside=chosen + shared, between=4 * (part.experts + 1))


ATTENTIONS: dict[type, Callable[[Any, Training, str | None], Kept]] = {
    plan.Attention: _attention,
    plan.LatentAttention: _latent,
}
FEED_FORWARDS: dict[type, Callable[[Any, int, Training], Kept]] = {
    plan.FeedForward: _feed_forward,
    plan.Experts: _experts,
}


def _known(part: Any, table: Mapping[type, Callable[..., Kept]]) -> Callable[..., Kept]:
    """How a part of this kind is counted."""
    if type(part) not in table:
        names = ", ".join(kind.__name__ for kind in table)
        raise UnsupportedModel(
            f"the activations of {type(part).__name__} are not counted, only those of {names}; measure a step instead"
        )
    return table[type(part)]


def in_pieces(config: ModelConfig, use: Training) -> bool:
    """Whether the loss goes through the vocabulary in pieces: the head must be one matrix and nothing else."""
    shape = config.blueprint()
    matrix = isinstance(shape.head, plan.LanguageModelHead)
    return use.pieces and matrix and not shape.head_bias and shape.logit_scale == 1.0 and shape.logit_soft_cap is None


def around(config: ModelConfig, use: Training) -> int:
    """Ids, angles, the last norm and what the head reads; of an encoder-decoder the same of its source, and the distances."""
    shape, e = config.blueprint(), BYTES[use.dtype]
    turning = {repr(block.attention.rotary): block.attention.turning for block in shape.blocks}
    angles = e * sum(turning.values())
    last = 0 if shape.norm is None else e * shape.hidden + norm_bytes(shape.norm, shape.hidden, use)
    if shape.embedding_norm is not None:
        last += e * shape.hidden + norm_bytes(shape.embedding_norm, shape.hidden, use)
    found = use.tokens * (8 + angles + last + e * shape.hidden + 8 * bool(shape.token_types))
    if shape.encoder:
        source, norm = replace(use, seq_len=use.source or use.seq_len), shape.encoder_norm
        last = 0 if norm is None else e * shape.hidden + norm_bytes(norm, shape.hidden, use)
        found += source.tokens * (8 + last + e * shape.hidden)
        learned = 0 if shape.relative is None else 8 + (e * shape.blocks[0].attention.heads if e < 4 else 0)
        found += learned * (source.seq_len**2 + use.seq_len**2)  # once for all rows
    return round(found)


def head_kept(config: ModelConfig, use: Training) -> int:
    """The head's gradient in fp32 where the loss goes in pieces; else the scores that the loss keeps, in fp32."""
    shape, e = config.blueprint(), BYTES[use.dtype]
    if in_pieces(config, use):
        return 4 * shape.vocab * shape.hidden
    capped = e if shape.logit_soft_cap is not None else 0
    if isinstance(shape.head, plan.ScoreHead) or shape.head is None:
        return 0  # a few scores
    masked = 0.0  # what BERT's layer in front of the scores reads and gives
    if isinstance(shape.head, plan.MaskedHead):
        masked = 3 * e * shape.hidden + norm_bytes(shape.head.norm, shape.hidden, use)
    return round(use.tokens * (shape.vocab * (4 + capped) + masked))
