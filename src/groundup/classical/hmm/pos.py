"""Part-of-speech tagging with a hidden Markov model whose parameters are counted from a treebank.

The states are tags, and a tag depends on the two before it; words are what each tag shows:

    best tags = argmax over t_1 .. t_n of  sum of log P(t_i | t_{i-2}, t_{i-1}) + log P(t_i | w_i) - log P(t_i)

P(w | t) is P(t | w) P(w) / P(t), and P(w) is the same for all ways. Three tags are often seen too seldom to trust their
share, so it is mixed with that of two and of one, by weights that `deleted_interpolation` finds from the same counts
(Brants 2000, TnT, arXiv:cs/0003055, equations 1 to 6 and figure 1). Words never seen are `lexicon.py`'s. Sentences begin
and end with a mark that is one more tag. `second_order.py` finds the best way.

Without any tags, `induce` finds states by Baum and Welch from the words alone; what they have to do with the tags
is for `evaluation.metrics.clusters` to say. Left out: TnT's marks for capitals in every tag, and its beam.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from groundup.classical.hmm.lexicon import Lexicon, shape, word_counts
from groundup.classical.hmm.scaled import BaumWelchConfig, baum_welch, best_states_of, flat
from groundup.classical.hmm.second_order import best_tags
from groundup.data.sources.tagged import check_tagged
from groundup.errors import ConfigError, FormatError, InputError
from groundup.progress import Progress, Silent
from groundup.slots import slot
from groundup.text import folder as folders

MODEL_TYPE = "hmm_tagger"
MOST_TAGS = 200  # with trigrams: 8 million probabilities, 64 MB
AS_WORDS = "a sentence is a list of words, and a string came; split it first: text.split()"
LEAST_SHARE = 1e-4  # of a tag that a word is tried with


@dataclass(frozen=True, kw_only=True, slots=True)
class TaggerConfig:
    """order: 3 when a tag depends on the two before it, 2 when on one."""

    order: int = 3

    def __post_init__(self) -> None:
        if self.order not in (2, 3):
            raise ConfigError(f"order={self.order} is not built; use 2 (pairs of tags) or 3")


# ───────── how tags follow each other ─────────


def ngram_counts(tags: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often one, two and three tags stand in a row; `count` is the mark, twice before each sentence and once after."""
    marked = [np.concatenate([[count, count], ids, [count]]) for ids in tags]
    size = count + 1
    pairs = np.concatenate([ids[1:-1] * size + ids[2:] for ids in marked])
    triples = np.concatenate([(ids[:-2] * size + ids[1:-1]) * size + ids[2:] for ids in marked])
    two = np.bincount(pairs, minlength=size**2).reshape(size, size)
    three = np.bincount(triples, minlength=size**3).reshape(size, size, size)
    return two.sum(0), two, three


@slot
def deleted_interpolation(
    one: Float[np.ndarray, " tags"], two: Float[np.ndarray, "tags tags"], three: Float[np.ndarray, "tags tags tags"]
) -> Float[np.ndarray, " 3"]:
    """The weights of one, two and three tags in the mixture, from their counts; they sum to 1.

    Each triple votes, as often as it was seen, for the order that would have predicted it best if it had been seen once
    less: Brants 2000, figure 1. Of equally good orders the longest wins; 0 / 0 counts as 0. How often a pair was seen before a
    third tag is the sum of its triples: `two` does not count the pair of marks that each sentence begins with.
    """
    votes = np.zeros(3)
    for a, b, c in np.argwhere(three > 0):
        above = np.array([one[c] - 1, two[b, c] - 1, three[a, b, c] - 1])
        below = np.array([one.sum() - 1, one[b] - 1, three[a, b].sum() - 1])
        predicted = np.where(below > 0, above / np.where(below > 0, below, 1), 0.0)
        votes[2 - int(predicted[::-1].argmax())] += three[a, b, c]
    return votes / votes.sum()


