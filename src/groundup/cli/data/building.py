"""`groundup data build` and `remove`: documents ready for a tokenizer and a model, and what must leave them again.

groundup data build                                  the documents of the demo
groundup data build --text pages/                    your own text, split for training and measuring
groundup data build --text pages/ --pipeline web     your own text through a pipeline: a name or a TOML file
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from groundup.cli.options import Running


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions(Running):
    """gather, clean and split documents; with --pipeline: step by step, with a report"""

    text: str | None = None
    """your own text: a file, a folder or JSON lines with the key text; left out: the embedded worlds"""
    pipeline: str | None = None
    """a TOML file of steps, or plain, web, code, mathematics: its result is documents, what was dropped and why, and a data card"""
    tokenizer: Path | None = None
    """with --pipeline: also write token shards with this tokenizer"""
    workers: int = 1
    """with --pipeline: processes"""
    ray: bool = False
    """with --pipeline: on Ray Data instead of processes"""
    address: str | None = None
    """with --ray: the cluster, such as auto; left out: one of this machine"""
    skip_failed: bool = False
    """with --pipeline: go on without shards that cannot be read"""


def build(options: DataOptions) -> None:
    """Run the data stage alone, or a pipeline."""
    from groundup.cli import running, show

    if options.pipeline is not None:
        _run_pipeline(options)
        return
    _refuse_flags_of_pipelines(options)
    changes = {"name": "data", "description": "documents", "stages": ["data"]}
    source = {"data": {"text": options.text}} if options.text else {}
    show.stage_result(running.carry_out("text" if options.text else "demo", options, changes | source), options.json)


def _refuse_flags_of_pipelines(options: DataOptions) -> None:
    """A flag that would do nothing is a mistake."""
    from groundup.errors import ConfigError

    given = {"tokenizer": options.tokenizer, "ray": options.ray, "address": options.address}
    given |= {"workers": options.workers != 1, "skip-failed": options.skip_failed}
    for name in (name for name, value in given.items() if value):
        raise ConfigError(f"--{name} belongs to a pipeline; add --pipeline plain, or leave it out")


def _with_settings(made: Any, settings: tuple[str, ...]) -> Any:
    """The pipeline with another field or encoding of the text, as the readers' messages name them."""
    import dataclasses

    from groundup.errors import ConfigError

    for setting in settings:
        key, equals, value = setting.partition("=")
        if key not in ("data.text_key", "data.text_encoding") or not equals:
            raise ConfigError(
                f"--set {setting} changes no pipeline; only data.text_key=NAME and data.text_encoding=NAME do: "
                "write the rest into its TOML file"
            )
        made = dataclasses.replace(made, **{key.removeprefix("data."): value})
    return made


def _run_pipeline(options: DataOptions) -> None:
    from groundup.cli import running
    from groundup.data.pipeline import etl, storage
    from groundup.data.sources.places import unfolded
    from groundup.errors import ConfigError
    from groundup.runs.stages.data import pipeline
    from groundup.text.tokenizers import load_tokenizer

    if options.text is None:
        raise ConfigError("--pipeline works on your own text; give its file or folder with --text")
    made = _with_settings(pipeline(str(options.pipeline)), options.set)
    address = unfolded(options.out or Path("runs") / made.name)
    tokenizer = load_tokenizer(options.tokenizer) if options.tokenizer else None  # before hours of work
    execute = _on_ray(options) if options.ray else None
    begun = time.perf_counter()
    with storage.built(address) as out:
        report = etl.run(
            made, options.text, out, workers=options.workers, execute=execute, skip_failed=options.skip_failed
        )
        seconds = time.perf_counter() - begun
        tokens = _tokenize(out, tokenizer) if tokenizer else None
    if options.json:
        running.print_json(report | {"out": str(address), "seconds": seconds, "tokens": tokens})
    else:
        show_report(report, out, seconds, tokens)


def _on_ray(options: DataOptions) -> Any:
    from groundup.data.pipeline.on_ray import on_ray

    return on_ray(options.address, options.workers if options.workers > 1 else None)


def _tokenize(out: Path, tokenizer: Any) -> int:
    """Token shards beside the documents, made anew."""
    from groundup import files
    from groundup.data.pipeline import exchange
    from groundup.data.pipeline.removal import TOKENS_FOLDER
    from groundup.data.pipeline.tokenize import tokenize

    size = files.read_json(out / "report.json")["kept"]["bytes"]
    texts = (document.text for document in exchange.read(out))
    shards = tokenize(texts, tokenizer, out / TOKENS_FOLDER, text_bytes=size)
    files.write_checksums(out)
    return shards.num_tokens


def show_report(report: dict[str, Any], out: Path, seconds: float | None = None, tokens: int | None = None) -> None:
    """A pipeline's report as a table."""
    from groundup.cli import show

    show.steps(report["pipeline"]["name"], report["steps"])
    kept, seen = report["kept"], report["steps"][0]["seen"] if report["steps"] else report["kept"]["documents"]
    where = show.console()
    rate = f", {seen / max(seconds, 1e-9):,.0f} documents/s" if seconds is not None else ""
    where.print(f"{kept['documents']:,} of {seen:,} documents, {kept['bytes']:,} bytes{rate}")
    if tokens is not None:
        where.print(f"{tokens:,} tokens in {out / 'tokens'}", markup=False)
    for failed in report["failed"]:
        where.print(f"left out: {', '.join(failed['sources'][:3])}: {failed['error']}", markup=False)
    if report["damaged"]:
        where.print(f"{len(report['damaged']):,} damaged places, the first: {report['damaged'][0]}", markup=False)
    where.print(f"the card: {out / 'README.md'}; what was dropped: groundup data inspect {out}", markup=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoveOptions:
    """take documents out of a built folder and its token shards, by a removal list"""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """a folder that build --pipeline made"""
    list: Path
    """one entry a line: an id, an address, the beginning of addresses with * at its end, or sha256:HASH of a text"""
    json: bool = False
    """print the counts as JSON"""


def remove(options: RemoveOptions) -> None:
    """Remove and say how many."""
    from groundup.cli import running, show
    from groundup.data.pipeline import removal

    done = removal.remove(options.folder, removal.read_list(options.list))
    if options.json:
        running.print_json(done)
        return
    show.table(
        f"{done['removed']:,} documents removed from {options.folder}",
        ["entry", "documents"],
        [[entry, f"{count:,}"] for entry, count in done["entries"].items()],
    )
