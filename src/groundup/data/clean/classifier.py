r"""A filter that learned from labelled texts: logistic regression on hashed n-grams.

Rules find the bad texts one thought of. Where there are labelled rows, a linear model of which words and which pieces of
words come in the wanted and the unwanted ones finds the rest, at megabytes a second on one core, which is what makes it
fit for the whole web (fastText: Joulin et al. 2016, arXiv:1607.01759; as a quality filter: Brown et al. 2020, appendix A).

    p(1 | text) = sigmoid(b + sum of w[h(g)] over the n-grams g of the text / sqrt(their number))

g are words, pairs of words, and runs of 3 to 5 bytes, so that a word spelled anew still shares most of its pieces; h maps
them to 2^bits places (Weinberger et al. 2009, arXiv:0902.2206: what collides hardly matters). Training: AdaGrad over the
rows in random order. Quality is the area under the ROC curve (`roc.py`). Labelled rows are read by `labelled.py`.

Leaves out: more than two labels; regularisation, in whose place a few epochs stand.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.data.clean.roc import auc, auc_interval
from groundup.errors import ConfigError, FormatError, InputError
from groundup.text.compiled import inner, kernel

LONGEST = 1 << 20  # bytes of a text that are looked at
SHORT, LONG = 3, 5  # bytes of a piece


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassifierConfig:
    """How a filter is trained."""

    bits: int = 18
    """2^bits weights"""
    epochs: int = 4
    learning_rate: float = 0.3
    held_out: float = 0.1
    """part of the rows that is set aside to measure with"""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not 8 <= self.bits <= 28 or self.epochs < 1 or self.learning_rate <= 0:
            raise ConfigError(
                f"bits={self.bits}, epochs={self.epochs}, learning_rate={self.learning_rate} train nothing; "
                "use bits from 8 to 28, epochs of 1 or more and a positive rate"
            )
        if not 0 < self.held_out < 1:
            raise ConfigError(f"held_out={self.held_out} leaves nothing to train on or to measure with; use 0.1")


@inner
def _features(data, begin, end, bits, out):
    """Write the places of a text's n-grams to `out`; how many. The text begins and ends with a space."""
    count, value, before = 0, np.uint64(0), np.uint64(0)
    shift = np.uint64(64 - bits)
    for at in range(begin, end):
        if data[at] != 32:
            value = (value ^ np.uint64(data[at])) * np.uint64(0x100000001B3) + np.uint64(1)
        elif value:
            out[count] = (value * np.uint64(0x9E3779B97F4A7C15)) >> shift
            count += 1
            if before:
                out[count] = ((before ^ (value >> np.uint64(7))) * np.uint64(0xD6E8FEB86659FD93)) >> shift
                count += 1
            before, value = value, np.uint64(0)
        piece = np.uint64(0)
        for length in range(1, min(LONG, end - at) + 1):
            piece = (piece << np.uint64(8)) | np.uint64(data[at + length - 1])
            if length >= SHORT:
                out[count] = ((piece + np.uint64(length)) * np.uint64(0xFF51AFD7ED558CCD)) >> shift
                count += 1
    return count


@inner
def _score(weights, places, count):
    total = np.float64(0)
    for at in range(count):
        total += weights[places[at]]
    return weights[-1] + total / np.sqrt(max(1, count))


@kernel
def _listed(data, bits):
    places = np.empty(5 * len(data) + 8, np.uint32)
    return places[: _features(data, 0, len(data), bits, places)]


def features(text: str, bits: int = 18) -> np.ndarray:
    """The places of a text's n-grams, in order and with their repetitions.

    >>> len(features("to be"))  # two words, a pair, and 12 pieces
    15
    """
    return _listed(_bytes([text])[0], bits)


@kernel
def _scores(data, offsets, weights, bits):
    places = np.empty(5 * np.diff(offsets).max() + 8, np.uint32)
    scores = np.empty(len(offsets) - 1, np.float64)
    for text in range(len(scores)):
        count = _features(data, offsets[text], offsets[text + 1], bits, places)
        scores[text] = _score(weights, places, count)
    return scores


@kernel
def _train(data, offsets, labels, order, weights, squares, bits, rate):
    """One pass over the rows: the gradient of -log p(label) is (p - label) times the features."""
    places = np.empty(5 * np.diff(offsets).max() + 8, np.uint32)
    for text in order:
        count = _features(data, offsets[text], offsets[text + 1], bits, places)
        error = 1 / (1 + np.exp(-_score(weights, places, count))) - labels[text]
        step = error / np.sqrt(max(1, count))
        for at in range(count):
            place = places[at]
            squares[place] += step * step
            weights[place] -= rate * step / np.sqrt(squares[place])
        squares[-1] += error * error
        weights[-1] -= rate * error / np.sqrt(squares[-1])


def _bytes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    parts = [f" {' '.join(text[:LONGEST].lower().split())} ".encode(errors="surrogatepass") for text in texts]
    return np.frombuffer(b"".join(parts), np.uint8), np.cumsum([0, *map(len, parts)])


