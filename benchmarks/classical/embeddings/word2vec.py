"""word2vec and FastText beside gensim at equal settings: words a second, and what similarity sets say of the vectors.

    python benchmarks/classical/embeddings/word2vec.py TEXT... [--similarity FILE] [--threads 2] [--rounds 3] [--json FILE]

TEXT: plain text files (and zips of them), read as sentences of words in small letters. Both sides get the same lists of words and do
what they do to train one epoch on them, vocabulary built before; d = 100, window 5, 5 negatives, sample 1e-3, min_count 5. Rounds are
interleaved, medians count, and words are those of the text, as gensim counts them. With --similarity (word1, word2, score in columns) each
side is then trained --epochs epochs with three seeds, and the rank correlation of its similarities with the scores is printed: the
difference between the sides has to be within what seeds make.
"""

import argparse
import itertools
import json
import statistics
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import FastText, Word2Vec
from scipy.stats import spearmanr

from groundup import files
from groundup.classical.embeddings import prediction
from groundup.classical.embeddings.fasttext import FastTextConfig, pieces_of_words, train_fasttext
from groundup.classical.embeddings.vocabulary import Corpus, read_corpus, sentences_of
from groundup.classical.embeddings.word2vec import Word2VecConfig, train_word2vec
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

SHARED = {"vector_size": 100, "window": 5, "min_count": 5, "sample": 1e-3}
NEGATIVE, TREE = {"negative": 5}, {"negative": 0, "hs": 1}
CASES = {
    "skip-gram, negative sampling": ("word2vec", {}, {"sg": 1, **NEGATIVE}),
    "CBOW, negative sampling": ("word2vec", {"architecture": "cbow"}, {"sg": 0, **NEGATIVE}),
    "skip-gram, tree": ("word2vec", {"output": "hierarchical softmax"}, {"sg": 1, **TREE}),
    "CBOW, tree": ("word2vec", {"architecture": "cbow", "output": "hierarchical softmax"}, {"sg": 0, **TREE}),
    "FastText, skip-gram": ("fasttext", {}, {"sg": 1, **NEGATIVE}),
    "FastText, CBOW": ("fasttext", {"architecture": "cbow"}, {"sg": 0, **NEGATIVE}),
}


def texts(paths: list[Path]) -> Iterator[str]:
    """The texts of files; of a treebank's `word/tag` only the word."""
    for path in paths:
        if path.suffix != ".zip":
            yield path.read_text(errors="replace")
            continue
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if not name.endswith(("/", "README", "CONTENTS", ".tsv")):
                    words = archive.read(name).decode("latin-1").split(" ")
                    yield (
                        " ".join(word.rpartition("/")[0] or word for word in words)
                        if "brown" in name
                        else " ".join(words)
                    )


def ours(kind: str, settings: dict[str, Any], corpus: Corpus, threads: int) -> Callable[[], object]:
    """One epoch of our training, all but the vocabulary's making."""
    if kind == "word2vec":
        config = Word2VecConfig(epochs=1, threads=threads, **settings)
        made = prediction.problem(corpus, config, prediction.no_pieces(corpus))
        inputs = prediction.first_inputs(len(corpus.words), 100, 0, 0.005)
        return lambda: prediction.train_weights(made, inputs, config)
    config = FastTextConfig(epochs=1, threads=threads, **settings)
    starts, hashed = pieces_of_words(corpus.words, config.subwords)
    held, rows = np.unique(hashed, return_inverse=True)
    made = prediction.problem(corpus, config, (starts, (rows + len(corpus.words)).astype(np.int32)), from_middle=True)
    inputs = prediction.first_inputs(len(corpus.words) + len(held), 100, 0, 0.01)
    return lambda: prediction.train_weights(made, inputs, config)


def theirs(kind: str, settings: dict[str, Any], sentences: list[list[str]], threads: int) -> Callable[[], object]:
    """One epoch of gensim's, its vocabulary built."""
    model = (Word2Vec if kind == "word2vec" else FastText)(workers=threads, epochs=1, **SHARED, **settings)
    model.build_vocab(sentences)
    return lambda: model.train(sentences, total_examples=len(sentences), epochs=1)


