"""Unigram side by side with SentencePiece and Hugging Face tokenizers: encoding with the same model, and training.

    python benchmarks/text/tokenizers/unigram.py [--megabytes 12] [--rounds 5] [--vocab-size 8000] [--model FILE.model]

Tools take turns round by round, so a machine that slows down slows all of them; a figure is the median over rounds, a
ratio the median of the rounds' ratios. One thread each where not said. The machine's own limit is the speed of copying the
text. A vocabulary is as good as the log likelihood that it gives the words it was trained on.
"""

import argparse
import importlib.metadata
import io
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from groundup.machine.probe.timing import in_turns
from groundup.text.tokenizers.sentencepiece_model import read_model, write_model
from groundup.text.tokenizers.sentencepiece_tokenizer import SentencePieceTokenizer
from groundup.text.tokenizers.sentencepiece_training import count_marked_words, train_sentencepiece
from groundup.text.tokenizers.unigram import expected_counts, log_likelihood


def corpus(megabytes: float) -> list[str]:
    """The standard library's documentation topics and source, a paragraph a document."""
    from pydoc_data.topics import topics

    texts, size = list(topics.values()), 0
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if size < megabytes * 1e6 and "site-packages" not in path.parts:
            try:
                texts.append(path.read_text(encoding="utf-8"))
            except UnicodeDecodeError:
                continue
            size += len(texts[-1])
    return [part for text in texts for part in re.split(r"\n\s*\n", text) if part.strip()]


def report(title: str, times: dict[str, list[float]], size: int) -> None:
    """One line a tool: speed, and the first tool's speed over it."""
    print(f"\n{title}")
    first = next(iter(times.values()))
    for name, taken in times.items():
        ratio = statistics.median(theirs / mine for theirs, mine in zip(taken, first, strict=True))
        speed, whole = size / statistics.median(taken) / 1e6, statistics.median(taken)
        print(f"  {name:42} {speed:9.1f} MB/s {whole:8.3f} s   ours is {ratio:8.3g}x")


def encoding(ours: SentencePieceTokenizer, texts: list[str], rounds: int) -> None:
    """Compare encoding, and check that the ids are the same."""
    import sentencepiece
    import tokenizers

    size = sum(len(text.encode()) for text in texts)
    with tempfile.TemporaryDirectory() as folder:
        write_model(ours, f"{folder}/m.model")
        package = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/m.model")
        ours.save(folder)
        hugging_face = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    expected = ours.encode_batch(texts)
    for name, found in (
        ("sentencepiece", package.encode(texts)),
        ("tokenizers", [e.ids for e in hugging_face.encode_batch_fast(texts, add_special_tokens=False)]),
    ):
        same = sum(a == b for a, b in zip(expected, found, strict=True))
        print(f"{name}: the same ids in {same} of {len(texts)} documents")
    block, copy = np.zeros(size, np.uint8), np.empty(size, np.uint8)
    tools: dict[str, Callable[[], object]] = {
        "ours encode_packed, 1 thread": lambda: ours.encode_packed(texts, threads=1),
        "ours encode_batch, lists": lambda: ours.encode_batch(texts),
        "ours, empty caches, 1 thread": lambda: _fresh(ours).encode_packed(texts, threads=1),
        "tokenizers encode_batch, 1 thread": lambda: [e.ids for e in hugging_face.encode_batch(texts)],
        "tokenizers encode_batch_fast, 1 thread": lambda: [e.ids for e in hugging_face.encode_batch_fast(texts)],
        "sentencepiece encode, 1 thread": lambda: package.encode(texts, num_threads=1),
        "the limit: copying the text": lambda: np.copyto(copy, block),
    }
    report(f"encoding {size / 1e6:.1f} MB in {len(texts)} documents, {ours!r}", in_turns(tools, rounds, warm=1), size)


def _fresh(ours: SentencePieceTokenizer) -> SentencePieceTokenizer:
    """The same tokenizer, nothing remembered; its tables are kept."""
    ours._encoder._of_thread.__dict__.clear()
    return ours


def likelihood(words: dict[str, int], scores: dict[str, float]) -> float:
    """Log likelihood of the words after one more round of expectation, so that both are fitted alike; nats."""
    counts: dict[str, float] = {}
    for word, times in words.items():
        for piece, count in expected_counts(word, scores).items():
            counts[piece] = counts.get(piece, 0.0) + times * count
    total = sum(counts.values())
    fitted = {piece: float(np.log(max(count, 1e-9) / total)) for piece, count in counts.items()}
    return sum(times * log_likelihood(word, fitted) for word, times in words.items())


def training(texts: list[str], vocab_size: int, rounds: int, most_words: int = 6000) -> None:
    """Compare training in time and in what the vocabulary is worth."""
    import sentencepiece

    lines = [line for text in texts for line in text.split("\n") if line.strip()]
    size = sum(len(line.encode()) for line in lines)
    results: dict[str, dict[str, float]] = {}

    def theirs() -> None:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, vocab_size=vocab_size, minloglevel=2,
            character_coverage=1.0, normalization_rule_name="identity", max_sentence_length=1 << 20,
        )  # fmt: skip
        trained = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
        results["theirs"] = {trained.id_to_piece(i): trained.get_score(i) for i in range(3, len(trained))}

    def own() -> None:
        trained = train_sentencepiece(lines, vocab_size)
        results["ours"] = {piece.text: piece.score for piece in trained.pieces[3:]}

    times = in_turns({"ours train_sentencepiece": own, "sentencepiece train": theirs}, rounds, warm=1)
    report(f"training {vocab_size} ids on {size / 1e6:.1f} MB", times, size)
    words = count_marked_words("▁" + "▁".join(line.split(" ")) for line in lines)
    shared = {letter for piece in results["theirs"] for letter in piece if letter in results["theirs"]}
    frequent = sorted(words, key=lambda word: (-words[word], word))[:most_words]
    measured = {word: words[word] for word in frequent if set(word) <= shared}
    values = {name: likelihood(measured, scores) for name, scores in results.items()}
    better = 100 * (values["ours"] - values["theirs"]) / abs(values["theirs"])
    print(f"  log likelihood of the {len(measured)} most frequent words: ours {better:+.2f} % of sentencepiece's")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocab-size", type=int, default=8000)
    parser.add_argument("--model", default=None, help="a .model file to encode with, instead of the one trained here")
    arguments = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = "1"  # one thread for tokenizers too
    names = ("numba", "numpy", "tokenizers", "sentencepiece")
    print(f"Python {sys.version.split()[0]}", *(f"{n} {importlib.metadata.version(n)}" for n in names))
    texts = corpus(arguments.megabytes)
    ours = read_model(arguments.model) if arguments.model else train_sentencepiece(texts, arguments.vocab_size)
    ours.encode("first")
    encoding(ours, texts, arguments.rounds)
    training(texts, arguments.vocab_size, max(1, arguments.rounds // 2))


if __name__ == "__main__":
    main()
