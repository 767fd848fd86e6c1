"""Many tests at once: at p ≤ 0.05, twenty tests of nothing find something in 64% of all cases.

Two promises can be kept. *Family-wise*: no false alarm at all, except with probability alpha. Bonferroni multiplies
every p-value by the number of tests m; Holm, never weaker, by m for the smallest, m - 1 for the next, and so on. *False
discovery rate*: of what is called a discovery, at most the share alpha is none on average. Benjamini and Hochberg
multiply the k-th smallest by m/k; it finds more, since it allows some. Each function gives adjusted p-values, to be
compared with alpha as if each were alone.

Sources: Holm 1979; Benjamini & Hochberg 1995, who prove it for independent tests. Left out: Benjamini-Yekutieli, which
holds for any.
"""

from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

Array = np.ndarray


def p_values_of(values: Array) -> Array:
    """p-values along one axis: at least one, each from 0 to 1."""
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or not found.size:
        raise InputError(f"p-values of shape {found.shape} are no list; give at least one along one axis")
    if not ((found >= 0) & (found <= 1)).all():
        raise InputError("a p-value is NaN or outside 0 … 1; give probabilities")
    return found


def bonferroni(p_values: Array) -> Array:
    """Each p-value times the number of tests, at most 1.

    >>> bonferroni(np.array([0.01, 0.5]))
    array([0.02, 1.  ])
    """
    found = p_values_of(p_values)
    return np.minimum(found * len(found), 1)


def holm(p_values: Array) -> Array:
    """The smallest times m, the next times m - 1, …; none smaller than the one before it, at most 1."""
    found = p_values_of(p_values)
    order = np.argsort(found)
    adjusted = np.maximum.accumulate(found[order] * (len(found) - np.arange(len(found))))
    return np.minimum(adjusted, 1)[np.argsort(order)]


@slot
def benjamini_hochberg(p_values: Array) -> Array:
    """The k-th smallest of m p-values times m/k, none larger than the one after it; in the order in which they came.

    To call what is at most alpha a discovery keeps the expected share of false ones at alpha.
    """
    found = p_values_of(p_values)
    order = np.argsort(found)
    scaled = found[order] * len(found) / np.arange(1, len(found) + 1)
    adjusted = np.minimum.accumulate(scaled[::-1])[::-1]
    return adjusted[np.argsort(order)]


class Discoveries(NamedTuple):
    """What a rule does on average over simulated families of tests."""

    any_false: float  # how often it gives at least one false alarm
    false_share: float  # which share of its discoveries is false, 0 where there are none
    found: float  # which share of the true effects it finds


def false_discoveries(rejected: Array, true: Array) -> Discoveries:
    """Judge a rule over many families: rejected (families, tests), and which tests have an effect, (tests,)."""
    said, is_true = np.asarray(rejected, dtype=bool), np.asarray(true, dtype=bool)
    if said.ndim != 2 or is_true.shape != said.shape[1:]:
        raise InputError(
            f"rejections {said.shape} do not fit {is_true.shape} tests; give (families, tests) and (tests,)"
        )
    false = (said & ~is_true).sum(1)
    hits = float((said & is_true).sum(1).mean() / is_true.sum()) if is_true.any() else 0.0
    return Discoveries(float((false > 0).mean()), float((false / np.maximum(said.sum(1), 1)).mean()), hits)
