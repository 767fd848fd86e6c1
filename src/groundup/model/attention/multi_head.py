"""Multi-head attention with shared keys: several small attentions side by side, each in its own subspace.

    query heads      0 1 2 3     multi-head:     0 1 2 3     grouped-query:  0 0 1 1     multi-query:  0 0 0 0
    use key head                (as many)                   (a divisor)                 (one)

The cache holds only key/value heads, so sharing them divides its size, at little loss.
Vaswani et al. 2017, section 3.2.2; Shazeer 2019, arXiv:1911.02150; Ainslie et al. 2023, arXiv:2305.13245.

In an encoder nothing is hidden without a mask: `causal=False`. Keys and values of another sequence: `self_cross.CrossAttention`.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.attention.latent import pairs_apart
from groundup.model.attention.scaled_dot_product import attend
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import RMSNorm
from groundup.model.positions.rotary import Angles, rotate


class MultiHeadAttention(nn.Module):
    """Project to query, key and value heads, rotate, attend, project back.

    bias: which of the four projections add one, such as "qkv"; True is all. `qk_norm` is the norm's epsilon, or what makes
    a norm of a given width, or None: the query and the key are scaled to unit mean square before they are rotated, which
    bounds the scores (Dehghani et al. 2023, arXiv:2302.05442). qk_norm_over: each "head" apart (Qwen 3), or the whole "width" (OLMo 2).
    scale: what the scores are multiplied by, None: 1 / sqrt(head_dim). cap: bound of a soft cap on the scores.
    interleaved: the pairs that turn are (2i, 2i + 1) and not (i, i + half).
    window: how many tokens a query sees, itself included; of what a cache holds only these are read. The mask hides the rest.
    """

    def __init__(
        self,
        hidden: int,
        heads: int,
        kv_heads: int,
        head_dim: int,
        *,
        bias: bool | str = False,
        qk_norm: float | Callable[[int], nn.Module] | None = None,
        qk_norm_over: str = "head",
        scale: float | None = None,
        cap: float | None = None,
        causal: bool = True,
        window: int | None = None,
        interleaved: bool = False,
    ):
        super().__init__()
        self.head_dim, self.qk_norm_over = head_dim, qk_norm_over
        self.scale, self.cap, self.causal, self.window = scale, cap, causal, window
        self.interleaved = interleaved
        biased = ("qkvo" if bias else "") if isinstance(bias, bool) else bias
        query, shared = heads * head_dim, kv_heads * head_dim
        self.q_proj = Linear(hidden, query, bias="q" in biased)
        self.k_proj = Linear(hidden, shared, bias="k" in biased)
        self.v_proj = Linear(hidden, shared, bias="v" in biased)
        self.o_proj = Linear(query, hidden, bias="o" in biased)
        widths = (head_dim, head_dim) if qk_norm_over == "head" else (query, shared)
        self.q_norm = None if qk_norm is None else _norm(qk_norm, widths[0])
        self.k_norm = None if qk_norm is None else _norm(qk_norm, widths[1])

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles | None,
        mask: Tensor | None = None,
        cache=None,
        layer: int = 0,
        on_value: Callable[[Tensor], Tensor] | None = None,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Attend from x to x, and to what `cache` holds of earlier tokens. mask None is causal.

        on_value: what is done to the values of all heads before they are kept, such as adding a second embedding.
        """
        query, key, value = self.q_proj(x), self.k_proj(x), self.v_proj(x)
        value = value if on_value is None else on_value(value)
        if self.q_norm is not None and self.k_norm is not None and self.qk_norm_over == "width":
            query, key = self.q_norm(query), self.k_norm(key)
        query, key, value = self._heads(query), self._heads(key), self._heads(value)
        if self.q_norm is not None and self.k_norm is not None and self.qk_norm_over == "head":
            query, key = self.q_norm(query), self.k_norm(key)
        if angles is not None:
            query, key = (turn(one, angles, self.interleaved) for one in (query, key))
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if (attend_kept := getattr(cache, "attend", None)) is not None:
            # It knows whose tokens these are; the mask does not.
            mixed = attend_kept(layer, query, key, value, scale=self.scale, window=self.window, cap=self.cap)
            return self.o_proj(mixed.transpose(1, 2).flatten(2))
        if cache is not None:
            key, value = cache.update(layer, key, value)
            if self.window is not None:
                near = x.shape[1] + self.window - 1
                key, value = key[:, :, -near:], value[:, :, -near:]
        mixed = attend(query, key, value, mask, causal=self.causal, scale=self.scale, cap=self.cap)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Float[Tensor, "batch seq heads head_dim"]:
        return x.unflatten(-1, (-1, self.head_dim))


def turn(
    x: Float[Tensor, "batch seq heads head_dim"], angles: Angles, interleaved: bool = False
) -> Float[Tensor, "batch seq heads head_dim"]:
    """Rotate as many coordinates of each head as there are angles for, from the first on; the others stay.

    interleaved: the pairs are (2i, 2i + 1), and leave as (i, i + half), which is the same order for queries and keys.
    """
    turning = 2 * angles.cos.shape[-1]
    if interleaved:
        x = torch.cat((pairs_apart(x[..., :turning]), x[..., turning:]), dim=-1)
    if turning == x.shape[-1]:
        return rotate(x, angles)
    return torch.cat((rotate(x[..., :turning], angles), x[..., turning:]), dim=-1)


def _norm(kind: float | Callable[[int], nn.Module], width: int) -> nn.Module:
    return kind(width) if callable(kind) else RMSNorm(width, kind)
