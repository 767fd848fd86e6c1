"""Training by prediction, whatever the model: the corpus in pieces, threads that take them, the rate that falls.

A piece is a run of sentences of about 10,000 words. Its learning rate falls in a line with the words read so far over all epochs, from
`learning_rate` to `min_learning_rate`, and its draws come from the seed and its number. With one thread the same seed gives the same
vectors; with more, threads overwrite each other now and then (see `prediction_kernel`) and the last digits differ from run to run.
A sentence of more than 10,000 words is cut there.
"""

import itertools
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from groundup.classical.embeddings.hierarchical_softmax import as_arrays, huffman_codes
from groundup.classical.embeddings.rows import padded
from groundup.classical.embeddings.sampling import alias_table, as_thresholds, first_state, keep_probability
from groundup.classical.embeddings.vocabulary import Corpus, check_seed, check_size, read_corpus
from groundup.errors import ConfigError
from groundup.processor import cores
from groundup.progress import Progress
from groundup.progress import progress as show_progress

PIECE = 10_000  # words


@dataclass(frozen=True, kw_only=True)
class PredictionConfig:
    """What word2vec and FastText share; names of their papers, values of word2vec.c."""

    architecture: Literal["skip-gram", "cbow"] = "skip-gram"
    output: Literal["negative sampling", "hierarchical softmax"] = "negative sampling"
    hidden_size: int = 100
    window: int = 5  # the largest: each word draws its own from 1 to it
    min_count: int = 5
    max_vocabulary: int | None = None
    negative: int = 5  # words drawn for each word predicted
    power: float = 0.75  # of the counts they are drawn by
    sample: float = 1e-3  # the share at which words are thinned out; 0: never
    epochs: int = 5
    learning_rate: float = 0.025
    min_learning_rate: float = 0.0001
    seed: int = 0
    threads: int | None = None  # None: one a core

    def __post_init__(self) -> None:
        for name, known in (
            ("architecture", ("skip-gram", "cbow")),
            ("output", ("negative sampling", "hierarchical softmax")),
        ):
            if getattr(self, name) not in known:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not known; use {known[0]!r} or {known[1]!r}")
        for name in ("hidden_size", "window", "min_count", "epochs", "negative"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")
        check_size(self.max_vocabulary)
        check_seed(self.seed)
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads={self.threads} does no work; use 1 or more, or None for one a core")
        if not 0 < self.min_learning_rate <= self.learning_rate < float("inf"):
            raise ConfigError(
                f"the rate falls from learning_rate={self.learning_rate} to min_learning_rate={self.min_learning_rate}; "
                "use numbers above 0, the second no larger"
            )
        if not 0 <= self.sample < float("inf"):
            raise ConfigError(f"sample={self.sample} is no share of a corpus; use 0 (never) or a number such as 1e-3")


@dataclass(frozen=True)
class Problem:
    """All that a piece of work needs to know, as arrays: see `prediction_kernel.train_sentences`."""

    corpus: Corpus
    keep: np.ndarray
    drawn: tuple[np.ndarray, np.ndarray]
    tree: tuple[np.ndarray, np.ndarray, np.ndarray]
    pieces: tuple[np.ndarray, np.ndarray]
    settings: tuple[int, int, int, int]
    outputs: int  # how many output rows there are

    @property
    def most_targets(self) -> int:
        """The largest number of output rows that one example has."""
        return max(self.settings[1] + 1, int(np.diff(self.tree[0]).max(initial=0)))

    @property
    def most_members(self) -> int:
        """The largest number of input rows that one example has."""
        return 2 * self.settings[0] * (1 + int(np.diff(self.pieces[0]).max(initial=0)))


def corpus_of(sentences: Iterable[Sequence[str]] | Corpus, config: PredictionConfig) -> Corpus:
    """Sentences as ids, where they are not so already; a corpus that was read keeps the words it was read with."""
    if isinstance(sentences, Corpus):
        return sentences
    return read_corpus(sentences, config.min_count, config.max_vocabulary)


def record(method: str, config: PredictionConfig, corpus: Corpus) -> dict[str, Any]:
    """How vectors came about, plain data: the settings, with the limits that the corpus was read with."""
    limits = {"min_count": corpus.min_count, "max_vocabulary": corpus.max_vocabulary}
    return {"method": method, **asdict(config), **limits}


def no_pieces(corpus: Corpus) -> tuple[np.ndarray, np.ndarray]:
    """For words that have their own row and no other."""
    return np.zeros(len(corpus.words) + 1, np.int64), np.zeros(0, np.int32)


def problem(
    corpus: Corpus, config: PredictionConfig, pieces: tuple[np.ndarray, np.ndarray], from_middle: bool = False
) -> Problem:
    """Prepare what is drawn and the tree, which only one of the two kinds of output needs."""
    tree_wanted = config.output == "hierarchical softmax"
    keep = as_thresholds(keep_probability(corpus.counts, config.sample))
    tree = as_arrays(huffman_codes(corpus.counts.tolist()) if tree_wanted else [])
    drawn = alias_table(corpus.counts**config.power)
    settings = (
        config.window,
        -1 if tree_wanted else config.negative,
        int(config.architecture == "cbow"),
        int(from_middle),
    )
    return Problem(corpus, keep, drawn, tree, pieces, settings, len(corpus.words) - tree_wanted)


def aligned_rows(rows: int, dimension: int) -> np.ndarray:
    """Zeros, float32[rows, padded(dimension)], that begin where a line of the processor's cache does."""
    width = padded(dimension)
    memory = np.zeros(rows * width * 4 + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + rows * width * 4].view(np.float32).reshape(rows, width)


def first_inputs(rows: int, dimension: int, seed: int, reach: float) -> np.ndarray:
    """Input rows drawn evenly from -reach to reach; what pads them is zero and stays so."""
    inputs = aligned_rows(rows, dimension)
    generator = np.random.default_rng(seed)
    for start in range(0, rows, 1 << 16):
        part = inputs[start : start + (1 << 16), :dimension]
        part[:] = (generator.random(part.shape, np.float32) * 2 - 1) * np.float32(reach)
    return inputs


# ───────── pieces of work ─────────


def cut(corpus: Corpus) -> list[np.ndarray]:
    """The borders of the sentences in pieces of about PIECE words, each an int64 array for the kernel."""
    long = np.flatnonzero(np.diff(corpus.starts) > PIECE)
    inside = [np.arange(corpus.starts[sentence], corpus.starts[sentence + 1], PIECE) for sentence in long]
    starts = np.unique(np.concatenate([corpus.starts, *inside]))
    firsts = np.unique(np.searchsorted(starts, np.arange(0, starts[-1], PIECE), "right") - 1)
    ends = [*firsts[1:], len(starts) - 1]
    return [starts[first : end + 1] for first, end in zip(firsts, ends, strict=True)]


Work = Callable[[Problem, tuple[np.ndarray, np.ndarray], np.ndarray, float, int], int]


def compiled_work(made: Problem) -> Work:
    """A worker of the compiled loop, with room of its own to work in."""
    from groundup.classical.embeddings import prediction_kernel

    sigmoid = prediction_kernel.sigmoid_table()
    room = threading.local()

    def work(made: Problem, weights: tuple[np.ndarray, np.ndarray], starts: np.ndarray, rate: float, state: int) -> int:
        if not hasattr(room, "places"):
            room.places = (
                np.zeros(2 * PIECE, np.int32),
                np.zeros(made.most_members, np.int64),
                np.zeros(made.most_targets, np.int64),
            )
            room.numbers = np.zeros(made.most_targets, np.float32), aligned_rows(2, weights[0].shape[1])
        return prediction_kernel.train_sentences(
            made.corpus.ids, starts, made.keep, weights, made.drawn, made.tree, made.pieces, made.settings,
            np.float32(rate), sigmoid, np.array([state], np.uint64), room.places, room.numbers,
        )  # fmt: skip

    return work


def train_weights(
    made: Problem,
    inputs: np.ndarray,
    config: PredictionConfig,
    progress: Progress | None = None,
    work: Work | None = None,
) -> np.ndarray:
    """Train the input rows in place, all epochs; the output rows are given back. work: who does a piece (the compiled loop)."""
    outputs = aligned_rows(made.outputs, config.hidden_size)
    all_pieces = cut(made.corpus)
    work = work or compiled_work(made)
    lock, total = threading.Lock(), config.epochs * len(made.corpus.ids)
    todo = enumerate(itertools.chain.from_iterable(itertools.repeat(all_pieces, config.epochs)))
    done = 0

    def take_pieces(bar: Any) -> None:
        nonlocal done
        for number, starts in _next_of(todo, lock):
            with lock:
                rate = max(config.min_learning_rate, config.learning_rate * (1 - done / total))
                words = int(starts[-1] - starts[0])
                done += words
            work(made, (inputs, outputs), starts, rate, first_state(config.seed, number))
            with lock:
                bar.update(words * made.corpus.raw_words / len(made.corpus.ids), rate=rate)

    threads = min(config.threads or cores(), len(all_pieces))
    with progress or show_progress(config.epochs * made.corpus.raw_words, "vectors", "words") as bar:
        if threads == 1:
            take_pieces(bar)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for finished in [pool.submit(take_pieces, bar) for _ in range(threads)]:
                    finished.result()
    return outputs


def _next_of(todo: Iterator[tuple[int, np.ndarray]], lock: Any) -> Iterator[tuple[int, np.ndarray]]:
    """Take from an iterator that several threads share."""
    while True:
        with lock:
            item = next(todo, None)
        if item is None:
            return
        yield item
