"""What the templates of the grammar may name: slots (choices of a word), echoes (known words), guards and effects.

A slot returns what is on offer in this world: a weighted distribution, the same without a few words, or a plain list for an
even choice among what this document has introduced. Most of what a document says after its opening is such a choice among two
to four known names or things, or no choice at all: easy for a model that can look back, expensive for one that cannot.
"""

from functools import cache

from groundup.data.sources.tinyworld import arithmetic
from groundup.data.sources.tinyworld.grammar import Offer, Options, Slot, Vocabulary, Without
from groundup.data.sources.tinyworld.words import (
    CATEGORIES,
    CATEGORY_OF,
    OPPOSITE,
    SHE,
    TENSES,
    VERBS,
    WORDS,
    options,
    past,
    plural,
    verb_options,
    with_article,
)
from groundup.data.sources.tinyworld.world import KNOWN_PEOPLE, World, fact_table, first_words, partners, second_words

# --- people and places ---


@cache
def _known_people() -> Options:
    base = options("name")
    return Options(dict(zip(base.texts[:KNOWN_PEOPLE], base.probabilities[:KNOWN_PEOPLE], strict=True)))


def _meet(world: World, name: str) -> str:
    world.people.append(name)
    return name


def _enter_place(world: World, place: str) -> str:
    world.places.append(place)
    return place


def _other(world: World, *roles: str) -> list[str]:
    known = {world.roles[role] for role in roles}
    return [person for person in world.people if person not in known]


def _other_place(world: World, role: str) -> list[str]:
    here = world.place_of.get(world.roles[role])
    return [place for place in world.places if place != here]


def _colleagues(world: World, role: str) -> list[str]:
    name = world.roles[role]
    return [p for p in world.present_in(world.place_of[name]) if p != name]


@cache
def _askable(phrase: str, subjects: str, composition: str) -> Options:
    base = _known_people() if subjects == "people" else Options(dict.fromkeys(WORDS["town"][:12], 1.0))
    found = partners(f"phrase-{phrase}", "", base, composition)  # type: ignore[arg-type]
    assert found is not None, f"no {composition} subject for the phrase {phrase}; give it another name"
    return found


# --- things ---


@cache
def _with_article(category: str) -> Options:
    base = options(category)
    return Options({with_article(t): p for t, p in zip(base.texts, base.probabilities, strict=True)})


def _a_word(world: World, category: str) -> Offer:
    return (
        Without(_with_article(category), [with_article(word) for word in world.used])
        if world.used
        else _with_article(category)
    )


def _word(world: World, category: str) -> Offer:
    return Without(options(category), world.used) if world.used else options(category)


def _use(world: World, word: str, *_: str) -> str:
    bare = word.split(" ", 1)[1] if word.startswith(("a ", "an ")) else word
    world.used.append(bare)
    return bare


def _noun(world: World, adjective: str, category: str = "thing") -> Offer:
    return Without(second_words("adjective-noun", world.roles[adjective], category, world.composition), world.used)


def _describe(world: World, noun: str, adjective: str, category: str = "thing") -> str:
    thing = f"{world.roles[adjective]} {noun}"
    world.used.append(noun)
    world.things.append(thing)
    return thing


def _within_reach(world: World, role: str) -> list[str]:
    person = world.roles[role]
    return world.held_by(person) + world.lying_in(world.place_of[person])


# --- numbers and lists ---


def _next_item(world: World, category: str = "thing") -> Offer:
    return Without(second_words("neighbours", world.items[-1], category, world.composition), world.items)


def _first_item(world: World, category: str = "thing") -> Offer:
    return options(category)


def _list_item(world: World, text: str, *_: str) -> str:
    world.items.append(text)
    return text


def _goods_for(world: World, number: str) -> Offer:
    return second_words("number-noun", world.roles[number], "goods", world.composition)


@cache
def _plural_goods(number: str, composition: str) -> Options:
    base = second_words("number-noun", number, "goods", composition)  # type: ignore[arg-type]
    return Options({plural(t): p for t, p in zip(base.texts, base.probabilities, strict=True)})


@cache
def _stranger(category: str, first: bool) -> Options:
    others = [c for c in CATEGORIES if c != category]
    return Options({word: 1 / (rank + 6) for c in others for rank, word in enumerate(CATEGORIES[c][:16])})


@cache
def _neighbour_in(previous: str, category: str, inside: bool, composition: str) -> Options:
    base = options(category) if inside else _stranger(category, True)
    return partners("neighbours", previous, base, composition) or base  # type: ignore[arg-type]


