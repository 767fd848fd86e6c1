"""The hidden Markov model: a chain of states that is not seen, and one symbol that each state shows.

    P(states, symbols) = start[s_1] emission[s_1, o_1] * product over t of transition[s_{t-1}, s_t] emission[s_t, o_t]

There are exponentially many ways through the states, and three questions about all of them that are answered in time
linear in the length, because all that matters of the past is the state one is in: how likely is what was seen
(`forward`), which way is the best one (`viterbi`), and how often was each step taken (`posteriors`), from which
`baum_welch_step` estimates a better model. Nothing in them needs probabilities: they ask for the logarithm of what a
beginning, a step and a state at a place are worth, so the conditional random field runs the same functions.

Rabiner 1989 (A tutorial on hidden Markov models), equations 13 to 54: his pi, A, B are start, transition, emission; alpha,
beta, gamma, xi are what `forward`, `backward` and `posteriors` give. Baum et al. 1970 proved that a step never lowers the
likelihood. Sums of logarithms stand here, scaled sums compiled for many sequences are in `scaled.py`. Left out: emissions
of numbers (Gaussian mixtures), and durations.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import log_sum_exp
from groundup.slots import slot

TOLERANCE = 1e-6  # of probabilities that sum to 1


class HMM(NamedTuple):
    """The probabilities of a beginning, of a step and of a symbol; each row sums to 1."""

    start: Float[np.ndarray, " states"]
    transition: Float[np.ndarray, "states states"]
    emission: Float[np.ndarray, "states symbols"]


def log(probabilities: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Natural logarithm; -inf for what cannot be."""
    with np.errstate(divide="ignore"):
        return np.log(probabilities)


def check_hmm(model: HMM) -> HMM:
    """Give a model back whose shapes fit and whose rows are distributions; InputError otherwise."""
    states = len(model.start)
    if model.transition.shape != (states, states) or len(model.emission) != states:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in model._asdict().items())
        raise InputError(f"{shapes} do not fit; for S states they are (S,), (S, S) and (S, symbols)")
    for name, array in model._asdict().items():
        if not np.isfinite(array).all() or (array < 0).any():
            raise InputError(f"{name} holds a number that is no probability; give finite ones of 0 or more")
        sums = np.atleast_1d(array.sum(-1))
        worst = sums[np.abs(sums - 1).argmax()]
        if abs(worst - 1) > TOLERANCE:
            raise InputError(f"a row of {name} sums to {worst:.8g}, not 1; divide each row by its sum")
    return model


def check_symbols(symbols: Sequence[int] | Int[np.ndarray, " seq"], count: int) -> Int[np.ndarray, " seq"]:
    """A sequence of symbols as an array; InputError when it is empty or holds what the model has no column for."""
    ids = np.asarray(symbols, np.int64)
    if ids.ndim != 1 or not len(ids):
        raise InputError("a sequence without a symbol has no states; leave it out")
    if ids.min() < 0 or ids.max() >= count:
        raise InputError(f"symbols go from {ids.min()} to {ids.max()}, and the model knows 0 to {count - 1}")
    return ids


