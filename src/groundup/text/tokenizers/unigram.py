"""Unigram: pieces that each have a probability; a text is cut into those whose product is largest.

Kudo 2018 (arXiv:1804.10959); the default of SentencePiece, used by T5, ALBERT, XLM-R and Marian. Where byte pair encoding
(`bpe`) adds pieces one by one, Unigram begins with far too many and removes those that are missed least:

1. seeds: every string that occurs more than once inside words, and all characters;
2. expectation: how often each piece is used, summed over all segmentations of each word by their probability (forward and
   backward sums, as for a hidden Markov model); maximisation: probabilities from these counts;
3. pruning: for each piece, what would the text lose if its next best segmentation stood in its place? The least are
   dropped, and it goes back to 2 until the vocabulary is as small as wanted.

A probability also says how likely other segmentations are: `sample_pieces` draws one (subword regularisation: a model sees
a word cut in different ways), `n_best_pieces` lists the best. A character that no piece holds costs 10 more than the
rarest piece, as in SentencePiece, so that it is used only where nothing else fits.

This is the form to read and to replace. The fast forms: `unigram_encoding`, `unigram_training`; a whole tokenizer from
texts: `sentencepiece_training`. Left out: SentencePiece's smaller rules about which strings may be pieces; that a piece
holds one script only comes from the words, which end where the script changes.
"""

import functools
import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from groundup import slots
from groundup.errors import ConfigError, FormatError, InputError
from groundup.slots import slot
from groundup.text.tokenizers.double_array import build
from groundup.text.tokenizers.unigram_encoding import WHOLE, UnigramEncoder

UNKNOWN_PENALTY = 10.0  # nats below the rarest piece
LONGEST = 16  # characters of a piece that is learned
SEEDS = 1_000_000
SHRINKING = 0.75  # part of the pieces that one round of pruning keeps
ROUNDS = 2  # of expectation and maximisation between two prunings
SLACK = 1.1  # pruning stops here, the last tenth goes by probability
RAREST = 0.5  # expected occurrences; a piece with fewer is dropped
_KEYS = {"type", "unk_id", "vocab", "byte_fallback"}


@slot
def viterbi_segment(text: str, scores: Mapping[str, float], unknown: float = -math.inf) -> list[str]:
    """The pieces of the segmentation with the largest sum of log probabilities.

    scores: each piece's log probability. unknown: the score of a single character that is no piece; without it there must
    be a segmentation. Of two equally good ways to the same place the one whose last piece is longer stays.

    >>> viterbi_segment("hugs", {"h": -4, "u": -4, "g": -4, "s": -3, "hu": -3, "ug": -3.5, "hug": -5, "gs": -6})
    ['hug', 's']
    """
    best, last = [0.0] + [-math.inf] * len(text), [0] * (len(text) + 1)
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            score = scores.get(text[start:end], unknown if end == start + 1 else -math.inf)
            if best[start] + score > best[end]:
                best[end], last[end] = best[start] + score, start
    if best[-1] == -math.inf:
        raise InputError(f"no pieces spell {text!r}; give `unknown`, the score of a character that is no piece")
    pieces, end = [], len(text)
    while end > 0:
        pieces.append(text[last[end] : end])
        end = last[end]
    return pieces[::-1]


def add_logs(a: float, b: float) -> float:
    """log(e^a + e^b) without leaving the logarithm.

    >>> round(math.exp(add_logs(math.log(2), math.log(3))), 9)
    5.0
    """
    low, high = sorted((a, b))
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _forward(text: str, scores: Mapping[str, float], unknown: float = -math.inf) -> list[float]:
    """For each place the log of the summed probability of all segmentations up to there."""
    sums = [0.0] + [-math.inf] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(end):
            score = scores.get(text[start:end], unknown if end == start + 1 else -math.inf)
            sums[end] = add_logs(sums[end], sums[start] + score)
    return sums


def log_likelihood(text: str, scores: Mapping[str, float]) -> float:
    """Log of the probability of a text: of all its segmentations together.

    >>> halves = {"a": math.log(0.5), "aa": math.log(0.25)}
    >>> round(math.exp(log_likelihood("aa", halves)), 9)
    0.5
    """
    return _forward(text, scores)[-1]


