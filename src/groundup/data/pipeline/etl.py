"""A pipeline: a list of steps, run over the shards of an input in as many processes as there are, with a report of what each step did.

    pipeline = Pipeline(steps=(Length(min_characters=200), Exact()))
    report = run(pipeline, "pages/", "clean/", workers=2)

The steps are cut into stages at the steps that compare documents. A stage is done shard by shard, each a pure function
(`shard.run_shard`), by whatever runs them: processes here (`local`) or a cluster (`on_ray`); between two stages the corpus step
decides. So the result does not depend on how many worked or in which order, byte for byte.

Beside OUT, in OUT.work, lies what is done: a shard that has its report is not done again, so a run that was killed goes
on where it was. A shard that fails is listed with its reason while the others are done; after mending it, the same
command does only what failed, also where the result was made without it (`skip_failed`). OUT itself appears whole, at the end:

    documents/*.parquet   what was kept           report.json      what each step kept and dropped, with samples
    dropped/*.parquet     what was not, and why   README.md        the data card, from the run itself
    pipeline.json         the steps               checksums.json

Memory: a few megabytes a process, `memory_bytes` in a corpus step and 8 bytes a unit that it compares, whatever the input's size.
Leaves out: cutting one large file into several shards.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from groundup import files
from groundup.data.documents import read_columns
from groundup.data.pipeline import card
from groundup.data.pipeline.processes import Execute, local
from groundup.data.pipeline.report import REPORT, added, read_report
from groundup.data.pipeline.shard import Rows, Source, Task, finished, key_of
from groundup.data.pipeline.steps import MEMORY_BYTES, CorpusStep, DocumentStep, Step, described, is_corpus
from groundup.errors import ConfigError, GroundupError, InputError
from groundup.progress import progress

VERSION = 3  # raised when the same pipeline gives other bytes
PIPELINE = "pipeline.json"
FOLDERS = (
    "index",
    "list",
    "benchmarks",
    "classifier",
)  # fields of steps that may name one; a pattern such as "." names none


@dataclass(frozen=True, kw_only=True, slots=True)
class Pipeline:
    """A recipe for documents."""

    steps: tuple[Step, ...] = ()
    name: str = "pipeline"
    text_key: str = "text"
    """the field of JSON lines, or the column of Parquet, that holds the text"""
    text_encoding: str = "utf-8"
    shard_bytes: int = 1 << 26
    """small files are done together until they have so many bytes"""
    memory_bytes: int = MEMORY_BYTES
    """what a step that compares documents may hold at once"""
    samples: int = 3
    """documents that the report shows for each reason"""

    def __post_init__(self) -> None:
        """Refuse sizes that cannot be."""
        for name, least in (("shard_bytes", 1), ("memory_bytes", 1 << 16), ("samples", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)} is too small; use {least} or more")

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        names = ("name", "text_key", "text_encoding", "shard_bytes", "samples")
        return {name: getattr(self, name) for name in names} | {"steps": [described(step) for step in self.steps]}


@dataclass(frozen=True, slots=True)
class Stage:
    """Steps that one pass over the documents does."""

    first_step: int
    before: CorpusStep | None
    steps: tuple[DocumentStep, ...]
    after: CorpusStep | None


def stages(steps: Sequence[Step]) -> list[Stage]:
    """Cut steps where documents are compared."""
    made: list[Stage] = []
    before: Any = None
    first = 0
    inner: list[Any] = []
    for place, step in enumerate(steps):
        if is_corpus(step):
            made.append(Stage(first, before, tuple(inner), cast(CorpusStep, step)))
            before, first, inner = step, place, []
        else:
            inner.append(step)
    return [*made, Stage(first, before, tuple(inner), None)]


def inputs(source: str | Path, shard_bytes: int) -> list[tuple[Source, ...]]:
    """The input's files in the order of their names, small ones together: a shard each."""
    from groundup.data.sources import files as own

    shards: list[tuple[Source, ...]] = []
    group: list[Source] = []
    size = 0
    for path, name, length in own.listed(source):
        group.append(Source(path, name))
        size += length or shard_bytes  # what only a server knows is a shard of its own
        if size >= shard_bytes:
            shards.append(tuple(group))
            group, size = [], 0
    return [*shards, tuple(group)] if group else shards


