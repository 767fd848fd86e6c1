"""The slots of the grammar: what may be chosen at a place of a template, given the world so far.

A slot offers a weighted distribution, the same without a few words, or a plain list for an even choice among what
this document has introduced. Most of what a document says after its opening is such a choice among two to four
known names or things, or no choice at all: easy for a model that can look back, expensive for one that cannot.
"""

from functools import cache

from groundup.data.sources.tinyworld import arithmetic
from groundup.data.sources.tinyworld.grammar import Offer, Options, Slot, Without
from groundup.data.sources.tinyworld.words import (
    CATEGORIES,
    OPPOSITE,
    VERBS,
    WORDS,
    even,
    options,
    renamed,
    third_person,
    verb_options,
    with_article,
    without_article,
)
from groundup.data.sources.tinyworld.words import plural as plural_of
from groundup.data.sources.tinyworld.world import KNOWN_PEOPLE, KNOWN_TOWNS, Composition, World, partners, second_words

# --- people and places ---


@cache
def _known_people() -> Options:
    return even(WORDS["name"][:KNOWN_PEOPLE])


@cache
def _known_towns() -> Options:
    return even(WORDS["town"][:KNOWN_TOWNS])


def _meet(world: World, name: str, *_: str) -> str:
    world.people.append(name)
    return name


def _enter(world: World, place: str, *_: str) -> str:
    world.places.append(place)
    return place


def _other(world: World, *roles: str) -> Offer:
    known = {world.roles[role] for role in roles}
    return [person for person in world.people if person not in known]


def _near(world: World, role: str) -> Offer:
    name = world.roles[role]
    return [person for person in world.present_in(world.place_of[name]) if person != name]


def _other_place(world: World, role: str) -> Offer:
    here = world.place_of.get(world.roles[role])
    return [place for place in world.places if place != here]


@cache
def _askable(phrase: str, subjects: str, composition: Composition) -> Options:
    """Whom a phrasing may ask about: a tenth of the subjects are held out for each phrasing, not for the fact."""
    base = _known_people() if subjects == "people" else _known_towns()
    found = partners(f"phrase-{phrase}", "", base, composition)
    assert found is not None, f"no {composition} subject for the phrase {phrase}; give it another name"
    return found


PEOPLE_AND_PLACES = {
    "new_person": Slot(lambda w, category="name": Without(options(category), w.people), _meet),
    "new_known": Slot(lambda w: Without(_known_people(), w.people), _meet),
    "person": Slot(lambda w: w.people),
    "other": Slot(_other),
    "near": Slot(_near),
    "askable": Slot(lambda w, phrase, subjects="people": _askable(phrase, subjects, w.composition)),
    "new_place": Slot(lambda w, category="place": Without(options(category), w.places), _enter),
    "place": Slot(lambda w: w.places),
    "other_place": Slot(_other_place),
    "new_town": Slot(lambda w: Without(_known_towns(), w.places), _enter),
}

# --- things: an adjective, then a noun that may go with it ---


@cache
def _with_article(category: str) -> Options:
    return renamed(options(category), with_article)


def _a(world: World, category: str) -> Offer:
    return Without(_with_article(category), [with_article(word) for word in world.used])


def _use(world: World, word: str, *_: str) -> str:
    bare = without_article(word)
    world.used.append(bare)
    return bare


def _second(world: World, kind: str, first: str, category: str, used: list[str]) -> Offer:
    """A second word of a pair; in "unseen", when all held-out partners are used up (never the first time), a seen one."""
    offered = second_words(kind, first, category, world.composition)
    if world.composition == "unseen" and all(text in used for text in offered.texts):
        offered = second_words(kind, first, category, "seen")
    return Without(offered, used)


def _noun(world: World, adjective: str, category: str = "thing") -> Offer:
    return _second(world, "adjective-noun", world.roles[adjective], category, world.used)


def _noun_of_both(world: World, adjective: str, category: str) -> Offer:
    return Without(_fits_both(world.roles[adjective], category, world.composition), world.used)


@cache
def _fits_both(adjective: str, category: str, composition: Composition) -> Options:
    """Nouns that may go with the adjective and its opposite, so that in training no answer holds a held-out pair."""
    base = second_words("adjective-noun", adjective, category, composition)
    other = second_words("adjective-noun", OPPOSITE[adjective], category, "seen")
    return Options({t: p for t, p in zip(base.texts, base.probabilities, strict=True) if t in other.position_of})


