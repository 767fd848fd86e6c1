"""Byte-level BPE side by side with tiktoken and Hugging Face tokenizers: the same vocabulary, text and ids, in one run.

    python benchmarks/text/tokenizers/byte_level.py [--megabytes 12] [--rounds 5] [--vocab-size 4096]

Tools take turns round by round, so a machine that slows down slows all of them; a figure is the median over rounds, a
ratio the median of the rounds' ratios. One thread each. The machine's own limit is the speed of copying the text.
"""

import argparse
import importlib.metadata
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundup.text.tokenizers import ByteLevelTokenizer, TokenizerConfig, train_tokenizer
from groundup.text.tokenizers.splitting import PATTERNS


def corpus(megabytes: float) -> list[str]:
    """The standard library's documentation topics and source: prose and code that every machine has."""
    from pydoc_data.topics import topics

    texts, size = list(topics.values()), 0
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if size < megabytes * 1e6 and "site-packages" not in path.parts:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue
            size += len(texts[-1])
    return texts


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(tools: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time every tool once a round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in tools}
    for turn in range(rounds + 1):
        for name, work in tools.items():
            taken = seconds(work)
            if turn:
                times[name].append(taken)
    return times


def peers(ours: ByteLevelTokenizer, texts: list[str]) -> dict[str, Callable[[], list[list[int]]]]:
    """The installed peers with our vocabulary: name and how each encodes all texts on one thread."""
    found: dict[str, Callable[[], list[list[int]]]] = {}
    try:
        import tokenizers

        with tempfile.TemporaryDirectory() as folder:
            ours.save(folder)
            theirs = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
        found["tokenizers encode_batch_fast"] = lambda: [e.ids for e in theirs.encode_batch_fast(texts)]
    except ImportError:
        print("tokenizers is not installed: left out", file=sys.stderr)
    try:
        import tiktoken

        encoding = tiktoken.Encoding(
            "ours", pat_str=PATTERNS[ours.pattern], mergeable_ranks=ours.vocabulary, special_tokens=ours.special_tokens
        )
        found["tiktoken encode_ordinary"] = lambda: [encoding.encode_ordinary(text) for text in texts]
    except ImportError:
        print("tiktoken is not installed: left out", file=sys.stderr)
    return found


def report(title: str, times: dict[str, list[float]], size: int) -> None:
    """One line a tool: speed, and the first tool's speed over it."""
    print(f"\n{title}")
    first = next(iter(times.values()))
    for name, taken in times.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(taken, first, strict=True))
        print(f"  {name:42} {size / statistics.median(taken) / 1e6:9.1f} MB/s   ours is {ratio:8.3g}x")


def encoding(ours: ByteLevelTokenizer, texts: list[str], rounds: int) -> None:
    """Compare encoding, and check that the ids are the same."""
    size = sum(len(text.encode()) for text in texts)
    expected = ours.encode_batch(texts)
    for name, encode in peers(ours, texts).items():
        same = sum(a == b for a, b in zip(expected, encode(), strict=True))
        print(f"{name}: the same ids in {same} of {len(texts)} documents")
    block, copy = np.zeros(size, np.uint8), np.empty(size, np.uint8)
    tools = {
        "ours encode_packed, 1 thread": lambda: ours.encode_packed(texts, threads=1),
        "ours encode, document by document, lists": lambda: [ours.encode(text) for text in texts],
        "ours encode_packed, all threads": lambda: ours.encode_packed(texts),
        **peers(ours, texts),
        "the limit: copying the text": lambda: np.copyto(copy, block),
    }
    report(f"encoding {size / 1e6:.1f} MB in {len(texts)} documents", in_turns(tools, rounds), size)
    line = "The quick brown fox jumps over the lazy dog."
    fastest = min(seconds(lambda: ours.encode(line)) for _ in range(2000))
    print(f"one line of {len(line)} characters: {fastest * 1e6:.1f} us")


def training(texts: list[str], vocab_size: int, rounds: int) -> None:
    """Compare training."""
    size = sum(len(text.encode()) for text in texts)
    config = TokenizerConfig(vocab_size=vocab_size, sample_bytes=2 * size)
    tools: dict[str, Callable[[], object]] = {"ours train_tokenizer": lambda: train_tokenizer(texts, config)}
    try:
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

        def theirs() -> None:
            tokenizer = Tokenizer(models.BPE())
            split = pre_tokenizers.Split(Regex(PATTERNS["qwen2"]), "isolated")
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
            alphabet = pre_tokenizers.ByteLevel.alphabet()
            trainer = trainers.BpeTrainer(vocab_size=vocab_size, initial_alphabet=alphabet, show_progress=False)
            tokenizer.train_from_iterator(texts, trainer)

        tools["tokenizers BpeTrainer"] = theirs
    except ImportError:
        pass
    report(f"training {vocab_size} ids on {size / 1e6:.1f} MB", in_turns(tools, rounds), size)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocab-size", type=int, default=4096)
    arguments = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = "1"  # one thread for tokenizers too
    names = ("numba", "numpy", "tokenizers", "tiktoken")
    installed = [d.metadata["Name"] for d in importlib.metadata.distributions()]
    print(
        f"Python {sys.version.split()[0]}", *(f"{n} {importlib.metadata.version(n)}" for n in names if n in installed)
    )
    texts = corpus(arguments.megabytes)
    start = time.perf_counter()
    ours = train_tokenizer(texts, TokenizerConfig(vocab_size=arguments.vocab_size, sample_bytes=1 << 40))
    ours.encode("first")
    print(f"first training and call, compiling or loading what is compiled: {time.perf_counter() - start:.2f} s")
    encoding(ours, texts, arguments.rounds)
    training(texts, arguments.vocab_size, max(1, arguments.rounds // 2))


if __name__ == "__main__":
    main()
