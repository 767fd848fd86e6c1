"""Cross-entropy: the surprise of one who believes q, in a world that follows p; and the loss of every language model.

    cross-entropy               H(p, q) = -sum of p(x) log2 q(x)      >= H(p), equal only where q = p
    negative log-likelihood     -log softmax(logits)[target], on average over the targets: q is the model, p the text
    its gradient by the logits  (softmax(logits) - one-hot(target)) / targets

The logarithm of a softmax is z - log(sum of exp z), and exp overflows beyond z = 709 in float64 (88 in float32). Since
log(sum of exp z) = m + log(sum of exp(z - m)) for every m, taking the largest z for m leaves no exponent above 0 and one
that is exactly 0: nothing overflows, and the sum is at least 1 (Blanchard, Higham & Higham 2021, arXiv:1909.03469).

Losses from logits are in nats. Left out: label smoothing, weights of classes; the fused form that training uses, which
never holds all the logits, is `training/step/cross_entropy.py`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.information.entropy import Numbers, distribution
from groundup.slots import slot

IGNORED = -100  # a target that is not asked for, as torch has it


def naive_log_sum_exp(logits: ArrayLike) -> float:
    """The formula as it is written: inf from 710 on, -inf below -745."""
    with np.errstate(over="ignore", divide="ignore"):
        return float(np.log(np.exp(np.asarray(logits, np.float64)).sum()))


@slot
def log_sum_exp(logits: ArrayLike, axis: int = -1) -> Numbers:
    """log(sum of exp) along an axis, for logits of any size; -inf where all are -inf.

    >>> float(log_sum_exp([1000.0, 1000.0])) == 1000 + float(np.log(2))
    True
    """
    z = np.asarray(logits, np.float64)
    if not z.ndim or not z.shape[axis]:
        raise InputError(f"logits of the shape {z.shape} have nothing to sum along axis {axis}; give at least one")
    largest = z.max(axis=axis, keepdims=True)
    largest = np.where(np.isfinite(largest), largest, 0.0)  # inf - inf would be NaN
    with np.errstate(divide="ignore", over="ignore"):
        return np.log(np.exp(z - largest).sum(axis=axis)) + largest.squeeze(axis)


def log_softmax(logits: ArrayLike) -> Numbers:
    """Logarithms of the probabilities that logits stand for, along the last axis."""
    z = np.asarray(logits, np.float64)
    return z - log_sum_exp(z)[..., None]


def cross_entropy(truth: ArrayLike, model: ArrayLike) -> float:
    """Average surprise in bits of who believes `model` where `truth` holds; inf where something happens that it excludes.

    >>> cross_entropy([0.5, 0.5], [0.5, 0.5]), cross_entropy([0.5, 0.5], [0.25, 0.75]) > 1, cross_entropy([1, 0], [0, 1])
    (1.0, True, inf)
    """
    p, q = two_distributions(truth, model)
    seen = p > 0
    with np.errstate(divide="ignore"):
        return float(0.0 - (p[seen] * np.log2(q[seen])).sum())


def two_distributions(truth: ArrayLike, model: ArrayLike) -> tuple[Numbers, Numbers]:
    """Two distributions over the same things, checked."""
    p, q = distribution(truth, "the first probabilities"), distribution(model, "the second probabilities")
    if p.shape != q.shape:
        raise InputError(
            f"the distributions have the shapes {p.shape} and {q.shape}; give both over the same things, in one order"
        )
    return p, q


def negative_log_likelihood(logits: ArrayLike, targets: ArrayLike) -> float:
    """Mean surprise in nats at the targets. logits: (rows, classes); targets: (rows,), -100 where none is asked for."""
    z, asked, wanted = _asked(logits, targets)
    return float(-log_softmax(z)[asked, wanted].mean())


def likelihood_gradient(logits: ArrayLike, targets: ArrayLike) -> Numbers:
    """The gradient of `negative_log_likelihood` by the logits: what was believed minus what came, over the targets.

    Every row sums to 0: whatever is added to all logits of a row changes nothing.
    """
    z, asked, wanted = _asked(logits, targets)
    gradient = np.zeros_like(z)
    gradient[asked] = np.exp(log_softmax(z[asked]))
    gradient[asked, wanted] -= 1
    return gradient / len(asked)


def _asked(logits: ArrayLike, targets: ArrayLike) -> tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]:
    """The logits, the rows that have a target, and these targets; refused where they do not fit."""
    z, t = np.asarray(logits, np.float64), np.asarray(targets)
    if z.ndim != 2 or t.shape != z.shape[:1]:
        raise InputError(f"logits {z.shape} and targets {t.shape} do not fit; give (rows, classes) and (rows,)")
    if not np.issubdtype(t.dtype, np.integer):
        raise InputError(f"targets are {t.dtype}; give the number of the right class in each row, as integers")
    rows = np.flatnonzero(t != IGNORED)
    wanted = t[rows].astype(np.int64)
    if not len(rows):
        raise InputError(f"no row has a target ({IGNORED} means none); there is nothing to average over")
    if wanted.min() < 0 or wanted.max() >= z.shape[1]:
        raise InputError(
            f"targets go from {wanted.min()} to {wanted.max()}, but the classes from 0 to {z.shape[1] - 1}"
            f"; use {IGNORED} where none is asked for"
        )
    return z, rows, wanted
