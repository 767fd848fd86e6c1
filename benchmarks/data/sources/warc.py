"""Reading web archives beside warcio and fastwarc: megabytes of unpacked records a second, from one file in the page cache.

    python benchmarks/data/sources/warc.py [--pages FOLDER-OR-ZIP] [--json]

The archive holds one gzip member a record, as Common Crawl's do. Its pages are those of --pages, or made ones of 3 to 60 kB. Each
reader gives every record's head and block; none looks into HTTP. Runs are taken in turns, medians count, in seconds of the
thread. A package that is not installed is left out.
"""

import argparse
import gzip
import json
import platform
import random
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.data.sources import warc
from groundup.machine.probe.timing import in_turns

MEGABYTES, ROUNDS = 60, 7


def pages(source: Path | None) -> list[bytes]:
    """Real pages, or made ones that pack about as well."""
    if source is not None and source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            return [archive.read(name) for name in archive.namelist() if not name.endswith("/")]
    if source is not None:
        return [path.read_bytes() for path in sorted(source.rglob("*.htm*"))]
    draw = random.Random(0)
    words = ["".join(draw.choices("etaoinshrdlu", k=draw.randint(2, 9))) for _ in range(3000)]
    return [("<p class='text'>" + " ".join(draw.choices(words, k=draw.randint(400, 8000)))).encode() for _ in range(80)]


def write(folder: Path, found: list[bytes]) -> tuple[Path, Path, float]:
    """The same records packed and plain, and their megabytes."""
    packed, plain, size = folder / "a.warc.gz", folder / "a.warc", 0
    with open(packed, "wb") as one, open(plain, "wb") as other:
        while size < MEGABYTES * 1e6:
            for page in found:
                block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
                head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.b/{size}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
                head += (
                    f"WARC-Record-ID: <urn:uuid:{size:032x}>\r\nContent-Type: application/http; msgtype=response\r\n"
                )
                record = f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"
                one.write(gzip.compress(record, 6))
                other.write(record)
                size += len(record)
    return packed, plain, size / 1e6


def readers(path: Path) -> dict[str, Callable[[], int]]:
    """What reads every record, by tool; the bytes of all blocks."""
    found: dict[str, Callable[[], int]] = {"groundup": lambda: sum(len(one.block) for one in warc.records(path))}
    try:
        from warcio.archiveiterator import ArchiveIterator

        def warcio() -> int:
            with open(path, "rb") as file:
                return sum(len(one.raw_stream.read()) for one in ArchiveIterator(file, no_record_parse=True))

        found["warcio"] = warcio
    except ImportError:
        pass
    try:
        from fastwarc.warc import ArchiveIterator as Fast

        def fastwarc() -> int:
            with open(path, "rb") as file:
                return sum(len(one.reader.read()) for one in Fast(file, parse_http=False))

        found["fastwarc"] = fastwarc
    except ImportError:
        pass
    return found


def measure(source: Path | None) -> dict[str, Any]:
    """Megabytes a second by file and tool."""
    report: dict[str, Any] = {"machine": platform.processor() or platform.machine()}
    with tempfile.TemporaryDirectory() as folder:
        *paths, size = write(Path(folder), pages(source))
        for path, kind in zip(paths, ("gzip", "plain"), strict=True):
            tools = readers(path)
            assert len({read() for read in tools.values()}) == 1, "all read the same bytes"
            seconds = in_turns(tools, ROUNDS, warm=1, clock=time.thread_time)
            rates = {tool: size / statistics.median(times) for tool, times in seconds.items()}
            report[kind] = {"MB/s": rates} | {
                f"ratio to {tool}": rates["groundup"] / rate for tool, rate in rates.items() if tool != "groundup"
            }
    return report


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = measure(options.pages)
    if options.json:
        print(json.dumps(report))
        return
    print(report["machine"])
    for kind in ("gzip", "plain"):
        for tool, rate in report[kind]["MB/s"].items():
            ratio = report[kind].get(f"ratio to {tool}")
            print(f"{kind:>6} {tool:>9} {rate:8.0f} MB/s" + (f"   ours is {ratio:.2f} of it" if ratio else ""))


if __name__ == "__main__":
    main()
