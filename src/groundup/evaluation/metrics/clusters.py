"""How well groups that nobody named fit classes that somebody did: tags found without supervision against a treebank's.

Many-to-one gives each group the class that most of its members have, and counts who is right; it rises with the number of
groups, to 1 when each has one member. V-measure is the harmonic mean of two shares that pull against each other: what a
group tells of the class (homogeneity, 1 - H(class | group) / H(class)), and what a class tells of the group (completeness).
Rosenberg and Hirschberg 2007. Left out: the best one-to-one assignment, and variation of information.
"""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from groundup.errors import InputError
from groundup.foundations.information.entropy import conditional_entropy, entropy


class VMeasure(NamedTuple):
    """Both shares and their harmonic mean."""

    homogeneity: float
    completeness: float
    v: float


def joint_counts(groups: Sequence[Hashable], classes: Sequence[Hashable]) -> np.ndarray:
    """How often each group (row) meets each class (column), in the order in which they come up."""
    if len(groups) != len(classes) or not len(groups):
        raise InputError(f"{len(groups)} groups and {len(classes)} classes; give one of each for every item")
    rows = {group: row for row, group in enumerate(dict.fromkeys(groups))}
    columns = {one: column for column, one in enumerate(dict.fromkeys(classes))}
    counts = np.zeros((len(rows), len(columns)), np.int64)
    np.add.at(counts, ([rows[group] for group in groups], [columns[one] for one in classes]), 1)
    return counts


def many_to_one(groups: Sequence[Hashable], classes: Sequence[Hashable]) -> float:
    """The share of items whose class is the commonest of their group.

    >>> many_to_one([0, 0, 0, 1], ["N", "N", "V", "V"])
    0.75
    """
    return float(joint_counts(groups, classes).max(1).sum() / len(groups))


def v_measure(groups: Sequence[Hashable], classes: Sequence[Hashable]) -> VMeasure:
    """Homogeneity, completeness, and V. A single class is told by any groups, and a single group by any classes: share 1.

    >>> v_measure([0, 0, 1, 1], ["N", "N", "V", "V"]).v
    1.0
    """
    joint = joint_counts(groups, classes) / len(groups)
    of_groups, of_classes = entropy(joint.sum(1)), entropy(joint.sum(0))
    homogeneity = 1 - conditional_entropy(joint) / of_classes if of_classes > 0 else 1.0
    completeness = 1 - conditional_entropy(joint.T) / of_groups if of_groups > 0 else 1.0
    both = homogeneity + completeness
    return VMeasure(homogeneity, completeness, 2 * homogeneity * completeness / both if both > 1e-12 else 0.0)
