"""Documents a second through the same steps as datatrove's: read JSON lines, rules of Gopher, near duplicates by MinHash, write.

    python benchmarks/data/pipeline/etl.py [--json]

Both do the work in one process of this machine with their own readers and writers, and with 128 hashes (datatrove: 14 bands of 8, its default, 112
hashes). The texts are stories of tinyworld in documents of some 150 words, a tenth of them edited copies. Without datatrove only ours
is measured (pip install datatrove[processing]). Runs are taken in turns; the best of each counts, in seconds of the processor, children
included.
"""

import argparse
import contextlib
import datetime
import io
import itertools
import json
import os
import platform
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from groundup.data.pipeline.cleaning import MinHash, Rules
from groundup.data.pipeline.etl import Pipeline, run
from groundup.data.sources import tinyworld

ROUNDS = 2
STEPS = (
    Rules(name="gopher-quality", bounds={"words": [20, 100_000]}),
    Rules(name="gopher-repetition"),
    MinHash(threshold=0.72),
)


def write_input(folder: Path, documents: int) -> int:
    """Documents of several stories in four files; how many."""
    drawn = (one.text for one in tinyworld.sample(1, documents * 8, "train"))
    draw = random.Random(0)
    texts = []
    while len(texts) < documents and (some := list(itertools.islice(drawn, 6))):
        text = " ".join(some)
        texts.append(text)
        if draw.random() < 0.1:
            words = text.split()
            words[draw.randrange(len(words))] = "edited"
            texts.append(" ".join(words))
    folder.mkdir(parents=True)
    for file in range(4):
        rows = (json.dumps({"id": f"{file}/{n}", "text": text}) for n, text in enumerate(texts[file::4]))
        (folder / f"{file}.jsonl").write_text("\n".join(rows) + "\n")
    return len(texts)


def ours(source: Path, out: Path) -> int:
    """Our pipeline; how many documents stayed."""
    return run(Pipeline(steps=STEPS), source, out)["kept"]["documents"]


def datatrove(source: Path, out: Path) -> int:
    """Theirs: filters, then the four stages of their MinHash."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers.jsonl import JsonlWriter
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.word_tokenizers import WordTokenizer

    class Words(WordTokenizer):
        """The cheapest words there are; spaCy, their default, would only make them slower."""

        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return text.split(". ")

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return []

    words = Words()

    config = MinhashConfig(
        n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64, hash_fc="sha1")
    )  # their xxhash refuses text with its newest package
    clean, work = str(out / "clean"), out / "minhash"
    stages: list[tuple[list, int]] = [
        (
            [
                JsonlReader(str(source)),
                GopherQualityFilter(min_doc_words=20, language=words),
                GopherRepetitionFilter(language=words),
                JsonlWriter(clean),
            ],
            1,
        ),
        ([JsonlReader(clean), MinhashDedupSignature(str(work / "signatures"), config=config, language=words)], 1),
        ([MinhashDedupBuckets(str(work / "signatures"), str(work / "buckets"), config=config)], config.num_buckets),
        ([MinhashDedupCluster(str(work / "buckets"), str(work / "remove"), config=config)], 1),
        ([JsonlReader(clean), MinhashDedupFilter(str(work / "remove")), JsonlWriter(str(out / "kept"))], 1),
    ]
    for number, (pipeline, tasks) in enumerate(stages):
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(out / f"logs{number}")).run()
    import gzip

    return sum(sum(1 for _ in gzip.open(path)) for path in (out / "kept").glob("*.gz"))


def timed(work: Callable[[Path, Path], int], source: Path, out: Path) -> tuple[float, int]:
    """Seconds of the processor, and what stayed."""
    shutil.rmtree(out, ignore_errors=True)
    begun = os.times()
    with contextlib.redirect_stderr(io.StringIO()):
        kept = work(source, out)
    ended = os.times()
    return sum(ended[:4]) - sum(begun[:4]), kept


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--documents", type=int, default=4_000)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    ways: dict[str, Callable[[Path, Path], int]] = {"groundup": ours}
    with contextlib.suppress(ImportError):
        import datatrove  # noqa: F401
        from loguru import logger

        logger.remove()
        ways["datatrove"] = globals()["datatrove"]
    folder = Path(tempfile.mkdtemp())
    count = write_input(folder / "in", asked.documents)
    best: dict[str, tuple[float, int]] = {}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            best[name] = min(best.get(name, (float("inf"), 0)), timed(work, folder / "in", folder / name))
    shutil.rmtree(folder)
    rates = {name: count / seconds for name, (seconds, _) in best.items()}
    found = {
        "documents": count,
        "documents_per_cpu_second": rates,
        "kept": {name: kept for name, (_, kept) in best.items()},
        "ratio_to_datatrove": rates["groundup"] / rates["datatrove"] if "datatrove" in rates else None,
        "machine": platform.processor() or platform.machine(),
        "python": sys.version.split()[0],
        "date": datetime.date.today().isoformat(),
    }
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for name, rate in rates.items():
        print(f"{name:10} {rate:10,.0f} documents a second of one processor, {best[name][1]:,} of {count:,} kept")
    print(f"ratio {found['ratio_to_datatrove']:.1f}" if "datatrove" in rates else "datatrove is not installed")


if __name__ == "__main__":
    main()
