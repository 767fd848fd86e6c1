"""What the loop asks of its checkpoints: where to go on, when to save, what to keep, what to do when that fails.

    with Keeper(folder, config) as keeper:
        step, losses = keeper.resume(module, state)     # also takes the folder for this process alone
        ...
        if keeper.due(step): keeper.save(step, module, state, losses)

A run goes on only with the numbers it began with (but for `MAY_CHANGE`), as the result would be that of neither. A save
that fails, because the disk is full, leaves the last whole checkpoint, is said in one sentence, and stops the run or lets
it go on (`on_failed_save`); that holds for one that fails in the background too, at the next step.
"""

import re
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from torch import Tensor

from groundup import files, progress
from groundup.errors import ConfigError, DiskFull, GroundupError, InputError
from groundup.training.checkpoint import checkpointing, keeping
from groundup.training.checkpoint.background import Background, copied
from groundup.training.checkpoint.checkpointing import Stateful
from groundup.training.checkpoint.model_folder import WrittenAgain, differing, some
from groundup.training.config import TrainConfig

MAY_CHANGE = {  # when a run goes on
    "steps", "validate_every", "score_every", "sample_every", "checkpoint_every", "keep_checkpoints", "keep_best", "keep_every",
    "save_in_background", "on_failed_save", "trackers",
    "activation_checkpointing", "activation_checkpointing_every",
}  # fmt: skip
HALF, OLD = re.compile(r"\.tmp-\d+-\d+-step-\d+"), re.compile(r"\.old-(step-\d+)")  # what a kill leaves


