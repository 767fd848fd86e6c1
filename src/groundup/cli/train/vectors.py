"""`groundup train vectors`: a vector for each word of a text (`classical.embeddings`).

There is no held-out text that says what a vector should be, so three things are measured: how many of its words have one; how often a word
that stands beside another is nearer to it than a word drawn by frequency (1/2: by chance); and, where files are given, people's judgements.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from groundup.cli.train.making import Making

MOST_PAIRS = 50_000


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorOptions(Making):
    """train a vector for each word"""

    text: Path
    """your own text: a file, a folder or JSON lines with the key text"""
    heldout: Path | None = None
    """text to measure on; left out: about a twenty-fifth of --text, which is not learned from"""
    method: Literal["word2vec", "glove", "fasttext", "svd"] = "word2vec"
    """predict neighbours; fit counts of neighbours; predict with pieces of words; factor counts"""
    architecture: Literal["skip-gram", "cbow"] | None = None
    """word2vec, fasttext: neighbours from the word, or the word from its neighbours"""
    hidden_size: int = 100
    """numbers in a vector"""
    window: int | None = None
    """words on each side that count as neighbours"""
    min_count: int = 5
    """how often a word has to be seen"""
    epochs: int | None = None
    """how often the text is read; not for svd"""
    learning_rate: float | None = None
    """size of a step; not for svd"""
    threads: int | None = None
    """CPU threads; left out: one a core. With one the same seed gives the same vectors"""
    seed: int = 0
    """where chance begins"""
    similarity: Path | None = None
    """pairs of words with people's numbers to compare with, such as wordsim353.tsv"""
    analogies: Path | None = None
    """questions of four words to answer, such as questions-words.txt"""


SAME = ("architecture", "hidden_size", "window", "min_count", "epochs", "learning_rate", "threads", "seed")


def train_vectors(options: VectorOptions) -> None:
    """Train, save, compare with the held-out text and with people."""
    from groundup.classical.embeddings.vocabulary import sentences_of
    from groundup.cli.train import making
    from groundup.progress import progress

    making.free(options.out)
    train, config = _method(options)
    judges = _judges(options)
    text, heldout = making.texts(options.text, options.heldout)

    def trained() -> Any:
        sentences = []
        with progress(len(text), "words", "documents") as bar:
            for one in text:
                sentences += list(sentences_of([one]))
                bar.update(1, sentences=f"{len(sentences):,}")
        return train(sentences, config)

    making.make(
        options, "vectors", trained, lambda model: measured(model, list(sentences_of(heldout)), judges),
        method=options.method, vocabulary=len, hidden_size=lambda model: model.dimension,
        words_seen=lambda model: int(model.counts.sum()),
    )  # fmt: skip


def _method(options: VectorOptions) -> tuple[Any, Any]:
    """The function that trains, and its configuration."""
    from groundup.classical.embeddings import cooccurrence, fasttext, glove, word2vec
    from groundup.cli.train import making

    train, config = {
        "word2vec": (word2vec.train_word2vec, word2vec.Word2VecConfig),
        "glove": (glove.train_glove, glove.GloveConfig),
        "fasttext": (fasttext.train_fasttext, fasttext.FastTextConfig),
        "svd": (cooccurrence.train_cooccurrence, cooccurrence.CooccurrenceConfig),
    }[options.method]
    return train, making.given(config, {name: getattr(options, name) for name in SAME}, f"--method {options.method}")


def _judges(options: VectorOptions) -> dict[str, Any]:
    """The files of people's judgements, read before anything is trained."""
    from groundup.classical.embeddings.evaluation import scores

    readers = {"similarity": scores.read_pairs, "analogies": scores.read_questions}
    paths = {name: getattr(options, name) for name in readers}
    return {name: readers[name](path) for name, path in paths.items() if path is not None}


def measured(vectors: Any, sentences: list[list[str]], judges: dict[str, Any]) -> dict[str, Any]:
    """What can be said of vectors: coverage, neighbours told from drawn words, people's judgements."""
    from groundup.classical.embeddings.evaluation import scores

    words = [word for sentence in sentences for word in sentence]
    found: dict[str, Any] = {
        "words": len(words),
        "words_with_a_vector": sum(word in vectors for word in words) / max(1, len(words)),
        "neighbours_told_from_drawn_words": neighbours_told(vectors, sentences),
    }
    if "similarity" in judges:
        found |= {"similarity_spearman": scores.score_similarity(vectors, judges["similarity"]).spearman}
    if "analogies" in judges:
        found |= {"analogies_right": scores.score_analogies(vectors, judges["analogies"]).accuracy}
    return found


def neighbours_told(vectors: Any, sentences: list[list[str]], seed: int = 0) -> float | None:
    """How often the word after a word is nearer to it than one drawn from the same text; None where no two known words stand together."""
    import numpy as np

    rows = [[vectors.index[word] for word in sentence if word in vectors] for sentence in sentences]
    pairs = np.array([pair for row in rows for pair in zip(row, row[1:], strict=False) if pair[0] != pair[1]])
    if not len(pairs):
        return None
    source = np.random.default_rng(seed)
    pairs = pairs[source.permutation(len(pairs))[:MOST_PAIRS]]
    drawn = source.choice(np.concatenate([np.array(row, np.int64) for row in rows]), len(pairs))
    pairs, drawn = (part[drawn != pairs[:, 0]] for part in (pairs, drawn))
    unit = vectors.unit
    near = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[pairs[:, 1]])
    far = np.einsum("ij,ij->i", unit[pairs[:, 0]], unit[drawn])
    return None if not len(pairs) else float((near > far).mean() + (near == far).mean() / 2)
