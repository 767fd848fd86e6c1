"""Good-Turing: how much probability belongs to what was never seen, read off what was seen once; and Katz's use of it.

Good 1953: of N tokens, let n[r] be how many kinds were seen r times. The kinds seen r times will be met in new text as if each had been seen

    r* = (r + 1) n[r + 1] / n[r]

times, and all the unseen together as if n[1] times: their probability is n[1] / N. For large r the n[r] are ragged and often 0; Gale and
Sampson 1995 average each with the zeros around it, Z[r] = n[r] / half the distance of its neighbours, draw a line through log Z against
log r, and take the line from the first r on where it does not differ from the ragged estimate by more than 1.65 standard errors.

Katz 1987 trusts counts above 5, discounts the others by Good-Turing so that what is freed in all is still n[1], and lets the shorter
context share it out among the unseen (`combining.back_off_weight`).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from groundup.slots import slot
from groundup.text.ngram.combining import Ngram, sums
from groundup.text.ngram.counts import Level

TRUSTED = 5  # Katz 1987: counts above it stay as they are
SURE = 1.65  # standard errors: Gale and Sampson 1995


@slot
def good_turing(counts_of_counts: Mapping[int, int], count: int) -> float:
    """How often a kind that was seen `count` times (0: all unseen kinds together) may be expected in as much new text.

    counts_of_counts: how many kinds were seen r times, for each r.

    >>> good_turing({1: 10, 2: 4, 3: 2}, 1), good_turing({1: 10, 2: 4, 3: 2}, 2), good_turing({1: 10, 2: 4}, 0)
    (0.8, 1.5, 10.0)
    """
    more = counts_of_counts.get(count + 1, 0)
    return float(more) if count == 0 else (count + 1) * more / counts_of_counts[count]


def averaged(counts_of_counts: Mapping[int, int]) -> dict[int, float]:
    """Each n[r] shared out over the zeros around it: Gale and Sampson's Z.

    >>> averaged({1: 12, 2: 6, 5: 4})
    {1: 12.0, 2: 3.0, 5: 1.3333333333333333}
    """
    seen = sorted(counts_of_counts)
    before = [0, *seen[:-1]]
    after = [*seen[1:], 2 * seen[-1] - before[-1]]
    return {r: 2 * counts_of_counts[r] / (high - low) for r, low, high in zip(seen, before, after, strict=True)}


def expected_counts(counts_of_counts: Mapping[int, int]) -> dict[int, float]:
    """r* of every count that occurs, by simple Good-Turing; without two different counts there is no line, and r* = r / 2 for all.

    Where the line falls less steeply than 1 / r, the estimates would not fall: then it is taken at that slope.
    """
    seen = sorted(counts_of_counts)
    if len(seen) < 2:
        return {r: r / 2 for r in seen}
    smooth = averaged(counts_of_counts)
    slope = min(-1.0, float(np.polyfit(np.log(seen), np.log([smooth[r] for r in seen]), 1)[0]))
    result, on_line = {}, False
    for r in seen:
        line = r * (1 + 1 / r) ** (slope + 1)
        if not on_line and r + 1 in counts_of_counts:
            raw, n, more = good_turing(counts_of_counts, r), counts_of_counts[r], counts_of_counts[r + 1]
            error = math.sqrt((r + 1) ** 2 * more / n**2 * (1 + more / n))
            on_line = abs(raw - line) <= SURE * error
        else:
            raw, on_line = line, True
        result[r] = line if on_line else raw
    return result


def good_turing_ratios(counts_of_counts: Mapping[int, int]) -> dict[int, float]:
    """What is left of each count: r* / r, scaled so that the seen kinds together leave n[1] / N to the unseen ones."""
    whole = sum(r * n for r, n in counts_of_counts.items())
    if counts_of_counts.get(1, 0) in (0, whole):
        return {1: 0.5} if counts_of_counts.get(1) else dict.fromkeys(counts_of_counts, 1.0)
    star = expected_counts(counts_of_counts)
    scale = (whole - counts_of_counts[1]) / sum(star[r] * n for r, n in counts_of_counts.items())
    return {r: min(1.0, scale * star[r] / r) for r in star}


def katz_ratios(counts_of_counts: Mapping[int, int], trusted: int = TRUSTED) -> dict[int, float]:
    """What is left of a count r up to `trusted`, d[r]: Katz 1987, eq. 9; counts above it keep all.

    d[r] = (r* / r - common) / (1 - common), where common = (trusted + 1) n[trusted + 1] / n[1]. A value that is not between
    0 and 1 (small data) is replaced by r / (r + 1), which frees something and trusts larger counts more.

    >>> {r: round(d, 3) for r, d in katz_ratios({1: 100, 2: 40, 3: 20, 4: 12, 5: 8, 6: 5}).items()}
    {1: 0.714, 2: 0.643, 3: 0.714, 4: 0.762, 5: 0.643}
    """
    ones = counts_of_counts.get(1, 0)
    common = (trusted + 1) * counts_of_counts.get(trusted + 1, 0) / ones if ones else 1.0
    ratios = {}
    for r in range(1, trusted + 1):
        star = good_turing(counts_of_counts, r) if counts_of_counts.get(r) else 0.0
        ratio = (star / r - common) / (1 - common) if common != 1 else 0.0
        ratios[r] = ratio if 0 < ratio < 1 else r / (r + 1)
    return ratios


def _counts_of_counts(counts: np.ndarray) -> dict[int, int]:
    kinds, times = np.unique(counts[counts > 0], return_counts=True)
    return dict(zip(kinds.tolist(), times.tolist(), strict=True))


def ratios_of(counts: np.ndarray, method: str) -> dict[int, float]:
    """What is left of each count that occurs among `counts`. method: `good_turing` or `katz`."""
    found = _counts_of_counts(counts)
    if method == "good_turing":
        return good_turing_ratios(found)
    katz = katz_ratios(found)
    return {r: katz.get(r, 1.0) for r in found}


def discounted_by_ratio_reference(counts: Mapping[Ngram, int], method: str) -> dict[Ngram, float]:
    """What each n-gram keeps of its context's probability."""
    totals: Counter[Ngram] = Counter()
    by_length: dict[int, list[int]] = {}
    for ngram, count in counts.items():
        totals[ngram[:-1]] += count
        by_length.setdefault(len(ngram), []).append(count)
    ratios = {length: ratios_of(np.array(found), method) for length, found in by_length.items()}
    return {ngram: count * ratios[len(ngram)][count] / totals[ngram[:-1]] for ngram, count in counts.items()}


def discounted_by_ratio(levels: Sequence[Level], method: str) -> list[np.ndarray]:
    """What each n-gram keeps, level by level."""
    shares = []
    for level in levels:
        ratios = ratios_of(level.counts, method)
        kinds = np.array([0, *ratios], np.int64)
        values = np.array([0.0, *ratios.values()])[np.argsort(kinds)]
        left = values[np.searchsorted(np.sort(kinds), level.counts)]
        shares.append(level.counts * left / np.maximum(1, sums(level.counts, level.first))[level.contexts])
    return shares
