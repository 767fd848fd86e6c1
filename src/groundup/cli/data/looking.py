"""`groundup data inspect`, `profile` and `estimate`: what was kept and dropped and why, what a corpus is like, how many tokens it has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

Place = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectOptions:
    """page through kept and dropped documents, with the reasons"""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """a folder that build --pipeline made"""
    kept: bool = False
    """the kept documents instead of the dropped ones"""
    step: str | None = None
    """only those that this step dropped, by its kind or number"""
    reason: str | None = None
    """only those whose reason has these words"""
    find: str | None = None
    """only the document of this id, kept or dropped: what happened to it"""
    page: int = 1
    """which page"""
    per_page: int = 10
    """documents a page"""
    characters: int = 300
    """of each text"""
    json: bool = False
    """print the page as JSON"""


def inspect(options: InspectOptions) -> None:
    """Show a page."""
    from groundup.cli import running
    from groundup.data.clean.inspect import paging
    from groundup.errors import ConfigError

    if options.page < 1 or options.per_page < 1:
        raise ConfigError(f"page {options.page} of {options.per_page} documents is none; both are 1 or more")
    wanted = paging.Wanted(kept=options.kept, step=options.step, reason=options.reason, id=options.find)
    found = paging.page(options.folder, wanted, options.page, options.per_page, options.characters)
    running.print_json(found) if options.json else _show_page(found, options)


def _show_page(found: dict[str, Any], options: InspectOptions) -> None:
    from groundup.cli import show

    where = show.console()
    last = max(1, -(-found["total"] // options.per_page))
    where.print(f"{found['total']:,} documents; page {options.page} of {last}", style="bold")
    for row in found["documents"]:
        about = (
            f"  [{row['step']}: {row['reason']}{' - ' if row['detail'] else ''}{row['detail']}]"
            if row.get("step")
            else ""
        )
        where.print(f"\n{row['id']}", style="bold cyan", markup=False, end="")
        where.print(about or "  [kept]", style="yellow", markup=False)
        where.print(row["text"], markup=False)
    if options.page < last:
        where.print(f"\nnext: --page {options.page + 1}", style="dim")


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileOptions:
    """lengths, words, letters, repetition and surprise of a corpus, by source, as a page with pictures"""

    source: Place
    """a folder that build --pipeline made, or a file or folder with text"""
    key: str = "text"
    """the field of JSON lines or the column that holds the text"""
    documents: int = 20_000
    """read at most; they are drawn from the whole by their ids' hashes"""
    order: int = 3
    """of the n-gram model that measures how surprising each source is; 0: none"""
    out: Path | None = None
    """the page (profile.html) and profile.json go here; left out: runs/profile"""
    json: bool = False
    """print the profile as JSON"""


def profile(options: ProfileOptions) -> None:
    """Measure, write, and show."""
    from groundup import files
    from groundup.cli import running
    from groundup.data.clean.inspect import profile as profiles
    from groundup.errors import ConfigError

    if options.documents < 1:
        raise ConfigError(f"--documents {options.documents} looks at nothing; use 1 or more")
    found = profiles.measure(profiles.documents_of(options.source, options.key), options.documents, options.order)
    out = options.out or Path("runs/profile")
    files.write_json(out / "profile.json", found)
    files.write_text(out / "profile.html", profiles.page(found, str(options.source)))
    running.print_json(found) if options.json else _show_profile(found, out)


def _show_profile(found: dict[str, Any], out: Path) -> None:
    from groundup.cli import show

    names = ["documents", "words", "median_words", "bits_per_word", "top_script"]
    rows = []
    for source, part in found["sources"].items():
        rows.append(
            [
                source,
                *(
                    f"{part[n]:,}"
                    if isinstance(part[n], int)
                    else show.number(part[n])
                    if isinstance(part[n], float)
                    else str(part[n])
                    for n in names
                ),
            ]
        )
    show.table(
        f"{found['documents']:,} documents", ["source", "documents", "words", "median", "bits/word", "script"], rows
    )
    show.console().print(f"pictures: {out / 'profile.html'}", markup=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class EstimateOptions:
    """how many tokens a set has, from a small part of it, with an error bar"""

    source: Place
    """a file or folder with text"""
    tokenizer: Path
    """a folder or file of a tokenizer"""
    key: str = "text"
    """the field of JSON lines that holds the text"""
    within: float = 0.01
    """stop when the interval is so narrow, as a part of the total"""
    most_units: int = 400
    """blocks that are read at most"""
    confidence: float = 0.95
    """how often such intervals hold the truth"""
    seed: int = 0
    """which blocks are drawn"""
    json: bool = False
    """print the estimate as JSON"""


def estimate(options: EstimateOptions) -> None:
    """Read until the interval is narrow enough."""
    import dataclasses

    from groundup.cli import running, show
    from groundup.data.pipeline import estimate as estimates
    from groundup.progress import progress
    from groundup.text.tokenizers import load_tokenizer

    tokenizer = load_tokenizer(options.tokenizer)
    limits = {name: getattr(options, name) for name in ("key", "within", "most_units", "confidence", "seed")}
    made = None
    kept = Path(options.source) / "documents"  # of a folder that a pipeline made: not what it dropped
    source = kept if kept.is_dir() and (kept.parent / "report.json").is_file() else options.source
    with progress(options.most_units, "estimating", "blocks") as bar:
        for made in estimates.estimate(source, lambda texts: len(tokenizer.encode_packed(texts)[0]), **limits):
            bar.update(1, tokens=f"{made.tokens:.4g} +- {made.relative:.1%}")
    assert made is not None
    if options.json:
        running.print_json(dataclasses.asdict(made))
        return
    show.console().print(
        f"{made.tokens:,.0f} tokens, between {made.low:,.0f} and {made.high:,.0f} ({options.confidence:.0%}); "
        f"{made.tokens_per_byte:.4f} a byte; {made.units} of {made.of_units} blocks read, {made.bytes_read:,} of {made.total_bytes:,} bytes"
    )