def _describe(world: World, noun: str, adjective: str, *_: str) -> str:
    thing = f"{world.roles[adjective]} {noun}"
    world.used.append(noun)
    world.things.append(thing)
    return thing


def _within_reach(world: World, role: str) -> list[str]:
    person = world.roles[role]
    return world.held_by(person) + world.lying_in(world.place_of[person])


THINGS = {
    "a": Slot(_a, _use),
    "the": Slot(lambda w, category: Without(options(category), w.used), _use),
    "noun": Slot(_noun, _describe),
    "noun_of_both": Slot(_noun_of_both, _describe),
    "thing": Slot(lambda w: w.things),
    "lying_by": Slot(lambda w, role: w.lying_in(w.place_of[w.roles[role]])),
    "within_reach": Slot(_within_reach),
    "held": Slot(lambda w: [t for t in w.things if t in w.holder_of]),
    "of": Slot(lambda w, role: w.held_by(w.roles[role])),
    "giver": Slot(lambda w: [p for p in w.people if w.held_by(p)]),
    "not_holder": Slot(lambda w, thing: [p for p in w.people if p != w.holder_of[w.roles[thing]]]),
}

# --- lists and tables ---


def _listed(world: World, text: str, *_: str) -> str:
    world.items.append(text)
    return text


def _next_item(world: World, category: str) -> Offer:
    return _second(world, "neighbours", world.items[-1], category, world.items)


@cache
def _plurals(category: str) -> Options:
    return renamed(options(category), plural_of)


@cache
def _counted(number: str, category: str, composition: Composition) -> Options:
    return renamed(second_words("count-noun", number, category, composition), plural_of)


@cache
def _strangers(category: str) -> Options:
    """Words of the other categories, the first of each most often."""
    lists = [options(f"common_{other}") for other in CATEGORIES if other != category]
    return Options({t: p for one in lists for t, p in zip(one.texts, one.probabilities, strict=True)})


@cache
def _neighbours(previous: str, category: str, inside: bool, composition: Composition) -> Options:
    base = options(f"common_{category}") if inside else _strangers(category)
    return partners("neighbours", previous, base, composition) or base  # small categories may have no held-out partner


def _member(world: World, where: str) -> Offer:
    category, inside = world.roles["category"], where == "in"
    if not world.items:
        return options(f"common_{category}") if inside else _strangers(category)
    return Without(_neighbours(world.items[-1], category, inside, world.composition), world.items)


@cache
def _amounts() -> Options:
    return even(map(str, range(2, 10)))


LISTS = {
    "item": Slot(lambda w, category: options(category), _listed),
    "next_item": Slot(_next_item, _listed),
    "new_item": Slot(lambda w, category: Without(options(category), w.items), _listed),
    "new_items": Slot(lambda w, category: Without(_plurals(category), w.items), _listed),
    "known_item": Slot(lambda w: w.items),
    "later_item": Slot(lambda w: w.items[1:]),
    "category": Slot(lambda w: _with_article("category"), lambda w, text: without_article(text)),
    "member": Slot(_member, _listed),
    "goods": Slot(lambda w, number, category: _counted(w.roles[number], category, w.composition)),
    "amount": Slot(lambda w: _amounts()),
    "new_amount": Slot(lambda w: Without(_amounts(), list(w.pairs.values()))),
    "key": Slot(lambda w: list(w.pairs)),
    "value": Slot(lambda w: list(w.pairs.values())),
    "new_key": Slot(lambda w, category: Without(options(category), list(w.pairs))),
    "new_value": Slot(lambda w, category: Without(options(category), list(w.pairs.values()))),
}

# --- other words ---

_BASE_FORM = {third_person(verb): verb for verb in VERBS["handle"]}


@cache
def _kin(article: str) -> Options:
    return renamed(options("kin"), lambda word: f"{article} {word}")


WORDS_ALONE = {
    "word": Slot(lambda w, category: options(category)),
    "verb": Slot(lambda w, kind: verb_options(kind, w.tense)),
    "deed": Slot(lambda w, kind: verb_options(kind, "present"), lambda w, text, _: _BASE_FORM[text]),
    "the_kin": Slot(lambda w: _kin("the")),
    "The_kin": Slot(lambda w: _kin("The"), lambda w, text: text.replace("The", "the", 1)),
}

SLOTS = {**PEOPLE_AND_PLACES, **THINGS, **LISTS, **WORDS_ALONE, **arithmetic.SLOTS}
