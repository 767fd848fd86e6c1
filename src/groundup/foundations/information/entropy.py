"""Entropy: how surprised one is on average, in bits; and how much less when something else is known.

    surprise of x            -log2 p(x)
    entropy                  H(X)    = -sum of p(x) log2 p(x)
    conditional entropy      H(Y|X)  = H(X, Y) - H(X)
    mutual information       I(X;Y)  = sum of p(x, y) log2 (p(x, y) / (p(x) p(y))) = H(Y) - H(Y|X)

Shannon 1948, "A Mathematical Theory of Communication", sections 2 and 6. It is the floor of every language model: no
guesser of a source needs fewer bits a symbol than its entropy, and nothing but the source decides it.

A joint distribution is a matrix, joint[x, y], whose numbers sum to 1. An entropy that is computed from counted shares is
too low, since a sample has seen only a part of what there is; `entropy_of_counts` adds the first correction. Left out:
continuous variables (their entropy depends on the unit), better estimators.
"""

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.slots import slot

Numbers = NDArray[np.float64]
NextProbabilities = Callable[[Sequence[int]], ArrayLike]  # what came before -> the probability of each id to come next
TOLERANCE = 1e-4  # a float32 softmax over 150,000 tokens strays from 1 by up to 1e-5


def distribution(probabilities: ArrayLike, name: str = "the probabilities") -> Numbers:
    """The numbers as float64, after the check that they are probabilities: none negative, in sum 1."""
    p = np.asarray(probabilities, np.float64)
    if not p.size:
        raise InputError(f"{name} are empty; give at least one")
    if not np.isfinite(p).all():
        raise InputError(f"{name} hold NaN or infinity; look at what they were computed from")
    if p.min() < 0:
        raise InputError(f"{name} hold {p.min():g}, and none may be negative; are these log-probabilities?")
    if abs(p.sum() - 1) > TOLERANCE:
        raise InputError(f"{name} sum to {p.sum():g} instead of 1; divide them by their sum")
    return p


def joint_table(joint: ArrayLike) -> Numbers:
    """A joint distribution of two variables, checked."""
    p = distribution(joint, "the joint probabilities")
    if p.ndim != 2:
        raise InputError(f"joint has the shape {p.shape}; give a matrix, one row for each x and one column for each y")
    return p


def surprise(probability: float) -> float:
    """How many bits it takes to say that something of this probability happened: log2(1 / p).

    >>> surprise(1 / 8), surprise(1.0), surprise(0.0)
    (3.0, 0.0, inf)
    """
    if not 0 <= probability <= 1:
        raise InputError(f"{probability:g} is no probability; give a number from 0 to 1")
    return float(0.0 - np.log2(probability)) if probability else float("inf")


@slot
def entropy(probabilities: ArrayLike) -> float:
    """Average surprise of a distribution in bits; of an array of any shape, all its numbers together.

    What has probability 0 never happens and adds nothing, though its surprise would be infinite (p log p -> 0).

    >>> entropy([0.5, 0.5]), entropy([1.0, 0.0]), entropy([0.5, 0.25, 0.125, 0.125])
    (1.0, 0.0, 1.75)
    """
    p = distribution(probabilities)
    seen = p[p > 0]
    return float(0.0 - (seen * np.log2(seen)).sum())


def conditional_entropy(joint: ArrayLike) -> float:
    """What is left to know of y, on average, once x is known, in bits; joint[x, y].

    >>> conditional_entropy([[0.5, 0.0], [0.0, 0.5]]), conditional_entropy([[0.25, 0.25], [0.25, 0.25]])
    (0.0, 1.0)
    """
    p = joint_table(joint)
    return max(entropy(p) - entropy(p.sum(1)), 0.0)  # rounding may give -1e-16


@slot
def mutual_information(joint: ArrayLike) -> float:
    """How many bits x tells about y, and y just as many about x; joint[x, y]. 0 only when they are independent.

    It is the distance of the joint distribution from the product of its margins, which is what independence would give.

    >>> mutual_information([[0.5, 0.0], [0.0, 0.5]]), mutual_information([[0.25, 0.25], [0.25, 0.25]])
    (1.0, 0.0)
    """
    p = joint_table(joint)
    x, y = np.nonzero(p)
    bits = np.log2(p[x, y]) - np.log2(p.sum(1)[x]) - np.log2(p.sum(0)[y])
    return max(float((p[x, y] * bits).sum()), 0.0)  # rounding may give -1e-16


# ───────── of a text ─────────


def surprises(tokens: Sequence[int], next_probabilities: NextProbabilities) -> Numbers:
    """The surprise of each token in bits, where next_probabilities(tokens before it) gives every id's probability.

    Their sum is the text's: what it costs to write it down with this model. A token of probability 0 costs infinitely many.
    """
    bits = np.empty(len(tokens))
    for place, token in enumerate(tokens):
        p = distribution(next_probabilities(tokens[:place]))
        if not 0 <= token < len(p):
            raise InputError(f"token {token} has no probability among {len(p)}; use the model's own vocabulary")
        bits[place] = surprise(float(min(p[token], 1.0)))
    return bits


def pairs(symbols: Sequence[Hashable], distance: int = 1) -> Numbers:
    """The joint distribution of a symbol and the one `distance` after it, as counted in a sequence.

    Rows and columns are the different symbols, sorted. Its mutual information says how far back a text remembers.

    >>> pairs("ababab", 1).round(2).tolist()
    [[0.0, 0.6], [0.4, 0.0]]
    """
    if not 1 <= distance < len(symbols):
        raise InputError(
            f"there is no pair at distance {distance} in {len(symbols)} symbols; use 1 to {len(symbols) - 1}"
        )
    number = {symbol: index for index, symbol in enumerate(sorted(set(symbols), key=str))}
    ids = np.array([number[symbol] for symbol in symbols])
    counts = np.zeros((len(number), len(number)))
    np.add.at(counts, (ids[:-distance], ids[distance:]), 1)
    return counts / counts.sum()


def entropy_of_counts(counts: ArrayLike) -> float:
    """Entropy in bits of what these counts were drawn from: that of their shares, and (K - 1) / (2 N ln 2) more.

    K: different things seen; N: draws. Miller 1955: the shares alone are too low by about this much.
    """
    n = np.asarray(counts, np.float64)
    if not n.size or n.min() < 0 or not n.sum() or not np.isfinite(n).all():
        raise InputError(f"counts must be 0 or more, and not all 0; got {n.size} from {n.min(initial=0):g}")
    return entropy(n / n.sum()) + (np.count_nonzero(n) - 1) / (2 * float(n.sum()) * float(np.log(2)))
