"""Documents a second through the same steps as datatrove's, from files to token shards, in one process each.

    python benchmarks/data/pipeline/etl.py [--documents 4000] [--pages FOLDER --copies 5] [--json]

steps   JSON lines of made stories of some 150 words, a tenth of them edited copies: the rules of Gopher, near duplicates
        by MinHash (128 places; datatrove: 14 bands of 8, its default), tokens
pages   HTML of --pages (a folder with html.zip and gold.json), each page also in --copies copies with a part of its words
        exchanged: main text by each tool's own extractor, the repetition rules of Gopher, near duplicates, tokens. Both
        extractors are scored on what people marked in gold.json; a faster one that finds less would win nothing.

Both use their own readers, writers and executors and the same tokenizer.json (4,096 tokens, trained on Python's documentation). Runs are taken in
turns; the best of each counts, in seconds of the processor, children included. Without datatrove only ours is measured
(pip install 'datatrove[processing]').
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import io
import itertools
import json
import os
import random
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.data.clean import extract
from groundup.data.pipeline import exchange
from groundup.data.pipeline.cleaning import Extract, MinHash, Rules
from groundup.data.pipeline.etl import Pipeline, run
from groundup.data.pipeline.tokenize import tokenize
from groundup.data.sources import python, tinyworld
from groundup.data.sources.encodings import decode
from groundup.processor import machine_name
from groundup.text.tokenizers import TokenizerConfig, load_tokenizer, train_tokenizer

ROUNDS = 2
REPETITION, NEAR = Rules(name="gopher-repetition"), MinHash(threshold=0.72)
STEPS = (Rules(name="gopher-quality", bounds={"words": [20, 100_000]}), REPETITION, NEAR)
PAGES = (Extract(), REPETITION, NEAR)
Work = Callable[[Path, Path, Path], int]


def stories(documents: int) -> list[str]:
    """Documents of several stories, some of them copies with one word changed."""
    drawn = (one.text for one in tinyworld.sample(1, documents * 8, "train"))
    draw = random.Random(0)
    texts: list[str] = []
    while len(texts) < documents and (some := list(itertools.islice(drawn, 6))):
        texts.append(" ".join(some))
        if draw.random() < 0.1:
            words = texts[-1].split()
            words[draw.randrange(len(words))] = "edited"
            texts.append(" ".join(words))
    return texts


def copies(pages: list[str], count: int) -> list[str]:
    """The pages and copies of each: every second copy nearly the same, the others with 40 % of their words exchanged."""
    draw = random.Random(0)
    words = sorted({word for page in pages for word in re.findall(r"[^\W\d_]{4,}", page)})
    made = list(pages)
    for number in range(count):
        share = 0.4 if number % 2 else 0.002

        def other(found: re.Match[str], share: float = share) -> str:
            return draw.choice(words) if draw.random() < share else found[0]

        made += [re.sub(r">[^<]+<", lambda text: re.sub(r"[^\W\d_]{4,}", other, text[0]), page) for page in pages]
    return made


def write_input(folder: Path, texts: list[str]) -> None:
    """Texts as JSON lines in four files."""
    folder.mkdir(parents=True)
    for file in range(4):
        rows = (json.dumps({"id": f"{file}/{n}", "text": text}) for n, text in enumerate(texts[file::4]))
        (folder / f"{file}.jsonl").write_text("\n".join(rows) + "\n")


def write_tokenizer(folder: Path) -> Path:
    """A tokenizer that both tools read, trained on Python's own documentation."""
    texts = (one.text for one in itertools.islice(python.documents(), 400))
    train_tokenizer(texts, TokenizerConfig(vocab_size=4096)).save(folder)
    return folder


def ours(steps: tuple[Any, ...]) -> Work:
    """Our pipeline and our token shards; how many documents stayed."""

    def work(source: Path, tokenizer: Path, out: Path) -> int:
        kept = run(Pipeline(steps=steps), source, out)["kept"]["documents"]
        tokenize((one.text for one in exchange.read(out)), load_tokenizer(tokenizer), out / "tokens")
        return kept

    return work


