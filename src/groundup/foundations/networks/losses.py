"""What a network is judged by: each loss as one number and its gradient by what the network said.

    mse            mean of (y - t)^2                         2 (y - t) / n: far away counts most
    huber          as a square near the target, as a line beyond `delta`    one wild target cannot pull with more than delta
    cross_entropy  mean of -log softmax(z)[t], in nats       (softmax(z) - onehot(t)) / rows
    nll            mean of -l[t] for log-probabilities l     -onehot(t) / rows; cross_entropy is this after a log_softmax
    binary         mean of log(1 + exp(z)) - t z             (sigmoid(z) - t) / n
    hinge          mean of max(0, 1 - t z), t = 1 or -1      -t / n inside the margin, 0 beyond: what is right enough is left alone
    margins        the same for many classes: every wrong one should stay 1 below the right one

The squared error after a sigmoid has a gradient with the factor s (1 - s): nearly 0 where the network is surely wrong. In
cross-entropy that factor cancels, which is why classifiers are trained with it.

Sources: Bishop 2006, sections 4.3 and 7.1; Weston & Watkins 1999 (margins, scaled as torch has it). Left out: contrastive
and ranking losses, label smoothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Array, Tensor, record
from groundup.foundations.information.cross_entropy import likelihood_gradient, negative_log_likelihood
from groundup.foundations.learning.samples import one_hot
from groundup.foundations.learning.supervised.logistic import log_loss, sigmoid
from groundup.slots import slot

Judged = tuple[float, Array]  # the loss, and its gradient by the prediction


def mse(prediction: ArrayLike, target: ArrayLike) -> Judged:
    """The mean squared error.

    >>> mse([1.0, 3.0], [1.0, 1.0])
    (2.0, array([0., 2.]))
    """
    y, t = _alike(prediction, target)
    return float(((y - t) ** 2).mean()), 2 * (y - t) / y.size


def huber(prediction: ArrayLike, target: ArrayLike, delta: float = 1.0) -> Judged:
    """Half the square up to a distance of `delta`, from there a line that goes on with the same slope; the mean."""
    y, t = _alike(prediction, target)
    if not delta > 0:
        raise InputError(f"delta={delta}; give a positive distance")
    away = y - t
    near = np.clip(away, -delta, delta)
    return float((near * (away - 0.5 * near)).mean()), near / y.size


def cross_entropy(scores: ArrayLike, targets: ArrayLike) -> Judged:
    """The mean surprise at the right classes, in nats. scores: (rows, classes); targets: (rows,)."""
    return negative_log_likelihood(scores, targets), likelihood_gradient(scores, targets)


def nll(log_probabilities: ArrayLike, targets: ArrayLike) -> Judged:
    """Minus the mean log-probability of the right classes. log_probabilities: (rows, classes), each row a distribution."""
    rows, wanted = _rows(log_probabilities, targets, "log_probabilities")
    totals = np.exp(rows).sum(axis=1)
    if not np.allclose(totals, 1):
        raise InputError(
            f"the probabilities of a row sum to {totals[~np.isclose(totals, 1)][0]:.4g} and not to 1; use log_softmax first"
        )
    gradient = -one_hot(wanted, rows.shape[1]) / len(rows)
    return float(-rows[np.arange(len(rows)), wanted].mean()), gradient


def binary(scores: ArrayLike, targets: ArrayLike) -> Judged:
    """The mean surprise at answers 0 and 1, from scores and not from probabilities."""
    z, t = _alike(scores, targets)
    if not np.isin(t, (0, 1)).all():
        raise InputError("targets hold other numbers than 0 and 1; hinge_loss takes 1 and -1")
    return log_loss(z, t), (sigmoid(z) - t) / z.size


@slot
def hinge_loss(scores: Array, targets: Array, margin: float = 1.0) -> tuple[float, Array]:
    """The mean of max(0, margin - target * score), and its gradient by the scores (0 where the margin is just kept).

    scores, targets: arrays of one shape; targets are 1.0 or -1.0.

    >>> hinge_loss(np.array([2.0, 0.5]), np.array([1.0, 1.0]))
    (0.25, array([ 0. , -0.5]))
    """
    missing = np.maximum(0.0, margin - targets * scores)
    return float(missing.mean()), np.where(missing > 0, -targets, 0.0) / scores.size


def hinge(scores: ArrayLike, targets: ArrayLike, margin: float = 1.0) -> Judged:
    """`hinge_loss` over what a user gives: sizes that do not fit and targets other than 1 and -1 are refused."""
    z, t = _alike(scores, targets)
    if not np.isin(t, (-1, 1)).all():
        raise InputError("targets hold other numbers than 1 and -1; for 0 and 1 give 2 * targets - 1")
    return hinge_loss(z, t, margin)


def margins(scores: ArrayLike, targets: ArrayLike, margin: float = 1.0) -> Judged:
    """For each row the sum over the wrong classes of max(0, margin - right + wrong), over the number of classes; the mean."""
    rows, wanted = _rows(scores, targets, "scores")
    right = one_hot(wanted, rows.shape[1])
    missing = np.maximum(0.0, margin + rows - (rows * right).sum(axis=1, keepdims=True)) * (1 - right)
    inside = (missing > 0) * 1.0
    gradient = inside - right * inside.sum(axis=1, keepdims=True)
    return float(missing.sum() / rows.size), gradient / rows.size


def judged(loss: Callable[..., Judged], prediction: Tensor, targets: ArrayLike, **settings: Any) -> Tensor:
    """A loss of this file as the last node of a graph, to call backward() on."""
    value, gradient = loss(prediction.data, targets, **settings)
    return record(np.asarray(value), loss.__name__, (prediction,), lambda g: (g * gradient,))


def _alike(prediction: ArrayLike, target: ArrayLike) -> tuple[Array, Array]:
    y, t = np.asarray(prediction, dtype=float), np.asarray(target, dtype=float)
    if y.shape != t.shape or not y.size:
        raise InputError(
            f"the prediction has shape {y.shape} and the target {t.shape}; give one target for each number"
        )
    if not (np.isfinite(y).all() and np.isfinite(t).all()):
        raise InputError("the prediction or the target holds NaN or infinity; find where it came from first")
    return y, t


def _rows(scores: ArrayLike, targets: ArrayLike, name: str) -> tuple[Array, Array]:
    rows, wanted = np.asarray(scores, dtype=float), np.asarray(targets)
    if rows.ndim != 2 or not rows.size or wanted.shape != rows.shape[:1]:
        raise InputError(f"{name} {rows.shape} and targets {wanted.shape} do not fit; give (rows, classes) and (rows,)")
    if wanted.dtype.kind not in "iu" or wanted.min() < 0 or wanted.max() >= rows.shape[1]:
        raise InputError(
            f"targets are {wanted.dtype} up to {wanted.max()}; give integers from 0 to {rows.shape[1] - 1}"
        )
    return rows, wanted
