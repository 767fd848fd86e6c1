"""How far judges agree: beyond what they would by chance alone.

    Cohen's kappa     (o - e) / (1 - e)      o: share of items judged alike    e: share if each judged by a coin with its own habits
    Fleiss' kappa     the same for many judges, pair by pair

Two judges who prefer the first answer nine times of ten agree on 82 % of the items even if neither reads them; kappa is 0 then, 1 where all
is judged alike, below 0 where they contradict each other. Cohen 1960; Fleiss 1971; the words for its size are Landis and Koch's
1977. HH-RLHF reports plain agreement, 63 %, of its authors with the crowd (Bai et al. 2022, section 3.4.1). Left out: weights for judgements that are
nearly alike; judges who skipped items (Krippendorff's alpha).
"""

from collections import Counter
from collections.abc import Hashable, Sequence

from groundup.errors import InputError
from groundup.slots import slot

WORDS = (
    (0.0, "none"),
    (0.2, "slight"),
    (0.4, "fair"),
    (0.6, "moderate"),
    (0.8, "substantial"),
    (1.0, "almost perfect"),
)


def agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """The share of items that both judged alike."""
    if len(first) != len(second) or not first:
        raise InputError(
            f"{len(first)} and {len(second)} judgements cannot be compared; give both judges the same items"
        )
    return sum(one == other for one, other in zip(first, second, strict=True)) / len(first)


@slot
def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Agreement of two judges beyond chance, (o - e) / (1 - e): o the share judged alike, e the share if each judged by a coin with its own habits.

    1 where both give one and the same judgement to everything (e is 1 then).

    >>> round(cohens_kappa("aabb", "aaba"), 3)
    0.5
    """
    seen, count = agreement(first, second), len(first)
    habits, others = Counter(first), Counter(second)
    chance = sum(times * others[kind] for kind, times in habits.items()) / count**2
    return 1.0 if chance == 1 else (seen - chance) / (1 - chance)


def fleiss_kappa(judged: Sequence[Sequence[Hashable]]) -> float:
    """Agreement beyond chance of as many judges as each item has judgements; every item has the same number, 2 or more."""
    judges = {len(item) for item in judged}
    if len(judges) != 1 or min(judges) < 2:
        raise InputError(
            f"items with {sorted(judges) or 'no'} judgements cannot be compared; give each item the same number, 2 or more"
        )
    (count,) = judges
    tables = [Counter(item) for item in judged]
    alike = sum(sum(times * (times - 1) for times in table.values()) for table in tables) / (
        count * (count - 1) * len(tables)
    )
    shares = [times / (count * len(tables)) for times in sum(tables, Counter()).values()]
    chance = sum(share**2 for share in shares)
    return 1.0 if chance == 1 else (alike - chance) / (1 - chance)


def in_words(kappa: float) -> str:
    """The word of Landis and Koch for a kappa.

    >>> in_words(0.55)
    'moderate'
    """
    return next(word for limit, word in WORDS if kappa <= limit or limit == 1.0)
