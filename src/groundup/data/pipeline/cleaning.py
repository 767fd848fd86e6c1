"""The steps of the rooms beside this one, under the names that a recipe calls them by. Each loads its room when it is opened.

minhash    near duplicates within the input        earlier     near duplicates of an index of earlier data
rules      Gopher, C4, FineWeb                     c4_lines    lines that are no sentences
pii        what leads to a person, masked          toxicity    toxic and adult texts
"""

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from groundup.data.documents import Document
from groundup.data.pipeline.steps import MEMORY_BYTES, Apply, Dropped, Verdict, first_seen, step
from groundup.errors import ConfigError

MARKUP = re.compile(r"(?i)<(?:html|body|head|div|p|!doctype)\b")

# ───────── near duplicates ─────────


@step("minhash")
@dataclass(frozen=True, kw_only=True, slots=True)
class MinHash:
    """Texts that share most of their word sequences: the first of each cluster stays."""

    threshold: float = 0.8
    """likeness (shared sequences by all sequences) from which two texts are one"""
    ngram: int = 5
    """units in a sequence"""
    unit: str = "word"
    """word or character"""
    permutations: int = 128
    """numbers in a signature"""
    verify: bool = False
    """whether a candidate must reach the threshold by its whole signature"""
    seed: int = 1
    """where the draw of the orders begins"""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        self._config()

    def _config(self) -> Any:
        from groundup.data.dedup.minhash import MinHashConfig

        return MinHashConfig(**{name: getattr(self, name) for name in self.__slots__})

    @property
    def width(self) -> int:
        """Two places of a signature a number."""
        return self.permutations // 2

    def sketch(self, documents: Sequence[Document]) -> list[np.ndarray]:
        """The signature of each document."""
        from groundup.data.dedup.minhash import signatures

        made = signatures([document.text for document in documents], self._config())
        return list(np.ascontiguousarray(made).view(np.uint64)[:, None, :])

    def decide(self, sketches: Sequence[np.ndarray], memory_bytes: int = MEMORY_BYTES) -> np.ndarray:
        """The earliest document of each cluster."""
        from groundup.data.dedup.neighbours import twins

        return twins(sketches, self._config(), memory_bytes)

    def strike(self, document: Document, found: Sequence[str | None]) -> Verdict:
        """The document, or the name of the one that stays in its place."""
        return Dropped("near duplicate of another", first_seen(found[0])) if found[0] else document


@step("earlier")
@dataclass(frozen=True, kw_only=True, slots=True)
class Earlier:
    """Near duplicates of data that was deduplicated before, by its index."""

    index: str
    """a folder that `groundup data dedup --save-index` wrote"""

    def opened(self) -> Apply:
        """The index, loaded."""
        from groundup.data.dedup.neighbours import Index

        find = Index.load(self.index).find

        def apply(document: Document) -> Verdict:
            (match,) = find([document.text])
            return Dropped("near duplicate of earlier data", first_seen(match.id)) if match else document

        return apply


# ───────── pages ─────────


@step("extract")
@dataclass(frozen=True, kw_only=True, slots=True)
class Extract:
    """The main text of pages of HTML; documents that are none go through."""

    by: str = "trafilatura"
    """trafilatura, resiliparse or readable"""

    def opened(self) -> Apply:
        """The extractor."""
        from groundup.data.clean.extract import extract

        def apply(document: Document) -> Verdict:
            if MARKUP.search(document.text[:4_000]) is None:
                return document
            text = extract(document.text, self.by)
            return dataclasses.replace(document, text=text) if text.strip() else Dropped("no main text")

        return apply


@step("mojibake")
@dataclass(frozen=True, kw_only=True, slots=True)
class Mojibake:
    """Lines that were decoded in the wrong encoding are repaired."""

    def opened(self) -> Apply:
        """What repairs."""
        from groundup.data.clean.blocklists import repair

        def apply(document: Document) -> Verdict:
            text, count = repair(document.text)
            return dataclasses.replace(document, text=text) if count else document

        return apply


@step("blocklist")
@dataclass(frozen=True, kw_only=True, slots=True)
class Blocklist:
    """Pages of addresses that are on a list (metadata's url)."""

    list: str
    """a file with a domain or address a line, or a folder of such files"""

    def opened(self) -> Apply:
        """The list, read."""
        from groundup.data.clean.blocklists import read_blocklist

        judge = read_blocklist(self.list).judge

        def apply(document: Document) -> Verdict:
            blocked = judge(str(document.metadata.get("url", "")))
            return document if blocked is None else Dropped("on a block list", blocked.reason)

        return apply


