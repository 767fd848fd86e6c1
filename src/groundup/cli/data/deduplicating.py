"""`groundup data dedup`: the same text only once, exactly or nearly, also against earlier data."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True, slots=True)
class DedupOptions:
    """drop documents that repeat others, each with the name of the one it repeats"""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """a file or folder with text, or a folder that build --pipeline made"""
    out: Path = Path("runs/dedup")
    """the new folder"""
    method: Literal["exact", "paragraph", "minhash"] = "minhash"
    """the same text; the same paragraphs; nearly the same text"""
    threshold: float = 0.8
    """likeness from which texts are one (minhash)"""
    ngram: int = 5
    """words in a sequence (minhash)"""
    against: str | None = None
    """an index of earlier data: what is in it is dropped too"""
    save_index: Path | None = None
    """write an index of what was kept, for later data"""
    workers: int = 1
    """processes"""
    json: bool = False
    """print the report as JSON"""


def dedup(options: DedupOptions) -> None:
    """A pipeline of one or two steps."""
    from groundup.cli import running
    from groundup.cli.data.building import show_report
    from groundup.data.pipeline import etl
    from groundup.data.pipeline.cleaning import Earlier, MinHash
    from groundup.data.pipeline.steps import Exact, Step

    near = MinHash(threshold=options.threshold, ngram=options.ngram)
    steps: dict[str, Step] = {"exact": Exact(), "paragraph": Exact(unit="paragraph"), "minhash": near}
    earlier = (Earlier(index=options.against),) if options.against else ()
    made = etl.Pipeline(name=f"dedup-{options.method}", steps=(*earlier, steps[options.method]))
    source = Path(options.source) / "documents" if (Path(options.source) / "documents").is_dir() else options.source
    if options.save_index is not None:
        _check_index(options.save_index)
    report = etl.run(made, source, options.out, workers=options.workers)
    if options.save_index is not None:
        _save_index(options, options.save_index)
    if options.json:
        running.print_json(report | {"out": str(options.out)})
    else:
        show_report(report, options.out)


def _check_index(folder: Path) -> None:
    """Refuse to replace a folder that holds no index, before hours of work."""
    from groundup import files
    from groundup.errors import InputError

    config = folder / "config.json"
    ours = config.is_file() and files.read_json(config).get("model_type") == "minhash_index"
    if not ours and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
        raise InputError(f"{folder} holds something else; choose another --save-index")


def _save_index(options: DedupOptions, folder: Path) -> None:
    from groundup.data.dedup.minhash import MinHashConfig
    from groundup.data.dedup.neighbours import Index
    from groundup.data.pipeline import exchange

    config = MinHashConfig(threshold=options.threshold, ngram=options.ngram)
    Index.build(exchange.read(options.out), config).save(folder)
