"""A dependency parser: arc-eager moves chosen greedily by an averaged perceptron that learns with the dynamic oracle.

`train` learns from sentences with heads; `DependencyParser.parse` gives heads and labels for words with tags. What the
scorers look at is in `greedy.py`. In each round the parser walks through every sentence by its own choices. Where a choice
costs an arc it learns to prefer the best of the cheapest moves, and then mostly goes on from its mistake (a share `follow`
of them, from the second round on), so it knows such places when it comes to them by itself (Goldberg and Nivre 2012).

Sentences in which arcs cross are learned from as well: the cheapest moves still build most of their trees. What is parsed
has one root (`one_root`) and no arcs that cross. Left out: beams, word vectors, features of morphology. The tags are
given; the topic `pos` makes them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup.classical.structure.parsing import greedy
from groundup.classical.structure.parsing.arc_eager import is_projective, one_root
from groundup.classical.structure.parsing.conllu import Sentence, check_tree
from groundup.errors import ConfigError, FormatError, InputError
from groundup.progress import Progress
from groundup.progress import progress as open_progress
from groundup.text import folder as folders

NOTHING, ROOT, UNKNOWN = 0, 1, 2  # numbers of no word, of the root, and of a word, tag or ending that was never seen
BESIDE = "parataxis"  # the relation of a second root to the first: what stands beside it
ARRAYS = ("moves.rows", "moves.weights", "labels.rows", "labels.weights")


@dataclass(frozen=True, kw_only=True)
class ParserConfig:
    """How a dependency parser learns."""

    rounds: int = 12  # through all sentences
    follow: float = 0.9  # of its mistakes it goes on from
    move_bits: int = 20  # the table of moves has 2^20 rows: 16 MB
    label_bits: int = 17
    seed: int = 0  # of the sentences' order in each round

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise ConfigError(f"rounds={self.rounds} learns nothing; use 1 or more (12 is usual)")
        if not 0 <= self.follow <= 1:
            raise ConfigError(f"follow={self.follow} is no share; use 0 (never follow a mistake) to 1")
        if self.seed < 0:
            raise ConfigError(f"seed={self.seed} is not possible; use 0 or more")
        for name in ("move_bits", "label_bits"):
            if not 8 <= getattr(self, name) <= 26:
                raise ConfigError(f"{name}={getattr(self, name)} gives 2^{getattr(self, name)} rows; use 8 to 26")


@dataclass(frozen=True)
class Arcs:
    """A sentence's dependencies: for each word the number of its head, counted from 1, 0 for the root; and the relation."""

    heads: list[int]
    labels: list[str]


@dataclass(frozen=True)
class Names:
    """What the numbers in a sentence's rows stand for; each list begins at number 3, the labels at 1."""

    words: list[str]
    tags: list[str]
    endings: list[str]
    labels: list[str]

    def numbers(self) -> tuple[dict[str, int], ...]:
        """For each list the number of each name."""
        begins = (UNKNOWN + 1, UNKNOWN + 1, UNKNOWN + 1, 1)
        lists = (self.words, self.tags, self.endings, self.labels)
        return tuple(
            {name: place for place, name in enumerate(names, begin)} for names, begin in zip(lists, begins, strict=True)
        )


def _ending(word: str) -> str:
    return word[-3:].lower()


def _names(sentences: Sequence[Sentence]) -> Names:
    """The names of a treebank; a word or an ending that occurs once is taken for unknown, so the unknown is learned too."""
    counts = Counter(word for sentence in sentences for word in sentence.words)
    endings = Counter(_ending(word) for sentence in sentences for word in sentence.words)
    return Names(
        sorted(word for word, count in counts.items() if count > 1),
        sorted({tag for sentence in sentences for tag in sentence.tags}),
        sorted(ending for ending, count in endings.items() if count > 1),
        sorted({label for sentence in sentences for label in sentence.labels}),
    )


