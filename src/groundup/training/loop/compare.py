"""Two configurations trained from the same seeds: are they equal, is one better, or can the runs not tell?

    difference of a seed    mean over the last tenth of the steps of (second's loss - first's), the same batch at the same step
    interval                mean over seeds ± t s / sqrt(n), 95 %, n - 1 degrees of freedom

A pair shares first weights and batches, so what a seed or a hard batch does to both falls out. Loss by loss the pair also says
since when two runs differ at all: equal in every bit, equal up to rounding (1e-5 of the loss), or apart from some step on. That is
how a faster kernel, a refactoring or another machine is told from another result.
One seed gives a difference and no interval: how far runs lie apart anyway is only seen from several seeds.
Student 1908, doi:10.1093/biomet/6.1.1. Left out: other measures than the loss (`runs.ablation` takes any).
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.foundations.probability.statistics.hypothesis_tests import mean_interval

ROUNDING = 1e-5  # of the loss: by so much two right computations of one thing differ after hundreds of steps in fp32

Curve = Sequence[float]  # the losses of a run, step by step


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two configurations are to each other. differences: one a seed, second less first; interval: from two seeds on."""

    differences: tuple[float, ...]
    interval: tuple[float, float] | None
    parted: int | None  # the first step, counted from 1, at which a pair differs by more than rounding
    identical: bool  # in every bit of every loss

    @property
    def difference(self) -> float:
        """The mean over seeds; below 0 the second is better."""
        return statistics.fmean(self.differences)

    @property
    def word(self) -> str:
        """identical, equal (to rounding), better or worse (the second), not told apart, or one seed."""
        if self.identical:
            return "identical"
        if self.parted is None:
            return "equal"
        if self.interval is None:
            return "one seed"
        low, high = self.interval
        return "better" if high < 0 else "worse" if low > 0 else "not told apart"

    def sentence(self, first: str = "the first", second: str = "the second") -> str:
        """The verdict in words."""
        if self.identical:
            return f"{first} and {second} are equal: every loss is the same, bit for bit"
        if self.parted is None:
            return f"{first} and {second} are equal up to rounding: no loss differs by more than {ROUNDING:g} of itself"
        by = f"{abs(self.difference):.4f} nats {'below' if self.difference < 0 else 'above'} {first}"
        if self.interval is None:
            return f"{second} ends {by} from one seed (they part at step {self.parted}); a second seed would say whether that is chance"
        told = f"95 % interval {self.interval[0]:+.4f} to {self.interval[1]:+.4f} from {len(self.differences)} seeds"
        if self.word == "not told apart":
            return f"{first} and {second} are not told apart: {second} ends {by}, {told}; more seeds or more steps would narrow it"
        return f"{second} is {self.word}: it ends {by}, {told}"


def compare(first: Sequence[Curve], second: Sequence[Curve]) -> Verdict:
    """Compare two configurations by their losses: a curve for each seed, the same seeds in the same order; shared steps count."""
    if not first or len(first) != len(second):
        raise InputError(
            f"there are {len(first)} runs of the first and {len(second)} of the second; give a pair for each seed, at least one"
        )
    pairs = [_shared(one, other) for one, other in zip(first, second, strict=True)]
    differences = tuple(difference(one, other) for one, other in pairs)
    parts = [at for at in (parting(one, other) for one, other in pairs) if at is not None]
    spread = max(differences) - min(differences)
    interval = None
    if len(differences) > 1:
        interval = mean_interval(np.array(differences)) if spread > 1e-12 else (differences[0], differences[0])
    return Verdict(
        differences, interval, min(parts, default=None), all(list(one) == list(other) for one, other in pairs)
    )


def _shared(one: Curve, other: Curve) -> tuple[Curve, Curve]:
    steps = min(len(one), len(other))
    if not steps:
        raise InputError("a run without a single loss cannot be compared; let both make steps first")
    return one[:steps], other[:steps]


def difference(first: Curve, second: Curve) -> float:
    """The mean of second - first over the last tenth of the steps, at least one; both have as many steps."""
    last = max(1, len(first) // 10)
    return statistics.fmean(b - a for a, b in zip(first[-last:], second[-last:], strict=True))


def parting(first: Curve, second: Curve) -> int | None:
    """The first step, counted from 1, whose losses differ by more than rounding explains; None: nowhere.

    >>> parting([2.0, 1.5, 1.0], [2.0, 1.5000001, 1.1]), parting([2.0], [2.0])
    (3, None)
    """
    for step, (a, b) in enumerate(zip(first, second, strict=True), 1):
        if not math.isclose(a, b, rel_tol=ROUNDING, abs_tol=ROUNDING):
            return step
    return None
