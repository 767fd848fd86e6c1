"""SentencePiece's BPE, trained side by side with the `sentencepiece` package on the same lines.

    python benchmarks/text/tokenizers/character_bpe_training.py [--megabytes 6] [--rounds 3] [--vocab-size 8000]

Both take turns round by round; a figure is the median over rounds, a ratio the median of the rounds' ratios. One thread
each. Besides the time: how many pieces both have (their rules for ties differ), and how many tokens the text has in each.
"""

import argparse
import importlib.metadata
import io
import os
import statistics
import sys
from pathlib import Path
from typing import Any

from groundup.machine.probe.timing import in_turns
from groundup.text.tokenizers.sentencepiece_training import train_sentencepiece

COVERAGE = 0.9995  # sentencepiece's own


def lines_of(megabytes: float) -> list[str]:
    """The standard library's documentation topics and source, by lines."""
    from pydoc_data.topics import topics

    texts, size = list(topics.values()), 0
    for path in sorted(Path(os.__file__).parent.rglob("*.py")):
        if size < megabytes * 1e6 and "site-packages" not in path.parts:
            texts.append(path.read_text(encoding="utf-8", errors="ignore"))
            size += len(texts[-1])
    return [line for text in texts for line in text.split("\n") if line.strip()]


def trainers(lines: list[str], vocab_size: int, trained: dict[str, Any]) -> dict[str, Any]:
    """What takes turns; each leaves its tokenizer in `trained`."""
    import sentencepiece

    def theirs() -> None:
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, vocab_size=vocab_size, model_type="bpe", minloglevel=2,
            byte_fallback=True, character_coverage=COVERAGE, normalization_rule_name="identity", num_threads=1,
            max_sentence_length=1 << 20,
        )  # fmt: skip
        trained["theirs"] = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())

    def ours() -> None:
        trained["ours"] = train_sentencepiece(
            lines, vocab_size, model="bpe", byte_fallback=True, character_coverage=COVERAGE
        )

    return {"ours": ours, "sentencepiece": theirs}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vocab-size", type=int, default=8000)
    arguments = parser.parse_args()
    names = ("numba", "numpy", "sentencepiece")
    print(f"Python {sys.version.split()[0]}", *(f"{name} {importlib.metadata.version(name)}" for name in names))
    trained: dict[str, Any] = {}
    lines = lines_of(arguments.megabytes)
    times = in_turns(trainers(lines, arguments.vocab_size, trained), arguments.rounds, warm=1)
    ratio = statistics.median(b / a for a, b in zip(times["ours"], times["sentencepiece"], strict=True))
    ours, theirs = trained["ours"], trained["theirs"]
    size = sum(len(line.encode()) for line in lines)
    print(f"{arguments.vocab_size} ids from {size / 1e6:.1f} MB in {len(lines):,} lines")
    for name, taken in times.items():
        print(f"  {name:14} {statistics.median(taken):7.2f} s")
    print(f"  ours is {ratio:.2f}x as fast")
    pieces = {theirs.id_to_piece(id) for id in range(len(theirs))}
    print(f"  pieces that both have: {len(pieces & ours.vocabulary.keys()) / len(pieces):.2%}")
    tokens = sum(map(len, ours.encode_batch(lines))) / sum(map(len, theirs.encode(lines)))
    print(f"  tokens of the text, ours over theirs: {tokens:.5f}")


if __name__ == "__main__":
    main()
