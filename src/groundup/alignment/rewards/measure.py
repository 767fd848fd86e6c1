"""How good a reward model is: how often it orders a pair as it was ordered, and whether its probabilities are meant.

    accuracy       share of pairs whose chosen answer has the higher score
    of the limit   accuracy / that of the judge who knows the taste: pairs are drawn, so the best possible is not 1
    calibration    of the pairs of which it says 80 %, 80 % should be so: the mean gap, bin by bin (expected calibration error)

Guo et al. 2017, arXiv:1706.04599, eq. 3. Both members of a pair are looked at from the likelier side, so confidences lie between
0.5 and 1. Left out: calibration after training (temperature scaling), which changes no order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.alignment.preferences.data import Pair, bayes_limit
from groundup.errors import InputError

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs about which a model was about equally sure."""

    pairs: int
    said: float  # mean probability of the order it thinks the likelier
    was: float  # share of the pairs that are in that order


@dataclass(frozen=True, slots=True)
class Quality:
    """A reward model on pairs that it did not learn from."""

    accuracy: float
    loss: float  # nats a pair; log 2 is a coin's
    calibration_error: float
    bins: tuple[Bin, ...]
    limit: float | None = None  # the accuracy of the judge who knows the taste, on the same pairs

    @property
    def share_of_limit(self) -> float | None:
        """Accuracy as a share of the best possible; None where the taste is not known."""
        return None if not self.limit else self.accuracy / self.limit


def calibration(differences: Float[Tensor, " pairs"], bins: int = BINS) -> tuple[float, tuple[Bin, ...]]:
    """The expected calibration error of score differences (chosen less rejected), and the bins that are not empty."""
    if not len(differences):
        raise InputError("there is no pair to measure; give at least one")
    said = torch.sigmoid(differences.abs().double())
    was = (differences > 0).double() + 0.5 * (differences == 0).double()
    places = ((said - 0.5) * 2 * bins).long().clamp(max=bins - 1)
    made = [
        Bin(int(here.sum()), float(said[here].mean()), float(was[here].mean()))
        for place in range(bins)
        if (here := places == place).any()
    ]
    return sum(one.pairs * abs(one.said - one.was) for one in made) / len(differences), tuple(made)


def measure(scores: Float[Tensor, "pairs two"], pairs: Sequence[Pair] = ()) -> Quality:
    """The quality of scores of (chosen, rejected); pairs: where their taste is known, the limit is measured too."""
    differences = scores[:, 0] - scores[:, 1]
    error, bins = calibration(differences)
    accuracy = float((differences > 0).double().mean() + 0.5 * (differences == 0).double().mean())
    loss = float(torch.nn.functional.softplus(-differences.double()).mean())
    known = bool(pairs) and all(pair.probability is not None for pair in pairs)
    return Quality(accuracy, loss, error, bins, bayes_limit(pairs) if known else None)
