"""Two shares that need no estimate: add a constant to every count, or count each new token of a context as an event.

Add-k (Laplace 1814, k = 1; Lidstone 1920): after each context every token of the vocabulary is taken to have been seen k times more,

    P(word | context) = (count(context word) + k) / (count(context) + k V)

Nothing is impossible, but a context seen three times is drowned by V = 10,000 tokens that were not.

Witten and Bell 1991 (method C): how often did this context bring a token that it had not brought before? As often as it has different
tokens T. So of count + T events T were surprises, and the next token is one with probability

    T(context) / (count(context) + T(context))

then the shorter context tells which (Chen and Goodman 1998, eq. 17).
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from groundup.errors import ConfigError
from groundup.slots import slot
from groundup.text.ngram.combining import Ngram, sums
from groundup.text.ngram.counts import Level


def add_k(followers: Mapping[int, int], word: int, k: float, vocab_size: int) -> float:
    """The probability of a word after a context. followers: how often each token followed it.

    >>> add_k({7: 2, 8: 3}, 7, k=1, vocab_size=10)
    0.2
    """
    return (followers.get(word, 0) + k) / (sum(followers.values()) + k * vocab_size)


def add_k_shares(levels: Sequence[Level], k: float, vocab_size: int) -> list[np.ndarray]:
    """What each n-gram keeps, level by level; the rule for the rest is `evenly`."""
    if not (k > 0 and math.isfinite(k)):
        raise ConfigError(
            f"k={k} adds nothing, so the unseen stays impossible; use a number above 0 (0.01 is a good first one)"
        )
    return [
        np.where(level.counts > 0, level.counts + k, 0.0)
        / (sums(level.counts, level.first) + k * vocab_size)[level.contexts]
        for level in levels
    ]


@slot
def witten_bell(followers: Mapping[int, int]) -> tuple[dict[int, float], float]:
    """What each token that followed a context keeps, and the probability of a token that is new to it.

    >>> witten_bell({7: 2, 8: 4})
    ({7: 0.25, 8: 0.5}, 0.25)
    """
    events = sum(followers.values()) + len(followers)
    return {word: count / events for word, count in followers.items()}, len(followers) / events


def witten_bell_reference(counts: Mapping[Ngram, int]) -> dict[Ngram, float]:
    """What each n-gram keeps."""
    followers: dict[Ngram, dict[int, int]] = {}
    for ngram, count in counts.items():
        followers.setdefault(ngram[:-1], {})[ngram[-1]] = count
    return {
        (*context, word): share for context, found in followers.items() for word, share in witten_bell(found)[0].items()
    }


def witten_bell_shares(levels: Sequence[Level]) -> list[np.ndarray]:
    """What each n-gram keeps, level by level."""
    return [
        level.counts
        / np.maximum(1, sums(level.counts, level.first) + sums(level.counts > 0, level.first))[level.contexts]
        for level in levels
    ]
