"""Which texts are worth learning from: the rules of Gopher, C4 and FineWeb, each a figure with its bounds.

Most of the web is menus, lists, advertisements and text made for search engines. Cheap figures tell most of it from prose:
how long its words are, whether lines end like sentences, how much repeats itself. A rule is a measure of a page and the
bounds it must keep; what fails says which rule, with the figure it had.

    GOPHER   Rae et al. 2021, arXiv:2112.11446, section A.1.1: document-wise rules, and table A1: repetition
    C4       Raffel et al. 2020, arXiv:1910.10683, section 2.2: lines that end like sentences, and pages made of them
    FINEWEB  Penedo et al. 2024, arXiv:2406.17557, section 3.5: three rules that were found by comparing data sets

They were made for English prose. Leaves out: C4's word list (see `toxicity.py`) and its deduplication (`data.dedup`); and
quality as a classifier sees it, `classifier.py`.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from groundup.data.clean.repetition import REPEATED, TOP, repeated_parts, repetitions
from groundup.errors import ConfigError, did_you_mean

STOP_WORDS = frozenset("the be to of and that have with".split())
BULLETS = ("•", "‣", "▪", "◦", "●", "○", "-", "*", "–")
TERMINAL = (".", "!", "?", '"', "”", "'", "’")
ELLIPSIS = ("...", "…")
LETTER = re.compile(r"[^\W\d_]").search
SENTENCE_END = re.compile(r"[.!?…]+[\"”'’)]*(?=\s|$)")
POLICY = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
CITATION = re.compile(r"\[(?:\d*|edit|citation needed)\]")


class Page:
    """A text, taken apart once for all rules."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> list[str]:
        """What stands between white space."""
        return self.text.split()

    @cached_property
    def lines(self) -> list[str]:
        """Its lines that are not empty, without the white space around them."""
        return [line for line in (line.strip() for line in self.text.splitlines()) if line]

    @cached_property
    def repetitions(self) -> dict[str, float]:
        """The nine measures of repeated n-grams."""
        return repetitions(self.words)

    @cached_property
    def repeated_lines(self) -> tuple[float, float]:
        """Parts of lines, and of their characters, that came before."""
        return repeated_parts(self.lines)

    @cached_property
    def repeated_paragraphs(self) -> tuple[float, float]:
        """Parts of paragraphs, and of their characters, that came before."""
        return repeated_parts(self.text.split("\n\n"))

    @staticmethod
    def share(count: int, of: Sequence[object]) -> float:
        """A count as part of what was counted; 0 of nothing."""
        return count / len(of) if of else 0.0


# ───────── measures ─────────


def word_count(page: Page) -> float:
    """How many words."""
    return len(page.words)


def mean_word_length(page: Page) -> float:
    """Characters a word."""
    return sum(map(len, page.words)) / max(1, len(page.words))


def hashes_per_word(page: Page) -> float:
    """Marks # for each word: tags instead of text."""
    return page.share(page.text.count("#"), page.words)


def ellipses_per_word(page: Page) -> float:
    """Marks ... for each word: teasers instead of text."""
    return page.share(sum(map(page.text.count, ELLIPSIS)), page.words)


def bullet_lines(page: Page) -> float:
    """The part of lines that begin with a bullet."""
    return page.share(sum(line.startswith(BULLETS) for line in page.lines), page.lines)


def ellipsis_lines(page: Page) -> float:
    """The part of lines that end with an ellipsis."""
    return page.share(sum(line.endswith(ELLIPSIS) for line in page.lines), page.lines)


def words_with_letters(page: Page) -> float:
    """The part of words with at least one letter."""
    return page.share(sum(word.isalpha() or LETTER(word) is not None for word in page.words), page.words)


def stop_words(page: Page) -> float:
    """How many of the eight English stop words come."""
    return len(STOP_WORDS.intersection(page.words) | STOP_WORDS.intersection(word.lower() for word in page.words))


def lines_with_terminal(page: Page) -> float:
    """The part of lines that end like a sentence."""
    return page.share(sum(line.endswith(TERMINAL) for line in page.lines), page.lines)


def short_lines(page: Page) -> float:
    """The part of lines of 30 characters or fewer."""
    return page.share(sum(len(line) <= 30 for line in page.lines), page.lines)


def sentence_count(page: Page) -> float:
    """How many sentences end in the page."""
    return len(SENTENCE_END.findall(page.text))


def curly_brackets(page: Page) -> float:
    """How many {: code instead of prose."""
    return page.text.count("{")


def lorem_ipsum(page: Page) -> float:
    """How often the printers' dummy text comes."""
    return page.text.lower().count("lorem ipsum")


def repeated_line_count(page: Page) -> float:
    """The part of lines that came before."""
    return page.repeated_lines[0]


def repeated_line_characters(page: Page) -> float:
    """The part of characters in lines that came before."""
    return page.repeated_lines[1]


def repeated_paragraph_count(page: Page) -> float:
    """The part of paragraphs that came before."""
    return page.repeated_paragraphs[0]


def repeated_paragraph_characters(page: Page) -> float:
    """The part of characters in paragraphs that came before."""
    return page.repeated_paragraphs[1]


def _ngrams(name: str, page: Page) -> float:
    return page.repetitions[name]


# ───────── rules ─────────