@step("language")
@dataclass(frozen=True, kw_only=True, slots=True)
class InLanguage:
    """Texts in some languages only."""

    wanted: tuple[str, ...] = ("en",)
    """codes of the languages that stay"""
    least: float = 0.65
    """the probability that a text is in one of them"""

    def opened(self) -> Apply:
        """The judge."""
        from groundup.data.clean.language import judge

        def apply(document: Document) -> Verdict:
            reason = judge(document.text, self.wanted, self.least)
            return document if reason is None else Dropped("another language", reason)

        return apply


@step("decontaminate")
@dataclass(frozen=True, kw_only=True, slots=True)
class Decontaminate:
    """Documents that hold text of benchmarks, which would make a score mean nothing."""

    benchmarks: str
    """a folder of the benchmarks' files"""
    ngram: int = 13
    """words in a row that must agree"""

    def opened(self) -> Apply:
        """The benchmarks, indexed."""
        from groundup.data.clean.decontaminate import open_benchmarks

        find = open_benchmarks(self.benchmarks, self.ngram).find

        def apply(document: Document) -> Verdict:
            match = find(document.text)
            return document if match is None else Dropped("holds benchmark text", match.reason)

        return apply


# ───────── quality ─────────


@step("rules")
@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Published rules for web text; the first that a text breaks is the reason."""

    name: str = "gopher"
    """gopher, gopher-quality, gopher-repetition, c4 or fineweb"""
    bounds: dict[str, list[float]] = field(default_factory=dict)
    """other bounds for some rules, such as { words = [20, 100000] }"""

    def __post_init__(self) -> None:
        """Refuse unknown rules and bounds that cannot be."""
        self._rules()

    def _rules(self) -> Any:
        from groundup.data.clean.quality import rules

        for name, pair in self.bounds.items():
            if len(pair) != 2:
                raise ConfigError(f"bounds of '{name}' are {pair}; write the least and the most, such as [20, 100000]")
        return rules(self.name, **{name: (low, high) for name, (low, high) in self.bounds.items()})

    def opened(self) -> Apply:
        """The judge."""
        from groundup.data.clean.quality import judge

        wanted = self._rules()

        def apply(document: Document) -> Verdict:
            broken = judge(document.text, wanted)
            return document if broken is None else Dropped(broken.rule, broken.reason)

        return apply


@step("c4_lines")
@dataclass(frozen=True, kw_only=True, slots=True)
class C4Lines:
    """C4's rule for lines: only those that end like a sentence and are none of a menu's or a cookie notice's."""

    min_words: int = 5
    """of a line"""

    def opened(self) -> Apply:
        """What takes the lines out."""
        from groundup.data.clean.quality import c4_lines

        def apply(document: Document) -> Verdict:
            text = c4_lines(document.text, self.min_words)
            if not text.strip():
                return Dropped("no line that ends like a sentence")
            return document if text == document.text else dataclasses.replace(document, text=text)

        return apply


@step("pii")
@dataclass(frozen=True, kw_only=True, slots=True)
class Pii:
    """What leads to a person is masked: addresses, numbers of telephones, cards, accounts and machines."""

    kinds: tuple[str, ...] = ("email", "phone", "card", "iban", "ip")
    """what is masked"""

    def opened(self) -> Apply:
        """What masks."""
        from groundup.data.clean.privacy import mask

        mask("", self.kinds)  # refuses unknown kinds before the first document

        def apply(document: Document) -> Verdict:
            text, found = mask(document.text, self.kinds)
            return dataclasses.replace(document, text=text) if found else document

        return apply


@step("toxicity")
@dataclass(frozen=True, kw_only=True, slots=True)
class Toxicity:
    """Toxic and adult texts, by a trained classifier; without one, by a list of words."""

    classifier: str | None = None
    """a folder that a classifier was saved to; left out: the list of words"""
    threshold: float = 0.5
    """the classifier's probability from which on a text is dropped"""

    def opened(self) -> Apply:
        """The filter, loaded."""
        from groundup.data.clean.toxicity import open_filter

        judge = open_filter(self.classifier, self.threshold).judge

        def apply(document: Document) -> Verdict:
            verdict = judge(document.text)
            return document if verdict is None else Dropped(f"toxic, by {verdict.by}", verdict.reason)

        return apply