def _member(world: World, inside: str) -> Offer:
    category = world.roles["category"]
    if not world.items:
        return options(category) if inside == "in" else _stranger(category, True)
    return Without(_neighbour_in(world.items[-1], category, inside == "in", world.composition), world.items)


def _noun_both(world: World, adjective: str) -> Offer:
    """A noun that may go with the adjective and with its opposite, so that no answer holds a held-out pair in training."""
    return Without(_fits_both(world.roles[adjective], world.composition), world.used)


@cache
def _fits_both(adjective: str, composition: str) -> Options:
    base = second_words("adjective-noun", adjective, "thing", composition)  # type: ignore[arg-type]
    other = second_words("adjective-noun", OPPOSITE[adjective], "thing", "seen")
    return Options({t: p for t, p in zip(base.texts, base.probabilities, strict=True) if t in other.position_of})


_BASE_OF = {tense: {TENSES[tense](verb): verb for verbs in VERBS.values() for verb in verbs} for tense in TENSES}
WORDS["category"] = list(CATEGORIES)


@cache
def _plurals(category: str) -> Options:
    base = options(category)
    return Options({plural(text): p for text, p in zip(base.texts, base.probabilities, strict=True)})


@cache
def _kin() -> Options:
    base = options("kin")
    return Options({f"the {text}": p for text, p in zip(base.texts, base.probabilities, strict=True)})


@cache
def _capital_kin() -> Options:
    return Options({text.capitalize(): p for text, p in zip(_kin().texts, _kin().probabilities, strict=True)})


@cache
def _amounts() -> Options:
    return Options({str(number): 1.0 for number in range(2, 10)})


@cache
def _known_towns() -> Options:
    return Options(dict.fromkeys(WORDS["town"][:12], 1.0))


# --- tables ---

SLOTS = {
    "new_person": Slot(lambda w: Without(options("name"), w.people), _meet),
    "new_known": Slot(lambda w: Without(_known_people(), w.people), _meet),
    "person": Slot(lambda w: w.people),
    "other": Slot(_other),
    "near": Slot(_colleagues),
    "askable": Slot(lambda w, phrase, subjects="people": _askable(phrase, subjects, w.composition)),
    "new_place": Slot(lambda w: Without(options("place"), w.places), _enter_place),
    "place": Slot(lambda w: w.places),
    "other_place": Slot(_other_place),
    "a": Slot(_a_word, _use),
    "the": Slot(_word, _use),
    "noun": Slot(_noun, _describe),
    "noun_both": Slot(_noun_both, _describe),
    "deed": Slot(lambda w: verb_options("handle", "present"), lambda w, text: _BASE_OF["present"][text]),
    "giver": Slot(lambda w: [p for p in w.people if w.held_by(p)]),
    "not_holder": Slot(lambda w, role: [p for p in w.people if p != w.holder_of[w.roles[role]]]),
    "thing": Slot(lambda w: w.things),
    "ware": Slot(lambda w: Without(_plurals("goods"), w.items), lambda w, text: w.items.append(text) or text),
    "ingredient": Slot(
        lambda w: Without(_plurals("ingredient"), w.items), lambda w, text: w.items.append(text) or text
    ),
    "on_sale": Slot(lambda w: w.items),
    "ware_here": Slot(lambda w: w.items[1:]),
    "the_kin": Slot(lambda w: _kin()),
    "The_kin": Slot(lambda w: _capital_kin(), lambda w, text: text[0].lower() + text[1:]),
    "amount": Slot(lambda w: _amounts()),
    "dish": Slot(lambda w: Without(options("dish"), w.items), lambda w, text: w.items.append(text) or text),
    "dish_here": Slot(lambda w: w.items),
    "line": Slot(lambda w: Without(options("song"), w.items), _list_item),
    "kitchen": Slot(lambda w: options("kitchen_verb")),
    "new_town": Slot(lambda w: Without(_known_towns(), w.places), _enter_place),
    "lying": Slot(lambda w: [t for t in w.things if t in w.place_of]),
    "lying_by": Slot(lambda w, role: w.lying_in(w.place_of[w.roles[role]])),
    "within_reach": Slot(_within_reach),
    "held": Slot(lambda w: [t for t in w.things if t in w.holder_of]),
    "of": Slot(lambda w, role: w.held_by(w.roles[role])),
    "word": Slot(lambda w, category: options(category)),
    "verb": Slot(lambda w, kind: verb_options(kind, w.tense)),
    "verb_in": Slot(lambda w, kind, tense: verb_options(kind, tense)),
    "item": Slot(_first_item, _list_item),
    "next_item": Slot(_next_item, _list_item),
    "category": Slot(lambda w: _with_article("category"), lambda w, text: text.split(" ", 1)[1]),
    "member": Slot(_member, _list_item),
    "goods": Slot(lambda w, number: _plural_goods(w.roles[number], w.composition)),
    "key": Slot(lambda w: list(w.pairs)),
    "value": Slot(lambda w: list(w.pairs.values())),
    "later": Slot(lambda w: list(w.pairs.values())[1:]),
    "price": Slot(lambda w: Without(_amounts(), list(w.pairs.values()))),
    "subject": Slot(lambda w: Without(options("subject"), list(w.pairs))),
    "some_town": Slot(lambda w: Without(options("town"), list(w.pairs))),
    "sky": Slot(lambda w: Without(options("weather"), list(w.pairs.values()))),
    **arithmetic.SLOTS,
}


