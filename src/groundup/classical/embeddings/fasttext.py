"""FastText: a word is the mean of its own vector and those of its pieces, so a word never seen has a vector from its spelling.

`where` between marks is `<where>`, and its pieces of three letters are <wh whe her ere re>: `her` inside a word is another piece than the
word `<her>`. Training is word2vec's with this mean as the hidden vector; each row of it gets the whole change. Pieces of `min_n` to
`max_n` letters share `buckets` rows by a hash:

    h = 2166136261; for each byte b of the piece's UTF-8: h = (h xor b) * 16777619 mod 2^32; bucket = h mod buckets

which is FNV-1a, save that fastText's program reads a byte above 127 as a negative number and so turns the upper 24 bits around as well:
pieces outside ASCII hash otherwise than the published FNV-1a, here too, so that our buckets are those of fastText and gensim.
Bojanowski, Grave, Joulin and Mikolov 2017, arXiv:1607.04606, section 3.2.

Two million buckets of 100 numbers are 800 MB, of which a corpus of some million words touches a tenth: only rows that a piece of the
vocabulary falls into are held. For an unseen word the mean is over its pieces that are held; fastText and gensim take in rows that
no training touched, which is noise. In skip-gram the word in the middle is the input (word2vec: the target), as in fastText.
Left out: fastText's .bin files, and its classifier.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from groundup.classical.embeddings import prediction
from groundup.classical.embeddings.prediction import PredictionConfig
from groundup.classical.embeddings.rows import add
from groundup.classical.embeddings.vectors import WordVectors
from groundup.classical.embeddings.vocabulary import Corpus
from groundup.classical.embeddings.word2vec import refuse_diverged, work_for
from groundup.errors import ConfigError, InputError
from groundup.progress import Progress
from groundup.slots import slot
from groundup.text.compiled import inner, kernel, loop


@dataclass(frozen=True)
class Subwords:
    """How words come apart: pieces of min_n to max_n letters, marks at a word's ends counted, in `buckets` rows."""

    min_n: int = 3
    max_n: int = 6
    buckets: int = 2_000_000

    def __post_init__(self) -> None:
        if not 1 <= self.min_n <= self.max_n:
            raise ConfigError(
                f"pieces of min_n={self.min_n} to max_n={self.max_n} letters are none; use for example 3 to 6"
            )
        if not 1 <= self.buckets < 1 << 31:
            raise ConfigError(f"buckets={self.buckets} is not possible; use 1 or more (2 million by custom)")


@dataclass(frozen=True, kw_only=True)
class FastTextConfig(PredictionConfig):
    """How FastText is trained: word2vec's settings and how words come apart."""

    min_n: int = 3
    max_n: int = 6
    buckets: int = 2_000_000

    @property
    def subwords(self) -> Subwords:
        """The part that is about pieces."""
        return Subwords(self.min_n, self.max_n, self.buckets)

    def __post_init__(self) -> None:
        PredictionConfig.__post_init__(self)
        _ = self.subwords


@slot
def character_ngrams(word: str, min_n: int = 3, max_n: int = 6) -> list[str]:
    """The pieces of a word between marks, by where they begin and then by length; a mark alone is none.

    >>> character_ngrams("cat", 3, 4)
    ['<ca', '<cat', 'cat', 'cat>', 'at>']
    """
    marked = f"<{word}>"
    pieces = [
        marked[start:end]
        for start in range(len(marked))
        for end in range(start + min_n, min(start + max_n, len(marked)) + 1)
    ]
    return [piece for place, piece in enumerate(pieces) if len(piece) > 1 or 0 < place < len(pieces) - 1]


@slot
def ngram_bucket(piece: str, buckets: int) -> int:
    """The row of a piece: fastText's hash of its UTF-8 bytes, modulo the number of rows.

    >>> ngram_bucket("<ca", 2_000_000), hex(ngram_bucket("a", 2**32))
    (916747, '0xe40c292c')
    """
    value = 2166136261
    for byte in piece.encode(errors="surrogatepass"):
        value ^= byte if byte < 128 else byte | 0xFFFFFF00  # a negative number's upper bits are ones
        value = value * 16777619 & 0xFFFFFFFF
    return value % buckets


def buckets_of(word: str, subwords: Subwords) -> list[int]:
    """The rows of all pieces of a word."""
    return [ngram_bucket(piece, subwords.buckets) for piece in character_ngrams(word, subwords.min_n, subwords.max_n)]


# ───────── all words at once ─────────


@inner
def _inside(byte):
    """Whether a byte goes on with a letter that an earlier one began."""
    return byte & 0xC0 == 0x80


@inner
def _pieces_of(data, start, end, min_n, max_n, buckets, rows, count, write):
    """Count a marked word's pieces, and write their buckets where `write` says so."""
    for first in range(start, end):
        if _inside(data[first]):
            continue
        value, letters = np.uint32(2166136261), 0
        for place in range(first, end):
            byte = np.uint32(data[place])
            value = np.uint32((value ^ (byte if byte < 128 else byte | np.uint32(0xFFFFFF00))) * np.uint32(16777619))
            if place + 1 < end and _inside(data[place + 1]):
                continue
            letters += 1
            if letters > max_n:
                break
            if letters >= min_n and not (letters == 1 and (first == start or place + 1 == end)):
                if write:
                    rows[count] = value % np.uint32(buckets)
                count += 1
    return count