class DependencyParser:
    """Weights of two scorers and the names they know; made by `train` or `load`."""

    def __init__(
        self, config: ParserConfig, names: Names, moves: np.ndarray, labels: np.ndarray, report: dict[str, Any]
    ):
        self.config, self.names, self.moves, self.labels, self.report = config, names, moves, labels, report
        self._words, self._tags, self._endings, self._labels = names.numbers()

    def rows(self, words: Sequence[str], tags: Sequence[str]) -> np.ndarray:
        """A sentence as the kernels read it, without heads and labels."""
        rows = np.zeros((5, len(words) + 3), np.int32)
        rows[:, len(words) + 1] = ROOT
        rows[0, 1:-2] = [self._words.get(word, UNKNOWN) for word in words]
        rows[1, 1:-2] = [self._tags[tag] for tag in tags]
        rows[2, 1:-2] = [self._endings.get(_ending(word), UNKNOWN) for word in words]
        return rows

    def parse(self, words: Sequence[str], tags: Sequence[str]) -> Arcs:
        """The heads and labels of a sentence."""
        if isinstance(words, str) or isinstance(tags, str):
            raise InputError("words and tags are lists, not one string; split the sentence first, punctuation apart")
        if not len(words):
            raise InputError("the sentence has no words; give at least one")
        if len(words) != len(tags):
            raise InputError(f"{len(words)} words came with {len(tags)} tags; give each word one tag")
        if strange := [tag for tag in tags if tag not in self._tags]:
            raise InputError(
                f"the tag {strange[0]!r} is not one that this parser learned from ({', '.join(self.names.tags)}); "
                "give tags of that set"
            )
        heads, labels = greedy.parse(self.rows(words, tags), len(words), self.moves, self.labels)
        heads, names = one_root(heads.tolist()), [self.names.labels[label - 1] for label in labels.tolist()]
        return Arcs(
            heads, [BESIDE if name == "root" and head else name for head, name in zip(heads, names, strict=True)]
        )

    def parse_sentences(self, sentences: Sequence[Sentence]) -> list[Sentence]:
        """The same sentences with the heads and labels that the parser gives them."""
        found = [self.parse(sentence.words, sentence.tags) for sentence in sentences]
        return [sentence.parsed(arcs.heads, arcs.labels) for sentence, arcs in zip(sentences, found, strict=True)]

    def score(self, sentences: Sequence[Sentence]) -> dict[str, float]:
        """Shares of words with the right head (uas), and with the right label besides (las), punctuation counted."""
        return attachment(sentences, self.parse_sentences(sentences))

    def save(self, folder: str | Path) -> None:
        """Write the parser as a folder; of the tables only the rows that hold something."""
        arrays: dict[str, np.ndarray] = {}
        for name, table in (("moves", self.moves), ("labels", self.labels)):
            rows = np.flatnonzero(table.any(axis=1))
            arrays |= {f"{name}.rows": rows.astype(np.int32), f"{name}.weights": table[rows]}
        config = {"model_type": "dependency_parser", **asdict(self.config), "report": self.report}
        folders.write(folder, config, arrays, asdict(self.names))

    @classmethod
    def load(cls, folder: str | Path) -> "DependencyParser":
        """Read a parser's folder."""
        raw, arrays, vocabulary = folders.read(folder, "dependency_parser", ARRAYS)
        report = raw.pop("report", {})
        try:
            config = ParserConfig(**{key: value for key, value in raw.items() if key != "model_type"})
            names = Names(**vocabulary)
            moves, labels = (
                _spread(arrays[f"{name}.rows"], arrays[f"{name}.weights"], bits, classes)
                for name, bits, classes in (
                    ("moves", config.move_bits, 4),
                    ("labels", config.label_bits, len(names.labels) + 1),
                )
            )
        except (TypeError, ValueError, IndexError) as error:
            raise FormatError(
                f"{folder} holds no parser that fits its own config.json ({error}); train it again"
            ) from error
        return cls(config, names, moves, labels, report)


