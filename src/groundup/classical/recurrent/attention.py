"""Attention as translation first had it: the decoder's state asks, the states of the encoder answer.

    scores    e_s = v . tanh(W s + U h_s)      additive     Bahdanau, Cho and Bengio 2015, arXiv:1409.0473, appendix A.1.2
              e_s = s . W h_s                  general      Luong, Pham and Manning 2015, arXiv:1508.04025, eq. 8
    weights   a = softmax(e) over the source, 0 at padding
    context   c = sum over s of a_s h_s

A fixed vector has to hold a whole sentence; with a context of its own each word of the answer looks up what it needs. The additive form asks with the
state before the word, so one step waits for the last. The product asks with the state after it: where the states are known (in training), all
scores are one product of matrices. A transformer's attention is the second form with queries, keys and values (`model/attention`). Left out: local
attention, coverage.
"""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup.slots import slot


@slot
def bahdanau_scores(
    query: Float[Tensor, "batch hidden"],
    keys: Float[Tensor, "batch source width"],
    weight: Float[Tensor, "width hidden"],
    vector: Float[Tensor, " width"],
) -> Float[Tensor, "batch source"]:
    """How well each place of the source fits the state: v . tanh(W query + key). keys: U h_s, computed once a sentence."""
    return torch.tanh((query @ weight.T)[:, None] + keys) @ vector


def attend(
    scores: Float[Tensor, "batch steps source"],
    memory: Float[Tensor, "batch source width"],
    mask: Bool[Tensor, "batch source"],
) -> tuple[Float[Tensor, "batch steps width"], Float[Tensor, "batch steps source"]]:
    """The contexts and the weights that make them. mask: where the source has tokens."""
    weights = torch.softmax(scores.masked_fill(~mask[:, None], -math.inf), dim=-1)
    return weights @ memory, weights


@slot
def luong_attention(
    queries: Float[Tensor, "batch steps hidden"],
    memory: Float[Tensor, "batch source width"],
    weight: Float[Tensor, "hidden width"],
    mask: Bool[Tensor, "batch source"],
) -> tuple[Float[Tensor, "batch steps width"], Float[Tensor, "batch steps source"]]:
    """Ask with the states of all steps at once: scores query . W h_s, and with their softmax the contexts; both are given back."""
    scores = (queries @ weight) @ memory.mT
    return attend(scores, memory, mask)