def speed(sentences: list[list[str]], corpus: Corpus, threads: int, rounds: int) -> list[dict[str, Any]]:
    """Words a second of both sides in each case."""
    rows = []
    for name, (kind, our_settings, their_settings) in CASES.items():
        work = {
            "ours": ours(kind, our_settings, corpus, threads),
            "gensim": theirs(kind, their_settings, sentences, threads),
        }
        seconds = {side: statistics.median(all) for side, all in in_turns(work, rounds, warm=1).items()}
        rates = {side: corpus.raw_words / taken for side, taken in seconds.items()}
        rows.append({"case": name, **rates, "ratio": rates["ours"] / rates["gensim"]})
        print(
            f"  {name:30} {rates['ours']:12,.0f} {rates['gensim']:12,.0f} words/s  {rows[-1]['ratio']:5.2f}x",
            flush=True,
        )
    return rows


def pairs(path: Path) -> list[tuple[str, str, float]]:
    """Word pairs with a score, whatever stands in the columns behind."""
    found = []
    for line in path.read_text().splitlines():
        fields = line.lower().split()
        if len(fields) >= 3 and not line.startswith("#"):
            numbers = [field for field in fields[2:] if field.replace(".", "", 1).isdigit()]
            found += [(fields[0], fields[1], float(numbers[0]))] if numbers else []
    return found


def correlation(vectors: Any, asked: list[tuple[str, str, float]]) -> float:
    """Spearman's rank correlation of similarities with scores, over pairs whose words are both known."""
    known = [pair for pair in asked if pair[0] in vectors and pair[1] in vectors]
    return float(spearmanr([vectors.similarity(a, b) for a, b, _ in known], [score for *_, score in known])[0])


def quality(
    sentences: list[list[str]], corpus: Corpus, asked: list[tuple[str, str, float]], threads: int, epochs: int
) -> list[dict[str, Any]]:
    """Each side's correlations over three seeds, for word2vec and FastText with negative sampling."""
    rows = []
    for name in ("skip-gram, negative sampling", "CBOW, negative sampling", "FastText, skip-gram"):
        kind, our_settings, their_settings = CASES[name]
        train, config = (train_word2vec, Word2VecConfig) if kind == "word2vec" else (train_fasttext, FastTextConfig)
        model = Word2Vec if kind == "word2vec" else FastText
        our, their = [], []
        for seed in (1, 2, 3):
            vectors = train(corpus, config(seed=seed, epochs=epochs, threads=threads, **our_settings))
            our.append(correlation(vectors, asked))
            other = model(sentences, seed=seed, epochs=epochs, workers=threads, **SHARED, **their_settings)
            their.append(correlation(other.wv, asked))
        rows.append({"case": name, "ours": our, "gensim": their})
        shown = [" ".join(f"{value:.3f}" for value in values) for values in (our, their)]
        print(f"  {name:30} ours {shown[0]}   gensim {shown[1]}", flush=True)
    return rows


def main() -> None:
    """Print the tables, and write them where --json says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="+", type=Path)
    parser.add_argument("--similarity", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--no-speed", action="store_true")
    parser.add_argument("--most-sentences", type=int)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sentences = list(itertools.islice(sentences_of(texts(arguments.text)), arguments.most_sentences))
    corpus = read_corpus(sentences)
    print(
        f"{machine_name()}, {arguments.threads} threads; {corpus.raw_words:,} words, {len(corpus.words):,} different ones kept"
    )
    result: dict[str, Any] = {"machine": machine_name(), "words": corpus.raw_words, "vocabulary": len(corpus.words)}
    if not arguments.no_speed:
        result["speed"] = speed(sentences, corpus, arguments.threads, arguments.rounds)
    if arguments.similarity:
        asked = pairs(arguments.similarity)
        result["similarity"] = quality(sentences, corpus, asked, arguments.threads, arguments.epochs)
    if arguments.json:
        files.write_json(arguments.json, result)
    print(json.dumps(files.strict(result))) if arguments.json else None


if __name__ == "__main__":
    main()
