"""WordPiece side by side with Hugging Face tokenizers: the same vocabulary, text and ids, in one run.

    python benchmarks/text/tokenizers/wordpiece.py [--megabytes 6] [--rounds 5] [--vocab vocab.txt] [--udhr udhr2.zip]

BERT's own vocabulary and the Universal Declaration of Human Rights in many languages are taken from ../shared/data where
they are; without them a vocabulary is trained, and English and code are measured alone. Tools take turns round by
round, one thread each; a figure is the median over rounds, a ratio the median of the rounds' ratios. "cold" begins with an
empty cache of words. The limit is the speed of copying the text.
"""

import argparse
import itertools
import statistics
import sys
import time
import zipfile
from collections.abc import Callable
from os import environ
from pathlib import Path

import numpy as np

environ["RAYON_NUM_THREADS"] = "1"  # one thread for tokenizers too

import tokenizers
from byte_level import corpus, in_turns

from groundup.text.tokenizers.wordpiece import WordPiece
from groundup.text.tokenizers.wordpiece_encoding import BertEncoder
from groundup.text.tokenizers.wordpiece_training import count_words, train_wordpiece_fast

DATA = Path(__file__).parents[4] / "shared" / "data"
SCRIPTS = {
    "French": "fra", "Russian": "rus", "Greek": "ell_monotonic", "Arabic": "arb", "Hindi": "hin", "Thai": "tha",
    "Chinese": "cmn_hans", "Japanese": "jpn", "Korean": "kor",
}  # fmt: skip
_DOCUMENT = 4000  # characters


def documents(text: str, megabytes: float) -> list[str]:
    """A text again and again, cut into documents."""
    whole = text * (1 + int(megabytes * 1e6 / max(1, len(text.encode()))))
    return [whole[i : i + _DOCUMENT] for i in range(0, len(whole), _DOCUMENT)]


def texts(megabytes: float, udhr: Path) -> dict[str, list[str]]:
    """What is encoded, by name."""
    from pydoc_data.topics import topics

    prose = list(topics.values())
    found = {"English": prose, "code": corpus(megabytes)[len(prose) :]}
    if udhr.is_file():
        with zipfile.ZipFile(udhr) as archive:
            for name, file in SCRIPTS.items():
                if f"udhr2/{file}.txt" in archive.namelist():
                    found[name] = documents(archive.read(f"udhr2/{file}.txt").decode(errors="replace"), megabytes / 8)
            every = [
                archive.read(name).decode(errors="replace") for name in archive.namelist() if name.endswith(".txt")
            ]
            found["all 380 languages"] = every
    return found


def peer(vocabulary: dict[str, int]) -> tokenizers.Tokenizer:
    """The same tokenizer in Hugging Face's hands."""
    made = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    made.normalizer, made.pre_tokenizer = (
        tokenizers.normalizers.BertNormalizer(),
        tokenizers.pre_tokenizers.BertPreTokenizer(),
    )
    return made


def encode(encoder: BertEncoder, batch: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """All ids in one array, from Python strings."""
    parts = [text.encode() for text in batch]
    return encoder.encode(b"".join(parts), np.cumsum([0, *map(len, parts)], dtype=np.int64))


def lists(encoder: BertEncoder, batch: list[str]) -> list[list[int]]:
    """The ids of each text as a list."""
    ids, starts = encode(encoder, batch)
    whole = ids.tolist()
    return [whole[a:b] for a, b in itertools.pairwise(starts.tolist())]


def encoding(vocabulary: dict[str, int], found: dict[str, list[str]], rounds: int) -> None:
    """One line a kind of text: MB/s, and how many times as fast as the peer."""
    model, theirs = WordPiece(vocabulary), peer(vocabulary)
    start = time.perf_counter()
    encoder = BertEncoder(model)
    encode(encoder, ["first"])
    print(f"tables and first call, compiling or loading what is compiled: {time.perf_counter() - start:.2f} s")
    print(
        f"\n{'MB/s (times tokenizers)':18} {'packed':>15} {'lists':>15} {'cold':>15} {'tokenizers':>11} {'copying':>8}"
    )
    for name, batch in found.items():
        size = sum(len(text.encode()) for text in batch)
        ids = theirs.encode_batch(batch, add_special_tokens=False)
        same = sum(one == other.ids for one, other in zip(lists(encoder, batch), ids, strict=True))
        cold = iter([BertEncoder(model) for _ in range(rounds + 1)])
        block, copy = np.zeros(size, np.uint8), np.empty(size, np.uint8)
        tools: dict[str, Callable[[], object]] = {
            "theirs": lambda batch=batch: theirs.encode_batch_fast(batch, add_special_tokens=False),
            "packed": lambda batch=batch: encode(encoder, batch),
            "lists": lambda batch=batch: lists(encoder, batch),
            "cold": lambda batch=batch, cold=cold: encode(next(cold), batch),
            "copying": lambda block=block, copy=copy: np.copyto(copy, block),
        }
        times = in_turns(tools, rounds)
        speed = {tool: size / statistics.median(taken) / 1e6 for tool, taken in times.items()}
        ratio = {
            tool: statistics.median(a / b for a, b in zip(times["theirs"], taken, strict=True))
            for tool, taken in times.items()
        }
        cells = " ".join(f"{speed[tool]:8.1f}{f'({ratio[tool]:.1f})':>7}" for tool in ("packed", "lists", "cold"))
        wrong = "" if same == len(batch) else f"  IDS DIFFER in {len(batch) - same} texts"
        print(f"{name:23} {cells} {speed['theirs']:11.2f} {speed['copying']:8.0f}{wrong}")


def training(batch: list[str], vocab_size: int, rounds: int) -> None:
    """Compare training on the same text by the same rule."""
    size = sum(len(text.encode()) for text in batch)

    def ours(rule: str) -> None:
        train_wordpiece_fast(count_words(text.encode() for text in batch), vocab_size, rule, (), 2)

    def theirs() -> None:
        made = peer({"[UNK]": 0})
        made.train_from_iterator(
            batch, tokenizers.trainers.WordPieceTrainer(vocab_size=vocab_size, show_progress=False)
        )

    times = in_turns(
        {"frequency": lambda: ours("frequency"), "likelihood": lambda: ours("likelihood"), "tokenizers": theirs}, rounds
    )
    print(f"\ntraining {vocab_size} tokens on {size / 1e6:.1f} MB")
    for name, taken in times.items():
        ratio = statistics.median(a / b for a, b in zip(times["tokenizers"], taken, strict=True))
        print(f"  {name:12} {statistics.median(taken):6.2f} s   {ratio:.1f}x tokenizers' speed")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocab", type=Path, default=DATA / "bert-vocab" / "vocab.txt")
    parser.add_argument("--udhr", type=Path, default=DATA / "nltk-corpora" / "udhr2.zip")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]} tokenizers {tokenizers.__version__}")
    found = texts(arguments.megabytes, arguments.udhr)
    everything = list(itertools.chain.from_iterable(found.values()))
    if arguments.vocab.is_file():
        tokens = arguments.vocab.read_text(encoding="utf-8").splitlines()
    else:
        tokens = [
            "[UNK]",
            *train_wordpiece_fast(count_words(text.encode() for text in everything), 30_000, "frequency"),
        ]
    encoding({token: id for id, token in enumerate(tokens)}, found, arguments.rounds)
    training(everything, 8192, max(1, arguments.rounds // 2))


if __name__ == "__main__":
    main()
