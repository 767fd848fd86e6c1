"""The weights of a decoder of LLaMA's kind as the compiled step reads them, and which modules it can read.

A token reads every weight once, so memory decides how long it takes: bytes of the weights / bytes a second. All matrices of the
layers are records of one codec (`records`), the head's may be of another, as in GGUF files. Matrices that read the same vector
stand together: query, key and value behind each other; gate and up in turns of sixteen rows, so that who has a block of both
can open the gates. The embedding stays in bf16 words (float32 where the matrices do): a token reads one row of it.
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from groundup.errors import UnsupportedModel
from groundup.inference.compiled.records import CODECS, COLUMNS, ROWS, Codec, padded, words
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.feed_forward import GatedFeedForward
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import RMSNorm
from groundup.model.layers.residual import Block
from groundup.model.transformer import Decoder


class Weights(NamedTuple):
    """Matrices as records, (layers, bytes or words), gains as float32, (layers, ...); the last three are there once."""

    qkv: np.ndarray
    out: np.ndarray
    gate_up: np.ndarray
    down: np.ndarray
    gains: np.ndarray  # (layers, 2, hidden): before attention, before the feed-forward
    head_gains: np.ndarray  # (layers, 2, head_dim): of queries and keys; (layers, 0, head_dim) without
    norm: np.ndarray
    embedding: np.ndarray  # (vocabulary, hidden), bf16 words or float32
    head: np.ndarray

    def matrix_bytes(self) -> int:
        """What a token reads of them, but for its row of the embedding."""
        return sum(one.nbytes for one in (self.qkv, self.out, self.gate_up, self.down, self.head))


class Sizes(NamedTuple):
    """The numbers of a module that the step needs."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    opened: int  # columns of the feed-forward, filled up
    vocabulary: int

    @classmethod
    def of(cls, module: Any) -> "Sizes":
        """Read them off the weights."""
        first = module.model.layers[0]
        dim, wide = first.self_attn.head_dim, len(first.mlp.gate_proj.weight)
        heads, kv_heads = (len(one.weight) // dim for one in (first.self_attn.q_proj, first.self_attn.k_proj))
        vocabulary, hidden = module.lm_head.weight.shape
        return cls(hidden, heads, kv_heads, dim, padded(wide, COLUMNS), vocabulary)

    def blocks(self, wide: int) -> list[int]:
        """Blocks of sixteen rows of qkv, out, gate_up, down and head; wide: rows of a gate."""
        rows = (
            (self.heads + 2 * self.kv_heads) * self.head_dim,
            self.hidden,
            2 * padded(wide, ROWS),
            self.hidden,
            self.vocabulary,
        )
        return [padded(count, ROWS) // ROWS for count in rows]


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
    if any(part._forward_hooks or part._forward_pre_hooks for part in block.modules()):
        return "a part that somebody watches or changes while it runs"
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
    matrices = (
        attention.q_proj,
        attention.k_proj,
        attention.v_proj,
        attention.o_proj,
        feed.gate_proj,
        feed.up_proj,
        feed.down_proj,
    )
    if any(type(part) is not Linear for part in matrices):
        return "a projection that is more than one matrix"
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


def pack(module: Any, codec: Codec) -> Weights:
    """Copy a module's weights into that order; UnsupportedModel where a part has no kernel."""
    if (part := refused(module)) is not None:
        raise UnsupportedModel(f"there is no compiled step for {part}; write with the module itself, which torch runs")
    blocks = module.model.layers
    attentions, feeds = [block.self_attn for block in blocks], [block.mlp for block in blocks]
    return Weights(
        _packed(codec, (torch.cat([a.q_proj.weight, a.k_proj.weight, a.v_proj.weight]) for a in attentions)),
        _packed(codec, (a.o_proj.weight for a in attentions)),
        _packed(codec, (in_turns(f.gate_proj.weight, f.up_proj.weight) for f in feeds)),
        _packed(codec, (f.down_proj.weight for f in feeds)),
        np.stack([_gains(b.input_layernorm, b.post_attention_layernorm) for b in blocks]),
        np.stack([_gains(*_head_norms(a)).reshape(-1, a.head_dim) for a in attentions]),
        _gains(module.model.norm)[0],
        _embedding(module.model.embed_tokens.weight, codec),
        CODECS[codec.head].pack(module.lm_head.weight),
    )


def _embedding(table: Tensor, codec: Codec) -> np.ndarray:
    return words(table) if codec.name != "f32" else table.detach().cpu().float().contiguous().numpy()


def _packed(codec: Codec, matrices: Any) -> np.ndarray:
    return np.stack([codec.pack(matrix) for matrix in matrices])


def in_turns(gate: Tensor, up: Tensor) -> Tensor:
    """Sixteen rows of the one, then sixteen of the other; both filled up with rows of zeros."""
    more = padded(len(gate), ROWS) - len(gate)
    both = [
        torch.nn.functional.pad(one.detach(), (0, 0, 0, more)).reshape(-1, 1, ROWS, one.shape[1]) for one in (gate, up)
    ]
    return torch.cat(both, dim=1).reshape(-1, gate.shape[1])


def _head_norms(attention: Any) -> list[Any]:
    return [] if attention.q_norm is None else [attention.q_norm, attention.k_norm]


def _gains(*norms: Any) -> np.ndarray:
    return np.array([norm.weight.detach().float().cpu().numpy() for norm in norms], dtype=np.float32)
