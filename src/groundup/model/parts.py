"""The parts on one shelf, and the one way to put them together: a family's blueprint in, its module out.

    embedding (+ learned positions), then blocks of attention and feed-forward with their norms; then norm and head

What stands in the blueprint by name is looked up here and nowhere else. A new kind of part: one line in BUILDERS.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from groundup.model.architectures import blueprint as plan
from groundup.model.architectures.decoder import DecoderConfig
from groundup.model.architectures.encoder_decoder import EncoderDecoderConfig
from groundup.model.architectures.encoder_only import EncoderConfig
from groundup.model.architectures.heads import MaskedHead, Pooler, ScoreHead
from groundup.model.architectures.tricks import ResidualScalars, TrickDecoder, ValueEmbedding
from groundup.model.attention.latent import LatentAttention
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.attention.self_cross import CrossAttention
from groundup.model.encoder import Encoder, EncoderTrunk
from groundup.model.encoder_decoder import CROSS_BLOCKS, CrossBlock, EncoderDecoder, Stack, Trunk, UndividedQueries
from groundup.model.layers.embedding import Embedding, Head
from groundup.model.layers.feed_forward import GatedFeedForward, PlainFeedForward, SquaredReluFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import LayerNorm, RMSNorm
from groundup.model.layers.residual import BLOCKS
from groundup.model.moe.experts import MixtureOfExperts
from groundup.model.moe.routing import Router, SigmoidRouter
from groundup.model.positions.absolute import LearnedAxes, LearnedPositions
from groundup.model.positions.relative import AlibiBias, RelativeBias
from groundup.model.positions.rotary import Rotary
from groundup.model.transformer import Decoder


def compose(config: DecoderConfig) -> Decoder:
    """Build the decoder that a configuration's blueprint describes; its parameters are not yet filled."""
    shape = config.blueprint()
    kinds: dict[
        str, Rotary | None
    ] = {}  # blocks that turn alike share one Rotary, so that angles are computed once a pass
    rotaries = [kinds.setdefault(_way(b.attention), rotary(b.attention, config)) for b in shape.blocks]
    return (TrickDecoder if (tricks := switched_on(shape)) else Decoder)(
        config,
        Embedding(shape.vocab, shape.hidden, shape.embedding_scale),
        [block(described, shape.hidden) for described in shape.blocks],
        None if shape.norm is None else norm(shape.norm, shape.hidden),
        head(shape),
        rotaries,
        embed_positions=embed_positions(shape),
        windows=[described.attention.window for described in shape.blocks],
        bias=alibi(shape),
        **tricks,
    )


def compose_encoder_decoder(config: EncoderDecoderConfig) -> EncoderDecoder:
    """Build the encoder-decoder that a configuration's blueprint describes; its parameters are not yet filled."""
    shape = config.blueprint()
    reads = [block(described, shape.hidden) for described in shape.encoder]
    writes = [cross_block(described, shape.hidden) for described in shape.blocks]
    for part in (part for block in (*reads, *writes) for part in block.modules()):
        if isinstance(part, MultiHeadAttention | CrossAttention) and part.scale == 1.0:
            width, head_dim = part.q_proj.weight.shape[0], shape.blocks[0].attention.head_dim
            part.q_proj = UndividedQueries(shape.hidden, width, head_dim)
    trunk = Trunk(
        Embedding(shape.vocab, shape.hidden, shape.embedding_scale),
        stack(reads, shape.encoder_norm, shape, bidirectional=True),
        stack(writes, shape.norm, shape, bidirectional=False),
        shape.sinusoidal,
    )
    return EncoderDecoder(config, trunk, head(shape))


def embed_positions(shape: plan.Blueprint) -> LearnedPositions | LearnedAxes | None:
    """The learned table of places, or the tables where several numbers say a place; None where there is none."""
    if shape.position_axes > 1:
        return LearnedAxes(shape.learned_positions, shape.hidden, shape.position_axes)
    if shape.learned_positions:
        return LearnedPositions(shape.learned_positions, shape.hidden, offset=shape.first_position)
    return None


