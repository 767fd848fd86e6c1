"""MinHash signatures and suffix arrays side by side with rensa and datasketch, in one run.

    python benchmarks/data/dedup/near_duplicates.py [--documents 2000] [--words 600] [--megabytes 20] [--rounds 5] [--json]

Signatures: 128 places over runs of five words. `from text`: each tool's user starts from text; the peers' words are split and joined
by Python, as their own documentation does. `from shingles`: the peers get their strings ready made, ours its hashed shingles too. In
turns, medians. Recall: the part of 4,000 pairs of a likeness that become candidates, beside the part that theory promises
for the bands and rows of a threshold. Substrings: repeated passages of 200 bytes in made text with planted copies, seconds of the
thread by part, and peak memory.
"""

import argparse
import importlib.metadata
import json
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from groundup.data.dedup import minhash, neighbours, substring
from groundup.data.dedup.minhash import MinHashConfig
from groundup.data.dedup.suffix_array import lcp, suffix_array
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

RECALLED = ((0.8, 0.7), (0.8, 0.8), (0.8, 0.9), (0.5, 0.5), (0.5, 0.6))  # thresholds, and likenesses at and around them


def texts(documents: int, words: int) -> list[str]:
    """Documents of words with the frequencies of language (Zipf), drawn with seed 0."""
    draw = np.random.default_rng(0)
    chance = 1 / np.arange(1, 50_001)
    vocabulary = np.array([f"w{at:x}" for at in range(50_000)])
    return [" ".join(draw.choice(vocabulary, words, p=chance / chance.sum())) for _ in range(documents)]


def runs(text: str) -> list[str]:
    """Every five words of a text, as strings."""
    words = text.lower().split()
    return [" ".join(words[at : at + 5]) for at in range(len(words) - 4)]


def signing(corpus: list[str]) -> dict[str, Callable[[], Any]]:
    """What is timed: ours, and the peers that are installed."""
    config = MinHashConfig()
    factors, summands = minhash.permutations(128, 1)
    values, bounds = minhash._shingled(corpus, config)
    out = np.empty((len(corpus), 128), np.uint32)
    ready = [runs(text) for text in corpus]
    work: dict[str, Callable[[], Any]] = {
        "ours from text": lambda: minhash.signatures(corpus, config),
        "ours from shingles": lambda: minhash._sign(values, bounds, factors, summands, out),
    }
    try:
        import rensa

        def by_rensa(sets: list[list[str]]) -> None:
            for strings in sets:
                made = rensa.RMinHash(num_perm=128, seed=1)
                made.update(strings)
                made.digest()

        work["rensa from text"] = lambda: by_rensa([runs(text) for text in corpus])
        work["rensa from shingles"] = lambda: by_rensa(ready)
    except ImportError:
        pass
    try:
        import datasketch

        def by_datasketch(sets: list[list[str]]) -> None:
            for strings in sets:
                datasketch.MinHash(num_perm=128, seed=1).update_batch([string.encode() for string in strings])

        work["datasketch from text"] = lambda: by_datasketch([runs(text) for text in corpus])
        work["datasketch from shingles"] = lambda: by_datasketch(ready)
    except ImportError:
        pass
    return work


def recall(threshold: float, likeness: float, pairs: int = 4000, words: int = 150) -> dict[str, float]:
    """The part of pairs of texts that become candidates, found and promised. Texts are sets of words, so their likeness is exact."""
    config = MinHashConfig(ngram=1, threshold=threshold)
    shared = round(2 * words * likeness / (1 + likeness))
    names = iter(range(pairs * 2 * words))
    sides: tuple[list[str], list[str]] = ([], [])
    for _ in range(pairs):
        both = [f"w{next(names):x}" for _ in range(shared)]
        for side in sides:
            side.append(" ".join(both + [f"w{next(names):x}" for _ in range(words - shared)]))
    keys = [neighbours.band_keys(minhash.signatures(side, config), config.bands, config.rows) for side in sides]
    found = float((keys[0] == keys[1]).any(axis=1).mean())
    likeness = shared / (2 * words - shared)
    promised = float(minhash.candidate_probability(likeness, config.bands, config.rows))
    return {"threshold": threshold, "likeness": round(likeness, 3), "found": found, "promised": promised}


def passages(megabytes: float) -> dict[str, float]:
    """Seconds of each part, and the peak memory of the process."""
    made = texts(int(megabytes * 1e6 / 8300), 2000)
    made = [f"{text} {made[at // 2][:2000]}" if at % 5 == 0 else text for at, text in enumerate(made)]
    data = np.frombuffer(b"\xff".join(text.encode() for text in made), np.uint8)
    list(substring.strike(made[:20]))
    marks = [time.thread_time()]
    order = suffix_array(data)
    marks.append(time.thread_time())
    shared = lcp(data, order)
    marks.append(time.thread_time())
    found = substring._first_places(data, order, shared, substring.MIN_BYTES)
    marks.append(time.thread_time())
    parts = dict(zip(("suffix array", "common prefixes", "first places"), np.diff(marks).tolist(), strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"megabytes": len(data) / 1e6, **parts, "repeated places": float((found >= 0).mean()), "peak GB": peak}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--words", type=int, default=600)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    corpus = texts(arguments.documents, arguments.words)
    seconds = {
        name: statistics.median(each) for name, each in in_turns(signing(corpus), arguments.rounds, warm=1).items()
    }
    size = sum(map(len, corpus)) / 1e6
    result = {
        "machine": machine_name(),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("rensa", "datasketch")
            if any(key.startswith(name) for key in seconds)
        },
        "signatures": {
            name: {
                "MB/s": round(size / taken, 1),
                "ours is faster by": round(taken / seconds[f"ours {name.split(' ', 1)[1]}"], 2),
            }
            for name, taken in seconds.items()
        },
        "recall": [recall(*pair) for pair in RECALLED],
        "substrings": {name: round(value, 4) for name, value in passages(arguments.megabytes).items()},
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(result["machine"], result["versions"])
    for name, figures in result["signatures"].items():
        print(f"{name:26} {figures['MB/s']:8.1f} MB/s   ours {figures['ours is faster by']} x")
    for row in result["recall"]:
        about = f"threshold {row['threshold']}, pairs of likeness {row['likeness']:.3f}"
        print(
            f"{about}: {row['found']:.3f} found, {row['promised']:.3f} promised, {row['found'] - row['promised']:+.3f}"
        )
    print(result["substrings"])


if __name__ == "__main__":
    main()
