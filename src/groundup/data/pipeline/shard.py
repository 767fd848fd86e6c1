"""One shard through the steps of one stage: a pure function from files to files, so it gives the same bytes wherever it runs.

    S-00012.parquet           the documents that went on
    S-00012.dropped.parquet   those that did not: id, source, step, reason, detail, text (its beginning), ...
    S-00012.sketch            rows of the corpus step that follows, uint64;  S-00012.units: rows a document, int32
    S-00012.json              counts of each step, samples, checksums; written last, so a shard that has it is done

S is the stage. Documents stream through: in memory are a few megabytes of text, whatever the shard's size.
"""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from groundup import files
from groundup.data.documents import COLUMNS, Document, read_columns, read_documents
from groundup.data.pipeline.report import StepReport
from groundup.data.pipeline.steps import Apply, CorpusStep, DocumentStep, Dropped, Step, Verdict
from groundup.errors import FormatError, GroundupError, InputError

DROPPED_COLUMNS = ("id", "source", "step", "reason", "detail", "text", "metadata", "sha256")
TEXT_KEPT = 4_000  # characters of a dropped document's text that are kept to be looked at
SKETCH_CHARACTERS = 1 << 20  # sketched at once
GROUP_CHARACTERS = 1 << 23  # a row group holds about so much text: what is in memory at a time


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the input. name: what its documents are called by."""

    path: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """All that a shard needs; plain data, so that another process or machine can do it."""

    stage: int
    shard: int
    key: str
    """the hash of all that its result follows from"""
    folder: str
    sources: tuple[Source, ...]
    """the input's files in stage 0; none later: then the stage before gave the documents"""
    text_key: str
    text_encoding: str
    first_step: int
    """the place of the first step here in the pipeline"""
    before: CorpusStep | None
    """whose decisions are carried out first"""
    steps: tuple[DocumentStep, ...]
    after: CorpusStep | None
    """whose sketches are made last"""
    samples: int

    def path(self, ending: str, stage: int | None = None) -> Path:
        """A file of this shard."""
        return Path(self.folder) / f"{self.stage if stage is None else stage}-{self.shard:05}{ending}"


@dataclass(frozen=True, slots=True)
class Result:
    """A shard's report, or the sentence that says why it failed."""

    shard: int
    report: dict[str, Any] | None
    error: str | None = None


class Rows:
    """A Parquet file written row by row: whole or not at all. Every page has a checksum."""

    def __init__(self, path: Path, columns: Sequence[str], group_characters: int = GROUP_CHARACTERS):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.schema = pa.schema([(name, pa.string()) for name in columns])
        self.columns: list[list[str]] = [[] for _ in columns]
        self.most, self.characters = group_characters, 0
        self._atomic = files.atomic_path(path)
        self._writer = pq.ParquetWriter(
            self._atomic.__enter__(), self.schema, compression="zstd", write_page_checksum=True
        )

    def add(self, *row: str) -> None:
        """Add a row."""
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
            self.characters += len(value)
        if self.characters >= self.most:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        arrays = [pa.array(column, pa.string()) for column in self.columns]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
        self.columns, self.characters = [[] for _ in self.columns], 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
            self._writer.close()
        except BaseException as failed:
            if not self._atomic.__exit__(type(failed), failed, failed.__traceback__):
                raise
        else:
            self._atomic.__exit__(kind, error, trace)


@dataclass(slots=True)
class _Sketches:
    """Rows of the corpus step that follows, written beside the documents."""

    step: CorpusStep | None
    rows: Any = None
    units: list[int] = field(default_factory=list)
    waiting: list[Document] = field(default_factory=list)
    characters: int = 0

    def add(self, document: Document) -> None:
        if self.step is not None:
            self.waiting.append(document)
            self.characters += len(document.text)
            if self.characters >= SKETCH_CHARACTERS:
                self.flush()

    def flush(self) -> None:
        """Sketch the documents that wait: many at once, because a call has a price."""
        if self.step is not None and self.waiting:
            made = self.step.sketch(self.waiting)
            self.units += map(len, made)
            self.rows.write(np.concatenate(made).astype("<u8").tobytes())
            self.waiting, self.characters = [], 0


def run_guarded(task: Task) -> Result:
    """The shard's result, or why there is none: one bad file must not end the work on the others."""
    try:
        return Result(task.shard, run_shard(task))
    except GroundupError as error:
        return Result(task.shard, None, str(error))
    except Exception as error:
        return Result(task.shard, None, f"{type(error).__name__}: {error}")


