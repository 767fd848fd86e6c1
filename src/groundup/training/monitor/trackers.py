"""The lines of a run for tools that people have already: TensorBoard, MLflow, Weights & Biases, Trackio.

    [train]
    trackers = ["tensorboard", "wandb"]

All of them write beside the run (`tracking/<tracker>` in the stage's folder) and want neither a network nor a key; MLFLOW_TRACKING_URI,
WANDB_MODE and TRACKIO_SERVER_URL send it elsewhere, as those tools document. A tracker gets its numbers from a queue in a
thread of its own: one that is slow, down or broken costs the training nothing and is named once. When a run goes on,
it goes on in the same run of the tracker, whose last step is asked for first: no step stands there twice, and those that a kill
took from it come from metrics.jsonl. Of a rollback, TensorBoard's readers drop the way that was given up; the others keep it, and say so.
Leaves out: pictures, tables and files of the run, which are in its own folder.
"""

import importlib
import importlib.util
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from groundup import files, progress
from groundup.errors import missing_extra
from groundup.training.config import check_trackers
from groundup.training.monitor.monitoring import numbers_of, unmarked
from groundup.training.monitor.offline import last_step_of_wandb
from groundup.training.monitor.secrets import redact

EXTRA = "track"
PATIENCE_S = 20.0  # at the end of a run, for what is still in the queue
ROOM = 10_000  # lines that a tracker may lag behind
ROLLED_BACK = "groundup.rolled_back"  # the tag of a run that went back after a spike


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracked:
    """What a tracker is told of a run."""

    folder: Path  # of its own
    project: str
    name: str
    id: str  # the same when the run goes on
    settings: Mapping[str, Any]  # the recipe, without secrets
    metrics: Path | None = None  # the run's metrics.jsonl, from which a tracker gets what a kill took from it


