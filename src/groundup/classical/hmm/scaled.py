"""Baum and Welch for many sequences at once: probabilities that are scaled at each place, compiled (Numba), in threads.

A product of a hundred probabilities is no number of a machine. Where `hmm` adds logarithms, here the sums at each place
are divided by their total, and the totals are remembered: their logarithms add up to the log likelihood (Rabiner 1989,
equations 91 to 102). No logarithm or exponential is left in the loop over the states, only products that the processor
takes eight at a time. Meaning: `hmm.expected_counts_reference`, `hmm.baum_welch_step`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from groundup import slots
from groundup.classical.hmm.hmm import HMM, Counts, baum_welch_step, check_hmm, check_symbols, log, random_hmm, shares
from groundup.errors import ConfigError, InputError
from groundup.progress import Progress, Silent
from groundup.text.compiled import inner, kernel


@inner
def _follow(row, before, step):
    """What each state gets from all states before it."""
    row[:] = 0.0
    for i in range(len(before)):
        weight = before[i]
        for j in range(len(row)):
            row[j] += weight * step[i, j]


@kernel
def _expected_counts(start, transition, shown, symbols, offsets):
    """Sums over sequences symbols[offsets[k]:offsets[k + 1]]; shown[symbol]: what each state gives it.

    Returns the counts of beginnings, steps and shown symbols, the log likelihood, and the first sequence that no way
    explains (-1: none).
    """
    states = len(start)
    longest = np.max(offsets[1:] - offsets[:-1])
    backwards = transition.T.copy()  # so that both loops run along rows
    alpha, scale = np.empty((longest, states)), np.empty(longest)
    beta, both = np.empty(states), np.empty(states)
    begun, stepped, seen = np.zeros(states), np.zeros((states, states)), np.zeros_like(shown)
    total = 0.0
    for k in range(len(offsets) - 1):
        first, length = offsets[k], offsets[k + 1] - offsets[k]
        for t in range(length):
            row, gives, norm = alpha[t], shown[symbols[first + t]], 0.0
            if t == 0:
                row[:] = start
            else:
                _follow(row, alpha[t - 1], transition)
            for j in range(states):
                row[j] *= gives[j]
                norm += row[j]
            if not norm > 0.0:
                return begun, stepped, seen, total, np.int64(k)
            scale[t] = 1.0 / norm
            total += np.log(norm)
            for j in range(states):
                row[j] *= scale[t]
        beta[:] = 1.0
        for t in range(length - 1, -1, -1):
            symbol = symbols[first + t]
            seen[symbol] += alpha[t] * beta
            if t == 0:
                begun += alpha[0] * beta
                break
            for j in range(states):
                both[j] = beta[j] * shown[symbol, j] * scale[t]
            for i in range(states):
                weight, into = alpha[t - 1, i], stepped[i]
                for j in range(states):
                    into[j] += weight * both[j]  # times transition[i, j], once for all places
            _follow(beta, both, backwards)
    return begun, stepped, seen, total, np.int64(-1)


@kernel
def _best_states(start, transition, shown, symbols, offsets):
    """The best state at each place of each sequence; the arguments but the symbols are logarithms, transition[j, i] from i to j."""
    states, longest = len(start), np.int64(0)
    for k in range(len(offsets) - 1):
        longest = max(longest, offsets[k + 1] - offsets[k])
    came_from, best, following = np.empty((longest, states), np.int32), np.empty(states), np.empty(states)
    found = np.empty(len(symbols), np.int32)
    for k in range(len(offsets) - 1):
        first, end = offsets[k], offsets[k + 1]
        for j in range(states):
            best[j] = start[j] + shown[symbols[first], j]
        for t in range(first + 1, end):
            for j in range(states):
                step, top, at = transition[j], best[0] + transition[j, 0], 0
                for i in range(1, states):
                    if best[i] + step[i] > top:
                        top, at = best[i] + step[i], i
                following[j], came_from[t - first, j] = top + shown[symbols[t], j], at
            best, following = following, best
        found[end - 1] = np.argmax(best)
        for t in range(end - 1, first, -1):
            found[t - 1] = came_from[t - first, found[t]]
    return found


def best_states_of(model: HMM, symbols: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """`hmm.best_states` of the sequences symbols[offsets[k]:offsets[k + 1]], one after the other."""
    step, shown = (np.ascontiguousarray(log(array).T) for array in (model.transition, model.emission))
    return _best_states(log(model.start), step, shown, symbols, offsets)


def split(offsets: np.ndarray, threads: int) -> list[np.ndarray]:
    """The sequences in as many parts of about equally many symbols."""
    cuts = np.searchsorted(offsets, np.linspace(0, offsets[-1], threads + 1)[1:-1])
    return [offsets[a : b + 1] for a, b in zip([0, *cuts], [*cuts, len(offsets) - 1], strict=True) if b > a]


def expected_counts(model: HMM, symbols: np.ndarray, offsets: np.ndarray, threads: int = 1) -> Counts:
    """`expected_counts_reference` of the sequences symbols[offsets[k]:offsets[k + 1]], in threads."""
    shown = np.ascontiguousarray(model.emission.T)
    parts = split(offsets, threads)
    with ThreadPoolExecutor(threads) as pool:
        found = list(
            pool.map(lambda part: _expected_counts(model.start, model.transition, shown, symbols, part), parts)
        )
    for part, (*_, impossible) in zip(parts, found, strict=True):
        if impossible >= 0:
            number = int(np.searchsorted(offsets, part[impossible]))
            raise InputError(f"no way through the states shows sequence {number}; smooth the model's probabilities")
    begun, stepped, seen, total, _ = (sum(one) for one in zip(*found, strict=True))
    return Counts(begun, stepped * model.transition, np.ascontiguousarray(seen.T), float(total))


def flat(sequences: Sequence[Sequence[int]], symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """All sequences in one array, and where each begins."""
    if not len(sequences):
        raise InputError("there are no sequences to learn from; give at least one")
    ids = [check_symbols(one, symbols) for one in sequences]
    return np.concatenate(ids), np.concatenate([[0], np.cumsum([len(one) for one in ids])])


@dataclass(frozen=True, kw_only=True, slots=True)
class BaumWelchConfig:
    """How long to learn. tolerance: nats a symbol; a step that gains less is the last one."""

    num_states: int
    iterations: int = 50
    tolerance: float = 1e-5
    seed: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("num_states", "iterations", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is too few; use 1 or more")
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed} is not possible; use 0 or more")


def baum_welch(
    sequences: Sequence[Sequence[int]],
    num_symbols: int,
    config: BaumWelchConfig,
    start: HMM | None = None,
    progress: Progress | None = None,
) -> tuple[HMM, list[float]]:
    """Learn a model from sequences of symbols alone; the log likelihood before each step and after the last.

    start: the model to begin with; without one it is drawn by config.seed. No step lowers the likelihood.
    """
    model = check_hmm(start) if start is not None else random_hmm(config.num_states, num_symbols, config.seed)
    if model.emission.shape != (config.num_states, num_symbols):
        raise InputError(
            f"start has {' states and '.join(map(str, model.emission.shape))} symbols, and {config.num_states} and {num_symbols} were asked for; give the same"
        )
    symbols, offsets = flat(sequences, num_symbols)
    by_reference = slots.filled("classical.hmm.baum_welch_step") or slots.filled("classical.hmm.forward")
    likelihoods: list[float] = []
    with progress or Silent() as bar:
        for _ in range(config.iterations + 1):
            if by_reference:
                better, likelihood = baum_welch_step(model, sequences)
            else:
                counts = expected_counts(model, symbols, offsets, config.threads)
                better = HMM(*(shares(found, old) for found, old in zip(counts[:3], model, strict=True)))
                likelihood = counts.log_likelihood
            likelihoods.append(likelihood)
            bar.update(1, nats_a_symbol=-likelihood / len(symbols))
            gained = (likelihood - likelihoods[-2]) / len(symbols) if len(likelihoods) > 1 else np.inf
            if len(likelihoods) > config.iterations or gained < config.tolerance:
                break
            model = better
    return model, likelihoods