@slot
def expected_counts(text: str, scores: Mapping[str, float]) -> dict[str, float]:
    """How often each piece is used in a text on average, over all segmentations by their probability.

    The pieces that are not used at all are left out. Forward sums give the probability of what stands before a piece,
    backward sums of what stands behind it; over the probability of the whole text that is how likely the piece is there.

    >>> counts = expected_counts("aa", {"a": math.log(0.5), "aa": math.log(0.25)})
    >>> {piece: round(count, 9) for piece, count in counts.items()}
    {'a': 1.0, 'aa': 0.5}
    """
    before = _forward(text, scores)
    behind = [-math.inf] * len(text) + [0.0]
    for start in range(len(text) - 1, -1, -1):
        for end in range(start + 1, len(text) + 1):
            behind[start] = add_logs(behind[start], scores.get(text[start:end], -math.inf) + behind[end])
    counts: dict[str, float] = {}
    for start in range(len(text)):
        for end in range(start + 1, len(text) + 1):
            piece = text[start:end]
            there = before[start] + scores.get(piece, -math.inf) + behind[end] - before[-1]
            if there > -math.inf:
                counts[piece] = counts.get(piece, 0.0) + math.exp(there)
    return counts


def sample_pieces(
    text: str, scores: Mapping[str, float], alpha: float, choose: random.Random, unknown: float = -math.inf
) -> list[str]:
    """Draw a segmentation with its probability to the power of alpha, among all there are (Kudo 2018, section 3.2).

    alpha: 0 takes all alike, 1 by the model's probabilities, large values the best one. Exact: the sums up to each place are
    known, so the last piece is drawn first, then the one before it.
    """
    powered = {piece: alpha * score for piece, score in scores.items()}
    sums = _forward(text, powered, alpha * unknown)
    pieces, end = [], len(text)
    while end > 0:
        starts = range(end)
        given = [
            sums[start] + powered.get(text[start:end], alpha * unknown if end == start + 1 else -math.inf) - sums[end]
            for start in starts
        ]
        start = choose.choices(starts, [math.exp(value) for value in given])[0]
        pieces.append(text[start:end])
        end = start
    return pieces[::-1]


def n_best_pieces(
    text: str, scores: Mapping[str, float], n: int, unknown: float = -math.inf
) -> list[tuple[float, list[str]]]:
    """The n best segmentations with their log probabilities, the best first; fewer where there are fewer.

    >>> n_best_pieces("ab", {"a": -1.0, "b": -1.0, "ab": -3.0}, 5)
    [(-2.0, ['a', 'b']), (-3.0, ['ab'])]
    """
    best: list[list[tuple[float, list[str]]]] = [[(0.0, [])]]
    for end in range(1, len(text) + 1):
        ways = []
        for start in range(end):
            score = scores.get(text[start:end], unknown if end == start + 1 else -math.inf)
            if score > -math.inf:
                ways += [(before + score, [*pieces, text[start:end]]) for before, pieces in best[start]]
        best.append(sorted(ways, key=lambda way: -way[0])[:n])
    return best[-1]


def digamma(x: float) -> float:
    """The derivative of log Gamma, near log(x) - 1/(2x): by recurrence up to 6, then its asymptotic series.

    >>> round(digamma(1.0), 7)
    -0.5772157
    """
    value = 0.0
    while x < 6:
        value -= 1 / x
        x += 1
    square = 1 / (x * x)
    return value + math.log(x) - 0.5 / x - square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))


def seed_pieces(words: Mapping[str, int], seeds: int = SEEDS, longest: int = LONGEST) -> dict[str, float]:
    """All characters, and the strings that occur more than once, those first that cover most text: log probabilities.

    A string that always stands in one and the same longer one is left out.
    """
    counts: Counter[str] = Counter()
    for word, times in words.items():
        for start, end in itertools.combinations(range(len(word) + 1), 2):
            if end - start <= longest:
                counts[word[start:end]] += times
    inside = {piece[:-1] for piece, count in counts.items() if counts.get(piece[:-1]) == count}
    characters = {piece: count for piece, count in counts.items() if len(piece) == 1}
    others = [piece for piece, count in counts.items() if len(piece) > 1 and count > 1 and piece not in inside]
    others.sort(key=lambda piece: (-counts[piece] * len(piece), piece))
    chosen = characters | {piece: counts[piece] for piece in others[: max(0, seeds - len(characters))]}
    total = math.log(sum(chosen.values()))
    return {piece: math.log(count) - total for piece, count in chosen.items()}


def maximize(counts: Mapping[str, float], characters: Iterator[str] | set[str]) -> dict[str, float]:
    """Log probabilities from expected counts; rare pieces are dropped, but no character.

    Not the counts' own shares: digamma takes from the rare what a prior for few pieces would take (Liang & Klein 2007).
    """
    kept = {piece: count for piece, count in counts.items() if count >= RAREST or len(piece) == 1}
    kept |= {character: RAREST for character in characters if kept.get(character, 0.0) < RAREST}
    total = digamma(sum(kept.values()))
    return {piece: digamma(count) - total for piece, count in kept.items()}


