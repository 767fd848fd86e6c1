"""N-gram models side by side with NLTK and KenLM: training, scoring, memory, in one run.

    python benchmarks/text/ngram.py [--megabytes 20] [--order 5] [--rounds 3] [--json]

The text: the standard library's, again and again, a tenth of its words replaced by others of it (drawn, seed 0), so that what is counted is new
text to the counts. The whole of it goes through our 5-gram model in a process of its own, whose time and peak memory are given, cold (an empty cache
of compiled code) and warm. NLTK gets the first words of it (scoring would take hours); both are timed there, in turns, medians. KenLM
reads our ARPA file of the same part and must score as we do. The limit is copying the model and tokens once.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name
from groundup.text.ngram.language import NgramConfig, NgramLanguageModel, stream, train
from groundup.text.ngram.smoothing import KneserNey, fit

FEW, HELD_OUT = 40_000, 2_000  # words for NLTK, to train on and to score


def sentences(megabytes: float) -> list[str]:
    """Lines of words, about so many megabytes of them."""
    path = Path(__file__).parent / "tokenizers" / "byte_level.py"
    spec = importlib.util.spec_from_file_location("byte_level_benchmark", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = [
        words
        for text in module.corpus(min(megabytes, 8))
        for line in text.splitlines()
        if (words := re.findall(r"\w+|[^\w\s]", line))
    ]
    size = sum(sum(map(len, words)) + len(words) for words in lines) / 1e6
    every, random, found = (
        [word for words in lines for word in words],
        np.random.default_rng(0),
        [" ".join(words) for words in lines],
    )
    for _ in range(int(megabytes / size)):
        for words in lines:
            other = random.random(len(words)) < 0.1
            found.append(
                " ".join(
                    every[random.integers(len(every))] if new else word for word, new in zip(words, other, strict=True)
                )
            )
    total, kept = 0, 0
    while kept < len(found) and total < megabytes * 1e6:
        total += len(found[kept].encode()) + 1
        kept += 1
    return found[:kept]


CHILD = """
import json, resource, sys, time
start = time.perf_counter()
from groundup.text.ngram.language import NgramConfig, train
texts = open(sys.argv[1], encoding="utf-8").read().split(chr(10))
loaded, before = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = train(texts, NgramConfig(order=int(sys.argv[2])))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": time.perf_counter() - start, "import_and_read": loaded, "peak_mb": peak / 1024, "before_mb": before / 1024,
                  "ngrams": len(model.model.words), "model_mb": model.model.memory_bytes / 1e6}))
"""


def whole(lines: list[str], order: int) -> dict[str, Any]:
    """Train on all of it in a process of its own: with nothing compiled, and again."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "text").write_text("\n".join(lines), encoding="utf-8")
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder, "cache"))}
        command = [sys.executable, "-c", CHILD, str(Path(folder, "text")), str(order)]
        return {
            kind: json.loads(
                subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
            )
            for kind in ("cold", "warm")
        }