def run(
    pipeline: Pipeline,
    source: str | Path,
    out: str | Path,
    *,
    workers: int = 1,
    execute: Execute | None = None,
    skip_failed: bool = False,
) -> dict[str, Any]:
    """Carry a pipeline out; its report. InputError lists the shards that failed, unless they are to be left out.

    execute: what does the tasks of a stage, in any order; left out: `workers` processes of this machine.
    """
    out = Path(out)
    work = out.with_name(f"{out.name}.work")
    _check_out(out)
    shards = inputs(source, pipeline.shard_bytes)
    if not shards:
        raise InputError(f"{source} holds no documents; give a folder or a file with text")
    keys = [key_of(VERSION, pipeline.plain(), [_stamp(one) for one in shard]) for shard in shards]
    key = key_of(keys, _lists(pipeline), skip_failed)
    if _made(out, key):
        if not files.locked(work):
            files.remove(work)  # a kill between the result and its own end left it
        return read_report(out)
    with files.lock(work):
        runner = _Run(pipeline, work, shards, execute or local(workers), skip_failed)
        reports = [runner.stage(number, stage) for number, stage in enumerate(stages(pipeline.steps))]
        report = _assemble(runner, reports, out, key, str(source))
    if not runner.failed:  # what was done stays for the next try, which does only what failed
        files.remove(work)
    return report


def _removed_again(folder: Path, asked: dict[str, int]) -> dict[str, Any]:
    """What was taken out of the folder on request must not come back with another build of it, not even for a moment."""
    from groundup.data.pipeline import removal

    removal.remove(folder, removal.parse_list(list(asked)))
    return read_report(folder)


def _check_out(out: Path) -> None:
    """Refuse to replace a folder that no pipeline made."""
    try:
        if not out.exists() or (out.is_dir() and not any(out.iterdir())) or read_report(out):
            return
    except GroundupError:
        pass
    raise InputError(f"{out} holds something else; choose another --out")


def _made(out: Path, key: str) -> bool:
    """Whether a folder holds what would be made; where something failed, the cause may have passed."""
    made = (out / PIPELINE).is_file() and files.read_json(out / PIPELINE).get("key") == key
    return made and not read_report(out)["failed"]


def _stamp(source: Source) -> list[Any]:
    """What tells whether a file of the input has changed; of one that a server holds its name alone is known."""
    if not os.path.lexists(source.path):
        return [source.path]
    status = os.stat(source.path)
    return [source.name, status.st_size, status.st_mtime_ns]


def _lists(pipeline: Pipeline) -> list[Any]:
    """The files that steps read, also those in folders that they name, with their sizes and times."""
    files_of = [
        _files_of(str(value), name in FOLDERS)
        for step in pipeline.steps
        for name, value in described(step).items()
        if isinstance(value, str | Path)
    ]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for found in files_of for file in found]


def _files_of(name: str, folder: bool) -> list[Path]:
    """A file alone, or the files of a folder: of an index, of lists, of benchmarks, of a classifier."""
    if os.path.isfile(name):
        return [Path(name)]
    return sorted(file for file in Path(name).rglob("*") if file.is_file()) if folder and os.path.isdir(name) else []


@dataclass(slots=True)
class _Run:
    """What the stages of a run share. alive: the shards that have not failed."""

    pipeline: Pipeline
    work: Path
    shards: list[tuple[Source, ...]]
    execute: Execute
    skip_failed: bool
    keys: list[str] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        steps, lists = self.pipeline.plain(), _lists(self.pipeline)
        del steps["name"]
        self.keys = [key_of(VERSION, steps, lists, [_stamp(one) for one in shard]) for shard in self.shards]

    @property
    def alive(self) -> list[int]:
        return [number for number in range(len(self.shards)) if number not in self.failed]

    def task(self, number: int, stage: Stage, shard: int) -> Task:
        pipeline = self.pipeline
        return Task(
            stage=number,
            shard=shard,
            key=self.keys[shard],
            folder=str(self.work),
            sources=self.shards[shard] if number == 0 else (),
            text_key=pipeline.text_key,
            text_encoding=pipeline.text_encoding,
            first_step=stage.first_step,
            before=stage.before,
            steps=stage.steps,
            after=stage.after,
            samples=pipeline.samples,
        )

    def stage(self, number: int, stage: Stage) -> list[dict[str, Any]]:
        """Do a stage: all shards, then what the corpus step after it decides. The steps' reports, added."""
        tasks = {shard: self.task(number, stage, shard) for shard in self.alive}
        reports = {shard: done for shard, task in tasks.items() if (done := finished(task))}
        todo = [task for shard, task in tasks.items() if shard not in reports]
        with progress(len(tasks), f"stage {number + 1}", "shards") as bar:
            bar.update(len(reports))
            for result in self.execute(todo) if todo else ():
                if result.report is None:
                    self.failed[result.shard] = str(result.error)
                else:
                    reports[result.shard] = result.report
                bar.update(1, failed=str(len(self.failed)))
        self._say_failed()
        if stage.after is not None:
            self._decide(number, stage.after, reports)
        self.damaged += [place for shard in self.alive for place in reports[shard]["damaged"]]
        return added([reports[shard]["steps"] for shard in self.alive], self.pipeline.samples)

    def _say_failed(self) -> None:
        """List what failed; go on only where that was asked for and something is left."""
        listed: list[dict[str, Any]] = [
            {"shard": shard, "sources": self._names(shard), "error": self.failed[shard]}
            for shard in sorted(self.failed)
        ]
        files.write_json(self.work / "failed.json", listed)
        if not self.failed or (self.skip_failed and self.alive):
            return
        first = listed[0]
        raise InputError(
            f"{len(self.failed)} of {len(self.shards)} shards failed, the first with {', '.join(first['sources'][:2])}: "
            f"{first['error']}; the list is in {self.work / 'failed.json'}: mend them and run the same command again, "
            "which does only those, or go on without them: --skip-failed"
        )

    def _names(self, shard: int) -> list[str]:
        return [source.name for source in self.shards[shard]]

    def _decide(self, stage: int, step: CorpusStep, reports: dict[int, dict[str, Any]]) -> None:
        """Let a corpus step decide about all shards, and write for each unit of each the id of its twin."""
        alive = self.alive
        key = key_of(described(step), [[shard, self.keys[shard], reports[shard]["files"]] for shard in alive])
        self.keys = [key_of(key, shard, self.keys[shard]) for shard in range(len(self.shards))]
        marker = self.work / f"{stage}.decided.json"
        if marker.is_file() and files.read_json(marker).get("key") == key:
            return
        marker.unlink(missing_ok=True)
        place = {shard: self.work / f"{stage}-{shard:05}" for shard in alive}
        sketches = [_map(place[shard].with_suffix(".sketch"), step.width) for shard in alive]
        twins = step.decide(sketches, self.pipeline.memory_bytes)
        names = _Names([place[shard] for shard in alive], twins)
        start = 0
        for shard, rows in zip(alive, sketches, strict=True):
            with Rows(place[shard].with_suffix(".twins.parquet"), ["twin"]) as column:
                for twin in twins[start : start + len(rows)].tolist():
                    column.add(names[twin] if twin >= 0 else "")
            start += len(rows)
        files.write_json(marker, {"key": key})


