"""The state of the small world while a document is told, and the facts that never change.

`World` is what a story changes: who is where, who holds what, how many. Documents, questions, tools, retrieval and
editing are views of one such state. `facts()` is what everyone knows: jobs, homes, pets, favourite dishes, rivers;
drawn once from a fixed seed. `held_out` names the tenth of all word pairs (adjective and noun, number and number,
neighbours in a list, ...) that no training document and no held-out document of the same distribution contains:
every choice of a second word leaves them out and renormalises, so probabilities stay exact. The split "unseen"
turns the rule round: there the second word comes *only* from the held-out partners, so every such document or
instruction holds at least one pair that was never seen.
"""

import hashlib
import random
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from groundup.data.sources.tinyworld.grammar import Options
from groundup.data.sources.tinyworld.words import VOWELS, WORDS, options

Composition = Literal["seen", "unseen"]
HELD_OUT_ONE_IN = 10
KNOWN_PEOPLE = 16  # the first names have facts: few, so that each fact is told some hundred times
KNOWN_TOWNS = 8


@dataclass(slots=True)
class World:
    """What holds at this point of a document."""

    composition: Composition = "seen"
    tense: str = "present"  # of the verbs of this document
    people: list[str] = field(default_factory=list)  # in order of appearance
    places: list[str] = field(default_factory=list)
    things: list[str] = field(default_factory=list)  # "red ball"
    used: list[str] = field(default_factory=list)  # words that may not describe another thing of this document
    place_of: dict[str, str] = field(default_factory=dict)  # person, or thing that lies somewhere -> place
    holder_of: dict[str, str] = field(default_factory=dict)  # thing -> person
    numbers: list[int] = field(default_factory=list)  # of the arithmetic at hand
    items: list[str] = field(default_factory=list)  # of the list at hand, in order
    pairs: dict[str, str] = field(default_factory=dict)  # of the table at hand: price of a ware, weather of a town
    length: int = 0  # sentences told so far
    roles: dict[str, str] = field(default_factory=dict)  # what the grammar calls actor, thing, place, answer, ...
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # (family, question, answer) in this document

    def held_by(self, person: str) -> list[str]:
        """The things a person has, in order of appearance."""
        return [thing for thing in self.things if self.holder_of.get(thing) == person]

    def lying_in(self, place: str) -> list[str]:
        """The things that lie in a place."""
        return [thing for thing in self.things if self.place_of.get(thing) == place]

    def present_in(self, place: str) -> list[str]:
        """The people in a place."""
        return [person for person in self.people if self.place_of.get(person) == place]

    def where(self, name: str) -> str | None:
        """The place of a person or a thing; a thing that is held is where its holder is."""
        return self.place_of.get(self.holder_of.get(name, name))

    def move(self, person: str, place: str) -> None:
        """A person goes to a place."""
        self.place_of[person] = place

    def take(self, person: str, thing: str) -> None:
        """A person takes a thing, from the floor or from another."""
        self.place_of.pop(thing, None)
        self.holder_of[thing] = person

    def lose(self, thing: str) -> None:
        """A thing is gone."""
        self.things.remove(thing)
        self.place_of.pop(thing, None)
        self.holder_of.pop(thing, None)

    def forget(self) -> None:
        """A new question begins: nothing of the last one holds."""
        for known in (self.people, self.places, self.things, self.used, self.numbers, self.items):
            known.clear()
        for table in (self.place_of, self.holder_of, self.pairs):
            table.clear()

    def put(self, thing: str, place: str) -> None:
        """A thing is left in a place."""
        self.holder_of.pop(thing, None)
        self.place_of[thing] = place


def in_lot(text: str, one_in: int) -> bool:
    """Whether a text is drawn in a fixed lottery of one in so many; the same on every machine and Python."""
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=4).digest(), "little") % one_in == 0


def held_out(kind: str, first: str, second: str) -> bool:
    """Whether a pair is one of the tenth that training never sees.

    >>> sum(held_out("adjective-noun", "red", noun) for noun in WORDS["thing"]) / len(WORDS["thing"]) < 0.2
    True
    """
    return in_lot(f"{kind}|{first}|{second}", HELD_OUT_ONE_IN)


def allowed(kind: str, first: str, second: str, composition: Composition) -> bool:
    """Whether the pair may be chosen under this composition."""
    return held_out(kind, first, second) == (composition == "unseen")


def partners(kind: str, first: str, base: Options, composition: Composition) -> Options | None:
    """What may stand second, of a base distribution; None if nothing may."""
    weights = {
        text: weight
        for text, weight in zip(base.texts, base.probabilities, strict=True)
        if allowed(kind, first, text, composition)
    }
    return Options(weights) if weights else None


@cache
def second_words(kind: str, first: str, category: str, composition: Composition) -> Options:
    """The words of a category that may follow the first word of a pair."""
    found = partners(kind, first, options(category), composition)
    assert found is not None, f"no {composition} partner of {first} among {category}"
    return found


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that everyone knows: subject, relation, value."""

    subject: str
    relation: str
    value: str


def _plain(category: str, count: int) -> list[str]:
    """The first words of a category that take `a`, not `an`: an answer should not fail for its article."""
    return [word for word in WORDS[category][:count] if word[0] not in VOWELS]


@cache
def facts() -> tuple[Fact, ...]:
    """Everything that is always true in the small world, in a fixed order."""
    draw = random.Random(7)
    found = []
    for name in WORDS["name"][:KNOWN_PEOPLE]:
        for relation, category, count in (
            ("job", "job", 40),
            ("home", "town", KNOWN_TOWNS),
            ("pet", "animal", 20),
            ("dish", "dish", 16),
        ):
            found.append(Fact(name, relation, draw.choice(_plain(category, count))))
    for town in WORDS["town"][:KNOWN_TOWNS]:
        found.append(Fact(town, "river", draw.choice(WORDS["river"])))
        found.append(Fact(town, "goods", draw.choice(WORDS["goods"][:40])))
    return tuple(found)


@cache
def fact_table() -> dict[tuple[str, str], str]:
    """(subject, relation) -> value."""
    return {(fact.subject, fact.relation): fact.value for fact in facts()}
