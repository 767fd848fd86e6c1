"""Words by the company they keep: counts of pairs within a window, how surprising each is, and the few directions that tell most.

1. Count: every word within `window` places of another counts for it, nearer ones perhaps more (`window_weights`).
2. PPMI: frequent words stand beside everything. What counts is how much more often than by chance, and only if more:

       PPMI(w, c) = max(0, log (#(w, c) * D / (#(w) * #(c))) - log k)

   with D the sum of all counts. k > 1 shifts: the factorisation that skip-gram with k negative samples approaches. The counts of
   contexts may be raised to `smoothing` = 0.75 first, which keeps rare contexts from looking surprising (Levy and Goldberg 2014,
   eq. 12-13; Levy, Goldberg and Dagan 2015, section 3.1).
3. SVD: M = U S V', cut to the largest singular values, found by a randomised range finder with subspace iteration (Halko, Martinsson
   and Tropp 2011, algorithms 4.4 and 5.1). Vectors are U S^p; p = 0.5 or 0 is better than the textbook's 1 (Levy et al. 2015, section 3.2).

`cooccurrence_counts` is the definition, on a dense array. `count_pairs` goes word by word instead of place by place: it adds up one row at a time
in an array of a vocabulary's length, so it needs no hashing and its memory is the result's and that of a row. Left out: a corpus larger than memory,
and asymmetric windows.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from groundup import slots
from groundup.classical.embeddings.sparse import Sparse, even_parts, from_dense
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import Corpus, check_seed, check_size, read_corpus
from groundup.errors import ConfigError, InputError
from groundup.progress import progress as show_progress
from groundup.progress import say
from groundup.slots import slot
from groundup.text.compiled import kernel

WEIGHTINGS = {
    "flat": lambda distance, window: 1.0,
    "harmonic": lambda distance, window: 1.0 / distance,  # GloVe's
    "linear": lambda distance, window: (
        (window + 1 - distance) / window
    ),  # what word2vec's random windows are on average
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CountingConfig:
    """Which pairs are counted, and how wide the vectors become that are made of them."""

    hidden_size: int = 100
    window: int = 5
    weighting: str = "flat"
    min_count: int = 5
    max_vocabulary: int | None = None
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        window_weights(self.window, self.weighting)
        check_size(self.max_vocabulary)
        check_seed(self.seed)
        for name in ("hidden_size", "min_count", "threads"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use 1 or more")


@dataclass(frozen=True, kw_only=True, slots=True)
class CooccurrenceConfig(CountingConfig):
    """How vectors are counted. `shift`, `smoothing`, `power`: k, the exponent of the contexts' counts and p of the module's docstring."""

    shift: float = 1.0
    smoothing: float = 0.75
    power: float = 0.5
    iterations: int = 4

    def __post_init__(self) -> None:
        CountingConfig.__post_init__(self)  # super() knows the class before slots made another of it
        if self.iterations < 1:
            raise ConfigError(f"iterations={self.iterations} is not possible; use 1 or more")
        if self.shift <= 0 or not 0 <= self.smoothing <= 1:
            raise ConfigError(f"shift={self.shift} has to be above 0 and smoothing={self.smoothing} within 0 to 1")


# ───────── counts ─────────


def window_weights(window: int, weighting: str = "flat") -> np.ndarray:
    """What a neighbour at distance 1, 2, ..., `window` counts for.

    >>> window_weights(4, "harmonic").round(3).tolist(), window_weights(4, "linear").tolist()
    ([1.0, 0.5, 0.333, 0.25], [1.0, 0.75, 0.5, 0.25])
    """
    if weighting not in WEIGHTINGS:
        raise ConfigError(f"weighting={weighting!r} is unknown; use one of {', '.join(WEIGHTINGS)}")
    if not 1 <= window <= 255:
        raise ConfigError(f"window={window} is not possible; use 1 to 255 words to each side")
    return np.array([WEIGHTINGS[weighting](distance, window) for distance in range(1, window + 1)])


@slot
def cooccurrence_counts(sentences: Sequence[Sequence[int]], weights: Sequence[float], vocab_size: int) -> np.ndarray:
    """How often word c stands near word w: counts[w, c], float64, every neighbour at distance d counted weights[d - 1] times.

    Neighbours stand on both sides, within the same sentence.
    """
    counts = np.zeros((vocab_size, vocab_size))
    for sentence in sentences:
        for place, word in enumerate(sentence):
            for distance, weight in enumerate(weights, 1):
                if place - distance >= 0:
                    context = sentence[place - distance]
                    counts[word, context] += weight
                    counts[context, word] += weight
    return counts


def count_pairs(corpus: Corpus, weights: Sequence[float] | np.ndarray, threads: int = 1) -> Sparse:
    """The counts of `cooccurrence_counts` without their zeros; float64, rows shared among threads."""
    size = len(corpus.words)
    if slots.filled("classical.embeddings.cooccurrence_counts"):
        sentences = [corpus.ids[a:b].tolist() for a, b in zip(corpus.starts, corpus.starts[1:], strict=False)]
        return from_dense(cooccurrence_counts(sentences, list(weights), size))
    begins, places = _places(corpus.ids, size)
    left, right = _reach(corpus.starts, len(corpus.ids))
    weights = np.asarray(weights, np.float64)
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(_count_rows, corpus.ids, left, right, begins, places, weights, *limits)
            for limits in even_parts(begins, 8 * threads)
        ]
        parts = [job.result() for job in jobs]
    lengths, columns, values = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    # Columns come as they were met. The counts are symmetric, so turning rows into columns sorts them, in linear time.
    return Sparse(np.concatenate([[0], np.cumsum(lengths)]), columns, values).transposed()


@kernel
def _places(ids, size):
    """Where each word stands: the places of word w are places[begins[w]:begins[w + 1]]."""
    begins = np.zeros(size + 1, np.int64)
    for id in ids:
        begins[id + 1] += 1
    for word in range(size):
        begins[word + 1] += begins[word]
    at, places = begins[:-1].copy(), np.empty(len(ids), np.int32)
    for i in range(len(ids)):
        places[at[ids[i]]] = i
        at[ids[i]] += 1
    return begins, places


@kernel
def _reach(starts, length):
    """How many words stand left and right of each place in its sentence, at most 255."""
    left, right = np.empty(length, np.uint8), np.empty(length, np.uint8)
    for sentence in range(len(starts) - 1):
        start, end = starts[sentence], starts[sentence + 1]
        for i in range(start, end):
            left[i], right[i] = min(i - start, 255), min(end - 1 - i, 255)
    return left, right


@kernel
def _count_rows(ids, left, right, begins, places, weights, start, end):
    """The rows of the words from `start` to `end`: how many entries each has, their columns, their values."""
    size, window, found = len(begins) - 1, len(weights), 0
    sums, seen = np.zeros(size), np.empty(size, np.int32)
    lengths, columns, values = np.zeros(end - start, np.int64), np.empty(1 << 12, np.int32), np.empty(1 << 12)
    for word in range(start, end):
        touched = 0
        for k in range(begins[word], begins[word + 1]):
            i = places[k]
            for distance in range(-min(window, left[i]), min(window, right[i]) + 1):
                if distance != 0:
                    context = ids[i + distance]
                    if sums[context] == 0:
                        seen[touched] = context
                        touched += 1
                    sums[context] += weights[abs(distance) - 1]
        while found + touched > len(columns):  # twice the room, so all copies together cost one
            columns, values = np.append(columns, np.empty_like(columns)), np.append(values, np.empty_like(values))
        for context in seen[:touched]:
            columns[found], values[found] = context, sums[context]
            sums[context] = 0
            found += 1
        lengths[word - start] = touched
    return lengths, columns[:found].copy(), values[:found].copy()


# ───────── surprise ─────────


@slot
def ppmi(counts: np.ndarray, shift: float = 1.0, smoothing: float = 1.0) -> np.ndarray:
    """Positive pointwise mutual information of dense counts, nats: max(0, log P(w, c) / (P(w) P(c)) - log shift).

    smoothing: P(c) is proportional to the column's sum raised to it. A pair that never occurs has 0.
    """
    rows, columns = counts.sum(axis=1), counts.sum(axis=0) ** smoothing
    expected = rows[:, None] * (columns / columns.sum())
    ratio = np.divide(counts, expected * shift, out=np.ones_like(counts), where=counts > 0)
    return np.log(np.maximum(ratio, 1.0))


def sparse_ppmi(counts: Sparse, shift: float = 1.0, smoothing: float = 1.0) -> Sparse:
    """`ppmi` of counts without their zeros; what comes out as 0 is dropped, values float32."""
    if slots.filled("classical.embeddings.ppmi"):
        return from_dense(ppmi(counts.dense(), shift, smoothing).astype(np.float32))
    columns = counts.column_sums() ** smoothing
    with np.errstate(divide="ignore"):
        of_rows, of_columns = np.log(counts.row_sums()), np.log(columns / columns.sum() * shift)
    surprise = np.log(counts.values) - of_rows[counts.rows] - of_columns[counts.columns]
    return counts.where(surprise > 0, surprise.astype(np.float32))


# ───────── the directions that tell most ─────────


def truncated_svd(
    matrix: Sparse, rank: int, iterations: int = 4, seed: int = 0, threads: int = 1, oversampling: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """U[size, rank], s[rank], V'[rank, size] with the largest singular values, descending; the largest entry of each column of U is positive.

    A random block is multiplied by M and M' in turns: directions with large singular values grow most. iterations: turns; each narrows the error
    from the directions left out by the square of their ratio. oversampling: columns more than asked for, which make a bad draw unlikely.
    """
    if not 1 <= rank <= matrix.size:
        raise InputError(f"rank {rank} of a matrix with {matrix.size:,} rows is not possible; use 1 to {matrix.size:,}")
    transposed = matrix.transposed()
    width = min(rank + oversampling, matrix.size)
    block = np.random.default_rng(seed).standard_normal((matrix.size, width)).astype(matrix.values.dtype)
    block = np.linalg.qr(matrix.times(block, threads))[0]
    for _ in range(iterations):
        block = np.linalg.qr(transposed.times(block, threads))[0]
        block = np.linalg.qr(matrix.times(block, threads))[0]
    small = transposed.times(block, threads)  # (Q' M)'
    v, s, ut = np.linalg.svd(small, full_matrices=False)
    u, vt = block @ ut.T, v.T
    signs = np.where(u[np.abs(u).argmax(axis=0), np.arange(width)] < 0, -1, 1).astype(u.dtype)
    return (u * signs)[:, :rank], s[:rank], (vt * signs[:, None])[:rank]


def train_cooccurrence(sentences: Iterable[Sequence[str]], config: CooccurrenceConfig | None = None) -> WordVectors:
    """Vectors from counts, PPMI and SVD. The corpus is read once."""
    config = config or CooccurrenceConfig()
    corpus = read_corpus(sentences, config.min_count, config.max_vocabulary)
    rank = min(config.hidden_size, len(corpus.words))
    if rank < config.hidden_size:
        say(
            f"{rank} words have no more than {rank} directions, so the vectors get {rank} numbers, not hidden_size={config.hidden_size}"
        )
    with show_progress(3, "co-occurrence", "step") as bar:
        counts = count_pairs(corpus, window_weights(config.window, config.weighting), config.threads)
        bar.update(1, pairs=f"{len(counts):,}")
        if not len(counts):
            raise InputError("no two words stand together in a sentence; give sentences of at least two words")
        surprise = sparse_ppmi(counts, config.shift, config.smoothing)
        bar.update(1)
        if not len(surprise):
            raise InputError(
                "no pair of words stands together more often than by chance; give more text or a lower shift"
            )
        u, s, _ = truncated_svd(surprise, rank, config.iterations, config.seed, config.threads)
        bar.update(1)
    trained = {"method": "cooccurrence", **asdict(config), "hidden_size": rank}
    return WordVectors(corpus.words, u * s**config.power, corpus.counts, trained)