def datatrove(first: Callable[[Any], list[Any]]) -> Work:
    """Theirs: what `first` gives for their words, the four stages of their MinHash, their tokenizer."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.tokens import DocumentTokenizer
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
    config = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(hash_fc=their_hash()))

    def work(source: Path, tokenizer: Path, out: Path) -> int:
        clean, made = str(out / "clean"), out / "minhash"
        ends = [
            JsonlWriter(str(out / "kept")),
            DocumentTokenizer(str(out / "tokens"), str(tokenizer / "tokenizer.json"), shuffle_documents=False),
        ]
        stages: list[tuple[list[Any], int]] = [
            ([JsonlReader(str(source)), *first(words), JsonlWriter(clean)], 1),
            ([JsonlReader(clean), MinhashDedupSignature(str(made / "signatures"), config=config, language=words)], 1),
            ([MinhashDedupBuckets(str(made / "signatures"), str(made / "buckets"), config=config)], config.num_buckets),
            ([MinhashDedupCluster(str(made / "buckets"), str(made / "remove"), config=config)], 1),
            ([JsonlReader(clean), MinhashDedupFilter(str(made / "remove")), *ends], 1),
        ]
        for number, (pipeline, tasks) in enumerate(stages):
            LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(out / f"logs{number}")).run()
        import gzip

        return sum(sum(1 for _ in gzip.open(path)) for path in (out / "kept").glob("*.gz"))

    return work


def their_hash() -> str:
    """xxhash, their faster one, unless the package that is installed refuses text."""
    try:
        import xxhash

        xxhash.xxh64_intdigest("text")
    except (ImportError, TypeError):
        return "sha1"
    return "xxhash"


def their_rules(words: Any) -> list[Any]:
    """The rules of Gopher."""
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter

    return [GopherQualityFilter(min_doc_words=20, language=words), GopherRepetitionFilter(language=words)]


def their_pages(words: Any) -> list[Any]:
    """Their extractor as it comes, and the repetition rules of Gopher."""
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import GopherRepetitionFilter

    return [Trafilatura(timeout=60), GopherRepetitionFilter(language=words)]


def timed(work: Work, source: Path, tokenizer: Path, out: Path) -> tuple[float, int]:
    """Seconds of the processor, and what stayed."""
    shutil.rmtree(out, ignore_errors=True)
    begun = os.times()
    with contextlib.redirect_stderr(io.StringIO()):
        kept = work(source, tokenizer, out)
    ended = os.times()
    return sum(ended[:4]) - sum(begun[:4]), kept


def compare(texts: list[str], ways: dict[str, Work]) -> dict[str, Any]:
    """Documents a second by tool, and the ratio."""
    best: dict[str, tuple[float, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_input(place / "in", texts)
        tokenizer = write_tokenizer(place / "tokenizer")
        for _ in range(ROUNDS):
            for name, work in ways.items():
                seconds = timed(work, place / "in", tokenizer, place / name)
                best[name] = min(best.get(name, seconds), seconds)
    rates = {name: len(texts) / seconds for name, (seconds, _) in best.items()}
    return {
        "documents": len(texts),
        "documents_per_cpu_second": rates,
        "kept": {name: kept for name, (_, kept) in best.items()},
        "ratio_to_datatrove": rates["groundup"] / rates["datatrove"] if "datatrove" in rates else None,
    }


def marked(folder: Path) -> list[tuple[str, list[str], list[str]]]:
    """Pages with what must stay and what must go."""
    gold = json.loads((folder / "gold.json").read_text(encoding="utf-8"))
    with zipfile.ZipFile(folder / "html.zip") as archive:
        read = {name.rpartition("/")[2]: decode(archive.read(name), html=True)[0] for name in archive.namelist()}
    return [(read[page["file"]], page["with"], page["without"]) for page in gold.values()]


def measure(documents: int, pages: Path | None, count: int) -> dict[str, Any]:
    """Both comparisons."""
    steps, whole = {"groundup": ours(STEPS)}, {"groundup": ours(PAGES)}
    scored: dict[str, Callable[[str], str]] = {"groundup": extract.extract}
    with contextlib.suppress(ImportError):
        from loguru import logger

        logger.remove()
        steps["datatrove"], whole["datatrove"] = datatrove(their_rules), datatrove(their_pages)
        from datatrove.pipeline.extractors import Trafilatura

        scored["datatrove"] = lambda html: Trafilatura().extract(html) or ""
    found: dict[str, Any] = {"machine": machine_name(), "date": datetime.date.today().isoformat()}
    for package in ("datatrove", "trafilatura", "tokenizers"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    found["steps"] = compare(stories(documents), steps)
    if pages is not None:
        gold = marked(pages)
        html = [page for page, _, _ in gold]
        found["pages"] = compare(copies(html, count), whole)
        found["pages"]["F"] = {name: extract.measure(by, gold).f_score for name, by in scored.items()}
    return found


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, default=4_000)
    arguments.add_argument("--pages", type=Path)
    arguments.add_argument("--copies", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    found = measure(asked.documents, asked.pages, asked.copies)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in found.items() if isinstance(value, str)))
    for part in (name for name in ("steps", "pages") if name in found):
        made = found[part]
        for name, rate in made["documents_per_cpu_second"].items():
            score = f", F {made['F'][name]:.3f}" if "F" in made else ""
            print(
                f"{part:6} {name:10} {rate:8,.0f} documents/s, {made['kept'][name]:,} of {made['documents']:,}{score}"
            )
        if made["ratio_to_datatrove"]:
            print(f"{part:6} ratio {made['ratio_to_datatrove']:.2f}")


if __name__ == "__main__":
    main()