class Classifier:
    """Weights of n-grams, the constant at their end, and what was measured when they were made."""

    def __init__(self, weights: np.ndarray, config: ClassifierConfig, report: dict[str, Any] | None = None) -> None:
        self.weights, self.config, self.report = weights, config, report or {}

    def scores(self, texts: Sequence[str]) -> np.ndarray:
        """The probability of label 1 for each text."""
        if not texts:
            return np.zeros(0)
        data, offsets = _bytes(texts)
        return 1 / (1 + np.exp(-_scores(data, offsets, self.weights, self.config.bits)))

    def score(self, text: str) -> float:
        """The probability of label 1."""
        return float(self.scores([text])[0])

    def save(self, folder: str | Path) -> None:
        """Write the classifier as a folder, whole or not at all."""
        from safetensors.numpy import save

        with files.atomic_folder(folder) as temporary:
            settings = dataclasses.asdict(self.config)
            files.write_json(
                temporary / "config.json", {"model_type": "text_filter", "report": self.report, **settings}
            )
            files.write_bytes(temporary / "model.safetensors", save({"weights": self.weights}))
            files.write_checksums(temporary)

    @classmethod
    def load(cls, folder: str | Path) -> "Classifier":
        """Read a saved classifier; FormatError names the file that is damaged."""
        from safetensors.numpy import load

        folder = Path(folder)
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder} holds no trained filter; make one with `groundup data train-filter`")
        files.verify_checksums(folder)
        settings = files.read_json(folder / "config.json")
        if settings.pop("model_type", None) != "text_filter":
            raise FormatError(f"{folder} is no text filter; make one with `groundup data train-filter`")
        report = settings.pop("report", {})
        try:
            config = ClassifierConfig(**settings)
        except TypeError as error:
            raise FormatError(f"{folder / 'config.json'}: {error}; train the filter again") from None
        return cls(load((folder / "model.safetensors").read_bytes())["weights"], config, report)


def train(
    texts: Sequence[str],
    labels: Sequence[bool] | np.ndarray,
    config: ClassifierConfig | None = None,
    progress: Callable[[int], object] | None = None,
) -> Classifier:
    """Fit a classifier to texts with labels 0 and 1. progress: called with the number of epochs done."""
    config = config or ClassifierConfig()
    wanted = np.asarray(labels, dtype=np.float64)
    if len(texts) != len(wanted):
        raise InputError(f"{len(texts)} texts and {len(wanted)} labels; give one label a text")
    if len(np.unique(wanted)) != 2 or not np.isin(wanted, (0, 1)).all():
        raise InputError(
            f"the labels are {np.unique(wanted)[:5].tolist()}; a filter needs rows of label 0 and of label 1"
        )
    data, offsets = _bytes(texts)
    weights = np.zeros((1 << config.bits) + 1, np.float32)
    squares = np.full(len(weights), 1e-4, np.float32)
    draw = np.random.default_rng(config.seed)
    for epoch in range(config.epochs):
        rate = config.learning_rate * (1 - epoch / config.epochs)
        _train(data, offsets, wanted, draw.permutation(len(wanted)), weights, squares, config.bits, rate)
        if progress:
            progress(epoch + 1)
    return Classifier(weights, config)


def train_filter(
    rows: Iterable[tuple[str, bool]],
    folder: str | Path | None = None,
    config: ClassifierConfig | None = None,
    progress: Callable[[int], object] | None = None,
) -> Classifier:
    """Train on a part of labelled rows, measure on the rest, and save to `folder`; `report` holds the figures.

    Rows with the same text are on the same side, so that what was learned by heart is not measured. The report: `auc` and its
    `auc_interval` of 95 %, `rows`, `held_out_rows`, `positive` (part of label 1), and `at`: for some scores what dropping from
    there on would do.
    """
    config = config or ClassifierConfig()
    listed = list(rows)
    texts, labels = [text for text, _ in listed], np.array([label for _, label in listed], dtype=bool)
    aside = _set_aside(texts, config.held_out)
    if (
        min((labels[part]).sum() for part in (aside, ~aside)) == 0
        or min((~labels[part]).sum() for part in (aside, ~aside)) == 0
    ):
        raise InputError(
            f"{len(texts)} rows are too few to train on and to measure with; give some hundred of each label"
        )
    chosen = np.flatnonzero(~aside)
    model = train([texts[at] for at in chosen], labels[chosen], config, progress)
    scores = model.scores([texts[at] for at in np.flatnonzero(aside)])
    area, ones = auc(scores, labels[aside]), int(labels[aside].sum())
    model.report = {
        "auc": round(area, 4),
        "auc_interval": [round(end, 4) for end in auc_interval(area, ones, int(aside.sum()) - ones)],
        "rows": len(chosen),
        "held_out_rows": int(aside.sum()),
        "positive": round(float(labels.mean()), 4),
        "at": {str(edge): _at(scores, labels[aside], edge) for edge in (0.3, 0.5, 0.7, 0.9)},
    }
    if folder is not None:
        model.save(folder)
    return model


def _set_aside(texts: Sequence[str], part: float) -> np.ndarray:
    from zlib import crc32

    return np.array([crc32(text.encode(errors="surrogatepass")) % 10_000 < 10_000 * part for text in texts], dtype=bool)


def _at(scores: np.ndarray, labels: np.ndarray, edge: float) -> dict[str, float]:
    found = scores >= edge
    hits = float((found & labels).sum())
    return {
        "precision": round(hits / max(1, int(found.sum())), 4),
        "recall": round(hits / max(1, int(labels.sum())), 4),
    }