def _he(world: World, role: str) -> str:
    return "she" if world.roles[role] in SHE else "he"


def _him(world: World, role: str) -> str:
    return "her" if world.roles[role] in SHE else "him"


def _his(world: World, role: str) -> str:
    return "her" if world.roles[role] in SHE else "his"


def _verse(world: World) -> str:
    lines = world.items
    return f'"Oh {lines[0]} and oh {lines[1]} and oh {lines[2]}!"' if len(lines) == 3 else f'"Oh {joined(lines)}."'


def _where_is(world: World, role: str) -> str:
    return _where(world, world.roles[role])


def _where(world: World, name: str) -> str:
    holder = world.holder_of.get(name)
    return f"with {holder}" if holder else f"in the {world.place_of[name]}"


def _inflect(world: World, role: str, tense: str) -> str:
    return TENSES[tense](world.roles[role])


def _fact(world: World, role: str, relation: str) -> str:
    return fact_table()[world.roles[role], relation]


RANKS = ("first", "second", "third", "last")


def _key_of(world: World, value: str) -> str:
    return next(key for key, known in world.pairs.items() if known == value)


def plural_of_thing(thing: str) -> str:
    """Plural of an adjective and a noun.

    >>> plural_of_thing("red box")
    'red boxes'
    """
    adjective, noun = thing.split(" ", 1)
    return f"{adjective} {plural(noun)}"


def _caption(world: World) -> str:
    thing = with_article(world.roles["t"]).capitalize()
    return f"{thing} is in the {world.places[0]}." if world.places else f"{thing} is with {world.people[0]}."


def joined(items: list[str]) -> str:
    """`a, b and c`.

    >>> joined(["a", "b", "c"])
    'a, b and c'
    """
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else items[0]


ECHOES = {
    "he": _he,
    "He": lambda w, role: _he(w, role).capitalize(),
    "him": _him,
    "his": _his,
    "be": lambda w: "is" if w.tense == "present" else "was",
    "are": lambda w: "are" if w.tense == "present" else "were",
    "have": lambda w: "has" if w.tense == "present" else "had",
    "where": _where_is,
    "place": lambda w, role: w.place_of[w.roles[role]],
    "holder": lambda w, role: w.holder_of[w.roles[role]],
    "an": lambda w, role: with_article(w.roles[role]),
    "plural": lambda w, role: plural_of_thing(w.roles[role]),
    "it_is_holder": lambda w, role: f"It is {w.holder_of[w.roles[role]]}",
    "it_is_fact": lambda w, role, relation: f"It is {_fact(w, role, relation)}",
    "in_fact": lambda w, role, relation: f"in {_fact(w, role, relation)}",
    "the_fact": lambda w, role, relation: f"the {_fact(w, role, relation)}",
    "many": lambda w, role: f"many {plural_of_thing(w.roles[role])}",
    "opposed": lambda w, adjective, thing: f"{with_article(w.roles[adjective])} {w.roles[thing].split(' ', 1)[1]}",
    "past_sentence": lambda w: f"Yesterday {w.roles['a']} {past(w.roles['v'])} the {w.roles['t']}.",
    "caption": _caption,
    "seller": lambda w, role: w.people[w.items.index(w.roles[role])],
    "ware_of": lambda w, role: w.items[w.people.index(w.roles[role])],
    "dish_of": lambda w, role: w.items[w.people.index(w.roles[role])],
    "eater": lambda w, role: w.people[w.items.index(w.roles[role])],
    "verse": _verse,
    "who_where": lambda w: joined([f"{p} {ECHOES['be'](w)} in the {w.place_of[p]}" for p in w.people]),
    "what_where": lambda w: joined([f"the {t} {ECHOES['be'](w)} {_where(w, t)}" for t in w.things]),
    "others": lambda w, role: joined([p for p in w.people if p != w.roles[role]]),
    "His": lambda w, role: _his(w, role).capitalize(),
    "goods_of": lambda w, role: plural(_fact(w, role, "goods")),
    "river_of": lambda w, role: fact_table()[_fact(w, role, "home"), "river"],
    "amount_of": lambda w, role: w.roles["nmk"[w.items.index(w.roles[role]) - 1]],
    "past": lambda w, role: past(w.roles[role]),
    "inflect": _inflect,
    "fact": _fact,
    "a_fact": lambda w, role, relation: with_article(_fact(w, role, relation)),
    "all_people": lambda w, _="": joined(w.people),
    "cap": lambda w, role: w.roles[role][0].upper() + w.roles[role][1:],
    "list": lambda w: ", ".join(w.items),
    "value": lambda w, role: w.pairs[w.roles[role]],
    "key_of": lambda w, role: _key_of(w, w.roles[role]),
    "day_of": lambda w, role: WORDS["day"][list(w.pairs).index(w.roles[role])],
    "gift_list": lambda w: joined([f"the {thing} of {giver}" for thing, giver in w.pairs.items()]),
    "next_rank": lambda w: RANKS[len(w.pairs)],
    "before": lambda w, role: list(w.pairs)[RANKS.index(w.roles[role]) - 1],
    "rank_order": lambda w: ", ".join(w.pairs),
    "rank_backwards": lambda w: ", ".join(reversed(w.pairs)),
    "left": lambda w, role: joined([f"the {t}" for t in w.things if t != w.roles[role]]),
    **arithmetic.ECHOES,
}

