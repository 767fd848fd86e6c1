"""Whole tokenizers in the shapes of published families beside Hugging Face `tokenizers`: same file, texts and ids, one run.

    python benchmarks/text/tokenizers/pipeline.py [--megabytes 2] [--rounds 5]

The vocabularies are small and made on the spot, so the figures show the machinery, not a model's speed. Tools take turns
round by round, one thread each; a figure is the median, a ratio the median of the rounds' ratios.
"""

import argparse
import importlib.util
import statistics
import tempfile
from os import environ
from pathlib import Path

environ["RAYON_NUM_THREADS"] = "1"  # one thread for tokenizers too

import tokenizers
from byte_level import corpus, in_turns

from groundup.text.tokenizers import load_tokenizer

TESTS = Path(__file__).parents[3] / "tests" / "text" / "tokenizers" / "shapes.py"


def shapes() -> dict:
    """The makers of the tests' small tokenizers."""
    spec = importlib.util.spec_from_file_location("tokenizer_shapes", TESTS)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.SHAPES


def main() -> None:
    """Measure every shape."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    texts = corpus(options.megabytes)
    size = sum(len(text.encode()) for text in texts)
    print(f"# tokenizers {tokenizers.__version__}, {size / 1e6:.1f} MB, one thread, {options.rounds} rounds")
    for name, make in shapes().items():
        theirs = make(texts[:40])
        with tempfile.TemporaryDirectory() as folder:
            theirs.save(f"{folder}/tokenizer.json")
            ours = load_tokenizer(folder)
        tools = {
            "groundup": lambda ours=ours: ours.encode_packed(texts, threads=1),
            "tokenizers": lambda theirs=theirs: theirs.encode_batch_fast(texts, add_special_tokens=False),
        }
        times = in_turns(tools, options.rounds)
        ratio = statistics.median(b / a for a, b in zip(times["groundup"], times["tokenizers"], strict=True))
        speed = size / 1e6 / statistics.median(times["groundup"])
        print(f"{name:12} {type(ours).__name__:20} {speed:7.1f} MB/s  {ratio:5.1f}x tokenizers")


if __name__ == "__main__":
    main()