def transitions(
    counts: tuple[np.ndarray, np.ndarray, np.ndarray], order: int
) -> tuple[Float[np.ndarray, "before tags tags"], Float[np.ndarray, " 3"]]:
    """log P(c | a, b) as [a, b, c], with one row for all a where the order is 2; and the weights of the mixture."""
    one, two, three = counts
    if order == 2:
        three = np.zeros((1, *two.shape))
        weights = np.array([0.05, 0.95, 0.0])
    else:
        weights = deleted_interpolation(one.astype(float), two.astype(float), three.astype(float))
    weights = 0.999 * weights + 0.001 * np.array([1.0, 0.0, 0.0])  # what follows nothing that was seen can follow still
    share = (one + 0.5) / (one + 0.5).sum()
    pair = two / np.maximum(two.sum(1, keepdims=True), 1)
    triple = three / np.maximum(three.sum(2, keepdims=True), 1)
    mixed = weights[0] * share + weights[1] * pair + weights[2] * triple
    return np.log(mixed / mixed.sum(-1, keepdims=True)), weights  # a context never seen leaves its weight to the others


# ───────── the tagger ─────────


class HMMTagger:
    """A part-of-speech tagger. Make it with `train`, or `HMMTagger.load(folder)`."""

    def __init__(
        self, tags: list[str], lexicon: Lexicon, table: np.ndarray, prior: np.ndarray, config: TaggerConfig
    ) -> None:
        """prior: the share of each tag; table: log P(c | a, b), the mark last."""
        self.tags, self.lexicon, self.table, self.prior, self.config = tags, lexicon, table, prior, config

    def choices(self, word: str) -> tuple[np.ndarray, np.ndarray]:
        """The tags that a word is tried with, and log P(tag | word) - log P(tag) of each."""
        share = self.lexicon.distribution(word)
        ids = np.flatnonzero(share >= LEAST_SHARE)
        return ids.astype(np.int16), np.log(share[ids] / self.prior[ids])

    def tag(self, words: Sequence[str]) -> list[str]:
        """The tag of each word of a sentence."""
        return self.tag_batch([words])[0]

    def tag_batch(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags of many sentences; a sentence without words has none."""
        if any(isinstance(one, str) for one in sentences):
            raise InputError(AS_WORDS)
        numbers: dict[str, int] = {}
        words = np.array([numbers.setdefault(word, len(numbers)) for one in sentences for word in one], np.int64)
        if not len(words):
            return [[] for _ in sentences]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in sentences])])
        choices = [self.choices(word) for word in numbers]
        first = np.concatenate([[0], np.cumsum([len(ids) for ids, _ in choices])])
        tags = np.concatenate([ids for ids, _ in choices])
        scores = np.concatenate([score for _, score in choices]).astype(np.float64)
        found = [self.tags[id] for id in best_tags(self.table, tags, scores, first, words, offsets)]
        return [found[a:b] for a, b in zip(offsets[:-1], offsets[1:], strict=True)]

    def save(self, folder: str | Path) -> None:
        """Write the tagger as a folder."""
        config = {"model_type": MODEL_TYPE, **asdict(self.config)}
        arrays = {"transitions": self.table, "prior": self.prior, "lexicon": self.lexicon.shares}
        folders.write(folder, config, arrays, {"tags": self.tags, "keys": list(self.lexicon.nodes)})

    @classmethod
    def load(cls, folder: str | Path) -> "HMMTagger":
        """Read a tagger's folder; what is missing or damaged is named."""
        config, arrays, names = folders.read(folder, MODEL_TYPE, ("transitions", "prior", "lexicon"))
        tags, keys = names.get("tags", []), names.get("keys", [])
        size = len(tags) + 1
        before = size if config.get("order") == 3 else 1
        wanted = {"transitions": (before, size, size), "prior": (len(tags),), "lexicon": (len(keys), len(tags))}
        for name, expected in wanted.items():
            if arrays[name].shape != expected:
                raise FormatError(
                    f"{folder}: {name} is {arrays[name].shape}, and its names make {expected}; train and save it again"
                )
        lexicon = Lexicon({key: row for row, key in enumerate(keys)}, arrays["lexicon"])
        return cls(tags, lexicon, arrays["transitions"], arrays["prior"], TaggerConfig(order=config["order"]))


def train(
    sentences: Sequence[tuple[Sequence[str], Sequence[str]]],
    config: TaggerConfig | None = None,
    progress: Progress | None = None,
) -> HMMTagger:
    """Count a tagger from tagged sentences, (words, tags) each."""
    config = config or TaggerConfig()
    if any(isinstance(words, str) for words, _ in sentences):
        raise InputError(AS_WORDS)
    tags = check_tagged(sentences)
    if config.order == 3 and len(tags) > MOST_TAGS:
        raise InputError(
            f"{len(tags)} tags make {len(tags) ** 3:,} triples; shorten the tags (Brown's at the first - + or *), or use order=2"
        )
    numbers = {tag: id for id, tag in enumerate(tags)}
    with progress or Silent() as bar:
        ids = [np.array([numbers[tag] for tag in labels], np.int64) for words, labels in sentences if len(words)]
        bar.update(len(sentences))
        spoken = [words for words, _ in sentences if len(words)]
        counted = word_counts((words, row.tolist()) for words, row in zip(spoken, ids, strict=True))
        counts = ngram_counts(ids, len(tags)) if config.order == 3 else (*_pair_counts(ids, len(tags)), np.zeros(0))
        table, _ = transitions(counts, config.order)
    prior = counts[0][:-1] / counts[0][:-1].sum()
    return HMMTagger(tags, Lexicon.count(counted, len(tags)), table, prior.astype(np.float64), config)


def _pair_counts(tags: Sequence[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
    """`ngram_counts` without the triples."""
    marked = [np.concatenate([[count], ids, [count]]) for ids in tags]
    pairs = np.concatenate([ids[:-1] * (count + 1) + ids[1:] for ids in marked])
    two = np.bincount(pairs, minlength=(count + 1) ** 2).reshape(count + 1, count + 1)
    return two.sum(0), two


def score(tagger: HMMTagger, sentences: Sequence[tuple[Sequence[str], Sequence[str]]]) -> dict[str, Any]:
    """Accuracy on tagged sentences: all words, those seen in training, and those not; with how many there were."""
    check_tagged(sentences, tagger.tags)
    found = tagger.tag_batch([words for words, _ in sentences])
    right = np.array(
        [a == b for (_, gold), own in zip(sentences, found, strict=True) for a, b in zip(gold, own, strict=True)]
    )
    seen = np.array([tagger.lexicon.knows(word) for words, _ in sentences for word in words])
    parts = {"all": np.ones_like(seen), "seen": seen, "unseen": ~seen}
    return {
        name: {"accuracy": float(right[part].mean()) if part.any() else None, "words": int(part.sum())}
        for name, part in parts.items()
    }


# ───────── without tags ─────────


def induce(
    sentences: Sequence[Sequence[str]], config: BaumWelchConfig, progress: Progress | None = None, least: int = 2
) -> tuple[list[list[int]], list[float]]:
    """States for the words of untagged sentences, found by Baum and Welch; and the log likelihood at each step.

    least: words that occur less often share a symbol by their shape, so that they cannot have a state each.
    """
    if any(isinstance(one, str) for one in sentences):
        raise InputError(AS_WORDS)
    spoken = [words for words in sentences if len(words)]
    times = Counter(word for words in spoken for word in words)
    numbers: dict[str, int] = {}
    symbols = [
        [numbers.setdefault(w if times[w] >= least else f"\t{shape(w)}", len(numbers)) for w in one] for one in spoken
    ]
    model, likelihoods = baum_welch(symbols, len(numbers), config, progress=progress)
    states = iter(best_states_of(model, *flat(symbols, len(numbers))).tolist())
    return [[next(states) for _ in words] for words in sentences], likelihoods
