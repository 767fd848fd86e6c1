"""word2vec: a word's vector is what predicts the words around it (skip-gram), or what they predict it by (CBOW).

Skip-gram takes one word's vector v and asks it for a word that stood near: the output vector u of that word gets the label 1, those of
`negative` words drawn at random the label 0, and logistic regression tells them apart. CBOW does the same with v the mean of the whole
window. With s = sigma(u . v), the loss -log s of a neighbour or -log(1 - s) of a drawn word has the gradient

    dL/du = (s - label) v                  dL/dv = sum over the outputs of (s - label) u

Mikolov, Chen, Corrado and Dean 2013, arXiv:1301.3781 (both models); Mikolov et al. 2013, arXiv:1310.4546, eq. 4 (negative sampling), eq. 3
(the tree, `hierarchical_softmax`). Levy and Goldberg 2014: the optimum of skip-gram is u . v = PMI - log(negative), a matrix of counts
factored. As in word2vec.c, the window of each word is drawn from 1 to `window`, and CBOW gives each word of a window the whole change
of their mean, not its share (Irsoy, Benton and Stratos 2021, arXiv:2012.15332, on what that costs).

`train_reference` is the whole training in plain Python over `skip_gram_step` and `cbow_step`; `prediction_kernel` is the same, compiled.
Only the input vectors are kept. Left out: phrases joined to one word, and going on with a trained model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from groundup import slots
from groundup.classical.embeddings import prediction
from groundup.classical.embeddings.prediction import PredictionConfig, Problem
from groundup.classical.embeddings.sampling import Draws
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import Corpus
from groundup.errors import Diverged
from groundup.progress import Progress
from groundup.slots import slot


@dataclass(frozen=True, kw_only=True)
class Word2VecConfig(PredictionConfig):
    """How word2vec is trained: skip-gram with negative sampling, unless it says otherwise."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), the probability that logistic regression gives."""
    return 1 / (1 + np.exp(-x))


@slot
def skip_gram_step(
    vector: np.ndarray, outputs: np.ndarray, labels: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """A word's vector [d] and the output vectors [k, d] it is asked for, after one step; labels [k]: 1 for a neighbour, 0 for a drawn word.

    >>> vector, outputs = skip_gram_step(np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([1.0, 0.0]), 0.5)
    >>> vector.tolist(), outputs.tolist()
    ([1.0, -0.25], [[0.25, 1.0], [-0.25, 2.0]])
    """
    steps = rate * (labels - sigmoid(outputs @ vector))
    return vector + steps @ outputs, outputs + np.outer(steps, vector)


@slot
def cbow_step(
    window: np.ndarray, outputs: np.ndarray, labels: np.ndarray, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of a window's words [w, d] and the output vectors [k, d] after one step: their mean is asked, each gets its whole change.

    >>> window, outputs = cbow_step(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([1.0]), 0.5)
    >>> window.tolist(), outputs.tolist()
    ([[2.0, 0.25], [0.0, 0.25]], [[0.25, 1.0]])
    """
    mean = window.mean(0)
    steps = rate * (labels - sigmoid(outputs @ mean))
    return window + steps @ outputs, outputs + np.outer(steps, mean)


def targets_of(word: int, made: Problem, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Output rows and labels of a word to predict: itself and drawn ones, or the nodes of its path."""
    starts, nodes, sides = made.tree
    if made.settings[1] < 0:
        path = slice(starts[word], starts[word + 1])
        return nodes[path].astype(np.int64), sides[path].astype(np.float64)
    drawn = [draws.alias(*made.drawn) for _ in range(made.settings[1])]
    rows = np.array([word, *(other for other in drawn if other != word)])
    return rows, (np.arange(len(rows)) == 0).astype(np.float64)


def input_rows(word: int, made: Problem) -> list[int]:
    """A word's own row and those of its pieces."""
    starts, pieces = made.pieces
    return [word, *pieces[starts[word] : starts[word + 1]].tolist()]


def train_reference(
    made: Problem, weights: tuple[np.ndarray, np.ndarray], starts: np.ndarray, rate: float, state: int
) -> int:
    """A piece of work in plain Python: what `prediction_kernel.train_sentences` does, with the same draws."""
    draws, looked_at = Draws(state), 0
    window, _, bag, from_middle = made.settings
    for start, end in zip(starts[:-1], starts[1:], strict=True):
        kept = [int(word) for word in made.corpus.ids[start:end] if draws.happens(made.keep[word])]
        looked_at += len(kept)
        for i, middle in enumerate(kept):
            span = window - draws.below(window)
            around = [kept[j] for j in range(max(0, i - span), min(len(kept), i + span + 1)) if j != i]
            if bag and around:
                rows = [row for word in around for row in input_rows(word, made)]
                _learn(rows, *targets_of(middle, made, draws), weights, rate)
            elif not bag:
                for word in around:
                    source, target = (middle, word) if from_middle else (word, middle)
                    _learn(input_rows(source, made), *targets_of(target, made, draws), weights, rate)
    return looked_at


def _learn(
    rows: list[int], targets: np.ndarray, labels: np.ndarray, weights: tuple[np.ndarray, np.ndarray], rate: float
) -> None:
    """One example, in place; a row that is there twice gets both changes."""
    inputs, outputs = weights
    before = inputs[rows], outputs[targets]
    if len(rows) == 1:
        vector, after = skip_gram_step(before[0][0], before[1], labels, rate)
        after_rows = np.asarray(vector)[None]
    else:
        after_rows, after = cbow_step(*before, labels, rate)
    np.add.at(inputs, rows, after_rows - before[0])
    np.add.at(outputs, targets, after - before[1])


def work_for(made: Problem) -> prediction.Work:
    """The compiled loop, or the readable one where a learner's own step has to be called."""
    names = ("skip_gram_step", "cbow_step")
    if any(slots.filled(f"classical.embeddings.{name}") for name in names):
        return train_reference
    return prediction.compiled_work(made)


def train_word2vec(
    sentences: Iterable[Sequence[str]] | Corpus,
    config: Word2VecConfig | None = None,
    progress: Progress | None = None,
) -> WordVectors:
    """Vectors for the words of sentences, most frequent first. sentences: lists of words, or a corpus that was read already."""
    config = config or Word2VecConfig()
    corpus = prediction.corpus_of(sentences, config)
    made = prediction.problem(corpus, config, prediction.no_pieces(corpus))
    inputs = prediction.first_inputs(len(corpus.words), config.hidden_size, config.seed, 0.5 / config.hidden_size)
    prediction.train_weights(made, inputs, config, progress, work_for(made))
    refuse_diverged(inputs, config)
    trained = prediction.record("word2vec", config, corpus)
    return WordVectors(corpus.words, inputs[:, : config.hidden_size], corpus.counts, trained)


def refuse_diverged(inputs: np.ndarray, config: PredictionConfig) -> None:
    """Training that left the numbers is a sentence, not a file of NaN."""
    if not np.isfinite(inputs).all():
        raise Diverged(
            f"the vectors became infinite with learning_rate={config.learning_rate}; use a lower rate (0.025)"
        )
