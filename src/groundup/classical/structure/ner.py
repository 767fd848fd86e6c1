"""Named entities with a conditional random field: which words of a sentence are the name of a person, a place, a product.

Each word gets a BIO label (`evaluation.metrics.spans`); labels are chosen together, by attributes of the words
(`attributes.py`) and by which label may follow which (`crf.py`). Training lowers

    - sum over sentences of log P(labels | words)  +  l2 * sum of w^2  +  l1 * sum of |w|

with L-BFGS, or OWL-QN where there is an l1 (`foundations.optimize.lbfgs`). It has one minimum, so a seed decides nothing. The
same model is what Tjong Kim Sang and De Meulder (2003) found most systems of the CoNLL tasks to be, and CRFsuite (Okazaki 2007)
is the program that most people train it with; its c1 and c2 are l1 and l2. Left out: lists of names, and text without labels.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from groundup.classical.hmm.scaled import split
from groundup.classical.structure.attributes import Features, Numbering, Window, word_features
from groundup.classical.structure.crf import bio_rules
from groundup.classical.structure.crf_compiled import (
    Corpus,
    Pairs,
    decode_corpus,
    objective,
    seen_pairs,
    whole_rows,
)
from groundup.data.sources.tagged import check_tagged
from groundup.errors import ConfigError, FormatError, InputError
from groundup.evaluation.metrics.spans import Found, bio_spans, span_f1
from groundup.foundations.optimize.lbfgs import lbfgs
from groundup.progress import Progress, Silent
from groundup.text import folder as folders

MODEL_TYPE = "crf_tagger"


@dataclass(frozen=True, kw_only=True, slots=True)
class CRFConfig:
    """How a tagger is trained. reach: neighbours on each side whose features a word has too.

    bio: decode only labellings in which I-X follows B-X or I-X, where the labels learned from keep to it (those of the older
    IOB form do not: there I-X begins a name). delta: training ends when ten steps gain less than this share.
    """

    l1: float = 0.0
    l2: float = 0.1
    reach: int = 1
    iterations: int = 100
    delta: float = 1e-5
    bio: bool = True
    threads: int = 2

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(
                    f"{name}={getattr(self, name)} is no weight of a penalty; use 0 or more (0.1 is usual)"
                )
        for name, least in (("iterations", 1), ("threads", 1), ("reach", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)} is too few; use {least} or more")


class Entity(NamedTuple):
    """Words start to end - 1 of a sentence, what they are, and the words themselves."""

    start: int
    end: int
    type: str
    text: str


class CRFTagger:
    """A tagger with a weight for each attribute and label. Make it with `train`, or `CRFTagger.load(folder)`."""

    def __init__(
        self, labels: list[str], numbering: Numbering, pairs: Pairs, weights: np.ndarray, config: CRFConfig
    ) -> None:
        """weights: of the pairs, then of the steps from label to label (labels squared)."""
        self.labels, self.numbering, self.pairs, self.config = labels, numbering, pairs, config
        self.weights = weights[: len(pairs.label)]
        self.transition = weights[len(pairs.label) :].reshape(len(labels), len(labels))
        self._rows = whole_rows(pairs, len(labels))

    def tag(self, words: Sequence[str]) -> list[str]:
        """The label of each word of a sentence."""
        return self.tag_batch([words])[0]

    def tag_batch(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The labels of many sentences; a sentence without words has none."""
        corpus = self.numbering.corpus(sentences)
        start, step = bio_rules(self.labels) if self.config.bio else (np.zeros(len(self.labels)), 0.0)
        ids = decode_corpus(corpus, self.pairs, self._rows, self.weights, self.transition + step, start)
        found = [self.labels[id] for id in ids]
        return [found[a:b] for a, b in zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)]

    def entities(self, words: Sequence[str]) -> list[Entity]:
        """The named entities of a sentence, in order."""
        return [Entity(*span, " ".join(words[span.start : span.end])) for span in bio_spans(self.tag(words))]

    def strongest(self, label: str, most: int = 10) -> list[tuple[str, float]]:
        """The attributes that speak most for a label, with their weights."""
        if label not in self.labels:
            raise InputError(f"{label!r} is no label of this tagger; use one of {', '.join(self.labels)}")
        names = list(self.numbering.numbers)
        of_pair = np.repeat(np.arange(len(self.pairs.first) - 1), np.diff(self.pairs.first))
        own = np.flatnonzero(self.pairs.label == self.labels.index(label))
        best = own[np.argsort(-self.weights[own], kind="stable")[:most]]
        return [(names[of_pair[place]], float(self.weights[place])) for place in best]

    def save(self, folder: str | Path) -> None:
        """Write the tagger as a folder. Features that are a function of your own are not written: load with them."""
        kept = self.weights != 0  # an l1 leaves few
        first = np.concatenate([[0], np.cumsum(kept)])[self.pairs.first]
        features = self.numbering.features
        usual = isinstance(features, Window) and features.of_word is word_features
        config = {"model_type": MODEL_TYPE, **asdict(self.config), "features": "window" if usual else "own"}
        if isinstance(features, Window):
            config["reach"] = features.reach  # train() may have been given a window of another
        arrays = {
            "weights": self.weights[kept], "pair_labels": self.pairs.label[kept], "pair_first": first.astype(np.int64),
            "transitions": self.transition,
        }  # fmt: skip
        folders.write(folder, config, arrays, {"labels": self.labels, "attributes": list(self.numbering.numbers)})

    @classmethod
    def load(cls, folder: str | Path, features: Features | None = None) -> "CRFTagger":
        """Read a tagger's folder; what is missing or damaged is named. features: as in training, where they were your own."""
        names = ("weights", "pair_labels", "pair_first", "transitions")
        config, arrays, vocabulary = folders.read(folder, MODEL_TYPE, names)
        labels, attributes = vocabulary.get("labels", []), vocabulary.get("attributes", [])
        weights, label, first, transition = (arrays[name] for name in names)
        if len(first) != len(attributes) + 1 or first[-1] != len(label) or len(weights) != len(label) \
                or transition.shape != (len(labels), len(labels)):  # fmt: skip
            raise FormatError(f"{folder}: its arrays and its names do not fit each other; train and save it again")
        if config.get("features") != "window" and features is None:
            raise InputError(f"{folder} was trained with features of your own; load it with features=that function")
        fields = CRFConfig.__dataclass_fields__
        told = CRFConfig(**{name: value for name, value in config.items() if name in fields})
        numbering = Numbering(features or Window(reach=told.reach), attributes)
        return cls(labels, numbering, Pairs(first, label), np.concatenate([weights, transition.ravel()]), told)


