"""`groundup data fetch`: pages of the web into archives, as their owners allow it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchOptions:
    """fetch pages or whole sites to WARC: robots.txt, rates and opt-outs are kept; begun again, it goes on"""

    addresses: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ADDRESS")]
    """where to begin; @FILE: one address a line"""
    out: Path = Path("runs/fetched")
    """the folder of the archives"""
    depth: int = 0
    """follow links so far; 0: the addresses alone"""
    pages: int = 10_000
    """pages at most"""
    other_hosts: bool = False
    """follow links away from the hosts of the addresses"""
    delay_s: float = 1.0
    """the least time between two requests to one host"""
    contact: str = ""
    """how a site's owner reaches you, sent with every request"""
    removal: str | None = None
    """a file with addresses that must not be fetched"""
    json: bool = False
    """print the counts as JSON"""


def fetch(options: FetchOptions) -> None:
    """Fetch, and say what became of the addresses."""
    from groundup.cli import running, show
    from groundup.data.sources.crawl import CrawlConfig, crawl
    from groundup.data.sources.fetch import FetchConfig
    from groundup.progress import progress

    asking = FetchConfig(delay_s=options.delay_s, contact=options.contact, removal=options.removal)
    config = CrawlConfig(
        fetch=asking,
        depth=options.depth,
        pages=options.pages,
        other_hosts=options.other_hosts,
        sitemaps=options.depth > 0,
    )
    seeds = _addresses(options.addresses)
    with progress(options.pages if options.depth else len(seeds), "fetching", "pages") as bar:
        done = crawl(seeds, options.out, config, bar)
    if options.json:
        running.print_json(done | {"out": str(options.out)})
        return
    rows = [[str(name), f"{value:,}" if isinstance(value, int) else str(value)] for name, value in done.items()]
    show.table(f"fetched into {options.out}", ["", ""], rows)


def _addresses(given: tuple[str, ...]) -> list[str]:
    from groundup.data.sources.lines import lines
    from groundup.errors import InputError

    found: list[str] = []
    for word in given:
        if not word.startswith("@"):
            found.append(word)
        elif Path(word[1:]).is_file():
            found += [line.strip() for line in lines(word[1:]) if line.strip() and not line.startswith("#")]
        else:
            raise InputError(f"{word[1:]} is not there; give a file with one address a line")
    if not found:
        raise InputError("there is no address to fetch; give one or more, or @FILE with one a line")
    return found
