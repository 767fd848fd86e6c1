"""Token embedding: row i of a matrix is the vector of token i; the same as a one-hot vector times that matrix.

A tied head uses the same matrix to score the next token (Press and Wolf 2017, arXiv:1608.05859): fewer parameters, and
each row learns from reading and from writing. The embedding also decides in which dtype the whole model computes.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional


class Embedding(nn.Module):
    """Look up token vectors, handed out in `compute_dtype` (None: the dtype in which they are stored)."""

    def __init__(self, vocab: int, hidden: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocab, hidden))
        self.compute_dtype: torch.dtype | None = None

    def forward(self, input_ids: Int[Tensor, "batch seq"]) -> Float[Tensor, "batch seq hidden"]:
        """Give each id its row."""
        return functional.embedding(input_ids, self.weight).to(self.compute_dtype or self.weight.dtype)
