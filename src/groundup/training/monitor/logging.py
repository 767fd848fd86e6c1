"""What the processes of a run say, as lines of JSON that name run, rank and step; many files become one stream in order.

    {"time": 1764288000.1, "monotonic": 52.3, "run": "demo", "rank": 1, "sitting": 0, "step": 40, "level": "warning", "message": "..."}

Clocks cannot put lines of several processes in order: two machines differ by milliseconds or hours, and a clock that is set jumps.
Steps can, because no process begins a step before all have given their gradients for the last one. So the order is

    sitting, step, then the time on one clock

where each process's own steady clock (which is never set) is brought to that of the first by the median of how far apart the two
stood at the ends of the steps that both have; Lamport (1978, doi:10.1145/359545.359563) is the idea that order comes from
what processes tell each other. A line of a process never overtakes an earlier line of the same process. A run that goes on
after a kill makes steps again: that is another sitting, and comes later.
Leaves out: tracing of single requests (serving), and clocks that drift within one run by more than a step.
"""

import contextlib
import heapq
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import FormatError, InputError
from groundup.slots import slot
from groundup.training.monitor.monitoring import marked
from groundup.training.monitor.secrets import redact

Record = dict[str, Any]
FOLDER, ROOT = "logs", "groundup"  # of a stage's folder; the logger that `progress.say` and all rooms speak to
STEP_END = "step ended"  # the line by which clocks are compared
LEVELS = ("debug", "info", "warning", "error", "critical")


def rank() -> int:
    """The number of this process in its group, as torchrun and its like say it; alone: 0."""
    return int(os.environ.get("RANK", 0))


def world_size() -> int:
    """The processes of the group."""
    return int(os.environ.get("WORLD_SIZE", 1))


class Log:
    """One process's lines. `step` is set by the loop, so that whatever is said belongs to the step in which it was said.

    takers: told of each line as well (an exporter); they must return at once.
    """

    def __init__(
        self,
        folder: str | Path,
        run: str,
        *,
        number: int | None = None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        takers: Sequence[Callable[[Record], None]] = (),
    ):
        self.run, self.rank, self.step = run, rank() if number is None else number, 0
        self.path = Path(folder) / f"rank{self.rank}.jsonl"
        self.clock, self.steady, self.takers = clock, steady, takers
        earlier = read(self.path)
        self.sitting = earlier[-1].get("sitting", 0) + 1 if earlier else 0

    def write(self, message: str, *, level: str = "info", step: int | None = None, **fields: Any) -> None:
        """Add a line. fields: whatever else it has to say, as JSON."""
        head = {"time": self.clock(), "monotonic": self.steady(), "run": self.run, "rank": self.rank}
        where = {"sitting": self.sitting, "step": self.step if step is None else step, "level": level}
        line = marked(redact({**head, **where, "message": message, **fields}))
        files.append_jsonl(self.path, line)
        for take in self.takers:
            take(line)

    def __call__(self, event: Any) -> None:
        """A listener of the loop: from here on it is the next step; of several processes each says when a step ended."""
        self.step = event.step
        if world_size() > 1:
            self.write(STEP_END, level="debug")
        self.step = event.step + 1


class Handler(logging.Handler):
    """Python's own logging, libraries' warnings among it, as lines of a `Log`."""

    def __init__(self, log: Log, level: int = logging.INFO):
        super().__init__(level)
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; whatever cannot be written is not worth stopping a training for."""
        try:
            error: dict[str, Any] = {"error": repr(record.exc_info[1])} if record.exc_info else {}
            level = record.levelname.lower()
            self.log.write(record.getMessage(), level=level if level in LEVELS else "info", logger=record.name, **error)
        except Exception:
            self.handleError(record)


@contextlib.contextmanager
def listening(log: Log) -> Iterator[Log]:
    """While inside, what `progress.say` and the libraries' loggers say goes into the log too."""
    handler, root, own = Handler(log), logging.getLogger(), logging.getLogger(ROOT)
    before = own.level
    own.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield log
    finally:
        root.removeHandler(handler)
        own.setLevel(before)


def read(path: str | Path) -> list[Record]:
    """The lines of a log that are whole: a process may be writing, or have died while it did; none when there is no file."""
    try:
        return files.read_jsonl(path) if Path(path).is_file() else []
    except FormatError:
        return []


def streams(folder: str | Path) -> list[list[Record]]:
    """The logs of a stage's or a run's folder, one a process and stage, stages in order."""
    found = sorted(Path(folder).rglob(f"{FOLDER}/rank*.jsonl"))
    if not found:
        raise InputError(f"{folder} holds no logs; runs write them to stages/*/{FOLDER}/ while they train")
    return [read(path) for path in found]


@slot
def clock_offsets(streams: Sequence[Sequence[Mapping[str, Any]]]) -> list[float]:
    """Seconds to add to each stream's `monotonic` to have the time of the first stream.

    Lines with the message "step ended" tell when each process ended a step, which all do together. The median over the steps that a
    stream and the first both have: one late line, or a clock that was set, moves it little. No step in common: 0.
    """

    def ends(stream: Sequence[Mapping[str, Any]]) -> dict[int, float]:
        return {line["step"]: line["monotonic"] for line in stream if line["message"] == "step ended"}

    first, offsets = ends(streams[0]), []
    for stream in streams:
        own = ends(stream)
        apart = [first[step] - own[step] for step in first if step in own]
        offsets.append(statistics.median(apart) if apart else 0.0)
    return offsets


@slot
def merge(streams: Sequence[Sequence[Mapping[str, Any]]], offsets: Sequence[float]) -> list[Mapping[str, Any]]:
    """One stream in order of sitting, step and time; lines of one stream stay in their own order.

    offsets: seconds to add to each stream's `monotonic`. A line that is earlier than the one before it in its stream (a step
    told late, a clock that jumped) counts as being as late as that one.
    """
    keyed = []
    for number, (stream, offset) in enumerate(zip(streams, offsets, strict=True)):
        latest = (0, 0, float("-inf"))
        keys = []
        for place, line in enumerate(stream):
            latest = max(latest, (line["sitting"], line["step"], line["monotonic"] + offset))
            keys.append((*latest, number, place))
        keyed.append(keys)
    return [streams[key[3]][key[4]] for key in heapq.merge(*keyed)]


def merged(streams: Sequence[Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """One stream of all, on one clock. Each sitting has a steady clock of its own, so sittings are compared one by one."""
    whole: list[Mapping[str, Any]] = []
    for sitting in sorted({line.get("sitting", 0) for stream in streams for line in stream}):
        parts = [[_complete(line) for line in stream if line.get("sitting", 0) == sitting] for stream in streams]
        whole += merge(parts, clock_offsets(parts))
    return whole


def _complete(line: Mapping[str, Any]) -> Record:
    """A line with what the order needs, though another program wrote it."""
    lacking = {"sitting": 0, "step": 0, "monotonic": line.get("time", 0.0), "message": "", "level": "info", "rank": 0}
    return lacking | dict(line)


def search(
    lines: Sequence[Mapping[str, Any]],
    *,
    step: int | None = None,
    around: int = 0,
    level: str = "debug",
    text: str = "",
    number: int | None = None,
) -> list[Mapping[str, Any]]:
    """The lines of a step and of so many before and after it, of a level or worse, that hold a text, of one rank."""
    least = LEVELS.index(level)
    return [
        line
        for line in lines
        if (step is None or abs(line["step"] - step) <= around)
        and LEVELS.index(line["level"]) >= least
        and (number is None or line["rank"] == number)
        and text.lower() in str(line["message"]).lower()
    ]
