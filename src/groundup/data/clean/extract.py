"""The main text of an HTML page: what an author wrote, without menus, notices and everything that stands on every page.

Two well-kept packages stand behind one interface, and beside them a small one of our own that shows the idea and needs
neither. On 80 pages (trafilatura's own test pages) of which people marked what must stay and what must go, by
`benchmarks/data/clean/extract.py`:

                 precision   recall   F       pages/s beside trafilatura's
    trafilatura  0.93        0.98     0.951   1                  the default: what is lost here is lost for good
    readable     0.90        0.93     0.912   1.9
    resiliparse  0.78        0.96     0.862   13

The small one was tuned on these same pages (0.864 before), so its figure flatters it.

The small one (after Kohlschütter, Fankhauser, Nejdl 2010, "Boilerplate detection using shallow text features"): the page
is a row of blocks, pieces of text between tags that begin a new line. What is written by hand is long and has few
links; menus are short and all links. A block is content if it is long enough and hardly linked, and a short one if it stands
between two that are, as headings do. Blocks inside of what calls itself a menu, by its tag, its class or its role, are none.

The parser calls a function for every tag, so pages nested a thousand deep need no recursion.

Leaves out: tables as tables, titles and dates; whatever scripts would write.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from groundup.errors import ConfigError, did_you_mean, missing_extra
from groundup.slots import slot

SILENT = frozenset(
    "script style noscript template svg math iframe object canvas head select option button textarea audio video map datalist".split()
)
AROUND = frozenset("nav footer aside menu dialog".split())
VOID = frozenset("area base br col embed hr img input link meta source track wbr param".split())
BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form "
    "h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
NAMED = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|igation)?|menu|footer|side-?bar|breadcrumbs?|cookies?|consent|share|sharing|social|related|widgets?|"
    r"comments?|respond|newsletter|subscribe|banner|advert\w*|ads?|promo|popup|modal|pagination|pager|tags?|tagcloud|meta|byline|"
    r"toolbar|login|search|skip|screen-reader-text|copyright|impressum|legal)(?:$|[\s_-])",
    re.IGNORECASE,
)
KEPT = frozenset("html body main article".split())  # never left out for what they are called
ROLES = frozenset("navigation banner contentinfo complementary search menu menubar dialog".split())


WITHOUT_SPACES = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]")


@dataclass(slots=True)
class Block:
    """A piece of text between tags that begin a new line."""

    text: str
    linked: int
    """characters inside of links"""
    tag: str
    around: int
    """the number of the outermost element that is no content by its tag, class or role; 0 outside of such"""

    @property
    def words(self) -> int:
        """How many; where no spaces are written, two characters count as one."""
        return len(self.text.split()) + len(WITHOUT_SPACES.findall(self.text)) // 2

    @property
    def link_density(self) -> float:
        """The part of characters inside of links."""
        return self.linked / max(1, len(self.text))


class Parser(HTMLParser):
    """Reads a page into `blocks`."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.open: list[tuple[str, bool]] = []  # tag, and whether it is around content
        self.pieces: list[str] = []
        self.silent = self.links = self.depth = self.around = self.linked = 0
        self.tag = "body"

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """A new block for tags that begin a line; what is around content is counted until it closes."""
        if tag in BLOCKS:
            self.flush(tag)
        if tag in VOID:
            self.pieces.append("\n" if tag == "br" else "")
            return
        if tag == "p" and self.open and self.open[-1][0] == "p":  # a paragraph ends where the next begins
            self.handle_endtag("p")
        around = tag in AROUND or (tag not in KEPT and named(dict(attributes)))
        self.open.append((tag, around))
        self.silent += tag in SILENT
        self.links += tag == "a"
        self.depth += around
        self.around += around and self.depth == 1

    def handle_endtag(self, tag: str) -> None:
        """Close what is open down to the tag; a tag that was never opened closes nothing."""
        if tag in BLOCKS:
            self.flush("body")
        # 60: a page with thousands of tags that are never closed must not take the square of their number
        near = range(len(self.open) - 1, max(-1, len(self.open) - 60), -1)
        depth = next((at for at in near if self.open[at][0] == tag), len(self.open))
        while len(self.open) > depth:
            closed, around = self.open.pop()
            self.silent -= closed in SILENT
            self.links -= closed == "a"
            self.depth -= around

    def handle_data(self, data: str) -> None:
        """Text goes to the block at hand."""
        if not self.silent:
            self.pieces.append(data)
            self.linked += len(data.strip()) if self.links else 0

    def flush(self, tag: str) -> None:
        """End the block at hand; the next one is of this tag."""
        lines = (" ".join(line.split()) for line in _lines(self.pieces))
        if text := "\n".join(line for line in lines if line):
            self.blocks.append(Block(text, self.linked, self.tag, self.around if self.depth else 0))
        self.pieces, self.linked = [], 0
        self.tag = tag


