"""GloVe: vectors whose dot products are the logarithms of how often words stand together.

    J = 1/2 sum over pairs with X_ij > 0 of f(X_ij) (w_i . c_j + b_i + d_j - log X_ij)^2,   f(x) = min(1, (x / x_max)^alpha)

(Pennington, Socher and Manning 2014, eq. 8 and 9; the half is of the authors' program.) Differences of vectors then are logarithms of ratios of
counts, which is what tells steam from ice: P(solid | ice) / P(solid | steam). X are counts within a window, a neighbour at distance d counted 1 / d.
f keeps pairs seen a few times from being fitted exactly. Each word has two vectors, as word and as context; their sum is what is kept.

AdaGrad (Duchi, Hazan and Singer 2011) on one pair after another: each number has its own step, the rate over the root of the sum of its squared
gradients, which begins at 1. `glove_loss` and `glove_gradient` are the definition; the fast form goes through the pairs
in an order that is drawn anew
each epoch, threads side by side without locks: two seldom touch the same word at once, and a lost step among thousands changes nothing that
can be measured (Niu et al. 2011). With one thread the same seed gives the same vectors. Left out: contexts of one side only.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numba
import numpy as np

from groundup import slots
from groundup.classical.embeddings.cooccurrence import CountingConfig, count_pairs, window_weights
from groundup.classical.embeddings.sparse import Sparse
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import read_corpus
from groundup.errors import ConfigError, Diverged, InputError
from groundup.progress import progress as show_progress
from groundup.slots import slot

BLOCK = 1 << 16  # pairs whose places in memory are drawn anew together


@dataclass(frozen=True, kw_only=True, slots=True)
class GloveConfig(CountingConfig):
    """How GloVe is trained; names and values of the paper's section 4.2 where it has them."""

    window: int = 10
    weighting: str = "harmonic"
    x_max: float = 100.0
    alpha: float = 0.75
    learning_rate: float = 0.05
    epochs: int = 25

    def __post_init__(self) -> None:
        CountingConfig.__post_init__(self)  # super() knows the class before slots made another of it
        if self.epochs < 1:
            raise ConfigError(f"epochs={self.epochs} is not possible; use 1 or more")
        for name in ("x_max", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name}={getattr(self, name)} is not possible; use a number above 0")
        if self.alpha < 0:
            raise ConfigError(f"alpha={self.alpha} would weigh rare pairs most; use 0 or more")


# ───────── the definition ─────────


def pair_weights(counts: np.ndarray, x_max: float = 100.0, alpha: float = 0.75) -> np.ndarray:
    """f of eq. 9: how much each count's error matters, 0 to 1.

    >>> pair_weights(np.array([0.0, 1.0, 16.0, 81.0]), x_max=16).tolist()
    [0.0, 0.125, 1.0, 1.0]
    """
    return np.minimum(1.0, (counts / x_max) ** alpha)


@slot
def glove_loss(
    counts: np.ndarray, words: np.ndarray, contexts: np.ndarray, word_bias: np.ndarray, context_bias: np.ndarray,
    x_max: float = 100.0, alpha: float = 0.75,
) -> float:  # fmt: skip
    """J of eq. 8, halved. counts: (vocab, vocab), pairs that never occur do not count. words, contexts: (vocab, hidden)."""
    rows, columns = np.nonzero(counts)
    seen = counts[rows, columns]
    fitted = (words[rows] * contexts[columns]).sum(axis=1) + word_bias[rows] + context_bias[columns]
    weights = pair_weights(seen, x_max, alpha)
    return float(0.5 * (weights * (fitted - np.log(seen)) ** 2).sum())


