"""The nodes of a model's skeleton: embedding, blocks in their order, heads; and the refusal of what has no nodes.

`WRITERS` says who writes a described part, `MADE` which modules such a description builds: a module of another class computes
something that the description does not know, so a graph of it would be another model. The orders are those of `layers/residual.py`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from groundup.errors import UnsupportedModel
from groundup.model.architectures import blueprint as plan
from groundup.model.architectures.tricks import TrickDecoder
from groundup.model.attention.latent import LatentAttention
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.encoder import Encoder
from groundup.model.encoder_decoder import CROSS_BLOCKS, EncoderDecoder
from groundup.model.formats.onnx_attention import Part, Sides, attention, cross_attention, latent_attention
from groundup.model.formats.onnx_graph import Value
from groundup.model.formats.onnx_parts import activation, capped, experts, feed_forward, linear, norm
from groundup.model.layers.feed_forward import GatedFeedForward, PlainFeedForward, SquaredReluFeedForward
from groundup.model.layers.residual import BLOCKS
from groundup.model.moe.experts import MixtureOfExperts
from groundup.model.transformer import Decoder

EMBEDDING = "model.embed_tokens.weight"
WRITERS: dict[type, Callable[..., Value]] = {
    plan.Attention: attention,
    plan.LatentAttention: latent_attention,
    plan.FeedForward: feed_forward,
    plan.Experts: experts,
}
MADE: dict[type, tuple[type, ...]] = {
    plan.Attention: (MultiHeadAttention,),
    plan.LatentAttention: (LatentAttention,),
    plan.FeedForward: (GatedFeedForward, PlainFeedForward, SquaredReluFeedForward),
    plan.Experts: (MixtureOfExperts,),
}
MODELS = (Decoder, TrickDecoder, Encoder, EncoderDecoder)


# ───────── what can be written ─────────


def refuse(module: Any) -> plan.Blueprint:
    """The blueprint of what can be written; else UnsupportedModel with every part that has no nodes."""
    config = module.config
    if type(module) not in MODELS:
        without = [f"a module of its own, {type(module).__name__}, which no graph follows"]
    else:
        without = list(dict.fromkeys(_without_nodes(module, config.blueprint())))
    if without:
        raise UnsupportedModel(
            f"{config.model_type} cannot be written as an ONNX graph: it has {', '.join(without)}; export it as a model folder"
        )
    return config.blueprint()


def _without_nodes(module: Any, shape: plan.Blueprint) -> Iterator[str]:
    if shape.position_axes != 1:
        yield "positions in several axes"
    reads = [(layer, one, BLOCKS) for layer, one in zip(_layers(module, "encoder"), shape.encoder, strict=True)]
    kinds: Any = CROSS_BLOCKS if shape.encoder else BLOCKS
    writes = zip(_layers(module, "decoder"), shape.blocks, strict=True)
    for layer, described, blocks in [*reads, *((layer, one, kinds) for layer, one in writes)]:
        if type(layer) is not blocks[described.order]:
            yield f"{type(layer).__name__}, a block of its own"
        for part, made in ((described.attention, layer.self_attn), (described.feed_forward, layer.mlp)):
            if type(part) not in WRITERS:
                yield f"{type(part).__name__}, a part without nodes"
            elif type(made) not in MADE[type(part)]:
                yield f"{type(made).__name__}, a part of its own"


def _layers(module: Any, stack: str) -> Any:
    """The blocks of a stack; those of a model with one stack are its decoder's."""
    if isinstance(module, EncoderDecoder):
        return getattr(module.model, stack).layers
    return module.model.layers if stack == "decoder" else ()


# ───────── embedding and blocks ─────────


def embedded(module: Any, shape: plan.Blueprint, ids: Value) -> Value:
    """The tokens' rows, scaled."""
    x = ids.graph.weight(EMBEDDING, module.model.embed_tokens.weight).node("Gather", ids, axis=0)
    return x if shape.embedding_scale == 1.0 else x * shape.embedding_scale


def rows_of(positions: Value, table: Any) -> Value:
    """The rows of learned positions."""
    learned = positions.graph.weight("model.embed_positions.weight", table.weight[table.offset :])
    return learned.node("Gather", positions, axis=0)


ORDERS: dict[
    str, Callable[[Value, Part, Part, list[Part]], Value]
] = {  # as in `layers.residual`, with the norms in their order
    "pre_norm": lambda x, a, f, n: _then(x + a(n[0](x)), lambda y: y + f(n[1](y))),
    "post_norm": lambda x, a, f, n: _then(n[0](x + a(x)), lambda y: n[1](y + f(y))),
    "sandwich": lambda x, a, f, n: _then(x + n[1](a(n[0](x))), lambda y: y + n[3](f(n[2](y)))),
    "output_norm": lambda x, a, f, n: _then(x + n[0](a(x)), lambda y: y + n[1](f(y))),
    "parallel": lambda x, a, f, n: _then(n[0](x), lambda read: x + a(read) + f(read)),
    "parallel_two_norms": lambda x, a, f, n: x + a(n[0](x)) + f(n[1](x)),
}


