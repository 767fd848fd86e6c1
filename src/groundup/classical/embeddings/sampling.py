"""What training draws: which words of a sentence it looks at, and which words stand in for all that are not there.

Frequent words are thinned out: "the" stands beside everything and tells little. A word whose share of the corpus is f is kept with

    p(keep) = min(1, sqrt(t / f) + t / f)                  t = `sample`, 1e-3 by custom

(the code of Mikolov et al. 2013; their paper, arXiv:1310.4546 section 2.3, prints 1 - sqrt(t / f) for dropping, which is nearly the
same). Dropped words leave no gap, so the window reaches further.

Negative words come from the counts raised to 3/4 (section 2.2), which lifts rare words: a word a thousand times as frequent is drawn
178 times as often. word2vec.c keeps a table of 10^8 places for that; here it is Walker's alias table (1977), two numbers a word: draw a
word evenly, then keep it or take its one alias, so that a draw costs the same for any distribution.

The draws are Marsaglia's xorshift with a multiplication (Vigna 2016, arXiv:1402.6246), a state of 64 bits that each piece of work gets
from the seed and its own number: the draws do not depend on which thread does the piece.
"""

import numpy as np

from groundup.errors import ConfigError
from groundup.slots import slot
from groundup.text.compiled import kernel

_WORD = (1 << 64) - 1


@slot
def keep_probability(counts: np.ndarray, sample: float) -> np.ndarray:
    """How likely each occurrence of a word is looked at, float64[words]; sample: the share at which thinning begins, 0 for never.

    >>> keep_probability(np.array([900, 90, 10]), 0.01).round(3).tolist()
    [0.117, 0.444, 1.0]
    """
    if not sample:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)


def as_thresholds(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities as uint32: a draw of 32 bits that is no higher happens with that probability."""
    return (np.clip(probabilities, 0, 1) * ((1 << 32) - 1)).astype(np.uint32)


@kernel
def _fill(shares, low, lows, high, limits, aliases):
    """Fill each word below an even share up from one above it, one by one; low[:lows], high: their words."""
    for k in range(len(high)):
        word = high[k]
        while lows and shares[word] >= 1:
            lows -= 1
            small = low[lows]
            limits[small], aliases[small] = shares[small], word
            shares[word] -= 1 - shares[small]
        if shares[word] < 1:  # it lacks something now
            low[lows] = word
            lows += 1


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds uint32[n] and aliases int32[n]: draw a place evenly, keep it up to its threshold, else take its alias.

    >>> limits, aliases = alias_table(np.array([3.0, 1.0]))
    >>> (limits / 2**32).round(2).tolist(), aliases.tolist()
    ([1.0, 0.5], [0, 0])
    """
    if not len(weights) or not np.isfinite(weights).all() or weights.min() < 0 or not weights.sum():
        raise ConfigError(
            "nothing can be drawn from these weights; give finite ones of which at least one is above zero"
        )
    shares = weights / weights.sum() * len(weights)
    limits, aliases = np.ones(len(shares)), np.arange(len(shares), dtype=np.int32)
    high = np.flatnonzero(shares >= 1)
    low = np.zeros(len(shares) + 1, np.int64)
    few = np.flatnonzero(shares < 1)
    low[: len(few)] = few
    _fill(shares, low, len(few), high, limits, aliases)
    return as_thresholds(limits), aliases


def first_state(seed: int, piece: int) -> int:
    """A state for one piece of work: seed and number well mixed (splitmix64), never zero.

    >>> first_state(0, 0) == first_state(0, 1)
    False
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + piece * 0xD1342543DE82EF95 + 0x632BE59BD9B4E019) & _WORD
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _WORD
    return (mixed ^ mixed >> 31) or 1


class Draws:
    """The draws of the kernel in plain Python, for the readable training.

    >>> draws = Draws(first_state(0, 0))
    >>> all(0 <= draws.below(6) < 6 for _ in range(100))
    True
    """

    def __init__(self, state: int):
        """state: 64 bits, not all zero."""
        self.state = state

    def word(self) -> int:
        """64 random bits."""
        state = self.state
        state ^= state >> 12
        state = (state ^ state << 25) & _WORD
        self.state = state ^ state >> 27
        return self.state * 0x2545F4914F6CDD1D & _WORD

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return (self.word() >> 32) * n >> 32

    def happens(self, threshold: int) -> bool:
        """Whether something happens whose probability is a threshold."""
        return self.word() >> 32 <= int(threshold)

    def alias(self, limits: np.ndarray, aliases: np.ndarray) -> int:
        """A word from an alias table."""
        bits = self.word()
        word = (bits >> 32) * len(limits) >> 32
        return word if bits & 0xFFFFFFFF <= int(limits[word]) else int(aliases[word])