@slot
def prune_pieces(words: Mapping[str, int], scores: Mapping[str, float], keep: int) -> dict[str, float]:
    """Drop the pieces whose loss costs the text least, until `keep` are left; characters stay whatever they cost.

    Each word counts with its best segmentation. A piece that stands in none goes first. For another, suppose that its
    second best segmentation takes its place: its count f goes to those pieces, the number of all pieces N becomes N + f
    (parts - 1), and per occurrence the text loses log(f / N) - sum of log((f_part + f) / N') over the parts. The loss
    times f ranks the pieces; the best `keep` (at least the characters) stay, with their scores.
    """
    used: Counter[str] = Counter()
    for word, times in words.items():
        for piece in viterbi_segment(word, scores):
            used[piece] += times
    total, losses = sum(used.values()), {}
    for piece, count in used.items():
        if len(piece) == 1:
            continue
        parts = viterbi_segment(piece, {other: score for other, score in scores.items() if other != piece})
        after = math.log(total + count * (len(parts) - 1))
        instead = sum(math.log(used[part] + count) - after for part in parts)
        losses[piece] = count * (math.log(count) - math.log(total) - instead)
    kept = {piece for piece in scores if len(piece) == 1}
    best = sorted(losses, key=lambda piece: (-losses[piece], piece))[: max(0, keep - len(kept))]
    kept.update(best)
    return {piece: score for piece, score in scores.items() if piece in kept}


def finish(scores: Mapping[str, float], size: int) -> list[tuple[str, float]]:
    """The likeliest pieces, all characters among them, `size` in all and the likeliest first."""
    characters = sorted((piece for piece in scores if len(piece) == 1), key=lambda piece: (-scores[piece], piece))
    others = sorted((piece for piece in scores if len(piece) > 1), key=lambda piece: (-scores[piece], piece))
    chosen = characters + others[: max(0, size - len(characters))]
    return sorted(((piece, scores[piece]) for piece in chosen), key=lambda item: (-item[1], item[0]))


def check_size(words: Mapping[str, int], vocab_size: int) -> None:
    """Refuse what cannot be trained."""
    characters = set(itertools.chain.from_iterable(words))
    if not characters:
        raise InputError("there is no text to train a tokenizer on; give at least one word that is not empty")
    if vocab_size < len(characters):
        raise ConfigError(
            f"vocab_size={vocab_size} is smaller than the alphabet: the text has {len(characters)} different characters; "
            f"use vocab_size={len(characters) + 1} or more, or replace rare characters first"
        )


def train_unigram_reference(
    words: Mapping[str, int], vocab_size: int, *, seeds: int = SEEDS, longest: int = LONGEST
) -> list[tuple[str, float]]:
    """Learn pieces and their log probabilities from words with the number of times each occurs, the likeliest first.

    Fewer come back than wanted when the text does not hold as many. Fast: `unigram_training.train_unigram`.
    """
    check_size(words, vocab_size)
    characters = set(itertools.chain.from_iterable(words))
    scores, goal = seed_pieces(words, seeds, longest), int(SLACK * vocab_size)
    while True:
        for _ in range(ROUNDS):
            counts: Counter[str] = Counter()
            for word, times in words.items():
                for piece, count in expected_counts(word, scores).items():
                    counts[piece] += times * count  # type: ignore[assignment]
            scores = maximize(counts, characters)
        if len(scores) <= goal:
            return finish(scores, vocab_size)
        scores = prune_pieces(words, scores, max(goal, int(SHRINKING * len(scores))))


def as_hugging_face_reads(score: float) -> float:
    """A number of a JSON file as `tokenizers` takes it: its digits as one number, divided by a power of ten.

    With 16 digits and more both steps round, so the last bit may differ from what was written; where two segmentations
    are equally good (`-` `---` or `---` `-`), that bit decides.

    >>> as_hugging_face_reads(-0.1), as_hugging_face_reads(-3.4567890123456789) == -3.456789012345679
    (-0.1, True)
    """
    if not math.isfinite(score):
        return score
    sign, digits, exponent = Decimal(repr(score)).as_tuple()
    whole = float(int("".join(map(str, digits))))
    value = whole / 10.0 ** -int(exponent) if int(exponent) < 0 else whole * 10.0 ** int(exponent)
    return -value if sign else value


