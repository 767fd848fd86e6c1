"""word2vec, FastText and GloVe beside gensim at equal settings: words a second, and what similarity sets say of the vectors.

    python benchmarks/classical/embeddings/word2vec.py TEXT... [--only CASE...] [--seconds 0] [--rounds 3] [--threads 2] [--json FILE]
    python benchmarks/classical/embeddings/word2vec.py TEXT... --no-speed --similarity FILE... [--only CASE...] [--seeds 3] [--epochs 5]

TEXT: plain text files (and zips of them), read as sentences of words in small letters. Both sides get the same lists of words and do
what they do to train one epoch on them, vocabulary built before; d = 100, window 5, 5 negatives, sample 1e-3, min_count 5. Rounds are
interleaved, medians count, the ratio's interval goes from the lowest to the highest of the rounds, and words are those of the text, as
gensim counts them. --seconds: each side trains so many epochs in a round as take it about so long; 0: one epoch.

With --similarity (word1, word2, score in columns) each side is then trained --epochs epochs with --seeds seeds, and the rank correlation of
its similarities with each file's scores is printed, with the difference of the means and Welch's 95 % interval of it: where 0 lies inside,
the seeds explain the difference. gensim has no GloVe; ours (25 epochs, window 10) stands beside gensim's skip-gram.
"""

import argparse
import itertools
import json
import statistics
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gensim.models import FastText, Word2Vec
from scipy.stats import ttest_ind

from groundup import files
from groundup.classical.embeddings import prediction
from groundup.classical.embeddings.evaluation.scores import read_pairs, score_similarity
from groundup.classical.embeddings.fasttext import FastTextConfig, pieces_of_words, train_fasttext
from groundup.classical.embeddings.glove import GloveConfig, train_glove
from groundup.classical.embeddings.vectors import WordVectors
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

GLOVE = "GloVe, beside skip-gram"
QUALITY = ("skip-gram, negative sampling", "CBOW, negative sampling", "FastText, skip-gram", GLOVE)


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


def ours(kind: str, settings: dict[str, Any], corpus: Corpus, threads: int, epochs: int) -> Callable[[], object]:
    """Some epochs of our training, all but the vocabulary's making."""
    if kind == "word2vec":
        config = Word2VecConfig(epochs=epochs, threads=threads, **settings)
        made = prediction.problem(corpus, config, prediction.no_pieces(corpus))
        inputs = prediction.first_inputs(len(corpus.words), 100, 0, 0.005)
        return lambda: prediction.train_weights(made, inputs, config)
    config = FastTextConfig(epochs=epochs, threads=threads, **settings)
    starts, hashed = pieces_of_words(corpus.words, config.subwords)
    held, rows = np.unique(hashed, return_inverse=True)
    made = prediction.problem(corpus, config, (starts, (rows + len(corpus.words)).astype(np.int32)), from_middle=True)
    inputs = prediction.first_inputs(len(corpus.words) + len(held), 100, 0, 0.01)
    return lambda: prediction.train_weights(made, inputs, config)


def theirs(
    kind: str, settings: dict[str, Any], sentences: list[list[str]], threads: int, epochs: int
) -> Callable[[], object]:
    """Some epochs of gensim's, its vocabulary built."""
    model = (Word2Vec if kind == "word2vec" else FastText)(workers=threads, epochs=epochs, **SHARED, **settings)
    model.build_vocab(sentences)
    return lambda: model.train(sentences, total_examples=len(sentences), epochs=epochs)


def epochs_of(work: Callable[[], object], seconds: float) -> int:
    """How many epochs take about so long; work: one epoch, which is run twice, once to compile."""
    work()
    began = time.perf_counter()
    work()
    return max(1, round(seconds / (time.perf_counter() - began)))


def speed(
    sentences: list[list[str]], corpus: Corpus, cases: list[str], threads: int, rounds: int, seconds: float
) -> list[dict[str, Any]]:
    """Words a second of both sides in each case, and the ratio's median over the rounds with the lowest and the highest."""
    rows = []
    for name in cases:
        kind, our_settings, their_settings = CASES[name]
        sides = {
            "ours": lambda epochs, kind=kind, settings=our_settings: ours(kind, settings, corpus, threads, epochs),
            "gensim": lambda epochs, kind=kind, settings=their_settings: theirs(
                kind, settings, sentences, threads, epochs
            ),
        }
        epochs = {side: epochs_of(make(1), seconds) for side, make in sides.items()}
        took = in_turns({side: make(epochs[side]) for side, make in sides.items()}, rounds)
        rates = {side: [epochs[side] * corpus.raw_words / one for one in took[side]] for side in sides}
        ratios = [a / b for a, b in zip(rates["ours"], rates["gensim"], strict=True)]
        shown = {side: statistics.median(found) for side, found in rates.items()}
        rows.append({"case": name, "epochs": epochs, **shown, "ratio": statistics.median(ratios), "ratios": ratios})
        print(
            f"  {name:30} {shown['ours']:12,.0f} {shown['gensim']:12,.0f} words/s  {rows[-1]['ratio']:5.2f}x "
            f"({min(ratios):.2f} to {max(ratios):.2f}; {epochs['ours']} and {epochs['gensim']} epochs a round)",
            flush=True,
        )
    return rows


