"""The words of a corpus with their counts, and its sentences as one array of ids: what every training of vectors begins with.

A corpus is an iterable of sentences, a sentence a list of words. Words seen less than `min_count` times are dropped from their
sentences before any window is laid over them, as word2vec.c does: their neighbours move together. (Language models keep a place for
them, `<unk>`: there every position must be predicted. Here a vector for "some rare word" would be nobody's.)

Ids are places in the order of falling count, equals by code points, so equal corpora give equal ids. The corpus is read once; what
is kept of it is four bytes a word. Left out: a corpus larger than memory.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from groundup.errors import ConfigError, InputError
from groundup.text.preprocess.one_hot import build_vocabulary


@dataclass(frozen=True)
class Corpus:
    """A corpus as numbers: word w is words[w] and occurs counts[w] times; sentence s is ids[starts[s]:starts[s + 1]].

    raw_words: how many words were read, those that min_count cut included. It is what speeds are counted in.
    min_count, max_vocabulary: the limits that decided which words are there.
    """

    words: list[str]
    counts: np.ndarray  # int64
    ids: np.ndarray  # int32
    starts: np.ndarray  # int64
    raw_words: int
    min_count: int = 1
    max_vocabulary: int | None = None

    def __len__(self) -> int:
        """How many sentences there are, those with no word left included."""
        return len(self.starts) - 1

    def sentence(self, number: int) -> list[str]:
        """A sentence as words again, without those that were cut."""
        return [self.words[id] for id in self.ids[self.starts[number] : self.starts[number + 1]]]


def check_size(max_vocabulary: int | None) -> None:
    """Refuse a largest number of words with which none has a neighbour."""
    if max_vocabulary is not None and max_vocabulary < 2:
        raise ConfigError(f"max_vocabulary={max_vocabulary} leaves no two words; use 2 or more, or None for all")


def check_seed(seed: int) -> None:
    """Refuse a seed that NumPy's generators do not take."""
    if seed < 0:
        raise ConfigError(f"seed={seed} is not possible; use 0 or more")


def read_corpus(sentences: Iterable[Sequence[str]], min_count: int = 5, max_size: int | None = None) -> Corpus:
    """Count the words of sentences and write them down as ids.

    >>> corpus = read_corpus([["a", "rose", "is", "a", "rose"], ["a", "rose"]], min_count=2)
    >>> corpus.words, corpus.counts.tolist(), corpus.ids.tolist(), corpus.starts.tolist()
    (['a', 'rose'], [3, 3], [0, 1, 0, 1, 0, 1], [0, 4, 6])
    """
    check_size(max_size)
    first_seen: dict[str, int] = {}
    parts, lengths = [], []
    for sentence in sentences:
        _refuse_text(sentence)
        parts.append(np.fromiter((first_seen.setdefault(word, len(first_seen)) for word in sentence), np.int32))
        lengths.append(len(sentence))
    raw = np.concatenate(parts) if parts else np.zeros(0, np.int32)
    if not len(raw):
        raise InputError("there are no words in the corpus; give sentences, each a list of words")
    seen = np.bincount(raw, minlength=len(first_seen))
    counts = Counter(dict(zip(first_seen, seen.tolist(), strict=True)))
    kept = build_vocabulary(counts, min_count, max_size, special_tokens=())
    _refuse_nothing(kept, counts, min_count)
    made = _as_ids(raw, np.array(lengths), first_seen, seen, kept)
    return replace(made, min_count=min_count, max_vocabulary=max_size)


def _as_ids(
    raw: np.ndarray, lengths: np.ndarray, first_seen: dict[str, int], seen: np.ndarray, kept: dict[str, int]
) -> Corpus:
    """Give each word its final id and drop those that have none."""
    final = np.full(len(first_seen), -1, np.int32)
    final[[first_seen[word] for word in kept]] = np.arange(len(kept))
    ids = final[raw]
    before = np.concatenate([[0], np.cumsum(ids >= 0)])  # how many words are kept before each place
    ends = np.concatenate([[0], np.cumsum(lengths)])
    counts = np.zeros(len(kept), np.int64)
    counts[final[final >= 0]] = seen[final >= 0]
    return Corpus(list(kept), counts, ids[ids >= 0], before[ends], len(raw))


def _refuse_text(sentence: Sequence[str]) -> None:
    if isinstance(sentence, str):
        raise InputError(
            f"a sentence is the text {sentence[:40]!r}, whose parts are letters; split it into words first, for example with "
            "groundup.text.preprocess.words.split_words"
        )


def _refuse_nothing(kept: dict[str, int], counts: Counter[str], min_count: int) -> None:
    """One word has no neighbour and none has no vector: say what was there and what would help."""
    if len(kept) >= 2:
        return
    if len(counts) == 1:
        raise InputError(
            f"the corpus holds one word, {next(iter(counts))!r}, again and again; vectors need words beside each other"
        )
    word, second = counts.most_common(2)[1]
    raise InputError(
        f"min_count={min_count} leaves {len(kept)} of {len(counts):,} words and vectors need at least two; "
        f"{word!r} is seen {second} times: use min_count={second} or less, or a larger corpus"
    )


def sentences_of(texts: Iterable[str]) -> Iterable[list[str]]:
    """Texts as sentences of words in small letters, signs left out: the usual diet of word vectors.

    >>> list(sentences_of(["The cat sat. It didn't purr!"]))
    [['the', 'cat', 'sat'], ['it', 'did', "n't", 'purr']]
    """
    from groundup.text.preprocess.sentences import split_sentences
    from groundup.text.preprocess.words import split_words

    for sentence in chain.from_iterable(split_sentences(text) for text in texts):
        words = [word.lower() for word in split_words(sentence) if any(map(str.isalnum, word))]
        if words:
            yield words
