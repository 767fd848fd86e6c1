"""What to learn from, what to choose with, and what to report: data that is split so that no number flatters.

Train on one part; choose settings, and when to stop, by a second (validation); report the third (test), which is looked
at once. With little data the second is made by turns: in k-fold cross-validation each example is left out of training
exactly once, and k scores say how good, and how sure (Stone 1974). Everything that learns from data belongs inside the
fold, also the scale of the columns and the choice of features: outside, the left-out part has already spoken.
Stratified: every part has each class in its own share.

Early stopping: train on while the validation loss falls; when it has not improved for `patience` checks, go back to the
best.

Left out: groups that must stay together and time that must not be read backwards. The standard error takes the folds
for independent, which they are not quite (Bengio & Grandvalet 2004): there is no unbiased one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import Codes, as_classes, same_count
from groundup.foundations.linalg.arrays import Array, as_matrix, as_vector
from groundup.slots import slot

Fold = tuple[Codes, Codes]  # the numbers of the examples to train on, and of those to validate with


def part_sizes(count: int, fractions: Sequence[float]) -> list[int]:
    """How many of `count` examples each part gets: the fractions' shares, rounded so that none is lost.

    >>> part_sizes(10, (0.8, 0.1, 0.1)), part_sizes(3, (0.5, 0.5))
    ([8, 1, 1], [2, 1])
    """
    if not fractions or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-9:
        raise InputError(f"fractions {tuple(fractions)} are no shares of a whole; give positive numbers that sum to 1")
    exact = np.array(fractions) * count
    sizes = np.floor(exact + 1e-9).astype(int)
    sizes[np.argsort(sizes - exact, kind="stable")[: count - sizes.sum()]] += 1  # the largest remainders first
    return sizes.tolist()


def split(count: int, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0) -> list[Codes]:
    """Shuffle the numbers 0 ... count - 1 and cut them into parts of these sizes: by default train, validation and test."""
    sizes = part_sizes(count, fractions)
    if min(sizes) < 1:
        raise InputError(
            f"{count} examples leave a part of {tuple(fractions)} empty; give more examples or fewer parts"
        )
    return np.split(np.random.default_rng(seed).permutation(count), np.cumsum(sizes)[:-1])


def stratified_split(labels: ArrayLike, fractions: Sequence[float] = (0.8, 0.1, 0.1), seed: int = 0) -> list[Codes]:
    """The same with every class cut by itself, so that each part has each class in its share (rounded)."""
    classes, codes = as_classes(labels)
    generator = np.random.default_rng(seed)
    parts: list[list[Codes]] = [[] for _ in fractions]
    for code in range(len(classes)):
        own = generator.permutation(np.flatnonzero(codes == code))
        cuts = np.cumsum(part_sizes(len(own), fractions))[:-1]
        for part, piece in zip(parts, np.split(own, cuts), strict=True):
            part.append(piece)
    if not all(sum(map(len, part)) for part in parts):
        raise InputError(f"a part of {tuple(fractions)} would be empty; give more examples or fewer parts")
    return [generator.permutation(np.concatenate(part)) for part in parts]


@slot
def k_fold(order: Codes, folds: int) -> list[Fold]:
    """Cut the examples, in the order they are given, into `folds` runs; each run validates once while the others train.

    order: the examples' numbers, shuffled by the caller where that is wanted. Where it does not come out even, the
    first runs have one more. Both parts of a fold keep the given order. Result: (train, validation) for each fold.

    >>> [(train.tolist(), held.tolist()) for train, held in k_fold(np.array([4, 7, 9]), 2)]
    [([9], [4, 7]), ([4, 7], [9])]
    """
    if np.ndim(order) != 1:
        raise InputError("order is no list of numbers; give those of the examples, such as np.arange(count)")
    if not 2 <= folds <= len(order):
        raise InputError(f"{len(order)} examples cannot make {folds} folds; use 2 to {len(order)}")
    runs = np.array_split(order, folds)
    return [(np.concatenate(runs[:turn] + runs[turn + 1 :]), held) for turn, held in enumerate(runs)]


def stratified_k_fold(labels: ArrayLike, folds: int, seed: int = 0) -> list[Fold]:
    """Folds that have each class in equal numbers, give or take one: sorted by class, the examples are dealt out like cards."""
    classes, codes = as_classes(labels)
    fewest = int(np.bincount(codes).min())
    if not 2 <= folds <= fewest:
        raise InputError(
            f"the rarest class ({classes[np.bincount(codes).argmin()]}) has {fewest} examples, too few for one in each of {folds} "
            "folds; use fewer folds (2 at least), or leave it out"
        )
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    dealt = shuffled[codes[shuffled].argsort(kind="stable")]
    held = [np.sort(dealt[turn::folds]) for turn in range(folds)]
    return [(np.setdiff1d(np.arange(len(codes)), one), one) for one in held]


def cross_validate(
    fit: Callable[[Array, NDArray], Callable[[Array], NDArray]],
    score: Callable[[NDArray, NDArray], float],
    x: ArrayLike,
    y: ArrayLike,
    folds: Sequence[Fold],
) -> Array:
    """The score of each fold: fit(x, y) learns from its training part and gives a predictor; score(truth, predicted) judges it."""
    table, answers = as_matrix(x, "x"), np.asarray(y)
    same_count(table, answers, "y")
    if not folds:
        raise InputError("there are no folds; make them with k_fold or stratified_k_fold")
    return np.array([score(answers[held], fit(table[train], answers[train])(table[held])) for train, held in folds])


def mean_and_error(scores: ArrayLike) -> tuple[float, float]:
    """The mean of some scores and its standard error: their deviation over the root of their number.

    >>> mean_and_error([1.0, 3.0])
    (2.0, 1.0)
    """
    numbers = as_vector(scores, "scores")
    if len(numbers) < 2:
        raise InputError("one score says nothing about its error; give two or more")
    return float(numbers.mean()), float(numbers.std(ddof=1) / np.sqrt(len(numbers)))


@dataclass(slots=True)
class EarlyStopping:
    """Watches a validation loss: `update(loss)` is True once `patience` checks in a row did not improve the best by min_delta."""

    patience: int
    min_delta: float = 0.0
    best: float = float("inf")
    best_at: int = -1  # the check with the best loss, counted from 0
    checks: int = 0

    def __post_init__(self) -> None:
        if self.patience < 1 or self.min_delta < 0:
            raise InputError(
                f"patience={self.patience}, min_delta={self.min_delta:g}; wait for 1 check or more, and for 0 or more of change"
            )

    def update(self, loss: float) -> bool:
        """Note a loss; whether it is time to stop. A NaN never improves anything."""
        if loss < self.best - self.min_delta:
            self.best, self.best_at = float(loss), self.checks
        self.checks += 1
        return self.checks - 1 - self.best_at >= self.patience


class Stop(NamedTuple):
    """best: the check whose model is kept; last: the check after which training ended; both counted from 0."""

    best: int
    last: int


def early_stopping(losses: Iterable[float], patience: int, min_delta: float = 0.0) -> Stop:
    """Where training would have ended on this curve, and which model it would have kept.

    >>> early_stopping([3.0, 2.0, 2.5, 2.4, 1.0], patience=2)
    Stop(best=1, last=3)
    """
    watch = EarlyStopping(patience, min_delta)
    for loss in losses:
        if watch.update(loss):
            break
    if watch.best_at < 0:
        raise InputError("no loss was a finite number; look at what they were computed from")
    return Stop(watch.best_at, watch.checks - 1)