@slot
def glove_gradient(
    counts: np.ndarray, words: np.ndarray, contexts: np.ndarray, word_bias: np.ndarray, context_bias: np.ndarray,
    x_max: float = 100.0, alpha: float = 0.75,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The gradients of `glove_loss` by words, contexts, word_bias and context_bias, each in the shape of its own."""
    seen = counts > 0
    fitted = words @ contexts.T + word_bias[:, None] + context_bias[None, :]
    weights = pair_weights(counts, x_max, alpha)
    errors = weights * (fitted - np.log(np.where(seen, counts, 1.0)))
    errors = np.where(seen, errors, 0.0)
    return errors @ contexts, errors.T @ words, errors.sum(axis=1), errors.sum(axis=0)


# ───────── the fast form ─────────


@dataclass
class Glove:
    """What is trained: a row a word holds [vector, bias, squared gradients of the vector, of the bias]."""

    words: np.ndarray  # float32[vocab, 2 * (hidden + 1)]
    contexts: np.ndarray

    @staticmethod
    def new(vocab_size: int, hidden_size: int, seed: int) -> "Glove":
        """Small random vectors, uniform within half of 1 / hidden_size, and sums of squares of 1."""
        source = np.random.default_rng(seed)
        width = hidden_size + 1
        tables = np.ones((2, vocab_size, 2 * width), np.float32)
        tables[:, :, :width] = (source.random((2, vocab_size, width), np.float32) - 0.5) / hidden_size
        return Glove(*tables)

    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Words, contexts and their biases, as `glove_loss` takes them, double precision."""
        hidden = self.words.shape[1] // 2 - 1
        words, contexts = self.words.astype(np.float64), self.contexts.astype(np.float64)
        return words[:, :hidden], contexts[:, :hidden], words[:, hidden], contexts[:, hidden]

    def vectors(self) -> np.ndarray:
        """Word and context added, float32[vocab, hidden]."""
        hidden = self.words.shape[1] // 2 - 1
        return self.words[:, :hidden] + self.contexts[:, :hidden]


@dataclass(frozen=True)
class Pairs:
    """What the fast form reads, an entry a pair that occurs."""

    rows: np.ndarray  # int32
    columns: np.ndarray  # int32
    logs: np.ndarray  # float32
    weights: np.ndarray  # float32

    @staticmethod
    def of(counts: Sparse, x_max: float, alpha: float, seed: int) -> "Pairs":
        """The pairs of counts in random order."""
        order = np.random.default_rng(seed).permutation(len(counts))
        values = counts.values[order]
        weights = pair_weights(values, x_max, alpha).astype(np.float32)
        return Pairs(counts.rows[order], counts.columns[order], np.log(values).astype(np.float32), weights)

    def __len__(self) -> int:
        return len(self.rows)


def train_epoch(
    model: Glove, pairs: Pairs, learning_rate: float, threads: int = 1, order: np.ndarray | None = None
) -> float:
    """One AdaGrad step a pair, in place; the mean of f times the squared error, halved, as it was met.

    order: of the blocks of pairs.
    """
    blocks = np.arange(-(-len(pairs) // BLOCK)) if order is None else order

    def block(number: int) -> float:
        part = slice(number * BLOCK, (number + 1) * BLOCK)
        columns = (pairs.rows[part], pairs.columns[part], pairs.logs[part], pairs.weights[part])
        return _steps(model.words, model.contexts, *columns, np.float32(learning_rate))

    if threads == 1:
        return sum(map(block, blocks)) / len(pairs)
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(block, blocks)) / len(pairs)


# Sums may be reordered and a division by zero is no error: only then are eight numbers done at a time.
@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _steps(words, contexts, rows, columns, logs, weights, learning_rate):
    hidden = words.shape[1] // 2 - 1
    half, loss = hidden + 1, 0.0
    for k in range(len(rows)):
        word, context = words[rows[k]], contexts[columns[k]]
        fitted = word[hidden] + context[hidden]
        for j in range(hidden):
            fitted += word[j] * context[j]
        error = fitted - logs[k]
        slope = weights[k] * error
        loss += slope * error
        for j in range(hidden):
            of_word, of_context = slope * context[j], slope * word[j]
            word[j] -= learning_rate * of_word / np.sqrt(word[half + j])
            context[j] -= learning_rate * of_context / np.sqrt(context[half + j])
            word[half + j] += of_word * of_word
            context[half + j] += of_context * of_context
        word[hidden] -= learning_rate * slope / np.sqrt(word[half + hidden])
        context[hidden] -= learning_rate * slope / np.sqrt(context[half + hidden])
        word[half + hidden] += slope * slope
        context[half + hidden] += slope * slope
    return 0.5 * loss


def fit_reference(
    counts: np.ndarray, model: Glove, config: GloveConfig
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same objective by AdaGrad over all pairs at once, from the slots: for small vocabularies and a learner's own gradient."""
    parts = model.parts()
    squares = [np.ones_like(part) for part in parts]
    for _ in range(config.epochs):
        gradients = glove_gradient(counts, parts[0], parts[1], parts[2], parts[3], config.x_max, config.alpha)
        for part, square, gradient in zip(parts, squares, gradients, strict=True):
            part -= config.learning_rate * gradient / np.sqrt(square)
            square += gradient**2
    return parts


def fit(counts: Sparse, config: GloveConfig) -> tuple[np.ndarray, list[float]]:
    """Vectors float32[vocab, hidden] for counts of pairs, and the mean loss of a pair, epoch by epoch."""
    if not len(counts):
        raise InputError(
            "no two words stand together, so there is nothing to fit; give sentences of at least two words"
        )
    model = Glove.new(counts.size, config.hidden_size, config.seed)
    if slots.filled("classical.embeddings.glove_gradient"):
        words, contexts, of_words, of_contexts = fit_reference(counts.dense(), model, config)
        loss = glove_loss(counts.dense(), words, contexts, of_words, of_contexts, config.x_max, config.alpha)
        return (words + contexts).astype(np.float32), [loss / len(counts)]
    pairs, losses = Pairs.of(counts, config.x_max, config.alpha, config.seed), []
    source = np.random.default_rng(config.seed)
    with show_progress(config.epochs * len(pairs), "GloVe", "pair") as bar:
        for epoch in range(1, config.epochs + 1):
            order = source.permutation(-(-len(pairs) // BLOCK))
            losses.append(float(train_epoch(model, pairs, config.learning_rate, config.threads, order)))
            if not np.isfinite(losses[-1]):
                raise Diverged(
                    f"the loss of epoch {epoch} is {losses[-1]}; use a learning_rate below {config.learning_rate}"
                )
            bar.update(len(pairs), loss=losses[-1], epoch=str(epoch))
    return model.vectors(), losses


def train_glove(sentences: Iterable[Sequence[str]], config: GloveConfig | None = None) -> WordVectors:
    """Count pairs of words within a window and fit vectors to them. The corpus is read once."""
    config = config or GloveConfig()
    corpus = read_corpus(sentences, config.min_count, config.max_vocabulary)
    counts = count_pairs(corpus, window_weights(config.window, config.weighting), config.threads)
    vectors, losses = fit(counts, config)
    return WordVectors(corpus.words, vectors, corpus.counts, {"method": "glove", **asdict(config), "losses": losses})
