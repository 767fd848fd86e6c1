"""What a stage is given: its folder, its configuration, the folders it reads, its earlier choices, and the wish to stop.

A choice is what a measurement decided (number format, device, threads). It is made once, written to `chosen.json` and read back on resume, so a run that
was killed ends with the same bits; another machine is named in one sentence, not silently followed.
"""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from groundup import files, progress
from groundup.processor import cores, machine_name
from groundup.runs import settings
from groundup.runs.recipe import Recipe
from groundup.runs.stages import Stage


class Stop:
    """The user's wish to stop: the first Ctrl-C asks for it, the second does not wait.

    A stage with steps calls it between steps (`if stop(): ...`); any other stage is done again as a whole, so there the first Ctrl-C interrupts.
    """

    def __init__(self) -> None:
        self.wished = False

    def __call__(self) -> bool:
        return self.wished

    @contextmanager
    def between_steps(self) -> Iterator["Stop"]:
        """While inside, the first Ctrl-C only sets the wish. Outside the main thread, where signals do not arrive, it does nothing."""
        try:
            before = signal.signal(signal.SIGINT, self._wish)
        except ValueError:
            yield self
            return
        try:
            yield self
        finally:
            signal.signal(signal.SIGINT, before)

    def _wish(self, number: int, frame: FrameType | None) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True
        progress.say("stopping after this step; press Ctrl-C again to stop at once")


@dataclass(kw_only=True)
class Context:
    """One stage's view of the run."""

    stage: Stage
    folder: Path
    recipe: Recipe
    inputs: Mapping[str, Path]  # role -> the folder it reads
    models: Mapping[str, Path] = field(default_factory=dict)  # earlier stage -> its model folder, in order
    folders: Mapping[str, Path] = field(default_factory=dict)  # earlier stage -> its folder
    done: Mapping[str, Any] = field(default_factory=dict)  # earlier stage -> its done.json
    run_folder: Path = Path()
    command: str = ""  # what the user typed; the way to go on
    profile: bool = False  # whether a stage that trains says where its time goes
    takers: list[Callable[[int, Mapping[str, Any]], None]] = field(default_factory=list)  # told of what is recorded
    stop: Stop = field(default_factory=Stop)

    @property
    def config(self) -> Any:
        """The stage's own table."""
        return self.recipe.configs[self.stage.sections[-1]]

    @property
    def made(self) -> Path:
        """The folder that this stage makes for the stages after it."""
        assert self.stage.makes, f"stage {self.stage.name} makes nothing"
        return self.folder / self.stage.makes

    def choose(self, name: str, measure: Callable[[], Any]) -> Any:
        """A decision of this stage: the one made before, or the result of `measure`, kept from now on."""
        path = self.folder / "chosen.json"
        chosen = files.read_json(path) if path.exists() else {}
        if name not in chosen:
            chosen[name] = measure()
            files.write_json(path, chosen)
        return chosen[name]

    def measured(self, name: str, about: Any, measure: Callable[[], Any]) -> Any:
        """What was measured once for `about` on this machine, kept in the user's cache folder: two runs then choose alike."""
        from groundup.runs.keys import digest

        key = digest([about, machine_name(), self.choose("threads", cores)])[:16]
        path = files.cache_folder() / f"{name}-{key}.json"
        if path.is_file():
            return files.read_json(path)["chosen"]
        chosen = measure()
        files.write_json(path, {"chosen": chosen, "machine": machine_name()})
        return chosen

    def device(self) -> str:
        """The device of this stage, decided once."""
        return self.choose("device", lambda: settings.device(self.recipe.configs["machine"]))

    def dtype(self) -> str | None:
        """The number format that was asked for; None: not asked."""
        asked = self.recipe.configs["machine"].dtype
        return None if asked == "auto" else asked

    def choose_machine(self) -> None:
        """Decide device and threads once; say so when a run goes on on another machine than it began on."""
        here, machine = machine_name(), self.recipe.configs["machine"]
        began = self.choose("machine", lambda: here)
        if began != here:
            progress.say(
                f"stage {self.stage.name} began on {began} and goes on on {here} with the choices made there; the bits may differ"
            )
        settings.apply(settings.MachineConfig(threads=self.choose("threads", lambda: settings.threads(machine))))

    def way_on(self) -> str:
        """The half of a sentence that says how an unfinished run goes on."""
        return f"`{self.command}` goes on from there" if self.command else "the same command goes on from there"

    def drift_seconds(self) -> float | None:
        """The time this machine needs now for a fixed matrix product; None for stages that compute little."""
        if self.stage.makes not in ("model", "scores"):
            return None
        from groundup.machine.probe.roofline import matmul_seconds

        return matmul_seconds()

    def record(self, **values: Any) -> None:
        """Add one line to the stage's metrics.jsonl."""
        from groundup.training.monitor.monitoring import add_line

        add_line(self.folder / "metrics.jsonl", values)
        for take in self.takers:
            take(values.get("step", 0), values)
