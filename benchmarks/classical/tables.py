"""Every comparison of this room in one command: gensim, NLTK, KenLM, CRFsuite, scikit-learn, umap-learn, SciPy, mittens, torch.

    python benchmarks/classical/tables.py [--data FOLDER] [--fast] [--only NAME...] [--seconds 1200] [--out tables.md]

One benchmark after the other, each in a process of its own, as its file's docstring describes it; what each prints goes to the screen and, with
its command, its time and the machine's load before it, into one page. FOLDER holds the corpora: nltk-corpora (treebank.zip, brown.zip,
conll2002.zip), wnut17, word-similarity, ud-english-ewt. A benchmark whose corpus or tool is not there says so and the others go on. --fast: small
parts, for a look, in minutes. Translation trains for half an hour and is `recurrent/seq2seq.py`; equal budgets of
five models are `recurrent/beside.py`.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from groundup import files
from groundup.processor import machine_name

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"


@dataclass(frozen=True)
class Comparison:
    """One benchmark. words, fast: its arguments, {data} the corpora's folder; needs: corpora; tools: packages beside which it is run."""

    name: str
    file: str
    tools: tuple[str, ...]
    words: str = ""
    fast: str = ""
    needs: tuple[str, ...] = ()


COMPARISONS = (
    Comparison("n-grams", "text/ngram.py", ("nltk", "kenlm"), "", "--megabytes 2 --rounds 1"),
    Comparison(
        "word2vec", "classical/embeddings/word2vec.py", ("gensim",),
        "{data}/nltk-corpora/brown.zip --similarity {data}/word-similarity/wordsim353.tsv {data}/word-similarity/simlex999.txt",
        "{data}/nltk-corpora/brown.zip --most-sentences 10000 --similarity {data}/word-similarity/wordsim353.tsv --rounds 1 --epochs 1",
        ("nltk-corpora/brown.zip", "word-similarity/wordsim353.tsv"),
    ),
    Comparison("glove", "classical/embeddings/glove.py", ("mittens", "gensim"), "", "--words 200000 --rounds 1"),
    Comparison("cooccurrence", "classical/embeddings/cooccurrence.py", ("scipy",), "", "--words 300000 --rounds 1"),
    Comparison(
        "evaluation", "classical/embeddings/evaluation.py", ("gensim", "sklearn", "umap"), "--points 1000", "--points 300"
    ),
    Comparison(
        "hmm", "classical/hmm/pos.py", ("nltk",), "{data}/nltk-corpora/treebank.zip",
        "{data}/nltk-corpora/treebank.zip --rounds 1", ("nltk-corpora/treebank.zip",),
    ),
    Comparison(
        "crf", "classical/structure/ner.py", ("sklearn_crfsuite",),
        "{data}/wnut17/wnut17train.conll {data}/wnut17/emerging.test.annotated",
        "{data}/wnut17/wnut17train.conll {data}/wnut17/emerging.test.annotated --sentences 400 --iterations 20 --rounds 1",
        ("wnut17/wnut17train.conll",),
    ),
    Comparison(
        "crf-dutch", "classical/structure/ner.py", ("sklearn_crfsuite",),
        "{zip} {zip} --members conll2002/ned.train conll2002/ned.testa --encoding latin-1 --sentences 5000 --iterations 40 --rounds 1",
        "{zip} {zip} --members conll2002/ned.train conll2002/ned.testa --encoding latin-1 --sentences 400 --iterations 20 --rounds 1",
        ("nltk-corpora/conll2002.zip",),
    ),
    Comparison(
        "parsing", "classical/structure/parsing.py", ("nltk",),
        "--treebank {data}/nltk-corpora/treebank.zip --ewt {data}/ud-english-ewt",
        "--treebank {data}/nltk-corpora/treebank.zip --ewt {data}/ud-english-ewt",
        ("nltk-corpora/treebank.zip", "ud-english-ewt"),
    ),
    Comparison("recurrent", "classical/recurrent/scan.py", ("torch",), "", "--rounds 3"),
)  # fmt: skip


def command(one: Comparison, data: Path, fast: bool) -> list[str]:
    """The words of a benchmark's command, from the project's folder."""
    words = (one.fast if fast else one.words).split()
    filled = [word.format(data=data, zip=data / "nltk-corpora" / "conll2002.zip") for word in words]
    return ["python", f"benchmarks/{one.file}", *filled]


def missing(one: Comparison, data: Path) -> str:
    """What a comparison lacks here, "" where nothing."""
    corpora = [name for name in one.needs if not (data / name).exists()]
    tools = [name for name in one.tools if find_spec(name) is None]
    if corpora:
        return f"{data / corpora[0]} is not there; give --data FOLDER"
    return f"without {', '.join(tools)}, which is not installed" if len(tools) == len(one.tools) else ""


def run(words: list[str], seconds: float) -> tuple[str, float]:
    """What a command prints, or how it failed; and how long it took."""
    began = time.perf_counter()
    environment = os.environ | {"GROUNDUP_QUIET": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [sys.executable, *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:.0f} s; give more --seconds", time.perf_counter() - began
    error = f"failed: {(done.stderr.strip().splitlines() or ['no word why'])[-1]}"
    return (error if done.returncode else done.stdout.strip()), time.perf_counter() - began


def main() -> None:
    """Run them, print them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [one.name for one in COMPARISONS]
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--seconds", type=float, default=1200, help="after which one benchmark is stopped")
    parser.add_argument("--out", type=Path, default=Path("tables.md"))
    arguments = parser.parse_args()
    page = [f"# Beside the tools that people use\n\n{machine_name()}"]
    failed = []
    for one in (one for one in COMPARISONS if one.name in arguments.only):
        words, lacks = command(one, arguments.data.resolve(), arguments.fast), missing(one, arguments.data)
        load = os.getloadavg()[0]
        said, took = (f"left out: {lacks}", 0.0) if lacks else run(words, arguments.seconds)
        failed += [one.name] * said.startswith(("failed", "stopped"))
        shown = " ".join(words).replace(str(arguments.data.resolve()), "DATA")
        page.append(f"## {one.name}\n\n`{shown}`: {took:.0f} s, load before {load:.1f}\n\n```\n{said}\n```")
        print(f"\n{page[-1]}", flush=True)
        files.write_text(arguments.out, "\n\n".join(page) + "\n")
    print(f"\nwritten to {arguments.out}")
    if failed:
        sys.exit(f"did not come to an end: {', '.join(failed)}")


if __name__ == "__main__":
    main()
