"""GloVe: pairs a second beside mittens where it is installed, gensim's skip-gram, and the machine's memory, in one run.

    python benchmarks/classical/embeddings/glove.py [--words 1000000] [--vocabulary 5000] [--hidden-size 100] [--rounds 3] [--json]

The original program and glove-python are in no package index. mittens fits a dense table, one step of all pairs at once; an epoch of
each goes over the same counts. gensim's word2vec solves another problem on the same text and is here for scale: words a second in one epoch. The
limit is memory: a pair reads and writes two rows of 8 (hidden + 1) bytes.
"""

import argparse
import importlib.util
import json
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundup.classical.embeddings.cooccurrence import count_pairs, window_weights
from groundup.classical.embeddings.glove import Glove, Pairs, train_epoch
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name


def zipf(words: int, vocabulary: int):  # type: ignore[no-untyped-def]
    """The corpus of the benchmark beside."""
    spec = importlib.util.spec_from_file_location("cooccurrence_benchmark", Path(__file__).with_name("cooccurrence.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.zipf(words, vocabulary)


def peers(corpus, counts, hidden: int) -> dict[str, Callable[[], object]]:  # type: ignore[no-untyped-def]
    """What is installed of them."""
    found: dict[str, Callable[[], object]] = {}
    if importlib.util.find_spec("mittens"):
        from mittens.np_mittens import GloVe

        dense = counts.dense()
        found["mittens, one step of all pairs"] = lambda: GloVe(n=hidden, max_iter=1, display_progress=10**9).fit(dense)
    if importlib.util.find_spec("gensim"):
        from gensim.models import Word2Vec

        sentences = [[corpus.words[i] for i in part] for part in np.array_split(corpus.ids, len(corpus.starts) - 1)]
        model = Word2Vec(vector_size=hidden, window=10, min_count=1, sg=1, workers=1, sample=0)
        model.build_vocab(sentences)
        found["gensim skip-gram, one epoch"] = lambda: model.train(sentences, total_examples=len(sentences), epochs=1)
    return found


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("words", 1_000_000), ("vocabulary", 5_000), ("hidden-size", 100), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    corpus, hidden = zipf(arguments.words, arguments.vocabulary), arguments.hidden_size
    counts = count_pairs(corpus, window_weights(10, "harmonic"))
    pairs, model = Pairs.of(counts, 100.0, 0.75, seed=0), Glove.new(counts.size, hidden, seed=0)
    moved = np.zeros(1 << 26, np.float32)
    copy = np.empty_like(moved)
    work: dict[str, Callable[[], object]] = {
        "an epoch": lambda: train_epoch(model, pairs, 0.05),
        "an epoch, 2 threads": lambda: train_epoch(model, pairs, 0.05, threads=2),
        **peers(corpus, counts, hidden),
        "the limit: copying 256 MB": lambda: np.copyto(copy, moved),
    }
    seconds = {name: statistics.median(taken) for name, taken in in_turns(work, arguments.rounds, warm=1).items()}
    moved_bytes = len(pairs) * 2 * 2 * 8 * (hidden + 1)  # two rows, read and written
    limit = moved_bytes / (2 * moved.nbytes / seconds["the limit: copying 256 MB"])
    result = {
        "machine": machine_name(), "pairs": len(pairs), "hidden_size": hidden, "seconds": seconds,
        "pairs_per_s": len(pairs) / seconds["an epoch"], "part_of_memory_limit": limit / seconds["an epoch"],
        "over": {name: taken / seconds["an epoch"] for name, taken in seconds.items()},
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['machine']}; {len(corpus.ids):,} words, {len(pairs):,} pairs, vectors of {hidden}")
    for name, taken in seconds.items():
        print(
            f"  {name:32} {taken:8.3f} s {len(pairs) / taken / 1e6:8.2f} M pairs/s   an epoch of ours is {taken / seconds['an epoch']:7.2f}x"
        )
    print(
        f"copying all rows that the pairs touch would take {limit:.2f} s: {limit / seconds['an epoch']:.0%} of an epoch"
    )


if __name__ == "__main__":
    main()