def stack(blocks: Sequence[nn.Module], last: plan.Norm | None, shape: plan.Blueprint, *, bidirectional: bool) -> Stack:
    """One side of an encoder-decoder, with the table of distances that its blocks share."""
    table = None
    if (how := shape.relative) is not None:
        heads = shape.blocks[0].attention.heads
        table = RelativeBias(heads, bidirectional=bidirectional, num_buckets=how.buckets, max_distance=how.max_distance)
    return Stack(blocks, None if last is None else norm(last, shape.hidden), table)


def alibi(shape: plan.Blueprint) -> AlibiBias | None:
    """The bias that falls with the distance, or None where there is none."""
    if (how := shape.alibi) is None:
        return None
    return AlibiBias(shape.blocks[0].attention.heads, how.scale, in_bfloat16=how.in_bfloat16)


def compose_encoder(config: EncoderConfig) -> Encoder:
    """Build the encoder that a configuration's blueprint describes; its parameters are not yet filled."""
    shape = config.blueprint()
    assert shape.embedding_norm is not None, "an encoder's embedding is normalised"
    trunk = EncoderTrunk(
        Embedding(shape.vocab, shape.hidden),
        LearnedPositions(shape.learned_positions, shape.hidden, offset=shape.first_position),
        Embedding(shape.token_types, shape.hidden),
        norm(shape.embedding_norm, shape.hidden),
        [block(described, shape.hidden) for described in shape.blocks],
        Pooler(shape.hidden) if shape.pooler else None,
    )
    return Encoder(config, trunk, head(shape))


def switched_on(shape: plan.Blueprint) -> dict[str, Any]:
    """The tricks of `architectures/tricks.py` that stand outside the blocks; most families have none."""
    made: dict[str, Any] = {}
    if shape.embedding_norm is not None:
        made["embed_norm"] = norm(shape.embedding_norm, shape.hidden)
    if shape.residual_scalars:
        made["residual_scalars"] = ResidualScalars(len(shape.blocks))
    if shape.value_embeddings:
        heads = {number: shape.blocks[number].attention for number in shape.value_embeddings}
        made["value_embeddings"] = {
            number: ValueEmbedding(shape.vocab, part.kv_heads * part.head_dim) for number, part in heads.items()
        }
    return made


def block(described: plan.Block, hidden: int) -> nn.Module:
    """A block with its parts and norms, in its order."""
    norms = [norm(described.norm, hidden) for _ in range(plan.ORDERS[described.order])]
    parts = [BUILDERS[type(part)](part, hidden) for part in (described.attention, described.feed_forward)]
    return BLOCKS[described.order](*parts, *norms, residual_scale=described.residual_scale)


def cross_block(described: plan.Block, hidden: int) -> CrossBlock:
    """A block that also asks a source."""
    assert isinstance(described.cross, plan.Attention), "a block of a decoder with a source has cross-attention"
    norms = [norm(described.norm, hidden) for _ in range(plan.ORDERS[described.order] + 1)]
    parts = [BUILDERS[type(part)](part, hidden) for part in (described.attention, described.feed_forward)]
    return CROSS_BLOCKS[described.order](parts[0], cross_attention(described.cross, hidden), parts[1], norms)


def cross_attention(described: plan.Attention, hidden: int) -> CrossAttention:
    """Attention whose keys and values are a source's."""
    return CrossAttention(hidden, described.heads, described.head_dim, bias=bool(described.bias), scale=described.scale)


