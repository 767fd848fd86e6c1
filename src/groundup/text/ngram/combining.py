"""From shares to probabilities: what a smoothing keeps for the n-grams that were seen, and who gets the rest.

Every smoothing answers two questions. What does each n-gram keep of its context's probability (`own`: always less than its share of the
counts)? And who gets what that frees?

    interpolate  everyone, as the shorter context expects them:            own + freed * P(word | shorter context)
    back_off     those not seen here, as the shorter context expects them: freed * P(word | shorter) / its sum over the unseen
    evenly       those not seen here, all alike:                           freed / how many they are

In all three the probabilities after a context sum to one. Chen and Goodman 1998 (TR-10-98), eq. 24 and section 2.8, compare the first
two. A smoothing that frees nothing for a context (Katz: all counts there are high) would make the unseen impossible; such a context
frees what one more token would have had, 1 / (count + 1), as SRILM does.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from jaxtyping import Float64

from groundup.slots import slot
from groundup.text.ngram.counts import Level

Ngram = tuple[int, ...]
Probability = Callable[[int, Ngram], float]
LEAST_FREED = 1e-9  # below it what is left of 1 is rounding


@slot
def back_off_weight(seen: Mapping[int, float], shorter: Sequence[float]) -> float:
    """What the shorter context's probabilities are multiplied with for tokens that were not seen: Katz 1987, alpha.

    seen: what each token seen in this context keeps. shorter: the probability of every token in the shorter context. Where
    all were seen there is nobody left to give to, and the weight is 1.

    >>> back_off_weight({0: 0.5, 1: 0.3}, [0.4, 0.2, 0.3, 0.1])
    0.5
    """
    left = 1 - sum(shorter[word] for word in seen)
    return (1 - sum(seen.values())) / left if len(seen) < len(shorter) and left > LEAST_FREED else 1.0


def probability_reference(
    counts: Mapping[Ngram, int], own: Mapping[Ngram, float], rule: str, vocab_size: int
) -> Probability:
    """The three rules as they stand: a function that gives P(word | context).

    counts: of all n-grams. own: what each keeps of its context's probability.
    """
    followers: dict[Ngram, dict[int, float]] = {}
    for ngram, share in own.items():
        followers.setdefault(ngram[:-1], {})[ngram[-1]] = share
    totals: Counter[Ngram] = Counter()
    for ngram, count in counts.items():
        totals[ngram[:-1]] += count

    def probability(word: int, context: Ngram) -> float:
        kept = dict(followers.get(context, {}))
        if not kept:
            return 1 / vocab_size if rule == "evenly" or not context else probability(word, context[1:])
        freed, everyone = 1 - sum(kept.values()), len(kept) == vocab_size
        if rule != "interpolate" and everyone:
            return kept[word] / sum(kept.values())
        if rule != "interpolate" and freed < LEAST_FREED:
            kept = {one: share * totals[context] / (totals[context] + 1) for one, share in kept.items()}
            freed = 1 - sum(kept.values())
        if rule == "evenly":
            return kept.get(word, freed / max(1, vocab_size - len(kept)))
        shorter = [probability(one, context[1:]) if context else 1 / vocab_size for one in range(vocab_size)]
        if rule == "interpolate":
            return kept.get(word, 0.0) + freed * shorter[word]
        return kept[word] if word in kept else back_off_weight(kept, shorter) * shorter[word]

    return probability


def sums(values: np.ndarray, first: np.ndarray) -> Float64[np.ndarray, " contexts"]:
    """Sum of values[first[c]:first[c + 1]] for each context c."""
    running = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
    return running[first[1:]] - running[first[:-1]]


def per_context(values: np.ndarray, first: np.ndarray) -> Float64[np.ndarray, " contexts"]:
    """`sums` for shares below 1, exact to the last digits: each context is added up by itself."""
    filled = np.diff(first) > 0
    result = np.zeros(len(first) - 1)
    if len(values):
        result[filled] = np.add.reduceat(values, first[:-1][filled])
    return result


def combine(levels: Sequence[Level], own: Sequence[np.ndarray], rule: str, vocab_size: int) -> tuple[np.ndarray, ...]:
    """The arrays of a `NgramModel`: `probability_reference` for all n-grams at once, level by level."""
    shorter_words, begin = np.array([1 / vocab_size]), 1
    words, first, links = [np.full(1, -1, np.int32)], [], [np.zeros(1, np.int64)]
    probabilities, backoffs = [np.ones(1)], []
    for length, (level, kept) in enumerate(zip(levels, own, strict=True)):
        lower = np.full(vocab_size, 1 / vocab_size) if length == 0 else shorter_words[level.shorter]
        share, weight = _one_level(level, kept, lower, rule, vocab_size)
        words.append(level.words)
        first.append(level.first[:-1] + np.int64(begin))
        previous = begin - len(levels[length - 1].words) if length else 0
        links.append(level.shorter + np.int64(previous))
        probabilities.append(share)
        backoffs.append(weight)
        shorter_words, begin = share, begin + len(level.words)
    first.append(np.array([begin]))
    small = np.int32 if begin < 1 << 31 else np.int64
    return (
        np.concatenate(words),
        np.concatenate(first).astype(small),
        np.concatenate(links).astype(small),
        np.concatenate(probabilities),
        np.concatenate(backoffs),
    )


def _one_level(
    level: Level, own: np.ndarray, lower: np.ndarray, rule: str, vocab_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the n-grams of one length, and the weight of each context's shorter one (or of each unseen token)."""
    seen = level.counts > 0  # at the first level every word stands, counted or not
    contexts = level.contexts
    followers = sums(seen, level.first)
    kept = per_context(own, level.first)
    some, everyone = followers > 0, followers == vocab_size
    freed = np.where(some, 1 - kept, 1.0)
    if rule == "interpolate":
        return own + freed[contexts] * lower, freed
    none_left = some & (freed < LEAST_FREED) & ~everyone
    if none_left.any():
        totals = sums(level.counts, level.first)
        own = own * np.where(none_left, totals / (totals + 1), 1.0)[contexts]
        freed[none_left] = 1 - per_context(own, level.first)[none_left]
    own = own / np.where(everyone, kept, 1.0)[contexts]
    if rule == "evenly":
        weight = freed / np.maximum(1, vocab_size - followers)
        weight = np.where(some, weight, 1 / vocab_size)
        return np.where(seen, own, weight[contexts]), weight
    left = 1 - per_context(np.where(seen, lower, 0.0), level.first)
    weight = np.where(~everyone & some & (left > LEAST_FREED), freed / np.maximum(left, LEAST_FREED), 1.0)
    return np.where(seen, own, weight[contexts] * lower), weight
