"""Words with one vector each: what every training in this package gives, whatever way it took.

Words are close when their vectors point the same way, whatever their lengths:

    similarity(a, b) = a . b / (|a| |b|)

(Salton, Wong and Yang 1975). The length says mostly how frequent and how constant in its use a word is, so it is left out of the
comparison and kept in the vectors. A vector of zeros is close to nothing: 0.

On disk it is a folder (`text.folder`). `word2vec_files` has the form
that other tools share: gensim's KeyedVectors is written and read in it, text or binary. KeyedVectors' own `save` is a pickle, which runs
whatever its writer put into it, so it is neither read nor written here.
"""

import difflib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from groundup.errors import FormatError, InputError
from groundup.text.folder import read, write

MODEL_TYPE = "word_vectors"


class WordVectors:
    """Words and a float32 vector for each: `vectors["cat"]`, `vectors.nearest("cat")`, `vectors.similarity("cat", "dog")`."""

    def __init__(
        self, words: Sequence[str], vectors: np.ndarray, counts: np.ndarray | None = None, trained: Any = None
    ) -> None:
        """words: in the rows' order, most frequent first by custom. counts: how often each was seen, where that is known.

        trained: how they came about, plain data that is kept with them.
        """
        self.words, self.vectors = list(words), np.ascontiguousarray(vectors, np.float32)
        self.counts = None if counts is None else np.asarray(counts, np.int64)
        self.trained = trained
        self.index = {word: row for row, word in enumerate(self.words)}
        self._check()

    def _check(self) -> None:
        shape = self.vectors.shape
        if len(shape) != 2 or shape[0] != len(self.words) or not self.words or not shape[1]:
            raise InputError(
                f"{len(self.words)} words came with vectors of shape {list(shape)}; give one row a word, and at least one word"
            )
        if self.counts is not None and self.counts.shape != (len(self.words),):
            raise InputError(f"{len(self.words)} words came with {self.counts.size} counts; give one for each, or none")
        if len(self.index) < len(self.words):
            twice = next(word for row, word in enumerate(self.words) if self.index[word] != row)
            raise InputError(f"the word {twice!r} is there twice; give each word one row")
        whole = np.isfinite(self.vectors).all(1)
        if not whole.all():
            raise InputError(
                f"the vector of {self.words[int(np.argmin(whole))]!r} holds NaN or infinity; train again with a lower rate, or "
                "leave that word out"
            )

    def __len__(self) -> int:
        """How many words there are."""
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether a word was seen in training."""
        return word in self.index

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self.vectors.shape[1])

    def __getitem__(self, word: str) -> np.ndarray:
        """A word's vector, float32[dimension]; a word that is not there is an InputError that offers near spellings."""
        return self.vectors[self.index[word]] if word in self else self._unseen(word)

    def row(self, word: str) -> int:
        """The row of a word that training saw; of another an InputError that offers near spellings."""
        if word not in self:
            near = self.spellings(word)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "train on a text that holds it"
            raise InputError(f"{word!r} is none of the {len(self):,} words; {hint}")
        return self.index[word]

    def _unseen(self, word: str) -> np.ndarray:
        """The vector of a word that training did not see: here there is none."""
        return self.vectors[self.row(word)]

    def spellings(self, word: str, k: int = 3) -> list[str]:
        """Known words that are spelled nearly like one: the same in other case first, then by letters in common."""
        word = str(word)
        cases = [other for other in dict.fromkeys((word.lower(), word.capitalize(), word.upper())) if other in self]
        alike = [other for other in self.words if abs(len(other) - len(word)) <= 2][:20_000]  # 0.1 s for these
        close = difflib.get_close_matches(word, alike, n=k, cutoff=0.7)
        return list(dict.fromkeys(cases + close))[:k]

    @functools.cached_property
    def unit(self) -> np.ndarray:
        """All vectors at length 1, float32[n, dimension]: a product with them is a similarity. Zeros stay zeros."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        return self.vectors / np.where(lengths > 0, lengths, 1)

    def similarity(self, a: str, b: str) -> float:
        """Cosine of the angle between two words' vectors, from -1 to 1."""
        return float(unit(self[a]) @ unit(self[b]))

    def nearest(
        self, word: str | np.ndarray, k: int = 10, exclude: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """The `k` words with the highest similarity to a word or to any vector, each with it, highest first.

        exclude: words not to answer with; without it, the word asked for.
        """
        vector = self[word] if isinstance(word, str) else self._checked(word)
        if exclude is None:
            exclude = [word] if isinstance(word, str) else []
        scores = self.unit @ unit(vector)
        scores[[self.index[other] for other in exclude if other in self]] = -np.inf
        k = max(0, min(k, int(np.isfinite(scores).sum())))
        if not k:
            return []
        best = np.flatnonzero(scores >= np.partition(scores, -k)[-k])  # more than k where equals stand at the cut
        in_order = best[np.argsort(-scores[best], kind="stable")][:k]  # equals by rank, so the more frequent first
        return [(self.words[row], float(scores[row])) for row in in_order]

    def _checked(self, vector: np.ndarray) -> np.ndarray:
        vector = np.asarray(vector, np.float32)
        if vector.shape != (self.dimension,):
            raise InputError(f"the vector asked for has shape {list(vector.shape)}, these have [{self.dimension}]")
        if not np.isfinite(vector).all():
            raise InputError(
                "the vector asked for holds NaN or infinity, which is near to nothing; give finite numbers"
            )
        return vector

    # ───────── files ─────────

    def _config(self) -> dict[str, Any]:
        """What config.json holds."""
        return {
            "model_type": MODEL_TYPE,
            "vocab_size": len(self),
            "hidden_size": self.dimension,
            "trained": self.trained,
        }

    def _tensors(self) -> dict[str, np.ndarray]:
        """What model.safetensors holds."""
        return {"vectors": self.vectors}

    def save(self, folder: str | Path) -> None:
        """Write a folder that `load` reads: the whole of it, or nothing."""
        counts = None if self.counts is None else self.counts.tolist()
        write(folder, self._config(), self._tensors(), {"words": self.words, "counts": counts})

    @staticmethod
    def load(folder: str | Path) -> "WordVectors":
        """Read what `save` wrote; with pieces of words it is a FastTextVectors. Damage is a FormatError that names the file."""
        config, tensors, vocabulary = read(folder, MODEL_TYPE, ("vectors",))
        try:
            return _made(config, vocabulary, tensors)
        except (KeyError, TypeError, ValueError, InputError) as error:
            raise FormatError(f"{folder} holds parts that do not fit ({error}); save the vectors again") from error

    def save_word2vec(self, path: str | Path, binary: bool = False) -> None:
        """Write the file that word2vec.c and gensim read; see `word2vec_files`."""
        from groundup.classical.embeddings import word2vec_files

        word2vec_files.write(path, self.words, self.vectors, binary)

    @staticmethod
    def load_word2vec(path: str | Path, binary: bool | None = None) -> "WordVectors":
        """Read a file of word2vec.c, gensim or GloVe; binary: None looks which of the two it is."""
        from groundup.classical.embeddings import word2vec_files

        return WordVectors(*word2vec_files.read(path, binary))


def unit(vector: np.ndarray) -> np.ndarray:
    """A vector at length 1; zeros stay zeros.

    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    length = np.linalg.norm(vector)
    return vector / length if length else vector


def _made(config: dict[str, Any], vocabulary: dict[str, Any], tensors: dict[str, np.ndarray]) -> WordVectors:
    """The object that a folder's parts make."""
    words, counts, trained = vocabulary["words"], vocabulary["counts"], config.get("trained")
    if "subwords" in config:
        from groundup.classical.embeddings.fasttext import FastTextVectors, Subwords

        return FastTextVectors(words, Subwords(**config["subwords"]), tensors, counts, trained)
    return WordVectors(words, tensors["vectors"], counts, trained)