def chain(model: HMM, symbols: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the functions below take: the logarithms of start and transition, and of each state at each place, (seq, states)."""
    ids = check_symbols(symbols, model.emission.shape[1])
    return log(model.start), log(model.transition), log(model.emission.T[ids])


# ───────── one chain: sums and the maximum over all ways ─────────


@slot
def forward(
    start: Float[np.ndarray, " states"],
    transition: Float[np.ndarray, "states states"],
    scores: Float[np.ndarray, "seq states"],
) -> Float[np.ndarray, "seq states"]:
    """Logarithm of the sum over all ways that end in each state at each place (Rabiner's alpha).

    start: log score of beginning in a state; transition[i, j]: of going from i to j; scores[t, j]: of state j at place t.
    """
    sums = np.empty_like(scores)
    sums[0] = start + scores[0]
    for t in range(1, len(scores)):
        sums[t] = log_sum_exp(sums[t - 1][:, None] + transition, axis=0) + scores[t]
    return sums


def backward(
    transition: Float[np.ndarray, "states states"], scores: Float[np.ndarray, "seq states"]
) -> Float[np.ndarray, "seq states"]:
    """Logarithm of the sum over all ways that go on from each state at each place to the end (Rabiner's beta)."""
    sums = np.zeros_like(scores)
    for t in range(len(scores) - 2, -1, -1):
        sums[t] = log_sum_exp(transition + (scores[t + 1] + sums[t + 1])[None], axis=1)
    return sums


@slot
def viterbi(
    start: Float[np.ndarray, " states"],
    transition: Float[np.ndarray, "states states"],
    scores: Float[np.ndarray, "seq states"],
) -> tuple[list[int], float]:
    """The best way through the states, and its log score (Viterbi 1967): `forward` with a maximum for the sum.

    Of equally good ways that one whose states, read from the end, have the lower numbers.
    """
    best, came_from = start + scores[0], []
    for row in scores[1:]:
        ways = best[:, None] + transition
        came_from.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [int(best.argmax())]
    for previous in reversed(came_from):
        path.append(int(previous[path[-1]]))
    return path[::-1], float(best.max())


class Posteriors(NamedTuple):
    """How probable each state and each step is, once the whole sequence was seen; and the log of the sum over all ways."""

    states: Float[np.ndarray, "seq states"]  # Rabiner's gamma
    steps: Float[np.ndarray, "steps states states"]  # his xi: from place t in state i to t + 1 in state j
    log_likelihood: float


def posteriors(
    start: Float[np.ndarray, " states"],
    transition: Float[np.ndarray, "states states"],
    scores: Float[np.ndarray, "seq states"],
) -> Posteriors:
    """The share of all ways that pass each state and take each step: what came before times what comes after."""
    before, after = forward(start, transition, scores), backward(transition, scores)
    total = float(log_sum_exp(before[-1]))
    if total == -np.inf:
        raise InputError("no way through the states can show this sequence; smooth the model's probabilities")
    steps = before[:-1, :, None] + transition[None] + (scores + after)[1:, None, :]
    return Posteriors(np.exp(before + after - total), np.exp(steps - total), total)


def log_likelihood(model: HMM, symbols: Sequence[int]) -> float:
    """Logarithm of the probability that the model shows these symbols, whatever its states were."""
    return float(log_sum_exp(forward(*chain(model, symbols))[-1]))


def best_states(model: HMM, symbols: Sequence[int]) -> tuple[list[int], float]:
    """The most probable states behind the symbols, and the logarithm of their joint probability."""
    return viterbi(*chain(model, symbols))


# ───────── learning without having seen a state ─────────


class Counts(NamedTuple):
    """How often each beginning, step and symbol is expected to have happened, and the log likelihood of it all."""

    start: Float[np.ndarray, " states"]
    transition: Float[np.ndarray, "states states"]
    emission: Float[np.ndarray, "states symbols"]
    log_likelihood: float


def expected_counts_reference(model: HMM, sequences: Sequence[Sequence[int]]) -> Counts:
    """The sums of the posteriors over all places of all sequences: the expectation of Baum and Welch."""
    start, transition, emission = (np.zeros_like(array) for array in model)
    total = 0.0
    for symbols in sequences:
        found = posteriors(*chain(model, symbols))
        start += found.states[0]
        transition += found.steps.sum(0)
        np.add.at(emission.T, np.asarray(symbols), found.states)
        total += found.log_likelihood
    return Counts(start, transition, emission, total)


def shares(counts: Float[np.ndarray, "..."], otherwise: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Each row of counts over its sum; a row of nothing keeps what it was."""
    total = counts.sum(-1, keepdims=True)
    return np.where(total > 0, counts / np.where(total > 0, total, 1.0), otherwise)


@slot
def baum_welch_step(model: HMM, sequences: Sequence[Sequence[int]]) -> tuple[HMM, float]:
    """One step of Baum and Welch: a model that is at least as likely, and the log likelihood of the one given.

    Count beginnings, steps and symbols as often as the model believes they happened; their shares are the new model.
    """
    counts = expected_counts_reference(model, sequences)
    better = HMM(*(shares(found, old) for found, old in zip(counts[:3], model, strict=True)))
    return better, counts.log_likelihood


def draw(model: HMM, length: int, seed: int = 0) -> tuple[list[int], list[int]]:
    """Draw states and symbols from the model."""
    random, states, symbols = np.random.default_rng(seed), [], []
    following = model.start
    for _ in range(length):
        states.append(int(random.choice(len(model.start), p=following)))
        symbols.append(int(random.choice(model.emission.shape[1], p=model.emission[states[-1]])))
        following = model.transition[states[-1]]
    return states, symbols


def random_hmm(states: int, symbols: int, seed: int = 0) -> HMM:
    """A model to begin learning from: each row drawn evenly from all distributions.

    Rows that are all nearly even are nearly alike, and alike they would stay: Baum and Welch need many steps to tell them apart.
    """
    random = np.random.default_rng(seed)
    rows = (random.exponential(size=shape) for shape in ((states,), (states, states), (states, symbols)))
    return HMM(*(row / row.sum(-1, keepdims=True) for row in rows))
