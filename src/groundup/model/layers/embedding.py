"""Token embedding: row i of a matrix is the vector of token i; the same as a one-hot vector times that matrix.

A tied head uses the same matrix to score the next token (Press and Wolf 2017, arXiv:1608.05859): fewer parameters, and
each row learns from reading and from writing. Where the rows are small (initial deviation 0.02) and tied, some models scale
them up on the way in: by sqrt(hidden) in 2017 and in Gemma. The embedding also decides in which dtype the whole model computes.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from groundup.model.layers.linear import Linear
from groundup.model.layers.soft_cap import soft_cap


class Embedding(nn.Module):
    """Look up token vectors, handed out in `compute_dtype` (None: the dtype in which they are stored).

    scale: what each is multiplied by on the way in.
    """

    def __init__(self, vocab: int, hidden: int, scale: float = 1.0):
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(vocab, hidden))
        self.compute_dtype: torch.dtype | None = None

    def forward(self, input_ids: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch seq hidden"]:
        """Give each id its row."""
        rows = functional.embedding(input_ids, self.weight).to(self.compute_dtype or self.weight.dtype)
        # The scale is rounded to the rows' dtype first, as Gemma was trained: sqrt(2304) is 48 in bf16, sqrt(3072) 55.5.
        return rows if self.scale == 1.0 else rows * rows.new_tensor(self.scale)


class Head(Linear):
    """The output head of those families that do more than multiply: scores are scaled, then softly capped."""

    def __init__(self, hidden: int, vocab: int, bias: bool = False, scale: float = 1.0, cap: float | None = None):
        super().__init__(hidden, vocab, bias)
        self.scale, self.cap = scale, cap

    def forward(self, x: Float[Tensor, "*batch hidden"]) -> Float[Tensor, "*batch vocab"]:
        """Score every token of the vocabulary."""
        scores = super().forward(x)
        scores = scores if self.scale == 1.0 else scores * self.scale
        return scores if self.cap is None else soft_cap(scores, self.cap)
