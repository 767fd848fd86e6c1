"""The perceptron: one neuron that learns from its mistakes, and what one neuron cannot learn.

    answer  the sign of w . x; the last entry of x is 1, so the last weight is the bias
    rule    where the answer is wrong (target * w . x <= 0):  w <- w + target x;  else nothing

If some unit vector u separates the classes with margin g, that is target u . x >= g for all examples, and no example is longer
than R, the rule makes at most (R / g)^2 mistakes, whatever the order and the dimension (Novikoff 1962): each mistake moves
w . u up by at least g, and |w|^2 up by at most R^2, so mistakes * g <= w . u <= |w| <= R sqrt(mistakes).

XOR has no such u: -b > 0, w1 + b > 0, w2 + b > 0 and -(w1 + w2 + b) > 0 would add up to 0 > 0 (Minsky & Papert 1969). The rule
then never ends. With integer inputs it comes back to weights that it had before, which proves that it never will. A second
layer mends it: XOR is (a or b) and not (a and b).

Source: Rosenblatt 1958. Left out: the averaged and voted perceptron, more than two classes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.foundations.learning.samples import same_count
from groundup.foundations.learning.supervised.linear import with_ones
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector
from groundup.slots import slot

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
AND, OR, XOR = (np.array(row, dtype=float) for row in ((-1, -1, -1, 1), (-1, 1, 1, 1), (-1, 1, 1, -1)))


class Learned(NamedTuple):
    """What the rule came to. mistakes: in each pass over the examples; cycle: passes after which the weights came back, or 0."""

    weights: Array
    mistakes: list[int]
    cycle: int

    @property
    def separated(self) -> bool:
        """Whether the last pass made no mistake."""
        return self.mistakes[-1] == 0


@slot
def perceptron_step(weights: Array, x: Array, target: float) -> Array:
    """The weights after one example; target is 1 or -1. An example on the line itself (w . x = 0) counts as wrong.

    >>> perceptron_step(np.zeros(2), np.array([2.0, 1.0]), -1)
    array([-2., -1.])
    """
    wrong = target * (weights @ x) <= 0
    return weights + target * x if wrong else weights.copy()


def learn(x: ArrayLike, targets: ArrayLike, passes: int = 100) -> Learned:
    """Go over the examples in their order until a pass makes no mistake, the weights come back, or `passes` are over."""
    table, wanted = _examples(x, targets)
    if passes < 1:
        raise InputError(f"passes={passes}; give at least one")
    weights, mistakes, seen = np.zeros(table.shape[1]), [], {np.zeros(table.shape[1]).tobytes(): 0}
    for number in range(1, passes + 1):
        mistakes.append(0)
        for example, target in zip(table, wanted, strict=True):
            mistakes[-1] += int(target * (weights @ example) <= 0)
            weights = perceptron_step(weights, example, target)
        if not mistakes[-1]:
            break
        before = seen.setdefault((weights + 0.0).tobytes(), number)  # -0.0 and 0.0 are one weight
        if before < number:
            return Learned(weights, mistakes, number - before)
    return Learned(weights, mistakes, 0)


def answer(weights: ArrayLike, x: ArrayLike) -> Array:
    """1 or -1 for each row of x; on the line itself -1."""
    w, table = as_vector(weights, "weights"), with_ones(as_matrix(x, "x"))
    _same_width(w, table)
    return np.where(table @ w > 0, 1.0, -1.0)


def margin(weights: ArrayLike, x: ArrayLike, targets: ArrayLike) -> float:
    """The distance of the nearest example from the plane in the space with the added 1; below 0 where one is on the wrong side."""
    (table, wanted), w = _examples(x, targets), as_vector(weights, "weights")
    _same_width(w, table)
    length = float(np.linalg.norm(w))
    if not length:
        raise InputError("weights are all 0 and make no plane; give a vector that separates the classes")
    return float((wanted * (table @ w)).min() / length)


def mistake_bound(weights: ArrayLike, x: ArrayLike, targets: ArrayLike) -> float:
    """(R / g)^2: how many mistakes the rule makes at most on examples that these weights separate."""
    table, _ = _examples(x, targets)
    apart = margin(weights, x, targets)
    if apart <= 0:
        raise InputError(
            f"these weights leave an example on the wrong side (margin {apart:.3g}); give some that separate all"
        )
    return float((table**2).sum(axis=1).max() / apart**2)


def xor_by_two_layers(x: ArrayLike) -> Array:
    """XOR of pairs of 0 and 1 by three neurons with weights by hand: "or", "not both", and a third that wants both."""
    table = as_matrix(x, "x")
    at_least_one, not_both = answer([1.0, 1.0, -0.5], table), answer([-1.0, -1.0, 1.5], table)
    return answer([1.0, 1.0, -1.0], np.column_stack([at_least_one, not_both]))


def _examples(x: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    """The examples with a 1 at the end of each, and their targets of 1 and -1."""
    table, wanted = as_matrix(x, "x"), as_vector(targets, "targets")
    same_count(table, wanted, "targets")
    if not np.isin(wanted, (-1, 1)).all():
        raise InputError(f"targets hold {sorted(set(wanted.tolist()))[:4]}; give 1 for one class and -1 for the other")
    return with_ones(table), wanted


def _same_width(weights: Array, table: Array) -> None:
    if weights.shape != table.shape[1:]:
        raise InputError(
            f"weights have shape {weights.shape} for {table.shape[1] - 1} features; give one each and the bias last"
        )
