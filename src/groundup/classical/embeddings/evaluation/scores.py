"""Scores of word vectors: do they find alike what people find alike, and does a difference carry over to other words?

Similarity: people gave pairs of words a number; what counts is the order, so the two lists are compared by Spearman's rank correlation
(Spearman 1904), equal values sharing the mean of their ranks. Analogies: a is to b as c is to which word? With vectors of length 1,

    3CosAdd   argmax over d of   d.b + d.c - d.a               (Mikolov, Yih and Zweig 2013)
    3CosMul   argmax over d of   d'b * d'c / (d'a + 0.001)     (Levy and Goldberg 2014, eq. 5), d'b = (d.b + 1) / 2

where the three words themselves cannot be the answer; without that rule the answer mostly is b or c. A question with a
word that has no vector is not asked, and how many
were is part of the result. Left out: significance of a difference between two models.
"""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.classical.embeddings.vectors import WordVectors, unit
from groundup.errors import FormatError, InputError
from groundup.slots import filled, slot

BLOCK = 256  # questions whose scores are held at once


@dataclass(frozen=True, slots=True)
class SimilarityScore:
    """How well the order of similarities agrees with people's: 1 the same, 0 nothing in common, -1 reversed."""

    spearman: float
    pairs: int  # that were compared
    unknown: int  # that were not, for want of a vector


@dataclass(frozen=True, slots=True)
class AnalogyScore:
    """How many analogies were answered right, in all and by section."""

    correct: int
    asked: int
    unknown: int  # questions with a word that has no vector
    sections: dict[str, tuple[int, int]]  # name -> correct, asked

    @property
    def accuracy(self) -> float:
        """The part of the questions asked that was answered right; 0 where none was asked."""
        return self.correct / self.asked if self.asked else 0.0


# ───────── similarity ─────────


def ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value among all, from 1; equal values share the mean of their ranks.

    >>> ranks(np.array([10.0, 30.0, 10.0, 20.0])).tolist()
    [1.5, 4.0, 1.5, 3.0]
    """
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]


def spearman(one: Sequence[float] | np.ndarray, other: Sequence[float] | np.ndarray) -> float:
    """The correlation of two lists' ranks, -1 to 1."""
    one, other = np.asarray(one, float), np.asarray(other, float)
    if one.shape != other.shape or one.ndim != 1 or len(one) < 2:
        raise InputError(
            f"lists of shapes {one.shape} and {other.shape} have no correlation; give two of equal length, at least 2"
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise InputError("a list with NaN or infinity has no order; give finite numbers")
    a, b = ranks(one), ranks(other)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        raise InputError("all values of a list are the same, so it has no order; give values that differ")
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def score_similarity(vectors: WordVectors, pairs: Iterable[tuple[str, str, float]]) -> SimilarityScore:
    """Spearman's correlation of cosines with people's numbers, over the pairs that have vectors; case counts only where both are there."""
    pairs = list(pairs)
    row = _rows(vectors)
    known = [(row(a), row(b), value) for a, b, value in pairs if row(a) >= 0 and row(b) >= 0]
    if len(known) < 2:
        raise InputError(
            f"only {len(known)} of {len(pairs)} pairs have vectors for both words; train on more text, or give pairs of its words"
        )
    unit = vectors.unit
    cosines = [float(unit[a] @ unit[b]) for a, b, _ in known]
    return SimilarityScore(spearman(cosines, [value for *_, value in known]), len(known), len(pairs) - len(known))


def _rows(vectors: WordVectors):  # type: ignore[no-untyped-def]
    """A word's row, as it is written or in lower case; -1 where it has none."""
    index = vectors.index
    return lambda word: index.get(word, index.get(word.lower(), -1))


def _lines(path: str | Path) -> list[str]:
    """The lines of a text file, of a packed one where its name ends in .gz."""
    try:
        data = Path(path).read_bytes()
        return (gzip.decompress(data) if str(path).endswith(".gz") else data).decode().splitlines()
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8 (byte {error.start + 1}); save it as UTF-8") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FormatError(f"{path} is damaged or cut short ({error}); copy it again") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give a text file") from error


