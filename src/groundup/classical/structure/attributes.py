"""What a word looks like and what stands beside it, as attributes: strings that a weight can be given to.

An attribute is anything that can be said of a place in a sentence: "suffix=ing", "-1 lower=in", "shape=Xx". A function
words -> a list of attributes for each word says all of them, and anyone may write another. `Window` is the common one: what
can be said of each word by itself, said again of its neighbours with the distance before it. A word looks the same wherever
it stands, so it is looked at once and not once a place, and what follows is counting in arrays (Numba); a function of one's
own is asked for every sentence. Ratinov and Roth 2009 compare such attributes for names. Left out: word clusters, lists of
names.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from groundup.classical.structure.crf_compiled import Corpus
from groundup.errors import InputError
from groundup.text.compiled import kernel

Features = Callable[[Sequence[str]], list[list[str]]]
BEGIN, END, ALWAYS = "<s>", "</s>", "always"  # nothing stands before; nothing follows; every word has it


def shape(word: str) -> str:
    """Letters by kind, runs of one kind as one.

    >>> shape("McDonald's"), shape("WNUT17"), shape("#tbt")
    ("XxXx'x", 'Xd', '#x')
    """
    kinds = ("d" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word)
    return re.sub(r"(.)\1+", r"\1", "".join(kinds))


def word_features(word: str) -> list[str]:
    """What can be said of a word by itself.

    >>> word_features("Rome")
    ['lower=rome', 'shape=Xx', 'prefix=Ro', 'prefix=Rom', 'suffix=me', 'suffix=ome', 'title']
    """
    found = [f"lower={word.lower()}", f"shape={shape(word)}"]
    found += [f"prefix={word[:size]}" for size in (2, 3)] + [f"suffix={word[-size:]}" for size in (2, 3)]
    kinds = {"title": word.istitle(), "upper": word.isupper(), "digits": word.isdigit()}
    return found + [kind for kind, holds in kinds.items() if holds]


class Window:
    """A word's own features, those of its neighbours up to `reach` places away, and where the sentence begins and ends."""

    def __init__(self, of_word: Callable[[str], list[str]] = word_features, reach: int = 1) -> None:
        if reach < 0:
            raise InputError(f"reach={reach} is no number of neighbours; use 0 or more")
        self.of_word, self.reach = of_word, reach

    def __call__(self, words: Sequence[str]) -> list[list[str]]:
        """The attributes of each word of a sentence.

        >>> Window(lambda word: [word])(["in", "Rome"])[1]
        ['always', 'Rome', '-1 in', '+1 </s>']
        """
        looks = [self.of_word(word) for word in words]
        return [
            [
                ALWAYS,
                *looks[t],
                *(named for away in self.distances for named in self._at(looks, t + away, away)),
            ]
            for t in range(len(words))
        ]

    @property
    def distances(self) -> list[int]:
        """Of the neighbours, nearest first."""
        return [sign * away for away in range(1, self.reach + 1) for sign in (-1, 1)]

    def _at(self, looks: list[list[str]], place: int, away: int) -> list[str]:
        """A neighbour's features, each with its distance; beyond the sentence only that it is over."""
        if 0 <= place < len(looks):
            return [f"{away:+d} {name}" for name in looks[place]]
        return [f"{away:+d} {BEGIN if place < 0 else END}"]


# ───────── sentences as numbers ─────────


