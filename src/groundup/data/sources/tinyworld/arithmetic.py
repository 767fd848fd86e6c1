"""Numbers in the small world: which pairs may meet in a sum, a difference, a series, and their answers.

Held out here are *ordered* pairs whose mirror is seen (if 3 + 5 is held out, 5 + 3 is not; if 9 - 8 is, 9 - 1 is not):
a model that learned the operation answers them, one that learned a table of strings does not.
"""

from functools import cache

from groundup.data.sources.tinyworld.grammar import Offer, Options, Slot, Without
from groundup.data.sources.tinyworld.world import HELD_OUT_ONE_IN, Composition, World, in_lot

ADDENDS = range(1, 11)
MINUENDS = range(2, 13)
DIGITS = range(1, 10)
AMOUNTS = range(2, 10)
_SAME_PAIRS = {"gain": "sum", "loss": "difference"}  # word problems hold out what sums hold out
STEPS = (1, 2, 3, 5, 10)
TWO_DIGITS = range(13, 50)


def held_out_numbers(kind: str, first: int, second: int) -> bool:
    """Whether an ordered pair of numbers is held out (a tenth of the pairs; never both a pair and its mirror)."""
    kind = _SAME_PAIRS.get(kind, kind)
    if kind == "series":  # has no mirror: 3, 5, 7 and 5, 7, 9 share their steps
        return in_lot(f"steps|{first}|{second}", HELD_OUT_ONE_IN)
    larger = second > first if kind != "difference" else 2 * second > first
    return larger and in_lot(f"{kind}|{first}|{second}", HELD_OUT_ONE_IN // 2)


def _seconds(kind: str, first: int) -> list[int]:
    match kind:
        case "sum" | "gain":
            return list(ADDENDS)
        case "difference" | "loss":
            return list(range(1, first))
        case "series":
            return [first + step for step in STEPS]
        case "long":
            return list(TWO_DIGITS)
    return [digit for digit in DIGITS if digit != first]


FIRSTS = {"sum": ADDENDS, "difference": MINUENDS, "series": range(10), "long": TWO_DIGITS, "order": DIGITS}
FIRSTS |= {"gain": range(2, 11), "loss": range(3, 13)}


@cache
def second_numbers(kind: str, first: int, composition: Composition) -> Options | None:
    """What may stand second after a first number, evenly; None if nothing may."""
    kept = [s for s in _seconds(kind, first) if held_out_numbers(kind, first, s) == (composition == "unseen")]
    return Options({str(second): 1.0 for second in kept}) if kept else None


@cache
def first_numbers(kind: str, composition: Composition) -> Options:
    """What may stand first, evenly: every number that has a partner."""
    return Options({str(n): 1.0 for n in FIRSTS[kind] if second_numbers(kind, n, composition)})


def _remember(world: World, text: str, *_: str) -> str:
    world.numbers.append(int(text))
    return text


def _next_digit(world: World) -> Offer:
    used = [str(number) for number in world.numbers]
    offered = second_numbers("order", world.numbers[-1], world.composition)
    if offered is None or set(offered.texts) <= set(used):
        offered = _any_digit()
    return Without(offered, used)


@cache
def _any_digit() -> Options:
    return Options({str(digit): 1.0 for digit in DIGITS})


@cache
def _amounts() -> Options:
    return Options({str(amount): 1.0 for amount in AMOUNTS})


def _seen_second(world: World, kind: str) -> Offer:
    found = second_numbers(kind, world.numbers[-1], "seen")
    assert found is not None
    return found


def _second(world: World, kind: str) -> Offer:
    found = second_numbers(kind, world.numbers[-1], world.composition)
    assert found is not None, (kind, world.numbers)
    return found


SLOTS = {
    "first": Slot(lambda w, kind: first_numbers(kind, w.composition), _remember),
    "second": Slot(_second, _remember),
    "first_seen": Slot(lambda w, kind: first_numbers(kind, "seen"), _remember),
    "second_seen": Slot(_seen_second, _remember),
    "digit": Slot(lambda w: Without(_amounts(), [str(n) for n in w.numbers]), _remember),
    "next_digit": Slot(_next_digit, _remember),
}


def _series_term(world: World, position: str) -> str:
    first, second = world.numbers[:2]
    return str(first + int(position) * (second - first))


ECHOES = {
    "sum": lambda w: str(sum(w.numbers)),
    "difference": lambda w: str(w.numbers[0] - w.numbers[1]),
    "term": _series_term,
    "sorted": lambda w: ", ".join(str(n) for n in sorted(w.numbers)),
    "falling": lambda w: ", ".join(str(n) for n in sorted(w.numbers, reverse=True)),
    "it_is_most": lambda w: f"It is {w.people[w.numbers.index(max(w.numbers))]}",
    "it_is_fewest": lambda w: f"It is {w.people[w.numbers.index(min(w.numbers))]}",
    "largest": lambda w: str(max(w.numbers)),
    "smallest": lambda w: str(min(w.numbers)),
    "how_many": lambda w: str(len(w.items)),
    "the_words": lambda w: "Words: " + ", ".join(w.items),
    "words_backwards": lambda w: "Words: " + ", ".join(reversed(w.items)),
    "the_nth": lambda w, n: f"the {w.items[int(n)]}",
}