@kernel
def _all_pieces(data, ends, min_n, max_n, buckets):
    """The buckets of all words, behind one another, and where each word's begin."""
    starts = np.zeros(len(ends) + 1, np.int64)
    nothing = np.empty(0, np.int32)
    for word in range(len(ends)):
        start = ends[word - 1] if word else 0
        starts[word + 1] = _pieces_of(data, start, ends[word], min_n, max_n, buckets, nothing, starts[word], False)
    rows = np.empty(starts[-1], np.int32)
    for word in range(len(ends)):
        start = ends[word - 1] if word else 0
        _pieces_of(data, start, ends[word], min_n, max_n, buckets, rows, starts[word], True)
    return starts, rows


def pieces_of_words(words: Sequence[str], subwords: Subwords) -> tuple[np.ndarray, np.ndarray]:
    """Where each word's buckets begin int64[n + 1], and the buckets int32; the same as `buckets_of` word by word."""
    marked = [f"<{word}>".encode(errors="surrogatepass") for word in words]
    data = np.frombuffer(b"".join(marked), np.uint8)
    ends = np.cumsum([len(word) for word in marked]).astype(np.int64)
    return _all_pieces(data, ends, subwords.min_n, subwords.max_n, subwords.buckets)


@loop
def _means(inputs, starts, rows, means):
    """The mean of each word's own row and those of its pieces."""
    width = inputs.shape[1]
    for word in range(len(means)):
        share = np.float32(1 / (1 + starts[word + 1] - starts[word]))
        add(means, word * width, inputs, word * width, share, width)
        for k in range(starts[word], starts[word + 1]):
            add(means, word * width, inputs, np.int64(rows[k]) * width, share, width)


# ───────── the model ─────────


class FastTextVectors(WordVectors):
    """Word vectors that answer for words never seen, by their pieces. Make them with `train_fasttext`."""

    def __init__(
        self,
        words: Sequence[str],
        subwords: Subwords,
        tensors: Mapping[str, np.ndarray],
        counts: np.ndarray | None = None,
        trained: Any = None,
    ) -> None:
        """tensors: vectors [words, d]; pieces [held, d], the rows of the buckets int32[held], which rise."""
        super().__init__(words, tensors["vectors"], counts, trained)
        self.subwords, self.pieces, self.buckets = subwords, tensors["pieces"], tensors["buckets"]
        if self.pieces.shape != (len(self.buckets), self.dimension) or (np.diff(self.buckets) <= 0).any():
            raise InputError(
                f"pieces of shape {list(self.pieces.shape)} came with {len(self.buckets)} buckets and vectors of {self.dimension} "
                "numbers; give a row a bucket, in rising order"
            )

    def _unseen(self, word: str) -> np.ndarray:
        """The mean of the pieces that some word of the vocabulary has."""
        wanted = np.array(buckets_of(str(word), self.subwords), np.int64)
        places = np.minimum(np.searchsorted(self.buckets, wanted), max(0, len(self.buckets) - 1))
        held = places[self.buckets[places] == wanted] if len(self.buckets) else places[:0]
        return self.pieces[held].mean(0) if len(held) else super()._unseen(word)

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"subwords": asdict(self.subwords)}

    def _tensors(self) -> dict[str, np.ndarray]:
        return super()._tensors() | {"pieces": self.pieces, "buckets": self.buckets}


def train_fasttext(
    sentences: Iterable[Sequence[str]] | Corpus,
    config: FastTextConfig | None = None,
    progress: Progress | None = None,
) -> FastTextVectors:
    """Vectors for the words of sentences and for their pieces. sentences: lists of words, or a corpus that was read already."""
    config = config or FastTextConfig()
    corpus = prediction.corpus_of(sentences, config)
    starts, hashed = pieces_of_words(corpus.words, config.subwords)
    held, rows = np.unique(hashed, return_inverse=True)
    words = len(corpus.words)
    rows = (rows + words).astype(np.int32)
    made = prediction.problem(corpus, config, (starts, rows), from_middle=True)
    inputs = prediction.first_inputs(words + len(held), config.hidden_size, config.seed, 1 / config.hidden_size)
    prediction.train_weights(made, inputs, config, progress, work_for(made))
    refuse_diverged(inputs, config)
    means = prediction.aligned_rows(words, config.hidden_size)
    _means(inputs, starts, rows, means)
    tensors = {
        "vectors": means[:, : config.hidden_size],
        "pieces": np.ascontiguousarray(inputs[words:, : config.hidden_size]),
        "buckets": held.astype(np.int32),
    }
    trained = prediction.record("fasttext", config, corpus)
    return FastTextVectors(corpus.words, config.subwords, tensors, corpus.counts, trained)
