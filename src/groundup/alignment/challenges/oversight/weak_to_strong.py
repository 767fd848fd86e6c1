"""Weak-to-strong generalisation: a strong model learns from the labels of a weaker one, and may become better than its teacher.

    performance gap recovered   (student - weak) / (ceiling - weak)        ceiling: the student taught by the truth itself

One day people will have to teach models that know more than they do. Here the weak teacher is wrong in a known share of the cases, and
the truth is written down. Errors that look like chance to the student average out: it recovers the gap. Errors that follow a rule which
the student can see are learned as well: it becomes its teacher. How much of the error is of this kind, the world says (`imitable`).

    confidence loss   (1 - alpha) CE(f, weak label) + alpha CE(f, f's own choice, hardened so that half of a batch says yes)

holds the student to what it thinks already, where that and the teacher disagree. Burns et al. 2023, arXiv:2312.09390, sections 3 and 4.3.2
(L_conf), appendix A.4 (the threshold). Left out: bootstrapping over models of rising size, generative finetuning of the student.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError
from groundup.slots import slot

SIGNALS, STRENGTH, NOISE = 8, 0.5, 11  # coordinates that speak of the truth, how loudly, and those that say nothing
WARM_UP = 0.2  # share of the steps over which alpha rises from 0


def gap_recovered(weak: float, student: float, ceiling: float) -> float:
    """The share of the way from the weak teacher's accuracy to the ceiling that the student has gone; NaN where there is none.

    >>> gap_recovered(weak=0.6, student=0.75, ceiling=0.8)
    0.75
    """
    return math.nan if ceiling <= weak else round((student - weak) / (ceiling - weak), 12)


@slot
def confidence_loss(
    logits: Float[Tensor, " examples"], weak: Float[Tensor, " examples"], alpha: float
) -> Float[Tensor, ""]:
    """The weak labels' loss, mixed with that of the student's own choice; mean nats.

    logits: the student's log-odds of yes. weak: the teacher's labels, 0 to 1. alpha: the weight of the student's own choice. That is yes
    for the half of the examples whose logits lie above the median, and no gradient passes through it. Burns et al. 2023, L_conf.
    """
    own = (logits > logits.median()).to(logits.dtype)
    teacher = torch.nn.functional.binary_cross_entropy_with_logits(logits, weak)
    itself = torch.nn.functional.binary_cross_entropy_with_logits(logits, own)
    return (1 - alpha) * teacher + alpha * itself


@dataclass(frozen=True, slots=True)
class Student:
    """A linear reading of features, scaled as the training examples were."""

    weights: Float[Tensor, " features"]
    intercept: float
    middle: Float[Tensor, " features"]
    scale: Float[Tensor, " features"]

    def logits(self, features: Float[Tensor, "examples features"]) -> Float[Tensor, " examples"]:
        """The log-odds of yes."""
        return (features - self.middle) / self.scale @ self.weights + self.intercept

    def accuracy(self, features: Float[Tensor, "examples features"], truth: Float[Tensor, " examples"]) -> float:
        """The share of examples whose likelier answer is the true one."""
        return float(((self.logits(features) > 0) == (truth > 0.5)).double().mean())


def taught(
    features: Float[Tensor, "examples features"],
    labels: Float[Tensor, " examples"],
    alpha: float = 0.0,
    steps: int = 150,
    penalty: float = 1e-3,
) -> Student:
    """Teach a student labels of 0 to 1, all at once, by Adam; alpha is that of the confidence loss and rises over the first fifth."""
    if len(features) < 2 or not 0 <= alpha < 1:
        raise InputError(f"{len(features)} examples with alpha={alpha} teach nothing; use 2 or more, and 0 to below 1")
    middle, scale = features.mean(0), features.std(0).clamp(min=1e-6)
    inputs, labels = (features - middle) / scale, labels.to(features.dtype)
    weights = torch.zeros(features.shape[1], dtype=features.dtype, requires_grad=True)
    intercept = torch.zeros((), dtype=features.dtype, requires_grad=True)
    optimizer = torch.optim.Adam([weights, intercept], lr=0.05)
    for step in range(steps):
        now = alpha * min(1.0, step / max(1.0, WARM_UP * steps))
        loss = confidence_loss(inputs @ weights + intercept, labels, now) + penalty * weights.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return Student(weights.detach(), float(intercept.detach()), middle, scale)


# ───────── a world in which everything is known ─────────


@dataclass(frozen=True, slots=True)
class Examples:
    """What the student sees, the truth, and what the weak teacher says of it."""

    features: Float[Tensor, "examples features"]
    truth: Float[Tensor, " examples"]
    weak: Float[Tensor, " examples"]


def examples(count: int, error: float = 0.2, imitable: float = 0.0, seed: int = 0) -> Examples:
    """Draw examples with a teacher that is wrong in the share `error` of all cases.

    imitable: the share of its errors that follow a rule: it says yes wherever one coordinate, which the student sees too, is large. The
    other errors are thrown, as with dice.
    """
    if not 0 <= error < 0.5 or not 0 <= imitable <= 1:
        raise InputError(f"error={error} and imitable={imitable} cannot be; use 0 to below 0.5, and 0 to 1")
    source = torch.Generator().manual_seed(seed)
    truth = torch.randint(0, 2, (count,), generator=source).double()
    features = torch.randn(count, SIGNALS + 1 + NOISE, generator=source, dtype=torch.float64)
    features[:, :SIGNALS] += STRENGTH * (2 * truth - 1)[:, None]
    ruled = 2 * error * imitable  # where the teacher always says yes, which is wrong in half of the cases
    edge = math.inf if not ruled else math.sqrt(2) * float(torch.erfinv(torch.tensor(1 - 2 * ruled)))
    thrown = error * (1 - imitable) / (1 - ruled)
    flipped = torch.rand(count, generator=source) < thrown
    weak = torch.where(features[:, SIGNALS] > edge, 1.0, torch.where(flipped, 1 - truth, truth))
    return Examples(features, truth, weak)


def best_possible() -> float:
    """The accuracy of whoever knows how the features were made: P(the signals' sum has the truth's sign), exactly."""
    return 0.5 * (1 + math.erf(STRENGTH * math.sqrt(SIGNALS / 2)))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Accuracies on examples that nobody was taught."""

    weak: float
    student: float
    ceiling: float

    @property
    def recovered(self) -> float:
        """The share of the gap that the student closed."""
        return gap_recovered(self.weak, self.student, self.ceiling)


def generalise(train: Examples, test: Examples, alpha: float = 0.0) -> Outcome:
    """Teach one student by the weak teacher, another by the truth, and measure both and the teacher on other examples."""
    student, ceiling = taught(train.features, train.weak, alpha), taught(train.features, train.truth)
    weak = float((test.weak.round() == test.truth).double().mean())
    return Outcome(weak, student.accuracy(test.features, test.truth), ceiling.accuracy(test.features, test.truth))
