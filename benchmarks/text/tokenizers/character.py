"""Character and word tokenizers: megabytes a second beside `tokenizers` with the same file, in one run, interleaved.

    python benchmarks/text/tokenizers/character.py [--megabytes 2] [--rounds 3]

The limit of the machine is taken as decoding UTF-8 and copying four bytes a character, which every character tokenizer must do.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import tokenizers

from groundup.processor import processor
from groundup.text.tokenizers.character import train_character_tokenizer
from groundup.text.tokenizers.formats import to_dicts
from groundup.text.tokenizers.word import train_word_tokenizer


def texts(megabytes: float) -> list[str]:
    """The corpus of the byte-level tokenizer's benchmark."""
    path = Path(__file__).with_name("byte_level.py")
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
    parser.add_argument("--megabytes", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    documents = texts(arguments.megabytes)
    size = sum(len(text.encode()) for text in documents) / 1e6
    print(
        f"{processor()}, Python {platform.python_version()}, tokenizers {tokenizers.__version__}, {size:.1f} MB"
    )
    for ours in (train_character_tokenizer(documents), train_word_tokenizer(documents)):
        theirs = tokenizers.Tokenizer.from_str(json.dumps(to_dicts(ours)[0]))
        ways = {
            "groundup, packed": lambda one=ours: one.encode_packed(documents, threads=1),
            "groundup, lists": lambda one=ours: one.encode_batch(documents),
            "tokenizers, batch": lambda one=theirs: one.encode_batch_fast(documents, add_special_tokens=False),
            "copying, the limit": lambda: [text.encode().decode().encode("utf-32-le") for text in documents],
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(arguments.rounds):
            for name, work in ways.items():
                times[name].append(seconds(work))
        base = statistics.median(times["tokenizers, batch"])
        print(f"\n{ours!r}"[:100])
        for name, found in times.items():
            middle = statistics.median(found)
            print(f"{name:<20} {size / middle:8.1f} MB/s   {base / middle:6.1f} x tokenizers")


if __name__ == "__main__":
    main()
