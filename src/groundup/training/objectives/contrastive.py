"""Contrastive losses: of a batch of pairs, each must find its partner among all the others (SimCSE, CLIP).

    scores[i, j] = cosine(first i, second j) / temperature       loss = cross-entropy of row i with target i

No label is needed: the other pairs of the batch are the wrong answers, so a larger batch is a harder question. What the loss does to
vectors: partners come together (alignment) and all spread over the sphere (uniformity: Wang and Isola 2020, arXiv:2005.10242).

    SimCSE  two views of one text are a pair, rows only; temperature 0.05      Gao et al. 2021, arXiv:2104.08821, eq. 1 and 4
    CLIP    a text and a picture; rows and columns, their mean; the temperature is learned      Radford et al. 2021, arXiv:2103.00020, fig. 3

SimCSE's two views are two dropout masks. Models here have no dropout, so a view hides a share of the tokens from attention instead ("token cutoff":
Shen et al. 2020, arXiv:2009.13818, section 3.1; the paper compares such views in its table 1, where dropout is the best of them).
The loss is the one cross-entropy of the house, with the partners as the matrix of a head. Left out: hard negatives, gathering vectors of several machines.
"""

import math
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from groundup.errors import InputError
from groundup.model.architectures.heads import mean_of_tokens
from groundup.model.attention import masks
from groundup.slots import slot
from groundup.training.step.cross_entropy import cross_entropy_in_pieces

TEMPERATURE = 0.05
CUTOFF = 0.15
LARGEST_SCALE = 100.0  # CLIP, section 2.5: beyond it training became unstable


@slot
def contrastive_loss(
    first: Float[Tensor, "pairs hidden"], second: Float[Tensor, "pairs hidden"], temperature: float | Tensor = 0.05
) -> Float[Tensor, ""]:
    """Sum over the rows of `first` the surprise at its partner, the same row of `second`, among all rows of `second`; nats.

    Rows are compared by their cosine, divided by temperature.
    """
    first = first / first.norm(dim=1, keepdim=True)
    second = second / second.norm(dim=1, keepdim=True)
    partners = torch.arange(len(first), device=first.device)
    return cross_entropy_in_pieces(first / temperature, second, partners)


def one_way(first: Tensor, second: Tensor, temperature: float | Tensor = TEMPERATURE) -> Float[Tensor, ""]:
    """The same with its vectors checked."""
    check_pairs(first, second)
    value = temperature.detach().item() if isinstance(temperature, Tensor) else temperature
    if value <= 0:
        raise InputError(f"temperature={value} must be above 0; SimCSE uses {TEMPERATURE}, CLIP begins at 0.07")
    return contrastive_loss(first, second, temperature)


def check_pairs(first: Tensor, second: Tensor) -> None:
    """Refuse vectors that are no pairs, and a batch in which there is nothing to confuse."""
    if first.shape != second.shape or first.ndim != 2:
        raise InputError(
            f"vectors of shapes {tuple(first.shape)} and {tuple(second.shape)} are no pairs; give two of (pairs, hidden)"
        )
    if len(first) < 2:
        raise InputError(
            "one pair alone has nothing to be told from, and its loss is always 0; use batches of 2 or more"
        )


class Views(NamedTuple):
    """Texts, and for each of two views which of their tokens are seen."""

    input_ids: Int[Tensor, "batch seq"]
    first: Bool[Tensor, "batch seq"]
    second: Bool[Tensor, "batch seq"]

    @property
    def loss_mask(self) -> Bool[Tensor, " batch"]:
        """One target a text."""
        return torch.ones(len(self.input_ids), dtype=torch.bool)


def two_views(
    input_ids: Int[Tensor, "batch seq"],
    real: Bool[Tensor, "batch seq"],
    generator: torch.Generator,
    cutoff: float = CUTOFF,
) -> Views:
    """Hide each real token from a view with probability cutoff, independently in both; the first token (BERT's [CLS]) stays."""
    if not 0 <= cutoff < 1:
        raise InputError(
            f"cutoff={cutoff} is no share of tokens to hide; use 0 or more and less than 1, such as {CUTOFF}"
        )
    seen = []
    for _ in range(2):
        kept = torch.rand(input_ids.shape, generator=generator) >= cutoff
        kept[:, 0] = True
        seen.append(real & kept)
    return Views(input_ids, *seen)


def sentence_vectors(
    module: Any, input_ids: Int[Tensor, "batch seq"], seen: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """A vector a text: the mean of the hidden states of the tokens that are seen."""
    return mean_of_tokens(module.hidden(input_ids, masks.padding(seen)), seen)


def simcse_loss(module: Any, batch: Views, temperature: float = TEMPERATURE) -> tuple[Tensor, int]:
    """Sum over texts the surprise that the second view of a text belongs to its first; nats, and how many texts.

    The wrong answers are those of the same batch, so small batches do not add up to a large one: it asks a harder question.
    """
    first, second = (sentence_vectors(module, batch.input_ids, seen) for seen in (batch.first, batch.second))
    return one_way(first, second, temperature), len(first)


@torch.no_grad()
def partners_found(module: Any, batch: Views) -> tuple[int, int]:
    """For how many texts the nearest second view is its own, and how many there are."""
    first, second = (sentence_vectors(module, batch.input_ids, seen) for seen in (batch.first, batch.second))
    cosines = nn.functional.normalize(first, dim=1) @ nn.functional.normalize(second, dim=1).T
    return int((cosines.argmax(1) == torch.arange(len(first), device=first.device)).sum()), len(first)


class Temperature(nn.Module):
    """CLIP's learned temperature, as the logarithm of what cosines are multiplied by; 1 / 0.07 at first, 100 at most."""

    def __init__(self, first: float = 0.07):
        super().__init__()
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / first)))

    def forward(self) -> Float[Tensor, ""]:
        """What cosines are divided by."""
        return 1 / self.logit_scale.exp().clamp(max=LARGEST_SCALE)


def clip_loss(
    first: Float[Tensor, "pairs hidden"], second: Float[Tensor, "pairs hidden"], temperature: float | Tensor = 0.07
) -> tuple[Tensor, int]:
    """The mean of both directions: pictures find their texts, and texts their pictures; the sum over pairs in nats, and how many."""
    both = one_way(first, second, temperature) + one_way(second, first, temperature)
    return both / 2, len(first)
