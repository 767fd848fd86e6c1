"""Numbers in the small world: which pairs may meet in a sum, a difference, a series, and their answers.

The tables are small (36 sums to nine, 36 differences, 23 series, all answers one digit), because a model of a
million weights sees each entry only some hundred times. Two are hard: `long` sums of two-digit numbers, which a run
either learns or does not, and rows of numbers to be sorted, of which every run gets some quite right and many nearly so:
the task that reinforcement improves.

Held out are *ordered* pairs whose mirror is seen (if 3 + 5 is held out, 5 + 3 is not) for sums and comparisons: a
model that learned the operation answers them, one that learned strings does not. Differences and series have no
mirror; there a pair is held out for a *phrasing* and known from the others.
"""

from functools import cache

from groundup.data.sources.tinyworld.grammar import Offer, Options, Slot, Without
from groundup.data.sources.tinyworld.words import even
from groundup.data.sources.tinyworld.world import HELD_OUT_ONE_IN, Composition, World, in_lot

DIGITS = range(1, 10)
STEPS = (1, 2, 3, -1, -2)
TERMS = 4  # of a series: three shown, one asked
LONG = range(11, 50)
SORTED = range(1, 26)  # numbers that are sorted
WITHOUT_CARRY = 0.5  # weight of a long sum without a carry against one with
PAIRS = {  # kind -> every pair that may meet
    "sum": [(a, b) for a in DIGITS for b in DIGITS if a + b <= 9],
    "difference": [(a, b) for a in DIGITS for b in DIGITS if b < a],
    "series": [(a, a + step) for a in range(10) for step in STEPS if 0 <= a + (TERMS - 1) * step <= 9],
    "long": [(a, b) for a in LONG for b in LONG],
    "row": [(a, b) for a in SORTED for b in SORTED if a != b],
    "order": [(a, b) for a in DIGITS for b in DIGITS if a != b],
}
PAIRS["gain"] = [(a, b) for a, b in PAIRS["sum"] if a > 1]  # of things, which stand in the plural
PAIRS["loss"] = [(a, b) for a, b in PAIRS["difference"] if a > 1]
PAIRS["amount"] = [(a, b) for a, b in PAIRS["order"] if min(a, b) > 1]
_LOTTERY = {"gain": "sum", "amount": "order"}  # what a sum holds out, a word problem holds out


def held_out_numbers(kind: str, first: int, second: int, phrase: str = "") -> bool:
    """Whether a pair is held out: for a phrasing if one is named, else for all and then its mirror is not."""
    kind = _LOTTERY.get(kind, kind)
    if kind == "loss":
        return False
    if phrase:
        return in_lot(f"{kind}-{phrase}|{first}|{second}", HELD_OUT_ONE_IN)
    return second > first and in_lot(f"{kind}s|{first}|{second}", HELD_OUT_ONE_IN // 2)


def _weight(kind: str, first: int, second: int) -> float:
    return WITHOUT_CARRY if kind == "long" and not carries(first, second) else 1.0


def carries(first: int, second: int) -> bool:
    """Whether a written sum carries a one from some column to the next.

    >>> carries(123, 456), carries(127, 456), carries(174, 240)
    (False, True, True)
    """
    return any((first // ten) % 10 + (second // ten) % 10 > 9 for ten in (1, 10, 100))


@cache
def second_numbers(kind: str, first: int, composition: Composition, phrase: str = "") -> Options | None:
    """What may stand second after a first number; None if nothing may."""
    unseen = composition == "unseen"
    kept = [b for a, b in PAIRS[kind] if a == first and held_out_numbers(kind, a, b, phrase) == unseen]
    return Options({str(second): _weight(kind, first, second) for second in kept}) if kept else None


@cache
def first_numbers(kind: str, composition: Composition, phrase: str = "") -> Options:
    """What may stand first, evenly: every number that has a partner."""
    firsts = dict.fromkeys(a for a, _ in PAIRS[kind])
    return even(str(first) for first in firsts if second_numbers(kind, first, composition, phrase))


def _second(world: World, kind: str, composition: Composition, phrase: str = "") -> Offer:
    found = second_numbers(kind, world.numbers[-1], composition, phrase)
    assert found is not None, (kind, world.numbers, phrase)
    return found


def _remember(world: World, text: str, *_: str) -> str:
    world.numbers.append(int(text))
    return text


def _next_number(world: World) -> Offer:
    used = [str(number) for number in world.numbers]
    found = second_numbers("row", world.numbers[-1], world.composition)
    if found is None or set(found.texts) <= set(used):  # only in "unseen", after its first pair
        found = even(map(str, SORTED))
    return Without(found, used)


SLOTS = {
    "first": Slot(lambda w, kind, phrase="": first_numbers(kind, w.composition, phrase), _remember),
    "second": Slot(lambda w, kind, phrase="": _second(w, kind, w.composition, phrase), _remember),
    "first_seen": Slot(lambda w, kind: first_numbers(kind, "seen"), _remember),
    "second_seen": Slot(lambda w, kind: _second(w, kind, "seen"), _remember),
    "next_number": Slot(_next_number, _remember),
}


def _term(world: World, position: str) -> str:
    first, second = world.numbers[:2]
    return str(first + int(position) * (second - first))


ECHOES = {
    "sum": lambda w: str(sum(w.numbers)),
    "difference": lambda w: str(w.numbers[0] - w.numbers[1]),
    "term": _term,
    "sorted": lambda w: ", ".join(str(n) for n in sorted(w.numbers)),
    "falling": lambda w: ", ".join(str(n) for n in sorted(w.numbers, reverse=True)),
    "larger": lambda w: str(max(w.numbers)),
    "smaller": lambda w: str(min(w.numbers)),
    "how_many": lambda w: str(len(w.items)),
    "the_words": lambda w: "Words: " + ", ".join(w.items),
    "words_backwards": lambda w: "Words: " + ", ".join(reversed(w.items)),
    "the_nth": lambda w, n: f"the {w.items[int(n)]}",
}
