"""The lexicon as tables: inflected forms, categories, and weighted distributions made once.

The weight of the word of rank r in its category is (r + 2) ** -1.7: the law of Zipf and Mandelbrot, steep, so that
ten words carry two thirds of a category and a small model learns to copy them in few tokens; the tail makes the
vocabulary.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, zip_longest

from groundup.data.sources.tinyworld import lexicon
from groundup.data.sources.tinyworld.grammar import Options

ZIPF_OFFSET = 2.0
ZIPF_EXPONENT = 1.7
EVEN_OFFSET = 8
VOWELS = "aeiou"

_PLURALS = lexicon.irregular(
    *(
        getattr(lexicon, name)
        for name in "TOYS TOOLS KITCHEN CLOTHES INSTRUMENTS FURNITURE VEHICLES PAPER KEEPSAKES".split()
    ),
    *(lexicon.ANIMALS, lexicon.FRUITS, lexicon.VEGETABLES, lexicon.BAKED, lexicon.FLOWERS, lexicon.TREES),
    *(lexicon.BODY, lexicon.SHAPES),
)
_PASTS = lexicon.irregular(lexicon.GO, lexicon.TAKE, lexicon.DROP, lexicon.GIVE, lexicon.HANDLE, lexicon.ACT)
_DOUBLED = frozenset("grab hug hum skip nod clap drag wrap hop grin stop trim scrub shrug".split())


def interleave(*lists: Sequence[str]) -> list[str]:
    """Merge lists rank by rank, so that the first words of each stay in front.

    >>> interleave(["a", "b", "c"], ["x"])
    ['a', 'x', 'b', 'c']
    """
    return [word for word in chain.from_iterable(zip_longest(*lists)) if word is not None]


def plural(noun: str) -> str:
    """Plural of a noun.

    >>> plural("box"), plural("city"), plural("toy"), plural("knife")
    ('boxes', 'cities', 'toys', 'knives')
    """
    return _PLURALS.get(noun) or _with_s(noun)


def third_person(verb: str) -> str:
    """The verb with he or she; only its first word is inflected.

    >>> third_person("put down"), third_person("carry"), third_person("push")
    ('puts down', 'carries', 'pushes')
    """
    head, _, rest = verb.partition(" ")
    return " ".join(filter(None, (_with_s(head), rest)))


def past(verb: str) -> str:
    """Past tense of a verb.

    >>> past("take"), past("carry"), past("smile"), past("hum")
    ('took', 'carried', 'smiled', 'hummed')
    """
    if verb in _PASTS:
        return _PASTS[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return verb + (verb[-1] if verb in _DOUBLED else "") + "ed"


def _with_s(word: str) -> str:
    if word.endswith("y") and word[-2] not in VOWELS:
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh", "o")) and word not in _PLAIN_S else "s")


_PLAIN_S = frozenset("piano cello banjo yoyo kangaroo".split())


def with_article(word: str) -> str:
    """`a` or `an` before the word.

    >>> with_article("old"), with_article("useful")
    ('an old', 'a useful')
    """
    vowel = word[0] in VOWELS and not word.startswith(("use", "ukulele", "uni"))
    return ("an " if vowel else "a ") + word


def without_article(text: str) -> str:
    """The word without `a` or `an`.

    >>> without_article("an old"), without_article("old")
    ('old', 'old')
    """
    return text.split(" ", 1)[1] if text.startswith(("a ", "an ")) else text


def even(words: Iterable[str]) -> Options:
    """The words with equal weights."""
    return Options(dict.fromkeys(words, 1.0))


def renamed(base: Options, name: Callable[[str], str]) -> Options:
    """The same distribution over other texts."""
    return Options({name(text): p for text, p in zip(base.texts, base.probabilities, strict=True)})


def zipf(words: Iterable[str]) -> Options:
    """The words weighted by rank."""
    return Options({word: (rank + ZIPF_OFFSET) ** -ZIPF_EXPONENT for rank, word in enumerate(words)})


def _listed(*blocks: str) -> list[str]:
    return interleave(*(lexicon.entries(block) for block in blocks))


OPPOSITE: dict[str, str] = {}
for _pair in lexicon.OPPOSITES.split():
    _one, _other = _pair.split(":")
    OPPOSITE |= {_one: _other, _other: _one}

SHE = frozenset(lexicon.entries(lexicon.SHE))
CATEGORIES = {  # what a thing is called, and its words
    "animal": _listed(lexicon.ANIMALS),
    "fruit": _listed(lexicon.FRUITS),
    "vegetable": _listed(lexicon.VEGETABLES),
    "flower": _listed(lexicon.FLOWERS),
    "tree": _listed(lexicon.TREES),
    "vehicle": _listed(lexicon.VEHICLES),
    "instrument": _listed(lexicon.INSTRUMENTS),
}
WORDS = {  # category of words -> its words in order of frequency
    "name": _listed(lexicon.SHE, lexicon.HE),
    "town": _listed(lexicon.TOWNS),
    "river": _listed(lexicon.RIVERS),
    "place": _listed(lexicon.ROOMS, lexicon.OUTDOORS),
    "thing": _listed(
        lexicon.TOYS,
        lexicon.KITCHEN,
        lexicon.CLOTHES,
        lexicon.KEEPSAKES,
        lexicon.TOOLS,
        lexicon.PAPER,
        lexicon.INSTRUMENTS,
    ),
    "furniture": _listed(lexicon.FURNITURE),
    "adjective": _listed(" ".join(OPPOSITE), lexicon.COLOURS, lexicon.MATERIALS, lexicon.LOOKS),
    "graded": list(OPPOSITE),
    "colour": _listed(lexicon.COLOURS),
    "goods": _listed(lexicon.FRUITS, lexicon.VEGETABLES, lexicon.BAKED, lexicon.FLOWERS, lexicon.TOYS),
    "ingredient": _listed(lexicon.FRUITS, lexicon.VEGETABLES),
    "dish": _listed(lexicon.DISHES),
    "drink": _listed(lexicon.DRINKS),
    "job": _listed(lexicon.JOBS),
    "feeling": _listed(lexicon.FEELINGS),
    "weather": _listed(lexicon.WEATHER),
    "manner": _listed(lexicon.MANNERS),
    "kin": _listed(lexicon.KIN),
    "body": _listed(lexicon.BODY),
    "shape": _listed(lexicon.SHAPES),
    "subject": _listed(lexicon.SUBJECTS),
    "song": _listed(lexicon.SONG_WORDS),
    "day": _listed(lexicon.DAYS),
    "month": _listed(lexicon.MONTHS),
    "season": _listed(lexicon.SEASONS),
    "kitchen_verb": _listed(lexicon.COOKING),
    "category": list(CATEGORIES),
    **CATEGORIES,
}
COMMON = {  # how many words of a category the questions use: an answer must not fail for a word seen ten times
    "name": 40, "place": 24, "thing": 48, "adjective": 40, "graded": 24, "goods": 32,
    **dict.fromkeys(CATEGORIES, 8),
}  # fmt: skip
WORDS |= {f"common_{category}": WORDS[category][:count] for category, count in COMMON.items()}
VERBS = {
    "go": _listed(lexicon.GO),
    "take": _listed(lexicon.TAKE),
    "drop": _listed(lexicon.DROP),
    "give": _listed(lexicon.GIVE),
    "handle": _listed(lexicon.HANDLE),
    "act": _listed(lexicon.ACT),
}
VERBS["common_deed"] = VERBS["handle"][:32]
TENSES: dict[str, Callable[[str], str]] = {"present": third_person, "past": past, "plain": str}


@cache
def options(category: str) -> Options:
    """The distribution of a category of words; the common words of questions come nearly evenly."""
    if category.startswith("common_"):
        return Options({word: 1 / (rank + EVEN_OFFSET) for rank, word in enumerate(WORDS[category])})
    return zipf(WORDS[category])


@cache
def verb_options(kind: str, tense: str) -> Options:
    """The distribution of a kind of verb, inflected."""
    return zipf(TENSES[tense](verb) for verb in VERBS[kind])
