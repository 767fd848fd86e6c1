"""Preference losses: an answer that was preferred becomes likelier than the one that was not, in one step of tuning.

A reward model r and a pull of strength beta towards a reference give the best policy in closed form,
p(y) = p_ref(y) exp(r(y) / beta) / Z. Solved for r it is beta log(p / p_ref) + beta log Z, and in a pair the Z cancels: the
policy is its own reward model, and Bradley and Terry's likelihood of the pairs can be maximised at once.

    m     = log(p / p_ref)(chosen) - log(p / p_ref)(rejected)        log p: the sum over the answer's tokens
    DPO   -log sigmoid(beta m)                                       Rafailov et al. 2023, arXiv:2305.18290, eq. 7
    IPO   (m - 1 / (2 beta))^2, log p the mean a token               Azar et al. 2023, arXiv:2310.12036, eq. 17
    KTO   w (1 - sigmoid(+-beta (log(p / p_ref) - z)))               Ethayarajh et al. 2024, arXiv:2402.01306, eq. 8
    ORPO  -log p(chosen) - beta log sigmoid(log odds ratio)          Hong et al. 2024, arXiv:2403.07691, eq. 6 and 7
    SimPO -log sigmoid(beta (log p(chosen) - log p(rejected)) - gamma), means a token; Meng et al. 2024, arXiv:2405.14734, eq. 6

ORPO and SimPO have no reference. IPO divides by the length, as its authors' code does and the formula does not say. With
`smoothing` DPO takes that share of the labels for wrong (Mitchell 2023, conservative DPO).
Left out: other divergences (f-DPO), hinge and robust losses, weights by length.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid

from groundup.slots import slot

NEARLY_CERTAIN = -1e-6  # a mean log-probability above it has odds that floats cannot hold
Scores = Float[Tensor, " pairs"]


def sums_of_answers(
    log_probabilities: Float[Tensor, " tokens"], answers: Int[Tensor, " tokens"], count: int
) -> Float[Tensor, " answers"]:
    """The log-probability of each whole answer: the sum over its tokens. answers: whose token each is."""
    return log_probabilities.new_zeros(count).index_add(0, answers, log_probabilities)


@slot
def dpo_loss(
    chosen: Scores,
    rejected: Scores,
    reference_chosen: Scores,
    reference_rejected: Scores,
    beta: float = 0.1,
    smoothing: float = 0.0,
) -> Scores:
    """The loss of each pair, from the log-probabilities of whole answers under the policy and under the reference.

    >>> torch.set_printoptions(precision=4)
    >>> dpo_loss(*torch.tensor([[-2.0], [-3.0], [-2.0], [-3.0]]))  # nothing moved yet: log 2
    tensor([0.6931])
    """
    margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
    return -(1 - smoothing) * logsigmoid(margin) - smoothing * logsigmoid(-margin)


@slot
def ipo_loss(
    chosen: Scores, rejected: Scores, reference_chosen: Scores, reference_rejected: Scores, beta: float = 0.1
) -> Scores:
    """The squared distance of each pair's margin from 1 / (2 beta); all four are means a token.

    DPO wants the margin of a pair that is always ordered alike without bound; this one stops.
    """
    margin = (chosen - reference_chosen) - (rejected - reference_rejected)
    return (margin - 1 / (2 * beta)).square()


@slot
def kto_loss(
    log_ratios: Float[Tensor, " answers"],
    desirable: Bool[Tensor, " answers"],
    divergence: Float[Tensor, ""],
    beta: float = 0.1,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Float[Tensor, " answers"]:
    """The loss of each single answer that was called good or bad; no pairs are needed.

    log_ratios: log(p / p_ref) of whole answers. divergence: how far the policy went from the reference, at least 0, a
    constant for the gradient; a good answer counts by how far it went beyond that.
    """
    beyond = beta * (log_ratios - divergence.detach().clamp(min=0))
    good = desirable_weight * (1 - beyond.sigmoid())
    bad = undesirable_weight * (1 - (-beyond).sigmoid())
    return torch.where(desirable, good, bad)


def log_odds(log_probabilities: Float[Tensor, " answers"]) -> Float[Tensor, " answers"]:
    """log(p / (1 - p)), exact near p = 0 and near p = 1."""
    certain = log_probabilities.clamp(max=NEARLY_CERTAIN)
    return certain - torch.log(-torch.expm1(certain))


@slot
def orpo_loss(chosen: Scores, rejected: Scores, beta: float = 0.1) -> Scores:
    """Tuning on the chosen answer, and beta times the loss of the odds ratio; both are means a token."""
    return -chosen - beta * logsigmoid(log_odds(chosen) - log_odds(rejected))


@slot
def simpo_loss(chosen: Scores, rejected: Scores, beta: float = 2.0, margin: float = 1.0) -> Scores:
    """The loss of each pair from means a token: long answers gain nothing by length, and the margin must be reached."""
    return -logsigmoid(beta * (chosen - rejected) - margin)