def our_vectors(name: str, sentences: list[list[str]], corpus: Corpus, options: dict[str, int]) -> WordVectors:
    """What our side learns. options: seed, epochs, threads."""
    if name == GLOVE:
        config = GloveConfig(seed=options["seed"], threads=options["threads"])
        return train_glove(sentences, config)
    kind, settings, _ = CASES[name]
    if kind == "word2vec":
        return train_word2vec(corpus, Word2VecConfig(**options, **settings))
    return train_fasttext(corpus, FastTextConfig(**options, **settings))


def their_vectors(name: str, sentences: list[list[str]], options: dict[str, int]) -> WordVectors:
    """What gensim's learns, to be scored as ours."""
    kind, _, settings = CASES[name]
    counted = {"seed": options["seed"], "epochs": options["epochs"], "workers": options["threads"]}
    learned = (Word2Vec if kind == "word2vec" else FastText)(sentences, **counted, **SHARED, **settings).wv
    return WordVectors(learned.index_to_key, learned.vectors)


def over_seeds(
    learn: Callable[[int], WordVectors], seeds: int, sets: dict[str, list[tuple[str, str, float]]]
) -> np.ndarray:
    """The correlations of what each seed learns: a row a set, a column a seed."""
    learned = (learn(seed) for seed in range(1, seeds + 1))
    return np.array([[score_similarity(vectors, pairs).spearman for pairs in sets.values()] for vectors in learned]).T


def quality(
    sentences: list[list[str]], corpus: Corpus, cases: list[str], paths: list[Path], seeds: int, options: dict[str, int]
) -> list[dict[str, Any]]:
    """Both sides' correlations over seeds, and the interval of the difference. options: epochs, threads."""
    sets, rows = {path.stem: read_pairs(path) for path in paths}, []
    theirs: dict[str, np.ndarray] = {}
    for name in cases:
        peer = QUALITY[0] if name == GLOVE else name
        ours = over_seeds(
            lambda seed, name=name: our_vectors(name, sentences, corpus, {"seed": seed, **options}), seeds, sets
        )
        if peer not in theirs:
            theirs[peer] = over_seeds(
                lambda seed, peer=peer: their_vectors(peer, sentences, {"seed": seed, **options}), seeds, sets
            )
        for set_, our, their in zip(sets, ours, theirs[peer], strict=True):
            low, high = ttest_ind(our, their, equal_var=False).confidence_interval(0.95)
            row = {"case": name, "set": set_, "ours": our.tolist(), "gensim": their.tolist(), "low": low, "high": high}
            rows.append(row)
            shown = [" ".join(f"{value:.3f}" for value in values) for values in (our, their)]
            gap = f"{our.mean() - their.mean():+.3f} ({low:+.3f} to {high:+.3f})"
            print(f"  {name:30} {set_:11} ours {shown[0]}   gensim {shown[1]}   {gap}", flush=True)
    return rows


def main() -> None:
    """Print the tables, and write them where --json says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", nargs="+", type=Path)
    parser.add_argument("--similarity", nargs="+", type=Path, default=[])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[*CASES, GLOVE], default=[*CASES, GLOVE], metavar="CASE")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
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
        cases = [name for name in arguments.only if name in CASES]
        result["speed"] = speed(sentences, corpus, cases, arguments.threads, arguments.rounds, arguments.seconds)
    if arguments.similarity:
        cases = [name for name in QUALITY if name in arguments.only]
        options = {"epochs": arguments.epochs, "threads": arguments.threads}
        result["similarity"] = quality(sentences, corpus, cases, arguments.similarity, arguments.seeds, options)
    if arguments.json:
        files.write_json(arguments.json, result)
    print(json.dumps(files.strict(result))) if arguments.json else None


if __name__ == "__main__":
    main()
