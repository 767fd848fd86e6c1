"""When the data run out: what a second reading is worth, and when a model learns by heart instead of learning.

    D' = U + U R* (1 - exp(-R / R*))        U unique tokens, read 1 + R times; D' fresh tokens that would be worth as much

Muennighoff et al. 2023, arXiv:2305.16264, eq. 5: the first repetitions are worth nearly as much as fresh text, each further one less by
the same factor, and all together never more than U R*. They measured R* = 15.4 on models of 10 M to 9 B parameters: four epochs cost
almost nothing, sixteen a third of their tokens, and past forty nothing is won. Parameters beyond what is best for the unique tokens
decay likewise (their N', R* = 5.3). The law of size and data is then asked at N' and D' (`data_constrained_loss`).

R* belongs to a model, a text and a regularisation: `fit_repeats` finds it from runs whose data were repeated. A model that reads few texts often
enough knows them by heart: the loss on what was read falls on, that on new text turns and rises, which no D' can say (D' only levels
off), so runs past the turn are not for the fit. Left out: repeating only a part of the data, and mixing in code.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.errors import InputError
from groundup.slots import slot
from groundup.training.scaling.compute_optimal import allocate
from groundup.training.scaling.parametric import Law

REPEATS, EXCESS = 15.387756, 5.309743  # R* of the data and of the parameters: Muennighoff et al. 2023, appendix A


@slot
def effective_tokens(unique: float, tokens: float, repeats: float = 15.387756) -> float:
    """The fresh tokens that reading `tokens` out of `unique` ones is worth; all of them where nothing is read twice.

    unique: how many different tokens there are; repeats: R*, the repetitions after which little more is won.
    Muennighoff et al. 2023, eq. 5.

    >>> effective_tokens(100.0, 80.0), round(effective_tokens(100.0, 400.0), 1)
    (80.0, 372.6)
    """
    if tokens <= unique:
        return float(tokens)
    again = tokens / unique - 1
    return float(unique + unique * repeats * (1 - math.exp(-again / repeats)))


def effective_size(law: Law, unique: float, size: float, excess: float = EXCESS) -> float:
    """The size that is worth as much as `size` when there are only `unique` tokens: beyond the best for them it counts less and less.

    Muennighoff et al. 2023, eq. 6; the best size for U tokens is that of the budget for which U tokens are best.
    """
    base = best_size_for(law, unique)
    if size <= base:
        return float(size)
    again = size / base - 1
    return float(base + base * excess * (1 - math.exp(-again / excess)))


def best_size_for(law: Law, tokens: float) -> float:
    """The size for which so many tokens are compute-optimal.

    >>> round(best_size_for(Law(1.0, 1.0, 1.0, 0.5, 0.5), 1000.0))
    1000
    """
    _, at_one = allocate(6.0, law.A, law.B, law.alpha, law.beta)
    flops = 6 * (tokens / at_one) ** ((law.alpha + law.beta) / law.alpha)
    return allocate(flops, law.A, law.B, law.alpha, law.beta)[0]


def data_constrained_loss(
    law: Law, size: float, tokens: float, unique: float, repeats: float = REPEATS, excess: float = EXCESS
) -> float:
    """The loss of a model that reads `tokens` out of `unique` ones."""
    _positive(size=size, tokens=tokens, unique=unique, repeats=repeats, excess=excess)
    return float(law.loss(effective_size(law, unique, size, excess), effective_tokens(unique, tokens, repeats)))


def epoch_worth(epoch: int, repeats: float = REPEATS) -> float:
    """What reading everything for the `epoch`-th time adds, as a share of what fresh text would.

    >>> round(epoch_worth(1), 3), round(epoch_worth(4), 3), epoch_worth(40) < 0.1
    (1.0, 0.85, True)
    """
    return effective_tokens(1.0, float(epoch), repeats) - effective_tokens(1.0, epoch - 1.0, repeats)


@dataclass(frozen=True, slots=True)
class Repeats:
    """R* found from runs, and how far the runs are from the law with it (a share of the loss)."""

    repeats: float
    residual: float


def fit_repeats(law: Law, size: ArrayLike, tokens: ArrayLike, unique: ArrayLike, loss: ArrayLike) -> Repeats:
    """R* for which the law with effective tokens is nearest to runs with repeated data, in squared logarithms.

    The law itself comes from runs that read nothing twice; the size is taken as it is. A search over log R* from 0.05 to 5,000.
    """
    columns = [np.asarray(values, float).ravel() for values in (size, tokens, unique, loss)]
    if len({len(column) for column in columns}) > 1:
        raise InputError("give one size, number of tokens, number of unique tokens and loss for each run")
    runs = list(zip(*columns, strict=True))
    if sum(read > 1.5 * fresh for _, read, fresh, _ in runs) < 2:
        raise InputError("fewer than two runs read their data more than 1.5 times; add runs with more epochs")

    def misfit(repeats: float) -> float:
        told = [law.loss(n, effective_tokens(fresh, read, repeats)) for n, read, fresh, _ in runs]
        return float(np.mean((np.log(told) - np.log(columns[3])) ** 2))

    best = _lowest(misfit, math.log(0.05), math.log(5000.0))
    return Repeats(math.exp(best), math.sqrt(misfit(math.exp(best))))


def _lowest(misfit: Callable[[float], float], low: float, high: float, rounds: int = 6) -> float:
    """The lowest place of a function of exp(x): a grid that is laid ever finer around its best place."""
    for _ in range(rounds):
        places = np.linspace(low, high, 25)
        best = int(np.argmin([misfit(math.exp(place)) for place in places]))
        low, high = places[max(0, best - 1)], places[min(24, best + 1)]
    return float((low + high) / 2)


def turn(held_out: ArrayLike) -> int:
    """The place at which the loss on new text is lowest: from there on the model learns by heart.

    >>> turn([3.0, 2.0, 1.8, 1.9, 2.4])
    2
    """
    return int(np.argmin(held_out))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < math.inf:
            raise InputError(f"{name}={value:g} cannot be; use a number above 0")