def run_shard(task: Task) -> dict[str, Any]:
    """Do one shard, unless it is done; its report."""
    done = finished(task)
    if done is not None:
        return done
    reports = _reports(task)
    damaged: list[str] = []
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(Rows(task.path(".parquet"), COLUMNS))
        dropped = stack.enter_context(Rows(task.path(".dropped.parquet"), DROPPED_COLUMNS))
        sketches = _Sketches(task.after)
        if task.after is not None:
            sketches.rows = stack.enter_context(
                open(stack.enter_context(files.atomic_path(task.path(".sketch"))), "wb")
            )
        for document, verdict, place in _passed(task, reports, lambda found: damaged.append(str(found))):
            if isinstance(verdict, Dropped):
                step = f"{task.first_step + place + 1} {reports[place].step['kind']}"
                about = (document.id, document.source, step, verdict.reason, verdict.detail)
                dropped.add(*about, document.text[:TEXT_KEPT], metadata_json(document), text_hash(document.text))
            else:
                kept.add(verdict.id, verdict.text, verdict.source, metadata_json(verdict))
                sketches.add(verdict)
        sketches.flush()
    if task.after is not None:
        files.write_bytes(task.path(".units"), np.array(sketches.units, dtype="<i4").tobytes())
    return _conclude(task, reports, damaged)


def text_hash(text: str) -> str:
    """The sha256 of a text, as a removal list names it."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def metadata_json(document: Document) -> str:
    """A document's metadata as the Parquet files hold it."""
    if not document.metadata:
        return "{}"
    return json.dumps(files.strict(document.metadata), ensure_ascii=False, sort_keys=True)


def _reports(task: Task) -> list[StepReport]:
    steps: list[Step] = [*([task.before] if task.before else []), *task.steps]
    return [StepReport.of(step, task.samples) for step in steps]


def _passed(
    task: Task, reports: list[StepReport], damage: Callable[[Any], None]
) -> Iterator[tuple[Document, Verdict, int]]:
    """Each document as it came to the last step that it met, what came of it, and which step that was."""
    applies = [*([_strike(task)] if task.before else []), *(step.opened() for step in task.steps)]
    for came in documents_of(task, damage):
        document, place = came, 0
        verdict: Verdict = came
        for place, apply in enumerate(applies):
            verdict = _applied(apply, document, reports[place])
            if isinstance(verdict, Dropped):
                break
            document = verdict
        yield document, verdict, place


def _applied(apply: Apply, document: Document, report: StepReport) -> Verdict:
    """What a step says about a document, counted; a step that fails is named with the document."""
    try:
        verdict = apply(document)
    except GroundupError:
        raise
    except Exception as error:
        raise InputError(
            f"the step '{report.step['kind']}' failed on document {document.id} ({type(error).__name__}: {error}); "
            "remove the document or the step"
        ) from error
    report.count(document, verdict)
    return verdict


def documents_of(task: Task, damage: Callable[[Any], None]) -> Iterator[Document]:
    """The documents that come into a shard. damage: is told what inside of archives could not be read."""
    if task.stage:
        yield from read_documents(task.path(".parquet", task.stage - 1))
        return
    from groundup.data.sources import files as own

    for source in task.sources:
        yield from own.read_file(source.path, source.name, task.text_key, task.text_encoding, damage)


def _strike(task: Task) -> Apply:
    """What carries the decisions of the step before out; the documents come in the order in which they were sketched."""
    assert task.before is not None
    step = task.before
    units = np.frombuffer(task.path(".units", task.stage - 1).read_bytes(), dtype="<i4")
    counts = iter(units.tolist())
    twins = (twin for (twin,) in read_columns(task.path(".twins.parquet", task.stage - 1), ["twin"]))

    def apply(document: Document) -> Verdict:
        mine = [next(twins) for _ in range(next(counts))]
        return step.strike(document, mine)

    return apply


def _endings(task: Task) -> list[str]:
    return [".parquet", ".dropped.parquet", *((".sketch", ".units") if task.after is not None else ())]


def _conclude(task: Task, reports: list[StepReport], damaged: list[str]) -> dict[str, Any]:
    """Write the shard's report, which says that it is done."""
    report = {
        "key": task.key,
        "sources": [source.name for source in task.sources],
        "damaged": damaged,
        "steps": [made.plain() for made in reports],
        "files": {ending: _stamp(task.path(ending)) for ending in _endings(task)},
    }
    files.write_json(task.path(".json"), report)
    return report


def _stamp(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}


def finished(task: Task) -> dict[str, Any] | None:
    """The report of a shard that is done already, from the same input by the same steps; None: it must be done."""
    path = task.path(".json")
    if not path.is_file():
        return None
    try:
        report = files.read_json(path)
    except FormatError:
        return None
    if report.get("key") != task.key:
        return None
    for ending, stamp in report["files"].items():
        made = task.path(ending)
        if not made.is_file() or made.stat().st_size != stamp["bytes"]:
            return None
    return report


def key_of(*parts: Any) -> str:
    """The hash of plain data."""
    text = json.dumps(files.strict(list(parts)), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