class Keeper:
    """Keeps the state of a run in its folder (None: nowhere), so that it can go on.

    tokenizer: anything with `.save(folder)`; its files make a checkpoint a model folder that reads text.
    """

    def __init__(self, folder: str | Path | None, config: TrainConfig, tokenizer: Any = None):
        self.folder, self.config = folder, config
        self.tokenizer = None if tokenizer is None else WrittenAgain(tokenizer)
        self.saves: list[float] = []  # the seconds that each held the loop up
        self._background = Background()
        self._copies: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
        self._lock = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait for what is being written, and leave the folder to others."""
        try:
            self._background.wait()
            self._look("said" if error is not None else self.config.on_failed_save)
        finally:
            self._lock.close()

    def resume(self, module: Any, state: Stateful) -> tuple[int, list[float]]:
        """Restore the newest checkpoint and cut the metrics to it; the steps already made and the last losses."""
        if self.folder is None:
            return 0, []
        self._lock.enter_context(files.lock(self.folder))
        try:
            self._clear()
            notes = checkpointing.load_newest(
                self.checkpoints, module, state, lambda notes: self.check(notes, module)
            ) or {"step": 0, "losses": []}
            cut_metrics(Path(self.folder) / "metrics.jsonl", notes["step"])
        except BaseException:
            self._lock.close()
            raise
        return notes["step"], notes["losses"]

    def _clear(self) -> None:
        """Take away what killed saves left: the folder is locked, so nobody is still at it."""
        entries = list(self.checkpoints.iterdir()) if self.checkpoints.is_dir() else []
        for entry in entries:
            if HALF.fullmatch(entry.name):
                files.remove(entry)  # whatever process has the number in its name by now
            elif old := OLD.fullmatch(entry.name):
                files.recover(self.checkpoints / old[1])

    def check(self, notes: dict[str, Any], module: Any = None) -> None:
        """Refuse to go on with other numbers than the run began with (the result would be that of neither), or with fewer steps than it made."""
        if (made := notes.get("step", 0)) > self.config.steps:
            raise ConfigError(
                f"{self.folder} holds a run that made {made} steps already, and steps={self.config.steps} asks for fewer; "
                f"use steps={made} or more, or choose another --out"
            )
        now = files.strict(asdict(self.config)) | _dtype(module)  # as JSON gives it back: no tuples
        before = {name: value for name, value in notes["config"].items() if name not in MAY_CHANGE}
        if different := differing(before, {name: now.get(name) for name in before}):
            raise ConfigError(
                f"{self.folder} holds a run with {some(different)}; "
                f"set {'it' if len(different) == 1 else 'them'} back to go on, or choose another --out"
            )

    def due(self, step: int) -> bool:
        """Whether a checkpoint is to be saved after so many steps. What failed in the background comes up here."""
        self._look(self.config.on_failed_save)
        every = [number for number in (self.config.checkpoint_every, self.config.keep_every) if number]
        return step == self.config.steps or any(step % number == 0 for number in every)

    def save(self, step: int, module: Any, state: Stateful, losses: list[float]) -> None:
        """Copy the state and let it be written while training goes on; a save that is not finished is waited for."""
        if self.folder is None:
            return
        began = time.perf_counter()
        self.wait()
        tensors = checkpointing.tensors_of(module, state)
        validation = keeping.validation_at(Path(self.folder) / "metrics.jsonl", step)
        notes = {"step": step, "config": asdict(self.config) | _dtype(module), "losses": losses}
        notes |= {"validation": validation}
        if self.config.save_in_background:
            weights, table = self._copies
            tensors = copied(tensors[0], weights), copied(tensors[1], table)
        self._background.start(lambda: self._write(step, module, tensors, notes))
        if not self.config.save_in_background:
            self._background.wait()
        self.saves.append(time.perf_counter() - began)

    @property
    def writing(self) -> bool:
        """Whether a checkpoint is being written in the background."""
        return self._background.busy

    def wait(self) -> None:
        """Return when nothing is being written; what went wrong is raised or said."""
        self._background.wait()
        self._look(self.config.on_failed_save)

    def _write(self, step: int, module: Any, tensors: Any, notes: dict[str, Any]) -> None:
        target, config = checkpointing.path_of(self.checkpoints, step), self.config
        checkpointing.write(target, module, tensors, notes, self.tokenizer)
        for undone in checkpointing.found(self.checkpoints):  # a rollback went back behind them: they are no way on
            if checkpointing.step_of(undone) > step:
                files.discard(undone)
        keeping.remove_others(self.checkpoints, config.keep_checkpoints, config.keep_best, config.keep_every)

    def _look(self, then: str) -> None:
        """Raise what the last save did wrong ("stop"), or say it; a mistake of ours is always raised."""
        error = self._background.error()
        if error is None:
            return
        if not isinstance(error, GroundupError | OSError):
            raise error
        sentence = f"{error}; {self._last()}"
        if then == "stop":
            raise (DiskFull if isinstance(error, DiskFull) else InputError)(sentence) from error
        progress.say(f"{sentence}, and training goes on" if then == "go_on" else sentence)

    def _last(self) -> str:
        """Say which checkpoint the run would go on from."""
        whole = [path.name for path in checkpointing.found(self.checkpoints) if keeping.looks_whole(path)]
        return f"the last checkpoint that is whole is {whole[-1]}" if whole else "no checkpoint is kept yet"

    def stopped(self, step: int, way_on: str) -> str:
        """Say where the run stopped and how it goes on, when that is on the disk; what failed there is raised."""
        so_far = f"stopped after step {step} of {self.config.steps}"
        if self.folder is None:
            return f"{so_far}; nothing was kept, as no folder was given"
        self._background.wait()
        self._look("stop")
        return f"{so_far} and saved; {way_on}"

    @property
    def checkpoints(self) -> Path:
        """Their folder."""
        assert self.folder is not None, "nothing is kept"
        return Path(self.folder) / "checkpoints"


def _dtype(module: Any) -> dict[str, str]:
    """In what a module computes: no number of the configuration, but the bits depend on it."""
    dtype = getattr(module, "compute_dtype", None)
    return {} if dtype is None else {"dtype": str(dtype).removeprefix("torch.")}


def cut_metrics(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`: they will be made again."""
    if path.exists():
        kept = [record for record in files.read_jsonl(path) if record.get("step", 0) <= step]
        files.write_jsonl(path, kept)