class Tracker(Protocol):
    """What a tracker does; each call may raise whatever its library raises."""

    before: int  # the last step that it has of earlier sittings

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of a step."""

    def close(self, state: str) -> None:
        """Write what is left. state: finished, stopped or failed."""


class TensorBoard:
    """Event files, by TensorBoard's own writer; steps of a killed run that are made again replace those it wrote."""

    def __init__(self, tracked: Tracked):
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.event, self.summary = event_pb2.Event, summary_pb2.Summary
        self.writer = EventFileWriter(str(tracked.folder), flush_secs=10)
        self.start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self.last: float = math.inf
        self.before = 0  # its writer cannot read: it gets all steps anew, and readers drop the old ones

    def _begin(self, step: int) -> None:
        """Say that steps from this one on come anew: readers then drop those they had."""
        self.writer.add_event(self.event(session_log=self.start, step=step, wall_time=time.time()))

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """One event with a value for each number."""
        if step < self.last:  # the first of this sitting, or a run that went back after a spike
            self._begin(step)
        self.last = step
        values = [self.summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self.writer.add_event(self.event(summary=self.summary(value=values), step=step, wall_time=time.time()))

    def close(self, state: str) -> None:
        """Flush and close the file."""
        self.writer.close()


class Ways:
    """Which steps a store that cannot forget is to take: each once, until a run goes back after a spike and makes steps again.

    before: the last step of earlier sittings; a resume makes the same numbers again, a rollback others. `given_up`: from each step that a
    run went back to, to the last that the store has of the way before, whose numbers are told in words beside the run.
    """

    def __init__(self, before: int):
        self.before, self.last, self.told = before, before, 0
        self.other_way = before  # the last step of which the store has another way's numbers
        self.given_up: list[tuple[int, int]] = []

    def back(self, step: int) -> bool:
        """Note a step; whether it is the first of another way, of which the store has some steps already."""
        back = step < self.told
        if back and step <= self.last:
            self.given_up.append((step, self.last))
            self.before, self.other_way = step - 1, self.last
        self.told = step
        return back

    def new(self, step: int) -> bool:
        """Whether the store has no numbers of this way's step."""
        return step > self.before

    def unseen(self, step: int) -> bool:
        """Whether the store has no numbers of this step of any way, and none of a later one; for stores whose steps only rise."""
        unseen = step > max(self.before, self.other_way) and step >= self.last
        self.last = max(self.last, step)
        return unseen

    def words(self, kept: str) -> str:
        """What stands there of ways that were given up."""
        spans = ", ".join(f"{first} to {last}" for first, last in self.given_up)
        return f"the run went back after a spike; of steps {spans} {kept}, and metrics.jsonl has the way that was kept"


class MLflow:
    """A run of MLflow: its file store in the folder, or the server that MLFLOW_TRACKING_URI names.

    It deletes no point: of steps that are made again after a spike it has both, in order of time, and a tag that says so.
    """

    def __init__(self, tracked: Tracked):
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # else it refuses a folder, which needs no database
        from mlflow.tracking import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI") or tracked.folder.absolute().as_uri()
        self.client = MlflowClient(tracking_uri=uri)
        found = self.client.get_experiment_by_name(tracked.project)
        experiment = found.experiment_id if found else self.client.create_experiment(tracked.project)
        words = f"tags.`groundup.id` = '{tracked.id}'"
        runs = self.client.search_runs([experiment], words, max_results=1)
        self.run = runs[0].info.run_id if runs else self._begin(experiment, tracked)
        points = self.client.get_metric_history(self.run, "loss") if runs else []
        latest = max(points, key=lambda point: (point.timestamp, point.step), default=None)
        self.before = latest.step if latest else 0  # not the highest: the run may have gone back
        self.at = latest.timestamp if latest else 0
        self.ways = Ways(self.before)
        self.client.update_run(self.run, status="RUNNING")

    def _begin(self, experiment: str, tracked: Tracked) -> str:
        from mlflow.entities import Param

        made = self.client.create_run(experiment, run_name=tracked.name, tags={"groundup.id": tracked.id}).info.run_id
        parameters = [Param(key, str(value)[:500]) for key, value in _flat(tracked.settings).items()]
        for start in range(0, len(parameters), 100):  # more at once are refused
            self.client.log_batch(made, params=parameters[start : start + 100])
        return made

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """All numbers in one request; MLflow's own names allow no brackets."""
        from mlflow.entities import Metric

        if self.ways.back(step):
            words = self.ways.words("both ways' numbers stand here, the later ones count")
            self.client.set_tag(self.run, ROLLED_BACK, words)
        if self.ways.new(step):
            self.ways.last = max(self.ways.last, step)
            self.at = max(
                int(time.time() * 1000), self.at + 1
            )  # a later line is later, though the clock has milliseconds
            points = [Metric(name, float(value), self.at, step) for name, value in numbers.items()]
            self.client.log_batch(self.run, points)

    def close(self, state: str) -> None:
        """Set the run's status."""
        self.client.set_terminated(self.run, {"finished": "FINISHED", "stopped": "KILLED"}.get(state, "FAILED"))


class WandB:
    """A run of Weights & Biases, offline unless WANDB_MODE says otherwise (`wandb sync` sends it later).

    Its steps only rise: steps that are made again after a spike keep their first numbers, and a tag and the run's notes say which.
    """

    def __init__(self, tracked: Tracked):
        import wandb

        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        quiet: dict[str, Any] = {"console": "off", "silent": True, "disable_git": True, "disable_code": True}
        quiet |= {"x_disable_meta": True, "x_disable_stats": True, "x_disable_machine_info": True}  # its own gauges
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        known = set(wandb.Settings.model_fields)
        self.before = max(map(last_step_of_wandb, tracked.folder.glob("*-run-*/*.wandb")), default=0)
        self.ways = Ways(self.before)
        tracked.folder.mkdir(parents=True, exist_ok=True)
        _new_second(tracked.folder)
        self.run = wandb.init(
            project=tracked.project,
            name=tracked.name,
            id=tracked.id,
            dir=tracked.folder.parent,  # it makes a folder "wandb" in there
            resume="allow" if mode != "offline" else None,
            config=dict(tracked.settings),
            settings=wandb.Settings(mode=mode, **{key: value for key, value in quiet.items() if key in known}),
            reinit="create_new",
        )

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """One history row; two calls for one step are one row there."""
        if self.ways.back(step):
            self.run.tags = (*dict.fromkeys((*(self.run.tags or ()), ROLLED_BACK)),)
            self.run.notes = self.ways.words("the numbers here are those of the first way")
        if self.ways.unseen(step):
            self.run.log(dict(numbers), step=step)

    def close(self, state: str) -> None:
        """Finish the run."""
        self.run.finish(exit_code=0 if state == "finished" else 1)


def _new_second(folder: Path) -> None:
    """W&B names a sitting's folder by the second; a sitting in the same second would write over the last one's."""
    while any(folder.glob(f"*-run-{time.strftime('%Y%m%d_%H%M%S')}-*")):
        time.sleep(0.05)


class Trackio:
    """A run of Trackio, in its SQLite file in the folder, or on the server that TRACKIO_SERVER_URL names.

    Trackio reads its folder once a process: later stages of one command write into the first one's, each as a run of its own. TRACKIO_DIR
    names one folder for all.
    """

    def __init__(self, tracked: Tracked):
        os.environ.setdefault("TRACKIO_DIR", str(tracked.folder.absolute()))
        trackio = importlib.import_module("trackio")
        self.run = trackio.init(
            project=tracked.project,
            name=f"{tracked.name}-{tracked.id}",
            config=dict(tracked.settings),
            resume="allow",
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        self.before = _last_step_of_trackio(tracked.project, f"{tracked.name}-{tracked.id}")
        self.ways = Ways(self.before)
        self.went_back: dict[str, float] = {}

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """One row; it has no tags, so the first row after a rollback tells as a number to which step the run went back."""
        if self.ways.back(step):
            self.went_back = {"rolled_back_to": step - 1}
        if self.ways.unseen(step):
            self.run.log({**numbers, **self.went_back}, step=step)
            self.went_back = {}

    def close(self, state: str) -> None:
        """Finish the run."""
        self.run.finish()


def _last_step_of_trackio(project: str, name: str) -> int:
    storage = importlib.import_module("trackio.sqlite_storage").SQLiteStorage
    return max((row.get("step") or 0 for row in storage.get_logs(project, name)), default=0)


TRACKERS: dict[str, tuple[str, Callable[[Tracked], Tracker]]] = {  # name -> its package, what makes it
    "tensorboard": ("tensorboard", TensorBoard),
    "mlflow": ("mlflow", MLflow),
    "wandb": ("wandb", WandB),
    "trackio": ("trackio", Trackio),
}


def require(names: Sequence[str]) -> None:
    """Say before anything runs which package a tracker wants, with the pip line."""
    check_trackers(tuple(names))
    for name in names:
        if importlib.util.find_spec(TRACKERS[name][0]) is None:
            raise missing_extra(TRACKERS[name][0], EXTRA)


def missed(metrics: Path | None, before: int, step: int) -> list[tuple[int, dict[str, float]]]:
    """Steps and numbers of a metrics.jsonl after `before` and before `step`: what a tracker held when it was killed."""
    lines = files.read_jsonl(metrics) if metrics is not None and metrics.is_file() else []
    late = [unmarked(line) for line in lines if before < line.get("step", 0) < step]
    return [(line["step"], numbers_of(line)) for line in late]


class Sender:
    """One tracker in a thread of its own. Whatever it raises is said once, and from then on it is left alone."""

    def __init__(self, name: str, make: Callable[[Tracked], Tracker], tracked: Tracked):
        self.name, self.make, self.tracked = name, make, tracked
        self.waiting: queue.Queue[tuple[int, dict[str, float]] | str] = queue.Queue(ROOM)
        self.given_up = False
        self.thread = threading.Thread(target=self._work, name=f"tracker-{name}", daemon=True)
        self.thread.start()

    def __call__(self, step: int, numbers: Mapping[str, float]) -> None:
        """Put the numbers of a step into the queue; returns at once."""
        if self.given_up:
            return
        try:
            self.waiting.put_nowait((step, dict(numbers)))
        except queue.Full:
            self._give_up(f"it is {ROOM:,} lines behind")

    def close(self, state: str = "finished", patience_s: float = PATIENCE_S) -> None:
        """Wait until the queue is empty, but not longer than the patience."""
        if not self.given_up:
            self.waiting.put(state) if not self.waiting.full() else self._give_up("its queue is full")
        self.thread.join(patience_s if not self.given_up else 0.1)
        if self.thread.is_alive() and not self.given_up:
            self._give_up(f"it did not answer for {patience_s:g} s")

    def _work(self) -> None:
        try:
            tracker = self.make(self.tracked)
            first = True
            while not self.given_up:
                item = self.waiting.get()
                if isinstance(item, str):
                    tracker.close(item)
                    return
                for told in missed(self.tracked.metrics, tracker.before, item[0]) if first else ():
                    tracker.log(*told)
                tracker.log(*item)
                first = False
        except BaseException as error:  # a library may raise anything, SystemExit too
            self._give_up(f"{type(error).__name__}: {error}".splitlines()[0])

    def _give_up(self, why: str) -> None:
        if not self.given_up:
            self.given_up = True
            progress.say(
                f"tracker {self.name} is left alone ({redact(why)}); training goes on, metrics.jsonl has every step"
            )


def senders(names: Sequence[str], tracked: Tracked) -> list[Sender]:
    """Start the trackers of these names, each in its own folder."""
    require(names)
    clean = redact(files.strict(dict(tracked.settings)))
    return [Sender(name, TRACKERS[name][1], _for(tracked, name, clean)) for name in names]


def _for(tracked: Tracked, name: str, settings: Mapping[str, Any]) -> Tracked:
    return replace(tracked, folder=tracked.folder / name, settings=settings)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted keys."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        found |= _flat(value, name) if isinstance(value, Mapping) else {name: value}
    return found
