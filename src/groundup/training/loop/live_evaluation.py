"""Scores while a model trains, and the running mean of its weights beside the weights themselves.

    average   a <- a + (1 - d) (w - a)     d = min(decay, (1 + t) / (10 + t)) at step t, so that the beginning is soon forgotten

Each step throws the weights to one side or the other of where the loss is lowest; their mean over the last 1 / (1 - decay) steps
stands nearer to it, as if the rate had already fallen (Polyak and Juditsky 1992, doi:10.1137/0330046; Izmailov et al. 2018,
arXiv:1803.05407). The bound on d is TensorFlow's (ExponentialMovingAverage, num_updates). Where a schedule brings the rate to 0 there is
little left to gain; the mean shows during the run what the end would be.

    copying   share of tokens that a model continues rightly in a random sequence which it sees a second time

That is what induction heads do (Olsson et al. 2022, arXiv:2209.11895): it jumps from chance to nearly 1 at some step of a run, while the
loss falls smoothly. Left out: averages over several runs, decays chosen after the run (Karras et al. 2024, arXiv:2312.02696).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from groundup import progress
from groundup.slots import slot
from groundup.training.checkpoint.keeping import VALIDATIONS
from groundup.training.loop.listeners import Listener, call_every
from groundup.training.monitor.monitoring import add_line

AVERAGED = "averaged_"  # before the name of a number of the mean weights
ROWS, LENGTH = 8, 24  # of random sequences, each seen twice: a tenth of a second in a small model

Scores = Callable[[Any], Mapping[str, float]]


@slot
def average_(averages: Sequence[Tensor], weights: Sequence[Tensor], decay: float, step: int) -> None:
    """Move each running mean towards its weight, in place, by 1 - d with d = min(decay, (1 + step) / (10 + step)).

    step counts from 1; after the first the means are nine elevenths of the way at the weights, however slow the decay.
    """
    kept = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(averages), list(weights), 1 - kept)


class Average:
    """The running mean of a module's weights; its state goes into the checkpoint."""

    def __init__(self, module: Any, decay: float):
        self.decay, self.steps = decay, 0
        self.weights = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
        self.means = {name: weight.detach().float().clone() for name, weight in self.weights.items()}

    @torch.no_grad()
    def step(self) -> None:
        """Follow the weights, which have just moved."""
        self.steps += 1
        weights = [weight.detach().float() for weight in self.weights.values()]
        average_(list(self.means.values()), weights, self.decay, self.steps)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the module have its mean weights inside, and its own again afterwards, bit for bit."""
        own = {name: weight.data for name, weight in self.weights.items()}
        try:
            for name, weight in self.weights.items():
                weight.data = self.means[name].to(weight.dtype)
            yield
        finally:
            for name, weight in self.weights.items():
                weight.data = own[name]

    def state(self) -> dict[str, Tensor]:
        """The means as `weight.average`, and the steps."""
        table = {f"{name}.average": mean for name, mean in self.means.items()}
        return table | {"average.steps": torch.tensor(self.steps)}

    def load(self, table: Mapping[str, Tensor]) -> None:
        """Take a state back, bit for bit."""
        for name, mean in self.means.items():
            mean.copy_(table[f"{name}.average"])
        self.steps = int(table["average.steps"])


def scored(event: Any, scores: Scores) -> dict[str, float]:
    """The scores of the module of a step; with a running mean those of the mean beside them, as `averaged_...`."""
    found = dict(scores(event.module))
    if event.average is not None:
        with event.average.in_place():
            found |= {f"{AVERAGED}{name}": value for name, value in scores(event.module).items()}
    return found


def validate_every(every: int, steps: int, scores: Scores, path: str | Path) -> Listener:
    """A listener that records `scores(module)`, such as {"validation_tinyworld": 1.2}, as a line of metrics."""
    return call_every(every, steps, lambda event: add_line(path, {"step": event.step, **scored(event, scores)}))


def _differences(record: Mapping[str, Any]) -> list[float]:
    """By what share the averaged weights' losses differ from the raw ones', of a line of metrics; [] where it is no validation of both."""
    pairs = ((record[name], record.get(f"{AVERAGED}{name}")) for name in record if name.startswith(VALIDATIONS))
    return [averaged / raw - 1 for raw, averaged in pairs if raw and averaged is not None]


@contextmanager
def better_weights(average: Average | None, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Let a trained module have, inside, those weights whose last validation was better: its own ("raw") or their mean ("averaged").

    records: the lines of its metrics; losses and bits per byte of held-out texts count, less is better. Without a mean, or a validation, the raw ones.
    """
    differences = next(filter(None, map(_differences, reversed(records))), [])
    if average is None or not differences or sum(differences) >= 0:
        yield "raw"
        return
    progress.say(
        f"the averaged weights are kept: {-sum(differences) / len(differences):.2%} below the raw ones' loss in the last validation"
    )
    with average.in_place():
        yield "averaged"


@torch.no_grad()
def copying(module: Any, seed: int = 0) -> float:
    """The share of tokens that a decoder continues rightly in random sequences seen for the second time; chance: 1 / vocabulary."""
    size, length = module.config.vocab_size, min(LENGTH, module.config.max_position_embeddings // 2)
    once = torch.randint(0, size, (ROWS, length), generator=torch.Generator().manual_seed(seed)).to(module.device)
    scores = module(torch.cat([once, once], 1))
    guessed = scores[:, length:-1].argmax(-1)
    return float((guessed == once[:, 1:]).float().mean())
