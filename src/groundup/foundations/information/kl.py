"""Divergence: how many bits it costs to believe q where p holds.

    Kullback-Leibler    D(p || q) = sum of p(x) log2 (p(x) / q(x)) = H(p, q) - H(p)    >= 0, 0 only where p = q
    Jensen-Shannon      JS(p, q)  = (D(p || m) + D(q || m)) / 2,  m = (p + q) / 2      symmetric, at most 1 bit

Kullback & Leibler 1951; Lin 1991. D is no distance: D(p || q) and D(q || p) differ, and say different things. Minimising
D(data || model) makes a model cover all that happens; minimising D(model || data) lets it keep to a part of it. Training
on text does the first, alignment with a penalty for leaving the reference the second.

Over texts the sum has more terms than can be visited, so D is estimated from samples: three estimators, all with r =
q(x) / p(x) at samples x of p. They have the same aim and differ in noise (Schulman 2020, "Approximating KL divergence"):

    k1 = -log r         right on average, negative for half of the samples
    k2 = (log r)^2 / 2  never negative, wrong by a little
    k3 = r - 1 - log r  right on average and never negative: what GRPO's penalty is
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import two_distributions
from groundup.foundations.information.entropy import Numbers
from groundup.slots import slot


@slot
def kl_divergence(truth: ArrayLike, model: ArrayLike) -> float:
    """Bits that believing `model` costs beyond what `truth` needs; inf where something happens that it excludes.

    What `truth` excludes costs nothing, however likely `model` holds it: that mass is missed elsewhere.

    >>> kl_divergence([0.5, 0.5], [0.5, 0.5]), kl_divergence([1.0, 0.0], [0.5, 0.5]), kl_divergence([0.5, 0.5], [1.0, 0.0])
    (0.0, 1.0, inf)
    """
    p, q = two_distributions(truth, model)
    seen = p > 0
    with np.errstate(divide="ignore"):
        bits = float((p[seen] * (np.log2(p[seen]) - np.log2(q[seen]))).sum())
    return max(bits, 0.0)  # rounding may give -1e-17


def jensen_shannon(first: ArrayLike, second: ArrayLike) -> float:
    """How unlike two distributions are, from 0 to 1 bit: what one draw tells, on average, about which of them it is from.

    Its square root is a distance (the triangle inequality holds).

    >>> jensen_shannon([1.0, 0.0], [0.0, 1.0]), jensen_shannon([0.3, 0.7], [0.3, 0.7])
    (1.0, 0.0)
    """
    p, q = two_distributions(first, second)
    middle = (p / p.sum() + q / q.sum()) / 2
    return min((kl_divergence(p, middle) + kl_divergence(q, middle)) / 2, 1.0)


def kl_samples(log_p: ArrayLike, log_q: ArrayLike) -> dict[str, Numbers]:
    """The estimators k1, k2 and k3 of D(p || q) in nats at samples of p; the mean of each is the estimate.

    log_p, log_q: natural logarithms of the two probabilities of each sample.
    """
    p, q = np.asarray(log_p, np.float64), np.asarray(log_q, np.float64)
    if p.shape != q.shape:
        raise InputError(f"log_p {p.shape} and log_q {q.shape} do not fit; give both for the same samples")
    if not np.isfinite(p).all() or not np.isfinite(q).all():
        raise InputError("a log-probability is NaN or infinite; a sample that q excludes makes the divergence infinite")
    log_r = q - p
    return {"k1": -log_r, "k2": log_r**2 / 2, "k3": np.expm1(log_r) - log_r}
