"""`groundup data export`: documents to the formats of other tools, here or to any address that fsspec knows."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """write documents as Parquet, TFRecord, WebDataset, JSON lines or token shards"""

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """a folder that build --pipeline made, or one in any of these formats"""
    out: str
    """the new folder; an address such as s3://bucket/name is written through fsspec"""
    format: Literal["parquet", "tfrecord", "webdataset", "jsonl", "tokens"] = "parquet"
    """of the files"""
    file_bytes: int = 1 << 28
    """text in a file, about"""
    tokenizer: Path | None = None
    """for tokens"""
    json: bool = False
    """print what was written as JSON"""


def export(options: ExportOptions) -> None:
    """Write, and say what."""
    from groundup.cli import running, show
    from groundup.data.pipeline import storage

    with storage.written(options.out) as folder:
        done = _tokens(options, folder) if options.format == "tokens" else _documents(options, folder)
    if options.json:
        running.print_json(done | {"out": options.out})
        return
    show.console().print(f"{done['documents']:,} documents as {options.format} in {options.out}", markup=False)


def _documents(options: ExportOptions, folder: Path) -> dict[str, object]:
    from groundup.data.pipeline import exchange

    return exchange.export(exchange.read(options.source), folder, options.format, options.file_bytes)


def _tokens(options: ExportOptions, folder: Path) -> dict[str, object]:
    from groundup.data.pipeline import exchange
    from groundup.data.pipeline.tokenize import tokenize
    from groundup.errors import ConfigError
    from groundup.text.tokenizers import load_tokenizer

    if options.tokenizer is None:
        raise ConfigError("tokens need a tokenizer; give its folder with --tokenizer")
    shards = tokenize((one.text for one in exchange.read(options.source)), load_tokenizer(options.tokenizer), folder)
    return {"documents": shards.num_documents, "tokens": shards.num_tokens, "format": "tokens"}