def attention(described: plan.Attention, hidden: int) -> MultiHeadAttention:
    """Multi-head, grouped-query or multi-query attention, by the number of key/value heads."""
    return MultiHeadAttention(
        hidden,
        described.heads,
        described.kv_heads,
        described.head_dim,
        bias=described.bias,
        qk_norm=None if described.qk_norm is None else partial(norm, described.qk_norm),
        qk_norm_over=described.qk_norm_over,
        scale=described.scale,
        cap=described.soft_cap,
        window=described.window,
        causal=described.causal,
        interleaved=described.interleaved,
    )


def latent_attention(described: plan.LatentAttention, hidden: int) -> LatentAttention:
    """Multi-head latent attention."""
    return LatentAttention(
        hidden,
        described.heads,
        kv_lora_rank=described.kv_lora_rank,
        qk_nope_head_dim=described.qk_nope_head_dim,
        qk_rope_head_dim=described.qk_rope_head_dim,
        v_head_dim=described.v_head_dim,
        q_lora_rank=described.q_lora_rank,
        bias=described.bias,
        interleaved=described.interleaved,
        scale=described.scale,
    )


def feed_forward(described: plan.FeedForward, hidden: int) -> nn.Module:
    """Two matrices or three."""
    if described.gated:
        return GatedFeedForward(hidden, described.intermediate, described.bias, described.activation)
    if described.activation == "relu2":
        return SquaredReluFeedForward(hidden, described.intermediate, described.bias)
    return PlainFeedForward(hidden, described.intermediate, described.bias, described.activation)


def experts(described: plan.Experts, hidden: int) -> MixtureOfExperts:
    """Experts with the router that their scores ask for, and what every token uses beside them."""
    sizes = hidden, described.experts, described.chosen
    router = Router(*sizes, normalize=described.normalize)
    if described.scores == "sigmoid":
        router = SigmoidRouter(
            *sizes,
            groups=described.groups,
            chosen_groups=described.chosen_groups,
            scaling=described.scaling,
            normalize=described.normalize,
        )
    return MixtureOfExperts(
        hidden,
        described.intermediate,
        described.experts,
        described.chosen,
        activation=described.activation,
        router=router,
        shared=described.shared,
        shared_gate=described.shared_gate,
    )


BUILDERS: dict[type, Callable[[Any, int], nn.Module]] = {
    plan.Attention: attention,
    plan.LatentAttention: latent_attention,
    plan.FeedForward: feed_forward,
    plan.Experts: experts,
}


def norm(described: plan.Norm, width: int) -> nn.Module:
    """RMSNorm or LayerNorm, with what it learns."""
    if described.kind == "rms":
        return RMSNorm(width, described.eps, described.offset)
    return LayerNorm(width, described.eps, gain=described.gain, bias=described.bias, offset=described.offset)


def rotary(described: plan.Attention | plan.LatentAttention, config: DecoderConfig) -> Rotary | None:
    """How the heads turn, or None where they do not."""
    if (how := described.rotary) is None:
        return None
    return Rotary(described.turning, how.theta, how.scaling, config.max_position_embeddings)


def _way(described: plan.Attention | plan.LatentAttention) -> str:
    """What blocks that share one Rotary have in common."""
    return f"{described.turning} {described.rotary}"


def head(shape: plan.Blueprint) -> nn.Module | None:
    """What reads the hidden states: one matrix, or one with a scale and a soft cap behind it; or another head, or none."""
    match shape.head:
        case None:
            return None
        case plan.MaskedHead(activation=activation, norm=described):
            return MaskedHead(shape.hidden, shape.vocab, activation, norm(described, shape.hidden))
        case plan.ScoreHead() as described:
            how = {name: getattr(described, name) for name in ("bias", "every_token", "reads", "dense")}
            return ScoreHead(shape.hidden, described.labels, **how)
    if shape.logit_scale == 1.0 and shape.logit_soft_cap is None:
        return Linear(shape.hidden, shape.vocab, shape.head_bias)
    return Head(shape.hidden, shape.vocab, shape.head_bias, shape.logit_scale, shape.logit_soft_cap)
