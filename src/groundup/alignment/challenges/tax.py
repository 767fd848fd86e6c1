"""The alignment tax: what a model loses elsewhere when it is made better at one thing, measured where it could be lost.

    gain    the score that tuning is after, on questions that were not tuned on
    cost    held-out text of every world in bits per byte; right answers in every other family of questions

Both are differences on the same items, before and after, so their intervals are those of pairs. Two controls hold the cost down. Replay
mixes text of the pretraining in with what is tuned; a pull towards the model before (the KL term of reinforcement, beta of DPO)
forbids to go far. Stronger, they cost gain: what remains is a front, of points that none beats in both. Points off it are simply worse.

Ouyang et al. 2022, arXiv:2203.02155, sections 4.2 and 5.2 (PPO-ptx mixes pretraining in against the tax); Bai et al. 2022, arXiv:2204.05862,
section 3 (small models pay, large ones may gain); Lin et al. 2023, arXiv:2309.06256 (averaging the weights of before and after).
Left out: taxes on calibration and variety.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.alignment.challenges.speaker import Speaker, answers
from groundup.evaluation.metrics.calibration import Interval, paired_bootstrap
from groundup.evaluation.metrics.intrinsic import Bits, TokenDocuments, bits_per_byte, tokenize
from groundup.slots import slot

Score = Callable[[Any, str], float]  # (item, answer) -> what it is worth


@dataclass(frozen=True, slots=True)
class Capability:
    """Questions with a score for their answers."""

    items: Sequence[Any]  # each has `.prompt`
    score: Score

    def measure(self, speaker: Speaker) -> NDArray[np.float64]:
        """The score of the speaker's answer to each question."""
        said = answers(speaker, [item.prompt for item in self.items])
        return np.array([self.score(item, text) for item, text in zip(self.items, said, strict=True)], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Battery:
    """All that is measured before and after: the aim, texts by world, and questions by family."""

    aim: Capability
    texts: Mapping[str, TokenDocuments]
    others: Mapping[str, Capability]

    def measure(self, speaker: Speaker) -> "Measured":
        """What a speaker can."""
        return Measured(
            self.aim.measure(speaker),
            {name: bits_per_byte(speaker.module, documents) for name, documents in self.texts.items()},
            {name: one.measure(speaker) for name, one in self.others.items()},
        )


def battery(
    speaker: Speaker, aim: Capability, texts: Mapping[str, Sequence[str]], others: Mapping[str, Capability]
) -> Battery:
    """A battery for speakers with this tokenizer."""
    return Battery(aim, {name: tokenize(list(some), speaker.tokenizer) for name, some in texts.items()}, others)


@dataclass(frozen=True, slots=True)
class Measured:
    """One speaker's results, item by item."""

    aim: NDArray[np.float64]
    texts: Mapping[str, Bits]
    others: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Tax:
    """What changed from before to after, each with the interval of its pairs: gain is good, cost bad, in its own unit."""

    gain: Interval
    bits: Mapping[str, Interval]  # bits per byte more
    lost: Mapping[str, Interval]  # score less

    @property
    def paid(self) -> float:
        """One number for the cost in text: the mean of the worlds' bits per byte."""
        return float(np.mean([one.value for one in self.bits.values()])) if self.bits else 0.0


def tax(before: Measured, after: Measured) -> Tax:
    """Pair item by item."""
    return Tax(
        paired_bootstrap(before.aim, after.aim),
        {name: paid_in_text(bits, after.texts[name]) for name, bits in before.texts.items()},
        {name: paired_bootstrap(after.others[name], scores) for name, scores in before.others.items()},
    )


def paid_in_text(before: Bits, after: Bits) -> Interval:
    """Bits per byte more than before, a document being drawn whole."""
    return paired_bootstrap(before.nats / np.log(2), after.nats / np.log(2), before.sizes)


@slot
def pareto_front(gains: Sequence[float], costs: Sequence[float]) -> list[int]:
    """The places of the points that none beats: no other has as much gain for as little cost, and more of the one or less of the other.

    In the order of rising gain; of points that are equal in both, all stay, in the order given. NaN in either puts a point off the front.

    >>> pareto_front([0.0, 1.0, 1.0, 2.0], [0.0, 0.5, 0.3, 0.9])
    [0, 2, 3]
    """
    points = [(float(gain), float(cost), place) for place, (gain, cost) in enumerate(zip(gains, costs, strict=True))]
    points = [point for point in points if point[0] == point[0] and point[1] == point[1]]

    def beaten(gain: float, cost: float) -> bool:
        return any(g >= gain and c <= cost and (g > gain or c < cost) for g, c, _ in points)

    ordered = sorted(points, key=lambda point: (point[0], point[2]))
    return [place for gain, cost, place in ordered if not beaten(gain, cost)]


def between(before: Speaker, after: Speaker, share: float) -> Speaker:
    """The speaker whose weights lie between two: share 0 is before, 1 is after (Lin et al. 2023: model averaging)."""
    module = copy.deepcopy(before.module)
    with torch.no_grad():
        for mine, theirs in zip(module.parameters(), after.module.parameters(), strict=True):
            mine.lerp_(theirs, share)
    return replace(before, module=module)