def _lines(pieces: list[str]) -> list[str]:
    """The text of a block, cut where the page has <br>."""
    lines: list[str] = []
    line: list[str] = []
    for piece in [*pieces, "\n"]:
        if piece == "\n":
            lines.append("".join(line))
            line = []
        else:
            line.append(piece)
    return lines


def named(attributes: Mapping[str, str | None]) -> bool:
    """Whether class, id or role say that an element is around content."""
    name = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    return hidden or attributes.get("role") in ROLES or NAMED.search(name) is not None


def blocks(html: str) -> list[Block]:
    """The blocks of a page in order. What calls itself a menu and holds a third of all text that is not linked is none."""
    parser = Parser()
    parser.feed(html)
    parser.close()
    parser.flush("body")
    held = [0] * (parser.around + 1)
    for block in parser.blocks:
        held[block.around] += len(block.text) - block.linked
    for block in parser.blocks:
        if held[block.around] > sum(held) / 3:
            block.around = 0
    return parser.blocks


@slot
def choose_blocks(page: Sequence[Block], long: int = 10, dense: float = 0.33) -> list[bool]:
    """Which blocks are content.

    A block of `long` words or more is, if less than the part `dense` of its characters is linked; a shorter one, linked no
    more, if the block after it is such a long one, and, unless it is a heading, also if the block before it is. None is
    inside of what calls itself a menu.
    """
    wanted = [block.around == 0 and block.link_density < dense for block in page]
    sure = [good and block.words >= long for good, block in zip(wanted, page, strict=True)]
    chosen = []
    for at, block in enumerate(page):
        before = at > 0 and sure[at - 1] and block.tag not in HEADINGS
        after = at + 1 < len(page) and sure[at + 1]
        chosen.append(sure[at] or (wanted[at] and (before or after)))
    return chosen


def readable(html: str) -> str:
    """The main text by the small extractor, a line a block."""
    page = blocks(html)
    kept = [block.text for block, good in zip(page, choose_blocks(page), strict=True) if good]
    return "\n".join(kept)


def trafilatura(html: str) -> str:
    """The main text by trafilatura (Barbaresi 2021), without the second opinions that it would ask two other extractors for.

    They cost a third of the time and lost as much as they found: F 0.951 without, 0.949 with them on the 80 marked pages.
    """
    try:
        from trafilatura import extract as by_package
    except ImportError:
        raise missing_extra("trafilatura", "data") from None
    return by_package(html, include_comments=False, include_tables=True, fast=True) or ""


def resiliparse(html: str) -> str:
    """The main text by resiliparse (Bevendorff et al. 2018)."""
    try:
        from resiliparse.extract.html2text import extract_plain_text
    except ImportError:
        raise missing_extra("resiliparse", "data") from None
    return extract_plain_text(html, main_content=True, alt_texts=False)


EXTRACTORS: dict[str, Callable[[str], str]] = {
    "readable": readable,
    "trafilatura": trafilatura,
    "resiliparse": resiliparse,
}


def extract(html: str, by: str = "trafilatura") -> str:
    """The main text of a page; empty where there is none.

    >>> extract("<nav><a href=/>Home</a></nav><h1>Cats</h1><p>A cat sleeps for most of the day and for half of the night.</p>", "readable")
    'Cats\\nA cat sleeps for most of the day and for half of the night.'
    """
    if by not in EXTRACTORS:
        raise ConfigError(f"there is no extractor '{by}'; {did_you_mean(by, EXTRACTORS)}")
    return EXTRACTORS[by](html)


# ───────── measured ─────────


@dataclass(frozen=True, slots=True)
class Measured:
    """How much of what must stay stayed, and how much of what came out belonged there."""

    precision: float
    recall: float

    @property
    def f_score(self) -> float:
        """Their harmonic mean."""
        return 2 * self.precision * self.recall / max(1e-12, self.precision + self.recall)


def measure(by: Callable[[str], str], pages: list[tuple[str, list[str], list[str]]]) -> Measured:
    """Score an extractor on pages, each with pieces of text that must stay and pieces that must go."""
    kept = wrong = lost = 0
    for html, must_stay, must_go in pages:
        text = " ".join(by(html).split())
        stayed = sum(" ".join(piece.split()) in text for piece in must_stay)
        kept, lost = kept + stayed, lost + len(must_stay) - stayed
        wrong += sum(" ".join(piece.split()) in text for piece in must_go)
    return Measured(kept / max(1, kept + wrong), kept / max(1, kept + lost))