def _spread(rows: np.ndarray, weights: np.ndarray, bits: int, classes: int) -> np.ndarray:
    table = np.zeros((1 << bits, classes), np.float32)
    if len(rows) and rows.min() < 0:
        raise ValueError("a row below 0")
    table[rows] = weights
    return table


def attachment(gold: Sequence[Sentence], parsed: Sequence[Sentence]) -> dict[str, float]:
    """Shares of words with the right head (uas), and with the right label besides (las), in two readings of one text."""
    if len(gold) != len(parsed) or any(len(a.tokens) != len(b.tokens) for a, b in zip(gold, parsed, strict=True)):
        raise InputError("the two files differ in their sentences or words; compare parses of the same text")
    pairs = [
        (a == b, a == b and c == d)
        for one, other in zip(gold, parsed, strict=True)
        for a, b, c, d in zip(one.heads, other.heads, one.labels, other.labels, strict=True)
    ]
    if not pairs:
        raise InputError("there is no word to score; give at least one sentence")
    heads, both = (sum(pair[place] for pair in pairs) for place in range(2))
    return {"uas": heads / len(pairs), "las": both / len(pairs), "words": len(pairs)}


def _checked(sentences: Sequence[Sentence]) -> list[Sentence]:
    if not sentences:
        raise InputError("there is no sentence to learn from; give a CoNLL-U file with at least one")
    for number, sentence in enumerate(sentences, 1):
        if not sentence.tokens:
            raise InputError(f"sentence {number} has no words; remove it")
        if any(head == "_" for head in sentence.column(6)):
            raise InputError(f"sentence {number} has words without a head; a parser learns from parsed sentences alone")
        try:
            check_tree(sentence.heads)
        except InputError as error:
            raise InputError(f"sentence {number} ({' '.join(sentence.words[:8])}): {error}") from error
    return list(sentences)


def train(
    sentences: Sequence[Sentence], config: ParserConfig | None = None, progress: Progress | None = None
) -> DependencyParser:
    """Learn a parser from sentences with heads. progress: counts the words of each round."""
    config = config or ParserConfig()
    sentences = _checked(sentences)
    names = _names(sentences)
    shape = (1 << config.move_bits, 4), (1 << config.label_bits, len(names.labels) + 1)
    moves, labels = (np.zeros(size, np.float32) for size in shape)
    sums = [np.zeros(size, np.float64) for size in shape]
    parser = DependencyParser(config, names, moves, labels, {})
    table, first = _table(parser, sentences)
    source, step, history = np.random.default_rng(config.seed), 0, []
    draws = np.array([config.seed], np.uint64)
    words = table.shape[1] - 3 * len(sentences)
    with progress or open_progress(config.rounds * words, "parser", "words") as bar:
        for number in range(config.rounds):
            follow = config.follow if number else 0.0
            order = source.permutation(len(sentences))
            step, made, right = greedy.learn_all(
                table, first, order, moves, sums[0], labels, sums[1], step, follow, draws
            )
            history.append(right / made)
            bar.update(words, right=history[-1])
    for weights, total in zip((moves, labels), sums, strict=True):
        weights -= (total / step).astype(np.float32)
    crossing = sum(not is_projective(sentence.heads) for sentence in sentences)
    parser.report = {"sentences": len(sentences), "words": words, "crossing": crossing, "right_moves": history}
    return parser


def _table(parser: DependencyParser, sentences: Sequence[Sentence]) -> tuple[np.ndarray, np.ndarray]:
    """All sentences side by side with gold heads and labels, and where each begins."""
    parts = []
    for sentence in sentences:
        rows = parser.rows(sentence.words, sentence.tags)
        words = rows.shape[1] - 3
        rows[3, 1:-2] = [head or words + 1 for head in sentence.heads]
        rows[4, 1:-2] = [parser._labels[label] for label in sentence.labels]
        parts.append(rows)
    return np.concatenate(parts, axis=1), np.cumsum([0, *(rows.shape[1] for rows in parts)])
