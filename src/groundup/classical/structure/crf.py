"""The linear-chain conditional random field: every labelling of a sentence has a score, and together they share one.

    score(labels) = sum over t of scores[t, label_t]  +  sum over t of transition[label_{t-1}, label_t]
    P(labels | words) = exp(score(labels)) / Z,    Z = sum over all labellings of exp(score)

A hidden Markov model has to explain the words; here they are given, and scores[t, j] may be the sum of any number of
weights of whatever is seen at place t or around it. A classifier of single words would have a Z for each word; with one for
the whole sentence a label can be unlikely because of its neighbours, and no state is favoured for having few ways out (the
label bias of models normalised step by step). Lafferty, McCallum and Pereira 2001; Sutton and McCallum 2012
(arXiv:1011.4088), sections 2.3 and 4.1.

Z and the marginals are `hmm.forward` and `hmm.posteriors`, the best labelling is `hmm.viterbi`: nothing in them asked for
probabilities. The gradient is what was counted in the data minus what the model expects. These functions are the definition,
for one sentence; `crf_compiled.py` runs them over a corpus. Left out: chains of higher order, semi-Markov segments.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from groundup.classical.hmm.hmm import forward, posteriors, viterbi
from groundup.errors import InputError
from groundup.foundations.information.cross_entropy import log_sum_exp
from groundup.slots import slot

NEVER = -1e30  # the score of a step that may not be taken; infinity would turn differences into NaN


def check_scores(transition: np.ndarray, scores: np.ndarray, labels: Sequence[int] | None = None) -> None:
    """InputError where shapes do not fit, a number is NaN, or a label has no column."""
    if scores.ndim != 2 or not len(scores) or transition.shape != (scores.shape[1], scores.shape[1]):
        raise InputError(
            f"scores {scores.shape} and transition {transition.shape} do not fit; for L labels they are (seq, L) and (L, L)"
        )
    if np.isnan(scores).any() or np.isnan(transition).any():
        raise InputError("a weight is NaN; train again, with a larger l2 if it grew without end")
    if labels is not None and (len(labels) != len(scores) or min(labels) < 0 or max(labels) >= scores.shape[1]):
        raise InputError(f"{len(labels)} labels for {len(scores)} words; give one below {scores.shape[1]} for each")


def score(
    transition: Float[np.ndarray, "labels labels"], scores: Float[np.ndarray, "seq labels"], labels: Sequence[int]
) -> float:
    """What one labelling is worth: its words' scores and its steps'."""
    words = sum(float(scores[t, label]) for t, label in enumerate(labels))
    return words + sum(float(transition[i, j]) for i, j in zip(labels, labels[1:], strict=False))


def log_partition(transition: Float[np.ndarray, "labels labels"], scores: Float[np.ndarray, "seq labels"]) -> float:
    """log Z: of the sum over all labellings of exp(score)."""
    return float(log_sum_exp(forward(np.zeros(scores.shape[1]), transition, scores)[-1]))


@slot
def crf_log_likelihood(
    transition: Float[np.ndarray, "labels labels"], scores: Float[np.ndarray, "seq labels"], labels: Sequence[int]
) -> float:
    """log P(labels | words): the labelling's score against that of all labellings together; never above 0.

    transition[i, j]: what the step from label i to j is worth; scores[t, j]: what label j is worth at word t.
    """
    check_scores(transition, scores, labels)
    return score(transition, scores, labels) - log_partition(transition, scores)


@slot
def crf_gradient(
    transition: Float[np.ndarray, "labels labels"], scores: Float[np.ndarray, "seq labels"], labels: Sequence[int]
) -> tuple[Float[np.ndarray, "labels labels"], Float[np.ndarray, "seq labels"]]:
    """The gradient of `crf_log_likelihood` by transition and by scores: what is there minus what is expected."""
    check_scores(transition, scores, labels)
    expected = posteriors(np.zeros(scores.shape[1]), transition, scores)
    by_scores, by_transition = -expected.states, -expected.steps.sum(0)
    for t, label in enumerate(labels):
        by_scores[t, label] += 1
    for i, j in zip(labels, labels[1:], strict=False):
        by_transition[i, j] += 1
    return by_transition, by_scores


def decode(
    transition: Float[np.ndarray, "labels labels"],
    scores: Float[np.ndarray, "seq labels"],
    start: Float[np.ndarray, " labels"] | None = None,
) -> list[int]:
    """The labelling with the highest score."""
    check_scores(transition, scores)
    return viterbi(np.zeros(scores.shape[1]) if start is None else start, transition, scores)[0]


def bio_rules(labels: Sequence[str]) -> tuple[Float[np.ndarray, " labels"], Float[np.ndarray, "labels labels"]]:
    """What to add to beginnings and steps so that I-X stands only after B-X or I-X: 0, or NEVER.

    >>> bio_rules(["O", "B-X", "I-X"])[1].astype(bool).tolist()
    [[False, False, True], [False, False, False], [False, False, False]]
    """
    start, step = np.zeros(len(labels)), np.zeros((len(labels), len(labels)))
    for j, label in enumerate(labels):
        if label.partition("-")[0] == "I":
            start[j] = NEVER
            step[:, j] = [0.0 if before in (f"B{label[1:]}", label) else NEVER for before in labels]
    return start, step
