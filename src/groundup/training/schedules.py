"""The learning rate over a run, as pure functions of the step: a factor between 0 and 1 of the peak rate.

    warm-up   |/          the first steps see wild gradients, so the rate rises from 0
    linear    |/\\         falls evenly to 0 at the end
    cosine    |/~\\        falls slowly, fast, slowly (Loshchilov and Hutter 2016, arXiv:1608.03983, eq. 5)
    wsd       |/--\\       stays, then falls; the horizon can be chosen late (Hu et al. 2024, arXiv:2404.06395, sec. 4)

The batch may grow as well: early gradients point the same way whatever the rows, late ones differ by noise that only rows take away
(McCandlish et al. 2018, arXiv:1812.06162, section 5; GPT-3 grew its batch over the first 12 billion tokens, arXiv:2005.14165, appendix B).

Step 0 is the first; the factor is that of the step about to be made, so the first step already moves.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from groundup.slots import slot


def warmup(step: int, warmup_steps: int) -> float:
    """Rise evenly to 1 over `warmup_steps` steps.

    >>> [warmup(step, 4) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def left(step: int, steps: int, warmup_steps: int) -> float:
    """The part of the run after the warm-up that is still to come; more than 1 while the warm-up lasts.

    >>> [left(step, 12, 4) for step in (0, 4, 8, 12)]
    [1.5, 1.0, 0.5, 0.0]
    """
    return (steps - step) / max(1, steps - warmup_steps)


def constant(step: int, steps: int, warmup_steps: int = 0, decay_fraction: float = 1.0) -> float:
    """Rise, then stay."""
    return warmup(step, warmup_steps)


def linear(step: int, steps: int, warmup_steps: int = 0, decay_fraction: float = 1.0) -> float:
    """Rise, then fall evenly; the step after the last would have 0."""
    return warmup(step, warmup_steps) * min(1.0, left(step, steps, warmup_steps))


@slot
def cosine(step: int, steps: int, warmup_steps: int = 0, decay_fraction: float = 1.0) -> float:
    """Rise, then fall along half a cosine; the step after the last would have 0. decay_fraction is not used."""
    return warmup(step, warmup_steps) * (1 - math.cos(math.pi * min(1.0, left(step, steps, warmup_steps)))) / 2


@slot
def warmup_stable_decay(step: int, steps: int, warmup_steps: int = 0, decay_fraction: float = 0.6) -> float:
    """Rise, stay at the peak, fall evenly over the last `decay_fraction` of all steps; the step after the last would have 0."""
    return warmup(step, warmup_steps) * min(1.0, (steps - step) / max(1.0, decay_fraction * steps))


SCHEDULES: dict[str, Callable[..., float]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "wsd": warmup_stable_decay,
}


def batches_at(step: int, count: int, ramp_steps: int = 0) -> int:
    """How many batches a step sums up: evenly from 1 to `count` over `ramp_steps` steps.

    >>> [batches_at(step, 4, 8) for step in range(10)]
    [1, 1, 2, 2, 3, 3, 4, 4, 4, 4]
    """
    return count if step >= ramp_steps else math.ceil(count * (step + 1) / ramp_steps)


def batches_before(step: int, count: int, ramp_steps: int = 0) -> int:
    """How many batches all steps before this one read; so the batches of a step are known from its number alone.

    >>> [batches_before(step, 4, 8) for step in (0, 1, 2, 3, 8, 10)]
    [0, 1, 2, 4, 20, 28]
    """
    risen = min(step, ramp_steps)
    return _read_while_rising(count, ramp_steps)[risen] + count * (step - risen)


@functools.cache
def _read_while_rising(count: int, ramp_steps: int) -> tuple[int, ...]:
    read = [0]
    for step in range(ramp_steps):
        read.append(read[-1] + batches_at(step, count, ramp_steps))
    return tuple(read)


def rate_factor(config: Any, step: int) -> float:
    """The factor that a `TrainConfig`'s schedule gives at a step."""
    return SCHEDULES[config.schedule](step, config.steps, config.warmup_steps, config.decay_fraction)
