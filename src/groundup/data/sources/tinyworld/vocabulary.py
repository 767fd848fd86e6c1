"""The other names that templates may use: echoes (words that follow from the world), guards and effects.

An echo is never a choice: its text is known before it is written, so a model that reads the world from the text
gets it for nothing. An effect changes the world after a production is written; a guard closes a production in some
worlds.
"""

from collections.abc import Callable, Iterable
from typing import Any

from groundup.data.sources.tinyworld import arithmetic
from groundup.data.sources.tinyworld.choices import SLOTS
from groundup.data.sources.tinyworld.grammar import Vocabulary
from groundup.data.sources.tinyworld.words import OPPOSITE, SHE, WORDS, past, plural, with_article
from groundup.data.sources.tinyworld.world import World, fact_table

RANKS = ("first", "second", "third", "last")
LONGEST = 12  # sentences of a story after which it must end


def joined(items: Iterable[str]) -> str:
    """`a, b and c`.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    *front, last = items
    return f"{', '.join(front)} and {last}" if front else last


def plural_of_thing(thing: str) -> str:
    """Plural of an adjective and a noun.

    >>> plural_of_thing("red box")
    'red boxes'
    """
    adjective, noun = thing.split(" ", 1)
    return f"{adjective} {plural(noun)}"


# --- people, things and where they are ---


def _by_sex(she: str, he: str):
    return lambda world, role: she if world.roles[role] in SHE else he


def _where(world: World, name: str) -> str:
    holder = world.holder_of.get(name)
    return f"with {holder}" if holder else f"in the {world.place_of[name]}"


def _be(world: World) -> str:
    return "is" if world.tense == "present" else "was"


def _who_where(world: World) -> str:
    return joined(f"{person} {_be(world)} in the {world.place_of[person]}" for person in world.people)


def _what_where(world: World) -> str:
    return joined(f"the {thing} {_be(world)} {_where(world, thing)}" for thing in world.things)


STATE = {
    "he": _by_sex("she", "he"),
    "He": _by_sex("She", "He"),
    "him": _by_sex("her", "him"),
    "his": _by_sex("her", "his"),
    "His": _by_sex("Her", "His"),
    "be": _be,
    "are": lambda w: "are" if w.tense == "present" else "were",
    "have": lambda w: "has" if w.tense == "present" else "had",
    "where": lambda w, role: _where(w, w.roles[role]),
    "place": lambda w, role: w.place_of[w.roles[role]],
    "holder": lambda w, role: w.holder_of[w.roles[role]],
    "it_is_holders": lambda w, role: f"The {w.roles[role]} is {w.holder_of[w.roles[role]]}'s",
    "who_where": _who_where,
    "what_where": _what_where,
    "others": lambda w, role: joined(p for p in w.people if p != w.roles[role]),
    "left": lambda w, role: joined(f"the {t}" for t in w.things if t != w.roles[role]),
}

# --- forms and answers ---


def _opposed(world: World, adjective: str, thing: str) -> str:
    return f"the {world.roles[adjective]} {world.roles[thing].split(' ', 1)[1]}"


def _caption(world: World) -> str:
    return f"The {world.roles['t']} is {f'in the {world.places[0]}' if world.places else f'with {world.people[0]}'}."


FORMS = {
    "the_role": lambda w, role: f"the {w.roles[role]}",
    "many": lambda w, role: f"many {plural_of_thing(w.roles[role])}",
    "opposed": _opposed,
    "past_sentence": lambda w: f"Yesterday {w.roles['a']} {past(w.roles['v'])} the {w.roles['t']}.",
    "caption": _caption,
}

# --- facts, lists and tables ---


def _fact(world: World, role: str, relation: str) -> str:
    return fact_table()[world.roles[role], relation]


def _verse(world: World) -> str:
    lines = world.items
    return f'"Oh {" and oh ".join(lines)}!"' if len(lines) == 3 else f'"Oh {joined(lines)}."'


def _key_of(world: World, role: str) -> str:
    value = world.roles[role]
    return next(key for key, known in world.pairs.items() if known == value)


LISTS = {
    "fact": _fact,
    "a_fact": lambda w, role, relation: with_article(_fact(w, role, relation)),
    "it_is_fact": lambda w, role, relation: f"It is {_fact(w, role, relation)}",
    "in_fact": lambda w, role, relation: f"in {_fact(w, role, relation)}",
    "the_fact": lambda w, role, relation: f"the {_fact(w, role, relation)}",
    "goods_of": lambda w, role: plural(_fact(w, role, "goods")),
    "river_of": lambda w, role: fact_table()[_fact(w, role, "home"), "river"],
    "item_of": lambda w, role: w.items[w.people.index(w.roles[role])],  # the n-th item belongs to the n-th person
    "owner_of": lambda w, role: w.people[w.items.index(w.roles[role])],
    "verse": _verse,
    "amount_of": lambda w, role: w.roles["nmk"[w.items.index(w.roles[role]) - 1]],
    "value": lambda w, role: w.pairs[w.roles[role]],
    "key_of": _key_of,
    "day_of": lambda w, role: WORDS["day"][list(w.pairs).index(w.roles[role])],
    "gift_list": lambda w: joined(f"the {thing} of {giver}" for thing, giver in w.pairs.items()),
    "next_rank": lambda w: RANKS[len(w.pairs)],
    "rank_order": lambda w: ", ".join(w.pairs),
    "rank_backwards": lambda w: ", ".join(reversed(w.pairs)),
}

ECHOES = {**STATE, **FORMS, **LISTS, **arithmetic.ECHOES}

GUARDS = {
    "seen": lambda w: w.composition == "seen",
    "long": lambda w: w.length >= LONGEST,
    "holding": lambda w: bool(w.held_by(w.roles["actor"])),
    "company": lambda w: len(w.present_in(w.place_of[w.roles["actor"]])) > 1,
    "lying_here": lambda w: bool(w.lying_in(w.place_of[w.roles["actor"]])),
    "something_near": lambda w: bool(SLOTS["within_reach"].offer(w, "actor")),
}

# --- effects ---


def _answer(world: World, echo: str, *arguments: str) -> None:
    world.roles["answer"] = ECHOES[echo](world, *arguments)


def _tell(world: World) -> None:
    world.length += 1


def _tense(world: World, tense: str) -> None:
    world.tense = tense


def _pair(world: World, key: str, value: str) -> None:
    world.pairs[world.roles[key]] = world.roles[value]


def _rank(world: World, role: str) -> None:
    world.pairs[world.roles[role]] = RANKS[len(world.pairs)]


def _antonym(world: World, adjective: str, to: str) -> None:
    world.roles[to] = OPPOSITE[world.roles[adjective]]


EFFECTS: dict[str, Callable[..., Any]] = {
    "tense": _tense,
    "move": lambda w, person, place: w.move(w.roles[person], w.roles[place]),
    "take": lambda w, person, thing: w.take(w.roles[person], w.roles[thing]),
    "lie": lambda w, thing, place: w.put(w.roles[thing], w.roles[place]),
    "drop": lambda w, person, thing: w.put(w.roles[thing], w.place_of[w.roles[person]]),
    "lose": lambda w, role: w.lose(w.roles[role]),
    "pair": _pair,
    "rank": _rank,
    "antonym": _antonym,
    "answer": _answer,
    "told": _tell,
    "fresh": World.forget,
    "fresh_numbers": lambda w: w.numbers.clear(),
}

VOCABULARY = Vocabulary(slots=SLOTS, echoes=ECHOES, guards=GUARDS, effects=EFFECTS)
