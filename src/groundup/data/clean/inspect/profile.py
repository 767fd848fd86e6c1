"""A corpus in figures and pictures, by source: lengths, words, scripts, repetition, and how surprising each source is.

Read are at most so many documents, those whose ids have the smallest hashes: a sample in which each has the same chance, the same on every machine.
Surprise is measured by one n-gram model (interpolated Kneser-Ney) that learns from every second document of all sources and is asked
about the others: bits a word of a source that is unlike the rest are high; so are those of noise, and those of lists and
templates are low. Wenzek et al. 2020 (CCNet, arXiv:1911.00359) sort web pages by such a perplexity.

Leaves out: bits of documents that share text with the half that was learned; deduplicate first.
"""

import collections
import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import regex

from groundup.data.documents import Document
from groundup.data.pipeline import exchange
from groundup.errors import InputError

SCRIPTS = (
    "Latin",
    "Cyrillic",
    "Greek",
    "Arabic",
    "Hebrew",
    "Devanagari",
    "Han",
    "Hiragana",
    "Katakana",
    "Hangul",
    "Thai",
)
BY_SCRIPT = {name: regex.compile(rf"\p{{Script={name}}}") for name in SCRIPTS}
LETTER = regex.compile(r"\p{L}")
LEARNED_CHARACTERS = 4_000_000  # of the n-gram model
TOP = 30  # words that are listed
MOST_SOURCES = 12  # others are put together


def documents_of(source: str | Path, key: str = "text") -> Iterator[Document]:
    """The documents of a folder that a pipeline made, or of anything else with text."""
    if (Path(source) / "documents").is_dir():
        return exchange.read(source)
    from groundup.data.sources import files as own

    return own.documents(source, key)


def sampled(documents: Iterable[Document], most: int) -> tuple[list[Document], int]:
    """At most so many documents, those of the smallest hashes, in the order in which they came; and how many came."""
    heap: list[tuple[int, int, Document]] = []
    number = 0
    for number, document in enumerate(documents, 1):
        digest = hashlib.blake2b(document.id.encode(errors="surrogatepass"), digest_size=8, salt=b"profile").digest()
        rank = -int.from_bytes(digest, "big")  # the largest hash is on top
        if len(heap) < most:
            heapq.heappush(heap, (rank, -number, document))
        elif rank > heap[0][0]:
            heapq.heapreplace(heap, (rank, -number, document))
    return [document for _, _, document in sorted(heap, key=lambda one: -one[1])], number


def measure(documents: Iterable[Document], most: int = 20_000, order: int = 3) -> dict[str, Any]:
    """The figures of a corpus. most: documents looked at. order: of the n-gram model; 0: none."""
    sample, count = sampled(documents, most)
    if not sample:
        raise InputError("there is no document to look at; give a folder or a file with text")
    by_source = _by_source(sample)
    bits = _bits_per_word(by_source, order) if order else {}
    parts = {source: _figures(some) | bits.get(source, {}) for source, some in by_source.items()}
    return {
        "documents": count,
        "sampled": len(sample),
        "sources": parts,
        "top_words": dict(_words(sample).most_common(TOP)),
        "words_seen_once": _once(sample),
    }


def _by_source(sample: Sequence[Document]) -> dict[str, list[Document]]:
    """Documents by where they come from: the source, or for files their folder; the smallest ones together."""
    groups: dict[str, list[Document]] = collections.defaultdict(list)
    names = {document.source for document in sample}
    for document in sample:
        folder = document.id.partition("/")[0] if "/" in document.id and len(names) == 1 else ""
        groups[folder or document.source or "?"].append(document)
    large = sorted(groups, key=lambda name: (-len(groups[name]), name))
    kept = large if len(large) <= MOST_SOURCES else large[: MOST_SOURCES - 1]
    others = [document for name in large[len(kept) :] for document in groups[name]]
    return {name: groups[name] for name in kept} | ({f"{len(large) - len(kept)} others": others} if others else {})


def _figures(documents: Sequence[Document]) -> dict[str, Any]:
    """Lengths, scripts and repetition of some documents."""
    words = np.array([len(document.text.split()) for document in documents])
    lines = [line for document in documents for line in document.text.split("\n") if line.strip()]
    text = "".join(document.text[:2_000] for document in documents[:500])
    letters = len(LETTER.findall(text))
    scripts = {name: len(found.findall(text)) / max(1, letters) for name, found in BY_SCRIPT.items()}
    return {
        "documents": len(documents),
        "bytes": sum(len(document.text.encode(errors="surrogatepass")) for document in documents),
        "words": int(words.sum()),
        "median_words": float(np.median(words)),
        "quantiles_of_words": {str(share): float(np.quantile(words, share)) for share in (0.05, 0.25, 0.75, 0.95)},
        "lengths": words.tolist(),
        "letters": letters / max(1, len(text)),
        "scripts": {name: share for name, share in scripts.items() if share >= 0.001},
        "top_script": max(scripts, key=lambda name: scripts[name]) if letters else "none",
        "lines_seen_before": 1 - len(set(lines)) / len(lines) if lines else 0.0,
    }


def _words(documents: Sequence[Document]) -> collections.Counter[str]:
    return collections.Counter(word for document in documents for word in document.text.lower().split())


def _once(documents: Sequence[Document]) -> float:
    """The part of the different words that come once."""
    counts = _words(documents)
    return sum(count == 1 for count in counts.values()) / max(1, len(counts))


def _bits_per_word(by_source: dict[str, list[Document]], order: int) -> dict[str, dict[str, float]]:
    """Bits a word of each source's odd documents, by a model of the even ones of all."""
    from groundup.text.ngram.language import NgramConfig, train

    learned, asked, size = [], {}, 0
    for source, documents in by_source.items():
        for document in documents[::2]:
            if size < LEARNED_CHARACTERS:
                learned.append(document.text.lower())
                size += len(document.text)
        asked[source] = [document.text.lower() for document in documents[1::2] if document.text.split()][:1_000]
    if sum(len(text.split()) for text in learned) < 100:
        return {}
    model = train(learned, NgramConfig(order=order))
    made = {}
    for source, texts in asked.items():
        if texts:
            bits = float(np.log2(model.perplexity(texts)))
            made[source] = {"bits_per_word": bits, "perplexity": 2.0**bits}
    return made


def page(found: dict[str, Any], title: str) -> str:
    """The profile as a page of pictures."""
    from groundup import plots

    sources = found["sources"]
    lengths = {name: np.log10(np.maximum(1, part["lengths"])) for name, part in sources.items()}
    surprise = {name: part["bits_per_word"] for name, part in sources.items() if "bits_per_word" in part}
    shares = {name: part["scripts"] for name, part in sources.items()}
    figures = [
        plots.value_bars(
            {"bytes": {name: part["bytes"] for name, part in sources.items()}},
            y="bytes",
            title="How much of each source",
        ),
        plots.histogram(lengths, x="words in a document, as a power of ten", title="Lengths"),
        plots.value_bars(
            {"share": {name: part["lines_seen_before"] for name, part in sources.items()}},
            y="share of the lines",
            title="Lines that came before",
        ),
        plots.value_bars(shares, y="share of the letters", title="Scripts"),
        plots.value_bars(
            {"count": found["top_words"]}, y="times", title=f"The {len(found['top_words'])} most frequent words"
        ),
    ]
    if surprise:
        bars = plots.value_bars(
            {"bits": surprise}, y="bits a word", title="Surprise, by an n-gram model of all sources"
        )
        figures.insert(2, bars)
    return plots.to_html(figures, title=f"{title}: {found['documents']:,} documents")