def _map(path: Path, width: int) -> np.ndarray:
    """Sketches as rows on disk."""
    if not path.stat().st_size:
        return np.zeros((0, width), dtype=np.uint64)
    return np.memmap(path, dtype="<u8", mode="r").view(np.ndarray).reshape(-1, width)


class _Names:
    """The ids of the documents that hold some units: only those that are asked for are kept."""

    def __init__(self, shards: Sequence[Path], twins: np.ndarray):
        self.names: dict[int, str] = {}
        wanted = np.unique(twins[twins >= 0])
        start = 0
        for shard in shards:
            units = np.frombuffer(shard.with_suffix(".units").read_bytes(), dtype="<i4")
            edges = start + np.cumsum(units, dtype=np.int64)
            stop = int(edges[-1]) if len(edges) else start
            mine = wanted[(wanted >= start) & (wanted < stop)]
            if len(mine):
                ids = [id for (id,) in read_columns(shard.with_suffix(".parquet"), ["id"])]
                documents = np.searchsorted(edges, mine, side="right").tolist()
                self.names |= {unit: ids[document] for unit, document in zip(mine.tolist(), documents, strict=True)}
            start = stop

    def __getitem__(self, unit: int) -> str:
        return self.names[unit]


def _assemble(runner: _Run, reports: list[list[dict[str, Any]]], out: Path, key: str, source: str) -> dict[str, Any]:
    """Put the result's folder together out of the work folder's files, which are linked, not copied."""
    last = len(reports) - 1
    report = {
        "pipeline": runner.pipeline.plain(),
        "source": Path(source).name,
        "shards": len(runner.alive),
        "failed": [{"sources": runner._names(shard), "error": text} for shard, text in sorted(runner.failed.items())],
        "damaged": runner.damaged,
        "steps": [step for stage in reports for step in stage],
    }
    checksums = {}
    asked = read_report(out).get("removed") if (out / REPORT).is_file() else None
    with files.atomic_folder(out) as folder:
        for shard in runner.alive:
            for stage in range(last + 1):
                for ending, kind in (((".parquet", "documents"),) if stage == last else ()) + (
                    (".dropped.parquet", "dropped"),
                ):
                    name = f"{kind}/{shard:05}.parquet" if kind == "documents" else f"{kind}/{stage}-{shard:05}.parquet"
                    _link(runner.work / f"{stage}-{shard:05}{ending}", folder / name)
                    stamp = files.read_json(runner.work / f"{stage}-{shard:05}.json")["files"][ending]
                    checksums[name] = stamp["sha256"]
        report["kept"] = card.totals(folder / "documents")
        files.write_json(folder / REPORT, report)
        files.write_json(folder / PIPELINE, {"key": key, **runner.pipeline.plain()})
        files.write_text(folder / "README.md", card.data_card(report))
        files.write_checksums(folder, checksums)
        if asked:
            report = _removed_again(folder, asked)
    return report


def _link(path: Path, name: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it."""
    import shutil

    name.parent.mkdir(exist_ok=True)
    try:
        os.link(path, name)
    except OSError:
        shutil.copyfile(path, name)
