"""The weights of a decoder of LLaMA's kind as the compiled step reads them: one array a matrix, all layers behind each other.

A token reads every weight once, so memory decides how long it takes: bytes of the weights / bytes a second. Weights are bf16
words (half of float32) and each row lies in the order in which a dot product reads it. Matrices that read the same vector
stand together: query, key and value; gate and up. Left out: 8- and 4-bit weights.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import UnsupportedModel
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.feed_forward import GatedFeedForward
from groundup.model.layers.norms import RMSNorm
from groundup.model.layers.residual import Block
from groundup.model.transformer import Decoder


class Weights(NamedTuple):
    """Matrices as bf16 words (uint16), gains as float32; the first axis is the layer's, but for the last three."""

    qkv: np.ndarray
    out: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray
    gains: np.ndarray  # (layers, 2, hidden): before attention, before the feed-forward
    head_gains: np.ndarray  # (layers, 2, head_dim): of queries and keys; (layers, 0, head_dim) without
    norm: np.ndarray
    embedding: np.ndarray
    head: np.ndarray


def words(matrix: Float[Tensor, "*rows columns"]) -> np.ndarray:
    """The numbers rounded to bf16, as the 16-bit words that hold them.

    >>> words(torch.tensor([1.0, -2.0])).tolist()  # the upper halves of float32's 0x3f800000 and 0xc0000000
    [16256, 49152]
    """
    return matrix.detach().to("cpu", torch.bfloat16).contiguous().view(torch.uint16).numpy()


def refused(module: Any) -> str | None:
    """The part for which there is no kernel, in words; None where all have one."""
    if not isinstance(module, Decoder) or module.lm_head is None:
        return f"a {type(module).__name__} without a language model's head"
    if type(module.lm_head).__name__ != "Linear" or module.lm_head.bias is not None:
        return "a head that is more than one matrix"
    if module.bias is not None or module.model.embed_positions is not None:
        return "positions that are not rotary"
    if type(module.model.embed_tokens).__name__ != "Embedding" or getattr(
        module.model.embed_tokens, "scale", None
    ) not in (None, 1.0):
        return "an embedding that is scaled"
    if any(window is not None for window in module.windows):
        return "attention with a window"
    rotary = module.rotary
    if rotary is None or rotary.scaling is not None or any(vars(one) != vars(rotary) for one in module.rotaries):
        return "angles that are scaled, or differ between layers"
    if not _plain_norm(module.model.norm):
        return "a last norm that is no RMSNorm"
    refused_block = next(filter(None, (_refused_block(block, rotary.head_dim) for block in module.model.layers)), None)
    return refused_block or _refused_norms(module)


def _refused_block(block: Any, turning: int) -> str | None:
    if type(block) is not Block or block.residual_scale != 1.0:
        return f"a block of the kind {type(block).__name__}"
    attention, feed = block.self_attn, block.mlp
    if type(attention) is not MultiHeadAttention or attention.qk_norm_over != "head" or attention.interleaved:
        return f"attention of the kind {type(attention).__name__} with these options"
    if (
        attention.scale is not None
        or attention.cap is not None
        or attention.head_dim != turning
        or not attention.causal
    ):
        return "attention with a scale, a soft cap or a part that does not turn"
    if type(feed) is not GatedFeedForward or feed.activation != "silu":
        return f"a feed-forward of the kind {type(feed).__name__} that is no SwiGLU"
    if any(getattr(part, "bias", None) is not None for part in block.modules()):
        return "projections with a bias"
    norms = [block.input_layernorm, block.post_attention_layernorm]
    norms += [norm for norm in (attention.q_norm, attention.k_norm) if norm is not None]
    return None if all(map(_plain_norm, norms)) else "a norm that is no RMSNorm"


def _refused_norms(module: Any) -> str | None:
    """The step has one eps for the norms of the stream, and one for those of queries and keys."""
    blocks = module.model.layers
    stream = [norm.eps for block in blocks for norm in (block.input_layernorm, block.post_attention_layernorm)]
    heads = [norm.eps for block in blocks for norm in _head_norms(block.self_attn)]
    differ = len({module.model.norm.eps, *stream}) > 1 or len(set(heads)) > 1
    return "norms that add different numbers" if differ else None


def _plain_norm(norm: Any) -> bool:
    return type(norm) is RMSNorm and norm.offset == 0.0


def pack(module: Any) -> Weights:
    """Copy a module's weights into that order; UnsupportedModel where a part has no kernel."""
    if (part := refused(module)) is not None:
        raise UnsupportedModel(f"there is no compiled step for {part}; write with the module itself, which torch runs")
    blocks = module.model.layers
    attentions, feeds = [block.self_attn for block in blocks], [block.mlp for block in blocks]
    embedding = words(module.model.embed_tokens.weight)
    return Weights(
        np.stack([words(torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight])) for a in attentions]),
        np.stack([words(a.o_proj.weight) for a in attentions]),
        np.stack([words(torch.cat([f.gate_proj.weight, f.up_proj.weight])) for f in feeds]),
        np.stack([words(f.down_proj.weight) for f in feeds]),
        np.stack([_gains(b.input_layernorm, b.post_attention_layernorm) for b in blocks]),
        np.stack([_gains(*_head_norms(a)).reshape(-1, a.head_dim) for a in attentions]),
        _gains(module.model.norm)[0],
        embedding,
        embedding if module.lm_head.weight is module.model.embed_tokens.weight else words(module.lm_head.weight),
    )


def _head_norms(attention: Any) -> list[Any]:
    return [] if attention.q_norm is None else [attention.q_norm, attention.k_norm]


def _gains(*norms: Any) -> np.ndarray:
    return np.array([norm.weight.detach().float().cpu().numpy() for norm in norms], dtype=np.float32)