@dataclass(frozen=True, slots=True)
class Rule:
    """A measure and the bounds it must keep, both included. source: where the figures come from."""

    name: str
    measure: Callable[[Page], float]
    low: float = 0.0
    high: float = float("inf")
    source: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a text does not keep, with the figure it had."""

    rule: str
    figure: float
    low: float
    high: float

    @property
    def reason(self) -> str:
        """The sentence for a report."""
        bound = f"wanted {self.low:g} or more" if self.figure < self.low else f"allowed {self.high:g}"
        return f"{self.rule}: {self.figure:.4g}, {bound}"


_A1 = "Rae et al. 2021, A.1.1"
_TABLE = "Rae et al. 2021, table A1"
_C4 = "Raffel et al. 2020, 2.2"
_FINEWEB = "Penedo et al. 2024, 3.5"
_TOP_LIMITS = (0.20, 0.18, 0.16)
_REPEATED_LIMITS = (0.15, 0.14, 0.13, 0.12, 0.11, 0.10)

GOPHER_REPETITION = (
    Rule("repeated lines", repeated_line_count, high=0.30, source=_TABLE),
    Rule("repeated paragraphs", repeated_paragraph_count, high=0.30, source=_TABLE),
    Rule("characters in repeated lines", repeated_line_characters, high=0.20, source=_TABLE),
    Rule("characters in repeated paragraphs", repeated_paragraph_characters, high=0.20, source=_TABLE),
    *(
        Rule(
            f"characters in the most frequent {n}-gram",
            functools.partial(_ngrams, f"top_{n}"),
            high=limit,
            source=_TABLE,
        )
        for n, limit in zip(TOP, _TOP_LIMITS, strict=True)
    ),
    *(
        Rule(
            f"characters in repeated {n}-grams", functools.partial(_ngrams, f"repeated_{n}"), high=limit, source=_TABLE
        )
        for n, limit in zip(REPEATED, _REPEATED_LIMITS, strict=True)
    ),
)
GOPHER_QUALITY = (
    Rule("words", word_count, 50, 100_000, _A1),
    Rule("mean word length", mean_word_length, 3, 10, _A1),
    Rule("# a word", hashes_per_word, high=0.1, source=_A1),
    Rule("ellipses a word", ellipses_per_word, high=0.1, source=_A1),
    Rule("lines that begin with a bullet", bullet_lines, high=0.9, source=_A1),
    Rule("lines that end with an ellipsis", ellipsis_lines, high=0.3, source=_A1),
    Rule("words with a letter", words_with_letters, low=0.8, source=_A1),
    Rule("stop words", stop_words, low=2, source=_A1),
)
GOPHER = GOPHER_QUALITY + GOPHER_REPETITION
C4 = (  # of the lines that c4_lines left
    Rule("lorem ipsum", lorem_ipsum, high=0, source=_C4),
    Rule("curly brackets", curly_brackets, high=0, source=_C4),
    Rule("sentences", sentence_count, low=3, source=_C4),
)
FINEWEB = (
    Rule("lines that end like a sentence", lines_with_terminal, low=0.12, source=_FINEWEB),
    # 0.1 in the paper; the code that was published with it has 0.01
    Rule("characters in repeated lines", repeated_line_characters, high=0.1, source=_FINEWEB),
    Rule("lines of 30 characters or fewer", short_lines, high=0.67, source=_FINEWEB),
)
RULES = {
    "gopher": GOPHER,
    "gopher-quality": GOPHER_QUALITY,
    "gopher-repetition": GOPHER_REPETITION,
    "c4": C4,
    "fineweb": FINEWEB,
}


def rules(name: str, **bounds: tuple[float, float]) -> tuple[Rule, ...]:
    """A set of rules by its name; `bounds` replaces those of some, by rule, such as {"words": (20, 1e6)}."""
    if name not in RULES:
        raise ConfigError(f"there are no rules '{name}'; {did_you_mean(name, RULES)}")
    known = {rule.name: rule for rule in RULES[name]}
    for changed, (low, high) in bounds.items():
        if changed not in known:
            raise ConfigError(f"{name} has no rule '{changed}'; {did_you_mean(changed, known)}")
        if low > high:
            raise ConfigError(
                f"bounds {low:g} ... {high:g} of '{changed}' let nothing through; give the smaller one first"
            )
        known[changed] = Rule(changed, known[changed].measure, low, high, "yours")
    return tuple(known.values())


def judge(text: str, wanted: Sequence[Rule] = GOPHER) -> Broken | None:
    """The first rule that a text breaks, None if it keeps all. An empty text breaks every set of rules.

    >>> judge("Buy now! " * 40).reason
    'stop words: 0, wanted 2 or more'
    """
    if not text.strip():
        return Broken("characters", 0, 1, float("inf"))
    page = Page(text)
    for rule in wanted:
        figure = rule.measure(page)
        if not rule.low <= figure <= rule.high:
            return Broken(rule.name, figure, rule.low, rule.high)
    return None


def figures(text: str, wanted: Sequence[Rule] = GOPHER) -> dict[str, float]:
    """What every rule measures in a text, for a report."""
    page = Page(text)
    return {rule.name: rule.measure(page) for rule in wanted}


# ───────── C4's lines ─────────


def line_fault(line: str, min_words: int = 5) -> str | None:
    """Why C4 leaves out a line; None if it stays.

    >>> line_fault("Home | News | About"), line_fault("This line is a whole sentence.")
    ('does not end like a sentence', None)
    """
    line = line.strip()
    lower = line.lower()
    if not line.endswith((".", "!", "?", '"', "”")) or line.endswith("..."):
        return "does not end like a sentence"
    if len(line.split()) < min_words:
        return f"fewer than {min_words} words"
    if "javascript" in lower:
        return "speaks of Javascript"
    return "speaks of terms and cookies" if any(phrase in lower for phrase in POLICY) else None


def c4_lines(text: str, min_words: int = 5) -> str:
    """The lines of a text that C4 keeps, without marks of citation such as [3]. Then `judge(..., C4)` looks at the page."""
    kept = [line.strip() for line in text.splitlines() if line_fault(line, min_words) is None]
    return CITATION.sub("", "\n".join(kept))