def _then(x: Value, rest: Part) -> Value:
    """Give a value a name, so that it is made once."""
    return rest(x)


def block(x: Value, layer: Any, described: plan.Block, name: str, sides: Sides) -> Value:
    """One block: norms, parts and additions in its order."""
    return ORDERS[described.order](x, *_parts(layer, described, name, sides), _norms(layer, name))


def cross_block(
    x: Value, layer: Any, described: plan.Block, name: str, sides: Sides, source: tuple[Value, Value], bias: Value
) -> Value:
    """A block that also asks a source, between attention and feed-forward."""
    attend, think = _parts(layer, described, name, sides)

    def ask(y: Value) -> Value:
        return cross_attention(y, layer.cross_attn, described.cross, f"{name}.cross_attn", source, bias)

    for part, normed in zip((attend, ask, think), _norms(layer, name), strict=True):
        x = x + part(normed(x)) if described.order == "pre_norm" else normed(x + part(x))
    return x


def _norms(layer: Any, name: str) -> list[Part]:
    return [partial(norm, layer=getattr(layer, one), name=f"{name}.{one}") for one in layer.norms]


def _parts(layer: Any, described: plan.Block, name: str, sides: Sides) -> tuple[Part, Part]:
    """Attention and feed-forward, with what their output is multiplied by."""

    def attend(y: Value) -> Value:
        made = WRITERS[type(described.attention)](y, layer.self_attn, described.attention, f"{name}.self_attn", sides)
        return made if described.residual_scale == 1.0 else made * described.residual_scale

    def think(y: Value) -> Value:
        made = WRITERS[type(described.feed_forward)](y, layer.mlp, described.feed_forward, f"{name}.mlp")
        return made if described.residual_scale == 1.0 else made * described.residual_scale

    return attend, think


# ───────── heads ─────────


def hand_out(x: Value, module: Any, shape: plan.Blueprint, real: Value) -> None:
    """What the head makes of the hidden states, as the graph's output; without one the states themselves."""
    sizes: tuple[str | int, ...] = ("seq", shape.vocab)
    match shape.head:
        case None:
            x.graph.output(x, "last_hidden_state", "FLOAT", "batch", "seq", shape.hidden)
            return
        case plan.MaskedHead() as described:
            scores = masked(x, module.lm_head, described)
        case plan.ScoreHead() as described:
            scores = labelled(x, module, described, real)
            sizes = ("seq",) * described.every_token + (described.labels,) * (described.labels > 1)
        case _:
            scores = language_model(x, module, shape)
    x.graph.output(scores, "logits", "FLOAT", "batch", *sizes)


def language_model(x: Value, module: Any, shape: plan.Blueprint) -> Value:
    """A score for every token of the vocabulary; a tied head turns the embedding over, which is stored once."""
    layer = module.lm_head
    if module.config.tie_word_embeddings:
        scores = x @ x.graph.weight(EMBEDDING, module.model.embed_tokens.weight).turned(1, 0)
        scores = scores if layer.bias is None else scores + x.graph.weight("lm_head.bias", layer.bias)
    else:
        scores = linear(x, layer, "lm_head")
    scores = scores if shape.logit_scale == 1.0 else scores * shape.logit_scale
    return capped(scores, shape.logit_soft_cap)


def masked(x: Value, layer: Any, described: plan.MaskedHead) -> Value:
    """BERT's: one more layer with a norm, the embedding turned over, a bias a token."""
    inner = norm(activation(linear(x, layer.dense, "lm_head.dense"), described.activation), layer.norm, "lm_head.norm")
    scores = inner @ x.graph.weight(EMBEDDING, layer.decoder.weight).turned(1, 0)
    return scores + x.graph.weight("lm_head.bias", layer.bias)


def labelled(x: Value, module: Any, described: plan.ScoreHead, real: Value) -> Value:
    """A score a label, of every token or of the one that is read; one label is one number."""
    layer, read = module.score, x
    if not described.every_token:
        read = last_token(x, real) if described.reads == "last" else x.part(0, 1, axis=1).reshaped(0, -1)
    if described.reads == "pooler" and not described.every_token:
        read = linear(read, module.model.pooler, "model.pooler").node("Tanh")
    if layer.dense is not None:
        read = linear(read, layer.dense, "score.dense").node("Tanh")
    scores = linear(read, layer.out_proj, "score.out_proj")
    return scores if described.labels > 1 else scores.node("Squeeze", x.graph.constant([-1], np.int64))


def last_token(x: Value, real: Value) -> Value:
    """Each text's vector at its last real token, wherever the padding stands: (batch, hidden)."""
    graph = x.graph
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    columns = graph.node("Range", zero, real.size(1), one).widened(0)
    last = (columns * real).node("ReduceMax", axes=[1], keepdims=1)
    return x.node("GatherND", last, batch_dims=1)