class Unigram:
    """The model of a Unigram tokenizer: pieces with log probabilities, and how a text becomes their ids.

    pieces: each with its score; its place is its id. unk_id: the piece for characters that no piece holds. byte_fallback:
    spell such characters by the pieces <0x00> to <0xFF> instead. reserved: pieces that no text becomes (control tokens).
    """

    def __init__(
        self,
        pieces: Sequence[tuple[str, float]],
        *,
        unk_id: int | None = None,
        byte_fallback: bool = False,
        reserved: Sequence[str] = (),
    ) -> None:
        """See the class."""
        self.pieces, self.unk_id, self.byte_fallback = [(str(p), float(s)) for p, s in pieces], unk_id, byte_fallback
        self.vocabulary = {piece: id for id, (piece, _) in enumerate(self.pieces)}
        self.reserved = frozenset(reserved)
        if not self.pieces:
            raise InputError("a Unigram model needs at least one piece; the file may be cut off")
        if len(self.vocabulary) < len(self.pieces):
            twice = next(piece for id, (piece, _) in enumerate(self.pieces) if self.vocabulary[piece] != id)
            raise FormatError(f"the piece {twice!r} has two ids; remove one of them from the vocabulary")
        if any(math.isnan(score) for _, score in self.pieces):
            raise FormatError("a piece has no number as its score; copy the tokenizer again")
        if unk_id is not None and not 0 <= unk_id < len(self.pieces):
            raise FormatError(f"unk_id={unk_id} is no id of the vocabulary, which has {len(self.pieces)} pieces")
        self._read = [as_hugging_face_reads(score) for _, score in self.pieces]
        self.unknown = min(self._read) - UNKNOWN_PENALTY

    @functools.cached_property
    def scores(self) -> dict[str, float]:
        """The log probability of each piece that a text can become."""
        read = zip(self.vocabulary, self._read, strict=True)
        return {piece: score for piece, score in read if piece not in self.reserved and piece}

    @functools.cached_property
    def byte_ids(self) -> np.ndarray | None:
        """The ids of the pieces <0x00> to <0xFF>, None without byte_fallback or when some are missing."""
        ids = [self.vocabulary.get(f"<0x{byte:02X}>", -1) for byte in range(256)]
        return np.array(ids, np.int32) if self.byte_fallback and min(ids) >= 0 else None

    def encoder(self, splits: int = WHOLE) -> UnigramEncoder:
        """The fast form; splits: where words begin, as `unigram_encoding` names it."""
        words = [piece.encode() for piece in self.scores]
        units = build(words, [self.vocabulary[piece] for piece in self.scores])
        return UnigramEncoder(
            units, np.array(self._read), unknown=self.unknown, unk_id=self.unk_id, byte_ids=self.byte_ids, splits=splits
        )

    @functools.cached_property
    def _encoder(self) -> UnigramEncoder | None:
        return None if any("\0" in piece for piece in self.scores) else self.encoder()

    def encode_piece(self, piece: str) -> list[int]:
        """Ids of the best segmentation; unknown characters side by side are one unknown piece, or their bytes."""
        if self._encoder is not None and not slots.filled("text.tokenizers.viterbi_segment"):
            data = piece.encode()
            return self._encoder.encode(data, np.array([0, len(data)]))[0].tolist()
        return self.ids(viterbi_segment(piece, self.scores, self.unknown))

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Ids of the pieces of a segmentation."""
        ids: list[int] = []
        for piece in pieces:
            if piece in self.scores:
                ids.append(self.vocabulary[piece])
            elif self.byte_ids is not None:
                ids += [int(self.byte_ids[byte]) for byte in piece.encode()]
            elif self.unk_id is None:
                raise InputError(f"no piece holds {piece!r} and the vocabulary has no unknown piece; set unk_id")
            elif not ids or ids[-1] != self.unk_id:
                ids.append(self.unk_id)
        return ids

    def sample(self, piece: str, alpha: float, choose: random.Random) -> list[int]:
        """Ids of a segmentation drawn at random (`sample_pieces`)."""
        return self.ids(sample_pieces(piece, self.scores, alpha, choose, self.unknown))

    def n_best(self, piece: str, n: int) -> list[tuple[float, list[int]]]:
        """Ids of the n best segmentations, each with its score."""
        ways = n_best_pieces(piece, self.scores, n, self.unknown)
        return [(score, self.ids(pieces)) for score, pieces in ways]

    def to_json(self) -> dict[str, Any]:
        """The "model" of a tokenizer.json."""
        vocabulary = [[piece, score] for piece, score in self.pieces]
        return {"type": "Unigram", "unk_id": self.unk_id, "vocab": vocabulary, "byte_fallback": self.byte_fallback}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Unigram":
        """Read the "model" of a tokenizer.json; a key that is not known is refused, since it would change the ids."""
        if raw.get("type", "Unigram") != "Unigram":
            raise InputError(f"the model is {raw['type']}, not Unigram; load the file with gu.load_tokenizer")
        if unknown := sorted(raw.keys() - _KEYS):
            raise InputError(f"a Unigram model with {', '.join(unknown)} is not implemented; remove what has no effect")
        try:
            pieces = [(piece, float(score)) for piece, score in raw["vocab"]]
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(
                f'the Unigram model has no "vocab", a list of pieces and scores ({error!r}); the file may be cut off'
            ) from error
        return cls(pieces, unk_id=raw.get("unk_id"), byte_fallback=bool(raw.get("byte_fallback", False)))
