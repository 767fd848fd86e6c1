"""A decision tree: one question after another, each the one that sorts the examples best.

A question is "is feature j at most t?". It is judged by how mixed the two halves still are, weighted by their sizes:

    Gini      1 - sum of p^2          how often two draws from the half are of different classes
    entropy   -sum of p log2 p        bits to say which class it is

Of all features and all places between two different values, the best is taken; then the same in each half (CART:
Breiman, Friedman, Olshen & Stone 1984). The choice is greedy: a question that only pays after another one is found by
luck. A tree that grows to its end repeats its examples; max_depth and min_leaf hold it back.

Left out: regression trees, pruning afterwards, categories as sets; forests and boosting, which average many trees.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.errors import InputError
from groundup.foundations.learning.samples import Codes, one_hot, same_features, with_classes
from groundup.foundations.linalg.arrays import Array, as_matrix
from groundup.slots import slot

Impurity = Callable[[Array], Array]  # counts (..., classes) -> one number for each set of counts


def gini(counts: ArrayLike) -> Array:
    """The chance that two draws (with replacement) differ, from counts of the classes along the last axis.

    >>> gini([[5, 5], [10, 0]])
    array([0.5, 0. ])
    """
    counts = np.asarray(counts, np.float64)
    return 1 - ((counts / counts.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)


def entropy_impurity(counts: ArrayLike) -> Array:
    """Bits to say the class of a draw, from counts along the last axis: `information.entropy`, for many sets at once.

    >>> entropy_impurity([[5, 5], [10, 0]])
    array([1., 0.])
    """
    counts = np.asarray(counts, np.float64)
    p = counts / counts.sum(axis=-1, keepdims=True)
    return 0.0 - (p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=-1)


class Split(NamedTuple):
    """Rows with x[:, feature] <= threshold go left. gain: by how much the impurity falls."""

    feature: int
    threshold: float
    gain: float


@slot
def best_split(x: Array, codes: Codes, impurity: Impurity = gini, min_leaf: int = 1) -> Split | None:
    """The question that lowers the impurity most: the examples' impurity less the mean of the halves', weighted by
    size.

    codes: the class of each row, 0, 1, 2, ... Each half keeps at least min_leaf rows; the threshold is half way between
    two neighbouring values. Of equal gains (to 12 digits) the lower feature wins, then the lower threshold. None:
    nothing splits.
    """
    best, count = None, len(x)
    total = one_hot(codes, int(codes.max()) + 1).sum(axis=0)
    for feature in range(x.shape[1]):
        order = x[:, feature].argsort(kind="stable")
        values = x[order, feature]
        places = np.flatnonzero(values[1:] > values[:-1]) + 1  # how many rows go left
        places = places[(places >= min_leaf) & (places <= count - min_leaf)]
        if not len(places):
            continue
        left = one_hot(codes[order], len(total)).cumsum(axis=0)[places - 1]
        mixed = (places * impurity(left) + (count - places) * impurity(total - left)) / count
        gains = (impurity(total) - mixed).round(12)
        place = places[gains.argmax()]
        if best is None or gains.max() > best.gain:
            best = Split(feature, half_way(values[place - 1], values[place]), float(gains.max()))
    return best


def half_way(low: float, high: float) -> float:
    """Half way, and below the upper value even where two neighbouring floats have nothing between them."""
    middle = float(low / 2 + high / 2)
    return middle if middle < high else float(low)


@dataclass(frozen=True, slots=True)
class Tree:
    """A node: the counts of the classes that came here, and, unless it is a leaf, a question with two trees below it."""

    classes: NDArray
    counts: Array
    features: int
    split: Split | None = None
    left: "Tree | None" = None
    right: "Tree | None" = None

    @property
    def depth(self) -> int:
        """How many questions are asked at most."""
        return 0 if self.left is None or self.right is None else 1 + max(self.left.depth, self.right.depth)

    @property
    def leaves(self) -> int:
        """How many answers there are."""
        return 1 if self.left is None or self.right is None else self.left.leaves + self.right.leaves

    def probabilities(self, x: ArrayLike) -> Array:
        """For every row of x the shares of the classes in its leaf."""
        table = as_matrix(x, "x")
        same_features(table, self.features)
        return self._shares(table)

    def _shares(self, table: Array) -> Array:
        if self.split is None or self.left is None or self.right is None:
            return np.tile(self.counts / self.counts.sum(), (len(table), 1))
        goes_left = table[:, self.split.feature] <= self.split.threshold
        shares = np.empty((len(table), len(self.classes)))
        shares[goes_left], shares[~goes_left] = (
            self.left._shares(table[goes_left]),
            self.right._shares(table[~goes_left]),
        )
        return shares

    def predict(self, x: ArrayLike) -> NDArray:
        """The commonest class in each row's leaf; of equally common ones the first in sorted order."""
        return self.classes[self.probabilities(x).argmax(axis=1)]

    def rules(self, names: list[str] | None = None, indent: str = "") -> str:
        """The tree as text, one line a question or answer."""
        if self.split is None or self.left is None or self.right is None:
            return f"{indent}{self.classes[self.counts.argmax()]}  {self.counts.astype(int).tolist()}"
        name = names[self.split.feature] if names else f"x[{self.split.feature}]"
        below, above = (tree.rules(names, indent + "    ") for tree in (self.left, self.right))
        return f"{indent}{name} <= {self.split.threshold:.4g}:\n{below}\n{indent}else:\n{above}"


def decision_tree(
    x: ArrayLike, labels: ArrayLike, max_depth: int = 30, min_leaf: int = 1, impurity: Impurity = gini
) -> Tree:
    """Grow a tree until every leaf is of one class, cannot be split, or is max_depth questions down."""
    table, classes, codes = with_classes(x, labels)
    if max_depth < 0 or min_leaf < 1:
        raise InputError(
            f"max_depth={max_depth}, min_leaf={min_leaf}; use a depth of 0 or more and leaves of 1 or more"
        )
    return _grow(table, codes, classes, max_depth, min_leaf, impurity)


def _grow(x: Array, codes: Codes, classes: NDArray, depth: int, min_leaf: int, impurity: Impurity) -> Tree:
    counts = one_hot(codes, len(classes)).sum(axis=0)
    pure = counts.max() == len(x)
    split = None if pure or not depth else best_split(x, codes, impurity, min_leaf)
    if split is None:
        return Tree(classes, counts, x.shape[1])
    goes_left = x[:, split.feature] <= split.threshold
    left, right = (
        _grow(x[side], codes[side], classes, depth - 1, min_leaf, impurity) for side in (goes_left, ~goes_left)
    )
    return Tree(classes, counts, x.shape[1], split, left, right)