def beside_nltk(lines: list[str], order: int, rounds: int) -> dict[str, Any]:
    """Kneser-Ney of the first words: words a second in training and in scoring, NLTK's and ours."""
    from nltk.lm import KneserNeyInterpolated, Vocabulary
    from nltk.util import everygrams

    words = " ".join(lines[:20_000]).split()
    known, held = words[:FEW], words[FEW : FEW + HELD_OUT]
    vocabulary = {word: id for id, word in enumerate(dict.fromkeys(["<unk>", *known]))}
    ids, held_ids = (np.array([vocabulary.get(word, 0) for word in some]) for some in (known, held))
    models: dict[str, Any] = {}

    def ours() -> None:
        models["ours"] = KneserNey.fit(ids, order, vocab_size=len(vocabulary), modified=False)

    def theirs() -> None:
        models["nltk"] = KneserNeyInterpolated(order, vocabulary=Vocabulary(list(vocabulary)))
        models["nltk"].fit([list(everygrams(known, max_len=order))])

    some = held[:30]  # NLTK looks through all n-grams for each word: 0.1 s a word
    training = in_turns({"ours": ours, "nltk": theirs}, rounds, warm=1)
    scoring = in_turns(
        {
            "ours": lambda: models["ours"].log_probabilities(held_ids),
            "nltk": lambda: [
                models["nltk"].score(word, some[max(0, i - order + 1) : i]) for i, word in enumerate(some)
            ],
        },
        max(1, rounds // 2),
        warm=1,
    )
    rate = {
        "train": {tool: len(known) / statistics.median(times) for tool, times in training.items()},
        "score": {
            tool: (len(held) if tool == "ours" else len(some)) / statistics.median(times)
            for tool, times in scoring.items()
        },
    }
    return {what: {**rates, "ratio": rates["ours"] / rates["nltk"]} for what, rates in rate.items()}


def beside_kenlm(lines: list[str], order: int, rounds: int) -> dict[str, Any] | None:
    """Our ARPA file in KenLM's hands: the largest difference of a token's log10 P, and sentences a second of both."""
    if importlib.util.find_spec("kenlm") is None:
        return None
    import kenlm

    cut = len(lines) * 9 // 10
    model = train(lines[:cut], NgramConfig(order=order))
    held = lines[cut : cut + 2_000]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.arpa")
        writing = in_turns(
            {"write": lambda: model.to_arpa(path), "read": lambda: NgramLanguageModel.from_arpa(path)}, 1
        )
        theirs = kenlm.Model(str(path))
        size = path.stat().st_size
    ids, starts = stream(held, model.tokenizer)
    texts = [" ".join(model.words[id] for id in ids[a + 1 : b]) for a, b in zip(starts, starts[1:], strict=False)]
    expected = [score for text in texts for score, _, _ in theirs.full_scores(text)]
    difference = np.abs(model.model.log_probabilities(ids)[1:] / np.log(10) - expected).max()
    times = in_turns(
        {"ours": lambda: model.model.log_probabilities(ids), "kenlm": lambda: [theirs.score(text) for text in texts]},
        rounds,
        warm=1,
    )
    rates = {tool: (len(ids) - 1) / statistics.median(taken) for tool, taken in times.items()}
    return {
        "difference": float(difference), "ngrams": len(model.model.words), "file_mb": size / 1e6,
        "write_s": writing["write"][0], "read_s": writing["read"][0], **rates, "ratio": rates["ours"] / rates["kenlm"],
    }  # fmt: skip


def smoothings(lines: list[str]) -> dict[str, float]:
    """Perplexity of held-out text by smoothing, order 3."""
    cut = len(lines) * 9 // 10
    first = train(lines[:cut], NgramConfig(order=3))
    ids, held = stream(lines[:cut], first.tokenizer)[0], stream(lines[cut:], first.tokenizer)[0]
    size, end = first.tokenizer.vocab_size, first.tokenizer.eos_token_id
    names = (
        "add_k",
        "good_turing",
        "jelinek_mercer",
        "witten_bell",
        "katz",
        "absolute",
        "kneser_ney",
        "modified_kneser_ney",
    )
    return {name: fit(ids, 3, name, vocab_size=size, boundary=end, k=0.01).perplexity(held[1:]) for name in names}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    lines = sentences(arguments.megabytes)
    part = lines[:20_000]
    found = {
        "machine": machine_name(), "python": platform.python_version(), "date": date.today().isoformat(),
        "megabytes": sum(len(line.encode()) + 1 for line in lines) / 1e6, "order": arguments.order,
        "whole": whole(lines, arguments.order), "nltk": beside_nltk(lines, arguments.order, arguments.rounds),
        "kenlm": beside_kenlm(part, arguments.order, arguments.rounds), "perplexity": smoothings(part),
    }  # fmt: skip
    if arguments.json:
        print(json.dumps(found))
        return
    print(f"{found['machine']}, Python {found['python']}, {found['date']}")
    size = f"order {arguments.order}, {found['megabytes']:.1f} MB"
    for kind, one in found["whole"].items():
        print(
            f"{size}, {kind}: {one['seconds']:.1f} s, peak {one['peak_mb']:.0f} MB; {one['ngrams']:,} n-grams, {one['model_mb']:.0f} MB"
        )
    for what, rates in found["nltk"].items():
        print(
            f"{what}: {rates['ours'] / 1e3:,.0f} thousand words/s, NLTK {rates['nltk'] / 1e3:,.3f}: {rates['ratio']:,.0f}x"
        )
    if found["kenlm"]:
        k = found["kenlm"]
        print(
            f"KenLM on our ARPA file ({k['ngrams']:,} n-grams, {k['file_mb']:.0f} MB, written in {k['write_s']:.1f} s, read in {k['read_s']:.1f} s):"
        )
        print(
            f"  largest difference of a token's log10 P {k['difference']:.1e}; scoring {k['ours'] / 1e6:.2f} M tokens/s, "
            f"KenLM from Python {k['kenlm'] / 1e6:.2f}: {k['ratio']:.1f}x"
        )
    print("perplexity, order 3: " + ", ".join(f"{name} {value:.1f}" for name, value in found["perplexity"].items()))


if __name__ == "__main__":
    main()
