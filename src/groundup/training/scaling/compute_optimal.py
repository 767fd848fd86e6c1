"""How large a model, and how many tokens, for a given number of operations; and the loss to expect.

    least over N, D of  E + A / N^alpha + B / D^beta   where  flops_per_size_token * N * D = C

has a closed form (Hoffmann et al. 2022, arXiv:2203.15556, eq. 4): with G = (alpha A / (beta B))^(1 / (alpha + beta))

    N = G (C / 6)^(beta / (alpha + beta)),    D = (C / 6)^(alpha / (alpha + beta)) / G

E has no part in it. With equal exponents both grow with the root of C, and tokens a parameter stay the same at every budget; else the ratio
drifts. At the best place the two terms that can be mended stand as beta to alpha: A / N^alpha : B / D^beta = beta : alpha.

Near the best place the loss is flat: half the size costs little (`penalty`), so a model that will be used much is better smaller and
trained longer (`smaller`; Sardana et al. 2023, arXiv:2401.00448, count the operations of its use too). N is what computes: operations of
training a token / 6, which for a small model is more than its parameters, as attention's products have none (DeepSeek LLM 2024,
arXiv:2401.02954, section 3.2, count so). Left out: that a rate and a batch are best for each size.
"""

from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot
from groundup.training.scaling.parametric import Fit, Law

FLOPS = 6.0  # of a token in training, for each unit of size: 2 forward, 4 backward


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best use of a budget: size, tokens, and the loss there with its range (equal to the loss where no range is known)."""

    flops: float
    size: float
    tokens: float
    loss: float
    low: float
    high: float


@slot
def allocate(flops: float, A: float, B: float, alpha: float, beta: float) -> tuple[float, float]:
    """The size N and the tokens D with 6 N D = flops for which A / N^alpha + B / D^beta is least.

    Hoffmann et al. 2022, eq. 4.

    >>> allocate(6e6, 1.0, 1.0, 0.5, 0.5)
    (1000.0, 1000.0)
    """
    both = alpha + beta
    ratio = (alpha * A / (beta * B)) ** (1 / both)
    size = ratio * (flops / FLOPS) ** (beta / both)
    return float(size), float(flops / FLOPS / size)


def compute_optimal(fit: Fit | Law, flops: float, confidence: float = 0.9) -> Optimum:
    """The best size and tokens for so many operations, and the loss to expect."""
    law = fit if isinstance(fit, Law) else fit.law
    if not 0 < flops < np.inf:
        raise InputError(f"a budget of {flops:g} FLOPs trains nothing; give a number above 0, such as 1e15")
    if not (law.alpha > 0 and law.beta > 0):
        raise InputError(
            f"the law's exponents are {law.alpha:.3g} and {law.beta:.3g}, so that more size or data would not help; fit it to more runs"
        )
    size, tokens = allocate(flops, law.A, law.B, law.alpha, law.beta)
    if isinstance(fit, Law):
        loss = float(law.loss(size, tokens))
        return Optimum(flops, size, tokens, loss, loss, loss)
    return Optimum(flops, size, tokens, *fit.forecast(size, tokens, confidence))


def penalty(law: Law, flops: float, factor: float) -> float:
    """How much higher the loss is, in its own unit, with a model `factor` times the best size and the same operations."""
    size, tokens = allocate(flops, law.A, law.B, law.alpha, law.beta)
    return float(law.loss(size * factor, tokens / factor) - law.loss(size, tokens))


def smaller(law: Law, flops: float, factor: float) -> float:
    """The operations, as a multiple of the best, with which a model `factor` times the best size reaches the same loss.

    InputError where it never does: what A / N^alpha takes is then already more than the loss above the floor.
    """
    size, tokens = allocate(flops, law.A, law.B, law.alpha, law.beta)
    left = law.loss(size, tokens) - law.E - law.A / (size * factor) ** law.alpha
    if left <= 0:
        raise InputError(f"a model {factor:g} times the best size never reaches that loss; take it larger")
    return float((law.B / left) ** (1 / law.beta) * factor / tokens)