def train(
    sentences: Sequence[tuple[Sequence[str], Sequence[str]]],
    config: CRFConfig | None = None,
    progress: Progress | None = None,
    features: Features | None = None,
) -> CRFTagger:
    """Train a tagger on sentences, (words, labels) each.

    features: what is said of each word of a sentence; without it a `Window` of config.reach.
    """
    config = config or CRFConfig()
    labels = check_tagged(sentences)
    numbering = Numbering(features or Window(reach=config.reach))
    corpus = numbering.corpus([words for words, _ in sentences], grow=True)
    numbers = {label: number for number, label in enumerate(labels)}
    corpus = corpus._replace(labels=np.array([numbers[one] for _, own in sentences for one in own], np.int64))
    config = replace(config, bio=config.bio and _keeps_to_bio(corpus, labels))
    pairs, counted = seen_pairs(corpus, len(numbering.numbers), len(labels))
    weights = _fitted(corpus, pairs, counted, len(labels), config, progress or Silent())
    return CRFTagger(labels, numbering, pairs, weights, config)


def _keeps_to_bio(corpus: Corpus, labels: list[str]) -> bool:
    """Whether more than nine in ten of the labels I-X follow B-X or I-X; a slip of an annotator is no other form."""
    start, step = bio_rules(labels)
    begins = np.zeros(len(corpus.labels), bool)
    begins[corpus.offsets[:-1][np.diff(corpus.offsets) > 0]] = True
    loose = np.where(begins, start[corpus.labels], step[np.roll(corpus.labels, 1), corpus.labels]) < 0
    inner = np.array([label.partition("-")[0] == "I" for label in labels])[corpus.labels]
    return int(loose.sum()) * 10 <= int(inner.sum())


def _fitted(
    corpus: Corpus, pairs: Pairs, counted: np.ndarray, labels: int, config: CRFConfig, progress: Progress
) -> np.ndarray:
    """The weights at which the objective is lowest."""
    parts, rows = split(corpus.offsets, config.threads), whole_rows(pairs, labels)
    with progress as bar, ThreadPoolExecutor(config.threads) as pool:

        def function(weights: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = objective(corpus, pairs, rows, counted, weights, labels, parts, pool)
            return value + config.l2 * float(weights @ weights), gradient + 2 * config.l2 * weights

        return lbfgs(
            function,
            np.zeros(len(counted)),
            l1=config.l1,
            iterations=config.iterations,
            delta=config.delta,
            on_step=lambda _, value: bar.update(1, nats_a_sentence=value / max(1, len(corpus.offsets) - 1)),
        ).point


def score(tagger: CRFTagger, sentences: Sequence[tuple[Sequence[str], Sequence[str]]]) -> dict[str, Found]:
    """How many entities are found in labelled sentences: by type, and all together."""
    known = {label.partition("-")[2] for label in tagger.labels}
    there = {label.partition("-")[2] for _, own in sentences for label in own}
    if new := sorted(there - known):
        raise InputError(
            f"the sentences have the type {new[0]!r}, which the tagger never saw; it knows {', '.join(sorted(known - {''}))}"
        )
    return span_f1([own for _, own in sentences], tagger.tag_batch([words for words, _ in sentences]))
