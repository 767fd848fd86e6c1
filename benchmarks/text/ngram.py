"""Kneser-Ney counting and scoring: tokens a second, against the readable form and the machine's memory, in one run.

    python benchmarks/text/ngram.py [--megabytes 12] [--order 5] [--rounds 3]

The tokens are the standard library's text in a vocabulary of 4,096. The readable form gets a sixtieth of them. The
limit is copying memory: counting has to move each token and each n-gram at least once.
"""

import argparse
import importlib.util
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundup.text.ngram import KneserNey
from groundup.text.ngram.smoothing import kneser_ney_reference
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


def texts(megabytes: float) -> list[str]:
    """The corpus of the tokenizer's benchmark."""
    path = Path(__file__).parent / "tokenizers" / "byte_level.py"
    spec = importlib.util.spec_from_file_location("byte_level_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.corpus(megabytes)


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=12)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    documents = texts(arguments.megabytes)
    tokenizer = train_tokenizer(documents, TokenizerConfig())
    ids = tokenizer.encode_packed([text + "\n" for text in documents])[0]
    heldout, train, few = ids[: len(ids) // 10], ids[len(ids) // 10 :], ids[: len(ids) // 60]
    first = seconds(lambda: KneserNey.fit(few[:50], arguments.order, vocab_size=4096).log_probabilities(few[:9]))
    model = KneserNey.fit(train, arguments.order, vocab_size=4096)
    block = np.zeros(model.memory_bytes + train.nbytes, np.uint8)
    copy = np.empty_like(block)
    loss = -model.log_probabilities(heldout).mean()
    print(f"first call, compiling or loading what is compiled: {first:.2f} s")
    size = f"{len(model.words):,} n-grams, {model.memory_bytes / 1e6:.0f} MB"
    print(f"{len(train):,} tokens, order {arguments.order}: {size}")
    print(f"held-out loss {loss:.3f} nats a token; peak memory of the process {peak() / 1e6:.0f} MB")
    few_list = few.tolist()

    def readable() -> None:
        probability = kneser_ney_reference(few_list, arguments.order, 4096)
        for i in range(5, 205):
            probability(few_list[i], tuple(few_list[i - arguments.order + 1 : i]))

    work = {
        "fit": (lambda: KneserNey.fit(train, arguments.order, vocab_size=4096), len(train)),
        "log_probabilities": (lambda: model.log_probabilities(heldout), len(heldout)),
        "the readable form: count, score 200": (readable, len(few)),
        "the limit: copying model and tokens": (lambda: np.copyto(copy, block), len(train)),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(arguments.rounds):
        for name, (call, _tokens) in work.items():
            times[name].append(seconds(call))
    fit = len(train) / statistics.median(times["fit"])
    for name, (_call, tokens) in work.items():
        rate = tokens / statistics.median(times[name])
        print(f"  {name:38} {rate / 1e6:10.3f} M tokens/s   fit is {fit / rate:9.3f}x")


def peak() -> float:
    """Largest memory of this process so far in bytes."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
