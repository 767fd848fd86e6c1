"""Smoothing by name: from a stream of token ids to a model that finds nothing impossible.

    add_k                    every token k times more (`additive`)             no shorter context
    good_turing              what was seen once tells of the unseen (`good_turing`)  no shorter context
    jelinek_mercer           orders mixed, weights learned on held-out text (`jelinek_mercer`)
    witten_bell              a new token is an event like others (`additive`)
    katz                     Good-Turing for small counts, then back off (`good_turing`)
    absolute                 the same little from each count (`kneser_ney`)
    kneser_ney               ... and shorter contexts count different tokens before
    modified_kneser_ney      ... and three discounts: the best, and what is used unless told otherwise
    absolute_back_off, kneser_ney_back_off, modified_kneser_ney_back_off   the same, but only the unseen get what is freed

What each keeps of the counts stands in the file named; who gets the rest in `combining`; the model in `model`. Chen and Goodman 1998
(TR-10-98) measured them all.
"""

from collections.abc import Sequence

import numpy as np

from groundup.errors import ConfigError
from groundup.text.ngram.additive import add_k_shares, witten_bell_shares
from groundup.text.ngram.combining import combine
from groundup.text.ngram.counts import Level, count_ngrams
from groundup.text.ngram.good_turing import discounted_by_ratio
from groundup.text.ngram.jelinek_mercer import evidence, learn_weights, weighted_shares
from groundup.text.ngram.kneser_ney import discounted_shares, discounts, kneser_ney_reference
from groundup.text.ngram.model import NgramModel, check_stream

__all__ = ["BEST", "RULES", "KneserNey", "discounts", "fit", "kneser_ney_reference", "smooth"]

RULES = {
    "add_k": "evenly",
    "good_turing": "evenly",
    "jelinek_mercer": "interpolate",
    "witten_bell": "interpolate",
    "katz": "back_off",
    "absolute": "interpolate",
    "absolute_back_off": "back_off",
    "kneser_ney": "interpolate",
    "kneser_ney_back_off": "back_off",
    "modified_kneser_ney": "interpolate",
    "modified_kneser_ney_back_off": "back_off",
}
BEST = "modified_kneser_ney"
HELD_OUT = 10  # Jelinek-Mercer learns its weights on the last tenth, unless text is given for that


def shares(levels: Sequence[Level], smoothing: str, k: float, vocab_size: int) -> list[np.ndarray]:
    """What each n-gram keeps of its context's probability, for the smoothings that need the counts alone."""
    if smoothing == "add_k":
        return add_k_shares(levels, k, vocab_size)
    if smoothing == "witten_bell":
        return witten_bell_shares(levels)
    if smoothing in ("good_turing", "katz"):
        return discounted_by_ratio(levels, smoothing)
    return discounted_shares(levels, adjusted="kneser_ney" in smoothing, modified="modified" in smoothing)


def smooth(
    levels: Sequence[Level],
    smoothing: str = BEST,
    *,
    vocab_size: int,
    boundary: int | None = None,
    k: float = 1.0,
    weights: np.ndarray | None = None,
) -> NgramModel:
    """A model of counts, from memory or streamed. weights: Jelinek-Mercer's; k: add-k's constant."""
    check_smoothing(smoothing)
    if smoothing == "jelinek_mercer":
        assert weights is not None, "jelinek_mercer without weights"
        own = weighted_shares(levels, weights)
    else:
        own = shares(levels, smoothing, k, vocab_size)
    arrays = combine(levels, own, RULES[smoothing], vocab_size)
    return NgramModel(
        arrays, len(levels), vocab_size, boundary, smoothing=smoothing, alone=RULES[smoothing] == "evenly"
    )


def check_smoothing(smoothing: str) -> None:
    """Refuse a name that is none."""
    if smoothing not in RULES:
        raise ConfigError(f"smoothing={smoothing!r} is not known; use one of {', '.join(RULES)}")


def mixture_weights(
    ids: np.ndarray, heldout: np.ndarray | None, order: int, vocab_size: int, boundary: int | None
) -> np.ndarray:
    """Jelinek-Mercer's weights, learned on held-out text or on the last tenth of the stream, whose counts are left out for that."""
    if heldout is None:
        cut = len(ids) - max(1, len(ids) // HELD_OUT)
        ids, heldout = ids[: max(1, cut)], ids[cut:]
    levels = count_ngrams(ids, order, vocab_size, boundary)
    return learn_weights(*evidence(levels, heldout, vocab_size, boundary))


def fit(
    ids: np.ndarray,
    order: int = 5,
    smoothing: str = BEST,
    *,
    vocab_size: int,
    boundary: int | None = None,
    k: float = 1.0,
    heldout: np.ndarray | None = None,
) -> NgramModel:
    """Count and smooth a stream of token ids.

    boundary: the token that ends a document and stands before the next; contexts do not reach over it. k: add-k's constant.
    heldout: the ids on which Jelinek-Mercer learns its weights.
    """
    ids = np.asarray(ids)
    check_stream(ids, order, vocab_size, boundary)
    check_smoothing(smoothing)
    weights = None
    if smoothing == "jelinek_mercer":
        if heldout is not None:
            check_stream(np.asarray(heldout), order, vocab_size, boundary)
        weights = mixture_weights(ids, heldout, order, vocab_size, boundary)
    levels = count_ngrams(ids, order, vocab_size, boundary)
    return smooth(levels, smoothing, vocab_size=vocab_size, boundary=boundary, k=k, weights=weights)


class KneserNey(NgramModel):
    """An n-gram model with interpolated Kneser-Ney smoothing. Make it with `KneserNey.fit`."""

    @classmethod
    def fit(
        cls, ids: np.ndarray, order: int = 5, *, vocab_size: int, boundary: int | None = None, modified: bool = True
    ) -> "KneserNey":
        """Count and smooth a stream of token ids.

        boundary: the token that ends a document and stands before the next; contexts do not reach over it.
        """
        name = BEST if modified else "kneser_ney"
        made = fit(ids, order, name, vocab_size=vocab_size, boundary=boundary)
        arrays = (made.words, made.first, made.shorter, made.probability, made.backoff)
        return cls(arrays, order, vocab_size, boundary, smoothing=name)
