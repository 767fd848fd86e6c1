"""Best-of-n: of n answers the one with the highest reward; what it is worth, and how far it is from the model itself.

From N answers to a prompt, sorted by reward, the i-th is the best of n drawn from them with probability
C(i - 1, n - 1) / C(N, n). The mean reward under these weights is unbiased for every n up to N, from one set of
answers (Nakano et al. 2021, arXiv:2112.09332, appendix; Chen et al. 2021 do the same for pass@k). Taking the maximum of the
first n answers has the same mean and a much larger variance.

    KL(best of n || model)  <=  log n - (n - 1) / n        equal where no two answers have the same reward

Stiennon et al. 2020, arXiv:2009.01325, appendix G.3; that it is a bound where answers repeat: Beirami et al. 2024,
arXiv:2401.01879. With finitely many answers the distribution of the best is exact: F(y)^n - F(before y)^n, F the
probability of a reward up to y's. Left out: speculative and soft best-of-n.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError
from groundup.slots import slot


@slot
def best_of_n(
    rewards: Float[Tensor, "tasks samples"], n: int, worth: Float[Tensor, "tasks samples"] | None = None
) -> Float[Tensor, " tasks"]:
    """The expected reward of the best of n answers to each task, from `samples` >= n answers.

    worth: what the best is worth by another measure than that by which it was chosen; answers that tie share their place.

    >>> best_of_n(torch.tensor([[0.0, 1.0, 2.0]]), 2)  # the pairs have the best 1, 2 and 2
    tensor([1.6667])
    """
    order = rewards.argsort(1)
    ranked, value = rewards.gather(1, order), (rewards if worth is None else worth).gather(1, order)
    below = torch.nn.functional.pad(_weights(rewards.shape[1], n).cumsum(0), (1, 0)).to(rewards.device)
    first = torch.searchsorted(ranked, ranked)  # where the answers with this reward begin, and where they end
    last = torch.searchsorted(ranked, ranked, right=True)
    weights = (below[last] - below[first]) / (last - first)
    return (weights * value.double()).sum(1).to(value.dtype)


def _weights(samples: int, n: int) -> Float[Tensor, " samples"]:
    """The probability that the i-th lowest of `samples` answers is the best of n of them."""
    if not 1 <= n <= samples:
        raise InputError(f"the best of {n} cannot be told from {samples} answers; use n from 1 to {samples}")
    all_ways = math.comb(samples, n)
    weights = [math.comb(place, n - 1) / all_ways for place in range(samples)]
    return torch.tensor(weights, dtype=torch.float64)


def best_of_n_reference(rewards: Sequence[float], n: int) -> float:
    """The same by its definition: the mean of the maximum over all subsets of n answers."""
    from itertools import combinations

    best = [max(some) for some in combinations(rewards, n)]
    return sum(best) / len(best)


def best_of_n_divergence(n: int) -> float:
    """KL(best of n || model) in nats, where no two answers tie; else it is less.

    >>> round(best_of_n_divergence(16), 3)
    1.835
    """
    if n < 1:
        raise InputError(f"the best of {n} is no answer; use n of 1 or more")
    return math.log(n) - (n - 1) / n


def best_of_n_distribution(
    probabilities: Float[Tensor, " answers"], rewards: Float[Tensor, " answers"], n: int
) -> Float[Tensor, " answers"]:
    """How probable each of finitely many answers is as the best of n; ties are broken as the model itself would."""
    levels, level = rewards.unique(return_inverse=True)
    mass = probabilities.new_zeros(len(levels)).index_add(0, level, probabilities)
    upto = mass.cumsum(0).clamp(max=1)
    best = upto**n - torch.nn.functional.pad(upto[:-1], (1, 0)) ** n
    return probabilities / mass[level] * best[level]


def kept(rewards: Sequence[float], least: float = -math.inf) -> int | None:
    """Which of a task's tries is learned from: the best, if it is better than another and worth `least` or more.

    Where all are worth the same there is nothing to choose: right answers need no more tuning, and of wrong ones none
    is a model.

    >>> kept([0.2, 1.0, 0.0]), kept([0.35, 0.35]), kept([0.1, 0.2], least=0.5)
    (1, None, None)
    """
    best = max(range(len(rewards)), key=rewards.__getitem__)
    return best if rewards[best] > min(rewards) and rewards[best] >= least else None
