"""Multi-head attention with shared keys: several small attentions side by side, each in its own subspace.

    query heads      0 1 2 3     multi-head:     0 1 2 3     grouped-query:  0 0 1 1     multi-query:  0 0 0 0
    use key head                (as many)                   (a divisor)                 (one)

The cache holds only key/value heads, so sharing them divides its size, at little loss.
Vaswani et al. 2017, section 3.2.2; Shazeer 2019, arXiv:1911.02150; Ainslie et al. 2023, arXiv:2305.13245.
"""

from jaxtyping import Float
from torch import Tensor, nn

from groundup.model.attention.scaled_dot_product import attend
from groundup.model.layers.linear import Linear
from groundup.model.layers.norms import RMSNorm
from groundup.model.positions.rotary import Angles, rotate


class MultiHeadAttention(nn.Module):
    """Project to query, key and value heads, rotate, attend, project back.

    `qk_norm` is the norm's epsilon, or None for no norm: each head of the query and the key is scaled to unit mean
    square before it is rotated, which bounds the scores (Dehghani et al. 2023, arXiv:2302.05442; Qwen 3).
    """

    def __init__(
        self, hidden: int, heads: int, kv_heads: int, head_dim: int, *, bias: bool = False, qk_norm: float | None = None
    ):
        super().__init__()
        self.head_dim = head_dim
        self.q_proj = Linear(hidden, heads * head_dim, bias=bias)
        self.k_proj = Linear(hidden, kv_heads * head_dim, bias=bias)
        self.v_proj = Linear(hidden, kv_heads * head_dim, bias=bias)
        self.o_proj = Linear(heads * head_dim, hidden, bias=bias)
        self.q_norm = None if qk_norm is None else RMSNorm(head_dim, qk_norm)
        self.k_norm = None if qk_norm is None else RMSNorm(head_dim, qk_norm)

    def forward(
        self,
        x: Float[Tensor, "batch seq hidden"],
        angles: Angles | None,
        mask: Tensor | None = None,
        cache=None,
        layer: int = 0,
    ) -> Float[Tensor, "batch seq hidden"]:
        """Attend from x to x, and to what `cache` holds of earlier tokens. mask None is causal."""
        query, key, value = (self._heads(project(x)) for project in (self.q_proj, self.k_proj, self.v_proj))
        if self.q_norm is not None and self.k_norm is not None:
            query, key = self.q_norm(query), self.k_norm(key)
        if angles is not None:
            query, key = rotate(query, angles), rotate(key, angles)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if cache is not None:
            key, value = cache.update(layer, key, value)
        mixed = attend(query, key, value, mask, causal=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Float[Tensor, "batch seq heads head_dim"]:
        return x.unflatten(-1, (-1, self.head_dim))
