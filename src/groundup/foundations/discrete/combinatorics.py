"""Counting without listing: sequences, vocabularies, the cuts of a word, and when two hashes collide.

    sequences of n tokens out of V          V^n
    ways to cut n letters into k tokens     C(n - 1, k - 1): choose k - 1 of the n - 1 gaps; in all 2^(n - 1)
    bags of n tokens out of V               C(n + V - 1, n): n stars and V - 1 bars in a row
    some two of n items in one of N places  1 - (1 - 1/N)(1 - 2/N) ... (1 - (n - 1)/N), about 1 - exp(-n(n - 1) / 2N)

The last is the birthday bound (von Mises 1939): a collision is likely from sqrt(N) items on, not from N / 2. So 32 bits of
hash confuse two of 77,000 documents as likely as not, and 64 bits two of five thousand million. Whoever removes duplicates
by hash alone removes that many that are none.

Left out: counting up to symmetry, generating functions.
"""

import math
from collections.abc import Collection

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot

MOST_ITEMS = 10_000_000  # 80 MB of factors


def _whole(**counts: int) -> None:
    """Refuse what is no count."""
    for name, number in counts.items():
        if not isinstance(number, int | np.integer) or number < 0:
            raise InputError(f"{name}={number} is no count; use a whole number from 0 on")


def sequences(vocabulary: int, length: int) -> int:
    """How many different texts of `length` tokens there are; exact, however large.

    >>> sequences(2, 10), sequences(50_257, 1024).bit_length()
    (1024, 15992)
    """
    _whole(vocabulary=vocabulary, length=length)
    return vocabulary**length


def bags(vocabulary: int, length: int) -> int:
    """How many there are when the order does not count, as in a bag of words.

    >>> bags(2, 3)  # aaa aab abb bbb
    4
    """
    _whole(vocabulary=vocabulary, length=length)
    return math.comb(length + vocabulary - 1, length) if vocabulary else int(length == 0)


def compositions(length: int, parts: int | None = None) -> int:
    """How many ways there are to cut `length` letters into `parts` pieces, none empty; None: into any number.

    >>> compositions(4, 2), compositions(4)  # a|bcd ab|cd abc|d
    (3, 8)
    """
    _whole(length=length, parts=parts or 0)
    if parts is None:
        return 2 ** max(length - 1, 0)
    return math.comb(length - 1, parts - 1) if length and parts else int(length == parts)


def segmentations(text: str, vocabulary: Collection[str]) -> int:
    """How many ways a vocabulary has to spell a text; 0 when it cannot.

    ways[i], for the first i letters, is the sum of ways[i - len(token)] over the tokens that end there: a table in place of a
    listing, which would be exponentially long. A tokenizer chooses one of these ways; the others are ids that never occur.

    >>> segmentations("abab", {"a", "b", "ab", "aba"})
    5
    """
    known = set(vocabulary)
    if "" in known:
        raise InputError("the vocabulary holds an empty token, so there is no end of ways; take it out")
    longest = max(map(len, known), default=0)
    ways = [1]
    for end in range(1, len(text) + 1):
        ways.append(sum(ways[start] for start in range(max(0, end - longest), end) if text[start:end] in known))
    return ways[-1]


def draws_to_see_all(kinds: int) -> float:
    """How many draws it takes, on average, until each of equally likely kinds was seen: kinds * (1 + 1/2 + ... + 1/kinds).

    >>> round(draws_to_see_all(6), 9)
    14.7
    """
    _whole(kinds=kinds)
    return float(kinds * np.sum(1 / np.arange(1, kinds + 1)))


# ───────── the birthday bound ─────────


@slot
def birthday_collision(items: int, places: int) -> float:
    """The probability that two of `items` fall into one of `places`, each place equally likely; exact to rounding.

    The product of many factors near 1 loses its digits: the logarithms log1p(-i / places) are summed, and -expm1 of the
    sum is the probability, down to 1e-300.

    >>> round(birthday_collision(23, 365), 4), birthday_collision(1, 365), birthday_collision(366, 365)
    (0.5073, 0.0, 1.0)
    """
    _whole(items=items, places=places)
    if items > places:
        return 1.0
    if items > MOST_ITEMS:
        raise InputError(
            f"{items:,} factors do not fit into memory; use birthday_approximation, which is as good there"
        )
    earlier = np.arange(1, items) / max(places, 1)
    return float(0.0 - np.expm1(np.log1p(-earlier).sum()))


def birthday_approximation(items: int, places: int) -> float:
    """The same by 1 - exp(-pairs / places), where pairs = items (items - 1) / 2; good while items is far below places.

    >>> round(birthday_approximation(23, 365), 4)
    0.5
    """
    _whole(items=items, places=places)
    if not places:
        return float(items > 0)
    return -math.expm1(-items * (items - 1) / 2 / places) + 0.0


def birthday_items(places: int, probability: float = 0.5) -> float:
    """About how many items make a collision this likely: sqrt(2 places ln(1 / (1 - probability))).

    >>> round(birthday_items(2**32)), f"{birthday_items(2**64):.2g}"
    (77163, '5.1e+09')
    """
    if not 0 <= probability < 1:
        raise InputError(f"probability={probability} is out of reach; use 0 or more and less than 1")
    return math.sqrt(-2 * places * math.log1p(-probability))


def expected_collisions(items: int, places: int) -> float:
    """How many of the items fall, on average, into a place that is taken: items - places (1 - (1 - 1/places)^items).

    It is what deduplication by hash removes by mistake.

    >>> round(expected_collisions(100_000, 2**32), 3)
    1.164
    """
    _whole(items=items, places=places)
    if places < 2:
        return float(max(items - places, 0))
    pairs = items * (items - 1) / 2 / places
    # Below a millionth an item the difference of two near numbers has no digits left, and the number of pairs is exact enough.
    return pairs if items < 1e-6 * places else items + places * math.expm1(items * math.log1p(-1 / places))


def birthday_simulated(items: int, places: int, trials: int = 1000, seed: int = 0) -> float:
    """The share of trials in which two of `items` random places were the same."""
    _whole(items=items, places=places, trials=trials)
    if not trials or not places:
        raise InputError(f"{trials} trials with {places} places show nothing; use 1 or more of both")
    draws = np.sort(np.random.default_rng(seed).integers(0, places, (trials, items)), axis=1)
    return float((draws[:, 1:] == draws[:, :-1]).any(1).mean())
