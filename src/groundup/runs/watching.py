"""A stage that trains, watched: a line of metrics a step, logs, the trackers that the recipe names, a profile when it is asked for.

    with watching(context, module, config, trackers) as watch:
        train(..., watch.batches(batches), listeners=[*watch.listeners, ...])          or fit(..., **watch.asked(context, ...))

However the stage ends (done, stopped, diverged), trackers and exporters are told so and get the time to write what they hold.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import progress
from groundup.errors import Interrupted
from groundup.processor import machine_name
from groundup.runs import fields
from groundup.runs.context import Context

TRACKING, PROFILE = "tracking", "profile"  # folders inside the stage's


@dataclass
class Watch:
    """Who listens to a stage's steps."""

    monitor: Any
    log: Any
    profiler: Any = None
    senders: Sequence[Any] = ()
    exporters: Sequence[Any] = field(default_factory=list)

    @property
    def listeners(self) -> list[Callable[[Any], None]]:
        """For the loop, in the order in which they hear of a step; the profiler first, so that the others' work is not the step's."""
        return [*([self.profiler] if self.profiler else []), self.monitor, self.log]

    def batches(self, function: Callable[[int], Any]) -> Callable[[int], Any]:
        """The stage's batches, counted, with a mark for the profiler where there is one."""
        counted = self.monitor.batches(function)
        return self.profiler.batches(counted) if self.profiler else counted

    def asked(self, context: Context, *listeners: Callable[[Any], None]) -> dict[str, Any]:
        """What a method's `fit` is told by a stage: the mark of its batches, who listens (these last), when to stop and how it goes on."""
        heard = [*self.listeners, *listeners]
        return {"mark": self.batches, "listeners": heard, "stop": context.stop, "way_on": context.way_on()}

    def close(self, state: str) -> None:
        """Tell everybody how the stage ended. state: finished, stopped or failed."""
        if self.profiler:
            self.profiler.stop()
        for sender in self.senders:
            sender.close(state)
        for exporter in self.exporters:
            exporter.close()


@contextmanager
def watching(
    context: Context, module: Any, config: Any, trackers: Sequence[str] = (), folder: Path | None = None
) -> Iterator[Watch]:
    """Watch the training of `module` by `config` (a `TrainConfig`). trackers: their names.

    folder: inside the stage's, of one training among several, with lines, logs and trackers of its own; left out: the stage's.
    """
    from groundup.training.monitor.logging import listening

    watch = _watch(context, module, config, trackers, folder or context.folder)
    context.takers.append(watch.monitor.tell)
    state = "failed"
    try:
        with listening(watch.log):
            watch.log.write(f"stage {context.stage.name} begins", steps=config.steps, machine=machine_name())
            try:
                yield watch
                state = "finished"
            except (Interrupted, KeyboardInterrupt):
                state = "stopped"
                raise
            except BaseException as error:
                watch.log.write(str(error), level="error", error=type(error).__name__)
                raise
            finally:
                watch.log.write(f"stage {context.stage.name} {state}", step=min(watch.log.step, config.steps))
    finally:
        context.takers.remove(watch.monitor.tell)
        watch.close(state)
    if watch.profiler and watch.profiler.profile is None:
        progress.say(
            f"nothing was profiled: that takes {watch.profiler.warm + watch.profiler.steps} steps in one sitting"
        )


def _watch(context: Context, module: Any, config: Any, trackers: Sequence[str], folder: Path) -> Watch:
    from groundup.training.monitor import telemetry
    from groundup.training.monitor.gauges import Gauges
    from groundup.training.monitor.logging import FOLDER, Log
    from groundup.training.monitor.monitoring import Monitor, costs
    from groundup.training.monitor.trackers import senders

    dtype, limits = str(module.compute_dtype).removeprefix("torch."), _limits(context)
    exporters = [telemetry.Exporter()] if telemetry.wanted() else []
    log = Log(folder / FOLDER, context.recipe.name, takers=exporters)
    sending = senders(trackers, _tracked(context, folder)) if trackers else []
    spent = costs(module.config, config, limits, dtype)
    monitor = Monitor(folder / "metrics.jsonl", spent, gauges=Gauges(str(module.device)), takers=sending)
    return Watch(monitor, log, _profiler(folder, spent) if context.profile else None, sending, exporters)


def _limits(context: Context) -> Any:
    """What this machine can at best; None on a device that the probe does not measure."""
    if context.device() != "cpu":
        return None
    from groundup.machine.probe.roofline import probe

    return probe()


def _profiler(folder: Path, spent: Any) -> Any:
    from groundup.training.monitor.profiler import Profiler

    return Profiler(folder / PROFILE, peak_flops=spent.peak_flops, machine=machine_name())


def _tracked(context: Context, folder: Path) -> Any:
    from groundup.training.monitor.trackers import Tracked

    part = "" if folder == context.folder else f"-{folder.name}"
    settings = {name: fields.plain(config) for name, config in context.recipe.configs.items()}
    return Tracked(
        folder=folder / TRACKING,
        project=f"groundup-{context.recipe.name}",
        name=f"{context.stage.name}-{context.folder.name[-8:]}{part}",
        id=context.choose(f"tracking{part}", _new_id),
        settings={"seed": context.recipe.seed, **settings},
        metrics=folder / "metrics.jsonl",
    )


def _new_id() -> str:
    """A name for a run that no other run of the world has: two folders of one recipe are two runs."""
    import uuid

    return uuid.uuid4().hex[:12]