def read_pairs(path: str | Path) -> list[tuple[str, str, float]]:
    """Lines of two words and a number, with tabs, commas or blanks between them: WordSim-353 and SimLex-999 as their authors and gensim keep them.

    Lines that begin with # and what follows the number are passed over, and a first line of names (`word1 word2 ...`). Where there is one, other
    columns may stand before the number (SimLex-999 has the part of speech): it is the first that holds numbers.
    """
    found: list[tuple[str, str, float]] = []
    place, named = 2, False
    for number, line in enumerate(_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = _columns(line)
        if not found and not named and parts[0].strip().lower().startswith("word") and not any(map(_is_number, parts)):
            named = True
            continue
        if named and not found:
            place = next((at for at in range(2, len(parts)) if _is_number(parts[at])), 2)
        try:
            found.append((parts[0].strip(), parts[1].strip(), float(parts[place])))
        except (IndexError, ValueError):
            raise FormatError(
                f"{path}: line {number} is not two words and a number: {line[:60]!r}; mend or remove it"
            ) from None
    if not found:
        raise InputError(f"{path} holds no pair; give lines of two words and a number, separated by tabs")
    return found


def _columns(line: str) -> list[str]:
    """A line's fields."""
    return line.split("\t") if "\t" in line else line.split(",") if line.count(",") > 1 else line.split()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ───────── analogies ─────────


@slot
def analogy(unit: np.ndarray, a: int, b: int, c: int, multiply: bool = False) -> int:
    """The row d for which a is to b as c is to d: 3CosAdd, or 3CosMul where `multiply`.

    unit: vectors of length 1, (vocab, hidden). The answer is none of a, b and c.
    """
    to_a, to_b, to_c = (unit @ unit[[a, b, c]].T).T
    if multiply:
        scores = (to_b + 1) / 2 * ((to_c + 1) / 2) / ((to_a + 1) / 2 + 0.001)
    else:
        scores = to_b + to_c - to_a
    scores[[a, b, c]] = -np.inf
    return int(scores.argmax())


def answer(vectors: WordVectors, a: str, b: str, c: str, multiply: bool = False) -> str:
    """The word that is to c as b is to a; a word that training did not see is an InputError that offers near spellings."""
    if len(vectors) < 4:
        raise InputError(f"{len(vectors)} words leave no answer beside the three asked about; train on more text")
    return vectors.words[analogy(vectors.unit, vectors.row(a), vectors.row(b), vectors.row(c), multiply)]


def _answers(unit: np.ndarray, questions: np.ndarray, multiply: bool) -> np.ndarray:
    """`analogy` for many questions (n, 3) at once, a block of products at a time."""
    if filled("classical.embeddings.analogy"):
        return np.array([analogy(unit, a, b, c, multiply) for a, b, c in questions.tolist()])
    found = np.empty(len(questions), np.int64)
    for start in range(0, len(questions), BLOCK):
        asked = questions[start : start + BLOCK]
        if multiply:
            to_a, to_b, to_c = ((unit[asked[:, part]] @ unit.T + 1) / 2 for part in range(3))
            scores = to_b * to_c / (to_a + 0.001)
        else:  # one product in place of three
            scores = (unit[asked[:, 1]] + unit[asked[:, 2]] - unit[asked[:, 0]]) @ unit.T
        np.put_along_axis(scores, asked, -np.inf, axis=1)
        found[start : start + BLOCK] = scores.argmax(axis=1)
    return found


def score_analogies(
    vectors: WordVectors,
    sections: dict[str, list[tuple[str, str, str, str]]],
    multiply: bool = False,
    most: int = 300_000,
) -> AnalogyScore:
    """Answer every question a b c d whose words have vectors. most: only the first words, the most frequent by custom, may be answers."""
    row = _rows(vectors)
    limit, results, unknown = min(most, len(vectors)), {}, 0
    for name, questions in sections.items():
        rows = np.array([[row(word) for word in question] for question in questions]).reshape(-1, 4)
        known = rows[((rows >= 0) & (rows < limit)).all(axis=1)]
        unknown += len(rows) - len(known)
        right = _answers(vectors.unit[:limit], known[:, :3], multiply) == known[:, 3]
        results[name] = (int(right.sum()), len(known))
    correct, asked = (sum(column) for column in zip(*results.values(), strict=True)) if results else (0, 0)
    return AnalogyScore(correct, asked, unknown, results)


def read_questions(path: str | Path) -> dict[str, list[tuple[str, str, str, str]]]:
    """Analogies from a file of four words a line, sections headed by `: name`, as word2vec's questions-words.txt is kept."""
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    name = ""
    for number, line in enumerate(_lines(path), 1):
        if line.startswith(":"):
            name = line[1:].strip()
        elif line.strip():
            words = line.split()
            if len(words) != 4:
                raise FormatError(
                    f"{path}: line {number} has {len(words)} words and not four: {line[:60]!r}; mend or remove it"
                )
            sections.setdefault(name, []).append((words[0], words[1], words[2], words[3]))
    if not sections:
        raise InputError(f"{path} holds no question; give lines of four words")
    return sections


# ───────── the word that does not belong ─────────


def odd_one_out(vectors: WordVectors, words: Sequence[str]) -> str:
    """The word that is least similar to the mean of all of them, each at length 1."""
    if len(set(words)) < 3:
        raise InputError(f"{len(set(words))} different words have no odd one; give at least 3")
    rows = np.stack([unit(vectors[word]) for word in words])
    return words[int((rows @ rows.mean(axis=0)).argmin())]