GUARDS = {
    "seen": lambda w: w.composition == "seen",
    "long": lambda w: w.length >= 12,
    "she": lambda w: w.roles["actor"] in SHE,
    "past": lambda w: w.tense == "past",
    "holding": lambda w: bool(w.held_by(w.roles["actor"])),
    "company": lambda w: len(w.present_in(w.place_of[w.roles["actor"]])) > 1,
    "lying_here": lambda w: bool(w.lying_in(w.place_of[w.roles["actor"]])),
    "something_near": lambda w: bool(_within_reach(w, "actor")),
    "some_held": lambda w: bool(w.holder_of),
    "some_lying": lambda w: any(t in w.place_of for t in w.things),
    "three_people": lambda w: len(w.people) > 2,
}


def _set(world: World, role: str, *words: str) -> None:
    world.roles[role] = " ".join(world.roles.get(word[1:], "") if word[0] == "@" else word for word in words)


def _answer(world: World, *parts: str) -> None:
    """The answer: each part is a role, or a literal after a quote."""
    world.roles["answer"] = " ".join(part[1:] if part[0] == "'" else world.roles[part] for part in parts)


def _answer_echo(world: World, name: str, *arguments: str) -> None:
    world.roles["answer"] = ECHOES[name](world, *arguments)


def _step(world: World) -> None:
    world.length += 1


def _fresh(world: World) -> None:
    """A new question: nothing of the last one holds."""
    for known in (world.people, world.places, world.things, world.used, world.numbers, world.items):
        known.clear()
    for table in (world.place_of, world.holder_of, world.pairs):
        table.clear()


EFFECTS = {
    "tense": lambda w, tense: setattr(w, "tense", tense),
    "stand": lambda w, person, place: w.move(w.roles[person], w.roles[place]),
    "move": lambda w, person, place: w.move(w.roles[person], w.roles[place]),
    "take": lambda w, person, thing: w.take(w.roles[person], w.roles[thing]),
    "lie": lambda w, thing, place: w.put(w.roles[thing], w.roles[place]),
    "drop": lambda w, person, thing: w.put(w.roles[thing], w.place_of[w.roles[person]]),
    "set": _set,
    "answer": _answer,
    "answer_by": _answer_echo,
    "pair": lambda w, key, value: w.pairs.__setitem__(w.roles[key], w.roles[value]),
    "rank": lambda w, role: w.pairs.__setitem__(w.roles[role], RANKS[len(w.pairs)]),
    "lose": lambda w, role: w.lose(w.roles[role]),
    "told": _step,
    "fresh": _fresh,
    "antonym": lambda w, role, to: w.roles.__setitem__(to, OPPOSITE[w.roles[role]]),
    **arithmetic.EFFECTS,
}

VOCABULARY = Vocabulary(slots=SLOTS, echoes=ECHOES, guards=GUARDS, effects=EFFECTS)
__all__ = ["CATEGORY_OF", "VERBS", "VOCABULARY", "joined"]
