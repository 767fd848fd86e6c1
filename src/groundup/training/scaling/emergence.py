"""Emergence: a score that asks for every token at once jumps, where the chance of one token rises smoothly.

    exact match = p^L          p: chance that a token is right, L: tokens of the answer; a wrong one is fatal
    edit distance = L (1 - p)  the same model, the same answers, a straight line in p

Wei et al. 2022, arXiv:2206.07682, saw abilities appear suddenly with scale. Schaeffer et al. 2023, arXiv:2304.15004, section 2: under a power law
of the loss, p = exp(-(N / c)^a) rises smoothly, and L-th powers of it look like a step: at p = 0.5 an answer of five tokens is right in 3 of
100, at 0.9 in 59. Whether something emerges is first of all a question to the metric; a smooth one tells beforehand when the other
will move.

Here: both metrics on the same answers, the exact match that independent tokens would give (real tokens of one answer are not independent:
a carry that was missed spoils its neighbours, and what is measured lies above p^L), and how sharp a curve is. The task is addition, written
with the last digit first, so that each digit can be told from what stands before it. Left out: abilities that jump under every metric, such as
grokking.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError

PLUS, EQUALS, BASE = 10, 11, 12  # the digits are themselves; BASE tokens in all


@dataclass(frozen=True, slots=True)
class Scores:
    """The same answers, judged twice."""

    token_accuracy: float
    exact_match: float
    edit_distance: float  # wrong tokens of an answer, on average
    independent: float  # the exact match of tokens that are right or wrong independently of each other


def judge(answers: Int[np.ndarray, "rows tokens"], truth: Int[np.ndarray, "rows tokens"]) -> tuple[float, float]:
    """The share of tokens that are right, and the share of rows in which all are."""
    right = answers == truth
    return float(right.mean()), float(right.all(1).mean())


def exact_match_expected(token_accuracy: Float[np.ndarray, " *shape"], length: int) -> Float[np.ndarray, " *shape"]:
    """The exact match of answers of `length` tokens, each right with the same chance, independently: p^L.

    Schaeffer et al. 2023, section 2, eq. 1.
    """
    return np.asarray(token_accuracy**length)


def scores(answers: ArrayLike, truth: ArrayLike) -> Scores:
    """Judge answers against the truth, rows of tokens each. InputError where they do not fit or there are none."""
    given, right = np.asarray(answers), np.asarray(truth)
    if given.shape != right.shape or given.ndim != 2 or not given.size:
        raise InputError(
            f"answers of shape {given.shape} and truth of shape {right.shape} cannot be compared; give rows of the same tokens"
        )
    accuracy, exact = judge(given, right)
    places = (given == right).mean(0)  # the last digit is easier than the first
    return Scores(accuracy, exact, float((given != right).sum(1).mean()), float(np.prod(places)))


def sharpness(values: ArrayLike) -> float:
    """The largest step of a curve as a share of its whole rise: 1 is a jump, 1 / (points - 1) a straight line.

    >>> sharpness([0.0, 0.0, 1.0, 1.0]), sharpness([0.0, 0.25, 0.5, 0.75, 1.0])
    (1.0, 0.25)
    """
    curve = np.asarray(values, float)
    rise, total = np.diff(curve), curve[-1] - curve[0]
    if total <= 0:
        raise InputError(
            f"a curve from {curve[0]:g} to {curve[-1]:g} does not rise; give scores in order of size or steps"
        )
    return float(rise.max() / total)


def additions(count: int, digits: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums as rows of tokens, `a + b =`, and their answers with the last digit first: digits + 1 tokens.

    >>> question, answer = additions(1, 2, seed=0)
    >>> question.shape, answer.shape
    ((1, 6), (1, 3))
    """
    if not 1 <= digits <= 9:
        raise InputError(f"digits={digits} cannot be; use 1 to 9")
    drawn = np.random.default_rng(seed)
    first, second = drawn.integers(0, 10**digits, (2, count))
    signs = np.full((2, count, 1), [[[PLUS]], [[EQUALS]]])
    question = np.concatenate([written(first, digits), signs[0], written(second, digits), signs[1]], 1)
    return question, written(first + second, digits + 1)


def written(numbers: Int[np.ndarray, " rows"], digits: int) -> Int[np.ndarray, "rows digits"]:
    """Numbers as digits, the last one first.

    >>> written(np.array([123]), 4).tolist()
    [[3, 2, 1, 0]]
    """
    return np.asarray(numbers)[:, None] // 10 ** np.arange(digits) % 10
