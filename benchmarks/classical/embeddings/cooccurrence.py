"""Counting pairs, PPMI and SVD: words a second beside SciPy's sparse matrices, and the machine's memory, in one run.

    python benchmarks/classical/embeddings/cooccurrence.py [--words 2000000] [--window 5] [--rank 100] [--rounds 3] [--json]

Words are drawn by Zipf's law, 20,000 different ones in sentences of 20. SciPy counts as one does with it: a matrix of shifted pairs for
each distance, added up. One thread each where not said. The limit is copying the result.
"""

import argparse
import json
import statistics
from collections.abc import Callable

import numpy as np
import scipy
import scipy.sparse
import scipy.sparse.linalg

from groundup.classical.embeddings.cooccurrence import count_pairs, sparse_ppmi, truncated_svd, window_weights
from groundup.classical.embeddings.vocabulary import Corpus
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name


def zipf(words: int, vocabulary: int = 20_000, length: int = 20) -> Corpus:
    """A corpus of drawn words."""
    chances = 1 / np.arange(1, vocabulary + 1)
    ids = np.random.default_rng(0).choice(vocabulary, words, p=chances / chances.sum()).astype(np.int32)
    starts = np.arange(0, words + 1, length, dtype=np.int64)
    return Corpus(
        [str(i) for i in range(vocabulary)], np.bincount(ids, minlength=vocabulary), ids[: starts[-1]], starts, words
    )


def with_scipy(corpus: Corpus, window: int, length: int = 20) -> scipy.sparse.csr_matrix:
    """The same counts from shifted ids."""
    table, size = corpus.ids.reshape(-1, length), len(corpus.words)
    total = scipy.sparse.csr_matrix((size, size))
    for distance in range(1, window + 1):
        left, right = table[:, :-distance].ravel(), table[:, distance:].ravel()
        total = total + scipy.sparse.coo_matrix((np.ones(len(left)), (left, right)), (size, size)).tocsr()
    return total + total.T


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, value in (("words", 2_000_000), ("window", 5), ("rank", 100), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    corpus, weights = zipf(arguments.words), window_weights(arguments.window)
    counts = count_pairs(corpus, weights)
    theirs = with_scipy(corpus, arguments.window).tocsr()
    assert abs(scipy.sparse.csr_matrix((counts.values, counts.columns, counts.first)) - theirs).max() < 1e-9
    surprise = sparse_ppmi(counts, smoothing=0.75)
    matrix = scipy.sparse.csr_matrix((surprise.values, surprise.columns, surprise.first))
    copy = np.empty_like(counts.values)
    work: dict[str, Callable[[], object]] = {
        "count_pairs": lambda: count_pairs(corpus, weights),
        "count_pairs, 2 threads": lambda: count_pairs(corpus, weights, 2),
        "counting with SciPy": lambda: with_scipy(corpus, arguments.window),
        "sparse_ppmi": lambda: sparse_ppmi(counts, smoothing=0.75),
        "truncated_svd": lambda: truncated_svd(surprise, arguments.rank),
        "scipy svds": lambda: scipy.sparse.linalg.svds(matrix, arguments.rank),
        "the limit: copying the counts": lambda: np.copyto(copy, counts.values),
    }
    seconds = {name: statistics.median(taken) for name, taken in in_turns(work, arguments.rounds, warm=1).items()}
    result = {
        "machine": machine_name(), "scipy": scipy.__version__, "words": len(corpus.ids), "pairs": len(counts), "seconds": seconds,
        "counting_over_scipy": seconds["counting with SciPy"] / seconds["count_pairs"],
        "svd_over_scipy": seconds["scipy svds"] / seconds["truncated_svd"],
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(result))
        return
    print(
        f"{result['machine']}, SciPy {scipy.__version__}; {len(corpus.ids):,} words, window {arguments.window}, {len(counts):,} pairs"
    )
    for name, taken in seconds.items():
        print(f"  {name:32} {taken:8.3f} s {len(corpus.ids) / taken / 1e6:9.2f} M words/s")
    print(f"counting {result['counting_over_scipy']:.1f}x SciPy's speed, SVD {result['svd_over_scipy']:.1f}x")


if __name__ == "__main__":
    main()
