"""Steps that stand out: found by the loss and the gradient of the steps before, and not taken, or undone.

    normal    median and deviation (1.4826 times the median distance from the median) of the last 64 steps that were taken
    spike     a loss or a gradient norm more than `factor` deviations above the median, or no number at all

Median and median distance do not move when a few values are wild, where mean and standard deviation would (Hampel 1974,
doi:10.1080/01621459.1974.10482962; 1.4826 makes the distance that of a normal distribution). The window rests on steps that were
taken, so a spike does not make the next one look normal. What is done about one:

    off        only a NaN stops the run                           skip       the batch is let go, the weights stay
    stop       the run stops and says the step                    rollback   back to the last checkpoint's state; the batches
                                                                             since then are let go

Rollback is what PaLM did by hand, from 100 steps before a spike with 200 to 500 batches left out (Chowdhery et al. 2022,
arXiv:2204.02311, section 5.1): the same batches from other weights made no spike. Clipping (`clipping`) shortens a wild gradient;
a skipped one never enters the optimiser's means either.
Left out: judging each layer by itself, and repairing the optimiser's second moments.
"""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from groundup.errors import Diverged
from groundup.slots import slot

WINDOW = 64  # steps that say what is normal
FEWEST = 20  # with fewer of them nothing is called a spike: at the beginning losses fall fast
NORMAL = 1.4826  # median distances from the median in one standard deviation of a normal distribution
LEAST = 0.02  # of the median: steps that are nearly alike would make every small difference a spike
IN_A_ROW = 8  # so many steps let go one after another are no longer a spike
ROLLBACKS = 4  # and so many times back to the same state

Verdict = Literal["go", "skip", "rollback"]


@slot
def is_spike(value: float, before: Sequence[float], factor: float = 6.0) -> bool:
    """Whether a value is no number, or more than `factor` deviations above the median of the values before it.

    A deviation is NORMAL times the median of the distances from the median, and at least LEAST of the median's size.
    """
    if not math.isfinite(value):
        return True
    middle = statistics.median(before)
    deviation = NORMAL * statistics.median(abs(one - middle) for one in before)
    return value > middle + factor * max(deviation, LEAST * abs(middle))


class Watch:
    """Judges each step by those before it, and counts what was let go; its state goes into the checkpoint.

    jumped: how many batches were left out, because those of an undone stretch are not read again.
    """

    def __init__(self, policy: str = "off", factor: float = 6.0):
        self.policy, self.factor = policy, factor
        self.losses: deque[float] = deque(maxlen=WINDOW)
        self.norms: deque[float] = deque(maxlen=WINDOW)
        self.in_a_row = self.rollbacks = self.jumped = 0

    def judge(self, step: int, loss: float, norm: float, way_out: str) -> Verdict:
        """What to do about a step (counted from 0); Diverged where the policy is to stop, or where letting go did not help."""
        what = self.odd(loss, norm)
        if what is None:
            self.losses.append(loss)
            self.norms.append(norm)
            self.in_a_row = 0
            return "go"
        told = f"{what} of step {step + 1} is {self.told(what, loss, norm)}"
        if self.policy in ("off", "stop"):
            broken = not (math.isfinite(loss) and math.isfinite(norm))
            raise Diverged(f"the {told}: {'training diverged' if broken else 'a spike'}; {way_out}")
        if self.policy == "skip":
            self.in_a_row += 1
        else:
            self.rollbacks += 1
        if self.in_a_row > IN_A_ROW or self.rollbacks > ROLLBACKS:
            times = f"{IN_A_ROW} steps in a row" if self.policy == "skip" else f"{ROLLBACKS} rollbacks to one state"
            raise Diverged(f"{times} did not help, and the {told}: training diverged; {way_out}")
        return "skip" if self.policy == "skip" else "rollback"

    def odd(self, loss: float, norm: float) -> str | None:
        """Which of the two stands out: "loss", "gradient", or neither."""
        for name, value, before in (("loss", loss, self.losses), ("gradient", norm, self.norms)):
            judged = self.policy != "off" and len(before) >= FEWEST
            if is_spike(value, before, self.factor) if judged else not math.isfinite(value):
                return name
        return None

    def told(self, what: str, loss: float, norm: float) -> str:
        """The odd number, beside what is normal where that is known."""
        value, before = (loss, self.losses) if what == "loss" else (norm, self.norms)
        if not math.isfinite(value) or not before:
            return f"{value}"
        return f"{value:.4g} where {statistics.median(before):.4g} is normal"

    def state(self) -> dict[str, Tensor]:
        """Windows and counts, as tensors of a fixed size; none where nothing is watched."""
        if self.policy == "off":
            return {}
        counts = torch.tensor([self.in_a_row, self.rollbacks, self.jumped])
        return {"spikes.losses": padded(self.losses), "spikes.norms": padded(self.norms), "spikes.counts": counts}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back."""
        if self.policy == "off":
            return
        for values, name in ((self.losses, "spikes.losses"), (self.norms, "spikes.norms")):
            values.clear()
            values.extend(value for value in table[name].tolist() if not math.isnan(value))
        self.in_a_row, self.rollbacks, self.jumped = table["spikes.counts"].tolist()


def padded(values: Iterable[float]) -> Tensor:
    """A window as WINDOW fp64 numbers; NaN where it is not full."""
    made = torch.full((WINDOW,), math.nan, dtype=torch.float64)
    for place, value in enumerate(values):
        made[place] = value
    return made


class Rising:
    """Says once, and early, that a loss which should fall stands above its beginning.

    The first loss of a new model is that of guessing, so a loss that stays above it for long has been thrown somewhere worse than
    guessing; a rate that is much too high does that within the first dozens of steps.
    """

    FIRST, FOR = (
        3,
        20,
    )  # the least of so many losses is the beginning: where a rate is much too high the second is wild already
    BY, AND = 1.05, 0.05  # times the beginning, and nats: objectives whose loss begins at 0 are not meant

    def __init__(self) -> None:
        self.begun, self.heard, self.said = math.inf, 0, False
        self.last: deque[float] = deque(maxlen=self.FOR)

    def tell(self, loss: float) -> bool:
        """Hear the next loss; True once, when it is time to say so."""
        self.heard += 1
        if self.heard <= self.FIRST:
            self.begun = min(self.begun, loss)
            return False
        self.last.append(loss)
        long = len(self.last) == self.FOR and self.begun > self.AND
        if self.said or not long or not statistics.fmean(self.last) > self.BY * self.begun + self.AND:
            return False
        self.said = True
        return True

    def sentence(self, step: int, loss: float, way_out: str) -> str:
        """What there is to say."""
        return (
            f"the loss has been above its beginning for {self.FOR} steps ({loss:.3g} at step {step}, {self.begun:.3g} at "
            f"first): the rate is probably too high; {way_out}"
        )


def way_out(config: Any) -> str:
    """How a run that diverges is mended, on the command line: half the rates, or rollbacks where there were none."""
    halves = {"matrix_learning_rate": config.matrix_learning_rate} if config.optimizer == "muon" else {}
    halves["learning_rate"] = config.learning_rate
    told = " ".join(f"--set train.{name}={rate / 2:g}" for name, rate in halves.items())
    return f"try {told}" + (" or --set train.on_spike=rollback" if config.on_spike in ("off", "stop") else "")