class Numbering:
    """Attributes and their numbers, and what each word that came by looks like in them."""

    def __init__(self, features: Features | None = None, names: Sequence[str] = ()) -> None:
        self.features: Features = features or Window()
        self.numbers = {name: number for number, name in enumerate(names)}
        self._words: dict[str, int] = {}
        self._table: list[np.ndarray] = []  # of each word: its features' numbers at each distance, itself first

    def corpus(self, sentences: Sequence[Sequence[str]], *, grow: bool = False) -> Corpus:
        """Sentences as arrays. grow: attributes that were never seen get a number; else they are left out."""
        if any(isinstance(one, str) for one in sentences):
            raise InputError("a sentence is a list of words, and a string came; split it first: text.split()")
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in sentences], dtype=np.int64)]).astype(np.int64)
        read = self._windows if isinstance(self.features, Window) else self._asked
        attributes, first = read(sentences, offsets, grow)
        if grow:  # a sentence's last word is nobody's neighbour on the left: what was numbered and stands nowhere goes
            used, attributes = np.unique(attributes, return_inverse=True)
            names = list(self.numbers)
            self.numbers = {names[number]: place for place, number in enumerate(used)}
        return Corpus(attributes.astype(np.int32), first, offsets, np.zeros(0, np.int64))

    def _number(self, name: str, grow: bool) -> int:
        return self.numbers.setdefault(name, len(self.numbers)) if grow else self.numbers.get(name, -1)

    def _asked(self, sentences, offsets, grow):  # type: ignore[no-untyped-def]
        """Any function: asked for each sentence."""
        found: list[int] = []
        first = [0]
        for number, words in enumerate(sentences, 1):
            rows = self.features(words)
            if len(rows) != len(words):
                raise InputError(f"the features of sentence {number} are of {len(rows)} words, and it has {len(words)}")
            for row in rows:
                found += [n for name in row if (n := self._number(name, grow)) >= 0]
                first.append(len(found))
        return np.array(found, np.int32), np.array(first, np.int64)

    def _windows(self, sentences, offsets, grow):  # type: ignore[no-untyped-def]
        """A window: each word is looked at once; its features at each distance are a row of numbers."""
        window: Window = self.features  # type: ignore[assignment]
        distances = [0, *window.distances]
        local: dict[str, int] = self._words if not grow else {}
        table = self._table if not grow else []
        ids = np.empty(int(offsets[-1]), np.int64)
        for t, word in enumerate(word for words in sentences for word in words):
            id = local.get(word, -1)
            if id < 0:
                id = local[word] = len(local)
                names = window.of_word(word)
                marked = [names, *([f"{away:+d} {name}" for name in names] for away in distances[1:])]
                table.append(np.array([[self._number(name, grow) for name in row] for row in marked], np.int32))
            ids[t] = id
        ends = [(f"{away:+d} {BEGIN if away < 0 else END}") for away in distances[1:]]
        edges = np.array([self._number(name, grow) for name in [ALWAYS, *ends]], np.int32)
        used, ids = np.unique(ids, return_inverse=True)
        blocks = [table[id] for id in used]
        width = np.array([block.shape[1] for block in blocks], np.int64)
        begin = np.concatenate([[0], np.cumsum(width * len(distances))]).astype(np.int64)
        flat = np.concatenate([block.ravel() for block in blocks]) if blocks else np.zeros(0, np.int32)
        if len(self._words) > 1 << 18:  # words once looked at are kept, but not without end
            self._words, self._table = {}, []
        return _gather(flat, begin, width, edges, np.array(distances), ids.astype(np.int64), offsets)


@kernel
def _gather(flat, begin, width, edges, distances, ids, offsets):
    """Each word's attributes: `always`, its own, its neighbours'; numbers below 0 are left out."""
    size = np.int64(1)  # what stands at the edges takes a place where the words have no features
    for w in ids:
        size = max(size, width[w])
    out = np.empty(len(ids) * (1 + size * len(distances)), np.int32)
    first = np.zeros(len(ids) + 1, np.int64)
    here = 0
    for k in range(len(offsets) - 1):
        for t in range(offsets[k], offsets[k + 1]):
            if edges[0] >= 0:
                out[here] = edges[0]
                here += 1
            for d in range(len(distances)):
                place = t + distances[d]
                if place < offsets[k] or place >= offsets[k + 1]:
                    if edges[d] >= 0:
                        out[here] = edges[d]
                        here += 1
                    continue
                w = ids[place]
                start = begin[w] + d * width[w]
                for n in range(start, start + width[w]):
                    if flat[n] >= 0:
                        out[here] = flat[n]
                        here += 1
            first[t + 1] = here
    return out[:here].copy(), first
