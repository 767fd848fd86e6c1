"""The training loop, as the sentence it is; what watches it (progress, metrics, validation, samples) is a listener.

    for step: loss = accumulate(batches); norm = clip_(gradients); optimizer.step(rate); tell every listener

A batch is asked for by its number, so a run that was stopped at any step goes on with the batch it would have had.
"""

import gc
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from groundup import files, progress
from groundup.errors import ConfigError, Diverged, Interrupted
from groundup.training import checkpoint
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.schedules import rate_factor
from groundup.training.step.accumulation import Objective, accumulate
from groundup.training.step.clipping import clip_


@dataclass(frozen=True, slots=True)
class Step:
    """What listeners are told after each step; `step` counts from 1."""

    step: int
    loss: float  # nats a target, before the step
    gradient_norm: float
    rate_factor: float
    seconds: float
    module: Any = field(repr=False)

    @property
    def numbers(self) -> dict[str, float]:
        """The step as a line of metrics."""
        return {
            "step": self.step,
            "loss": self.loss,
            "gradient_norm": self.gradient_norm,
            "rate_factor": self.rate_factor,
            "seconds": self.seconds,
        }


Listener = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave: steps made in all, and the mean loss of the last tenth of them."""

    steps: int
    loss: float
    seconds: float  # inside the loop of this process


def never() -> bool:
    """The wish of someone who does not stop."""
    return False


def train(
    module: Any,
    batches: Callable[[int], Any],
    config: TrainConfig,
    *,
    objective: Objective = causal_loss,
    listeners: Sequence[Listener] = (),
    folder: str | Path | None = None,
    stop: Callable[[], bool] = never,
    way_on: str = "the same call goes on from there",
    title: str = "training",
) -> TrainResult:
    """Train `module` in place on `batches(0), batches(1), ...`.

    folder: where checkpoints and metrics.jsonl go, and where an earlier run is continued from. stop: asked after each
    step; when it says yes the state is saved and Interrupted raised. Diverged when the loss is no number.
    """
    optimizer = build_optimizer(module, config)
    keeper = Keeper(folder, config)
    start, before = keeper.resume(module, optimizer)
    losses = deque(before, maxlen=config.last_steps)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    began = time.perf_counter()
    with _without_collector(), progress.progress(config.steps * config.tokens_per_step, title, "tok") as bar:
        bar.update(start * config.tokens_per_step)
        for step in range(start, config.steps):
            clock = time.perf_counter()
            loss = accumulate(module, _batches_of(step, config, batches), objective)
            norm = clip_(parameters, config.max_grad_norm)
            _check(loss, norm, step, config)
            factor = rate_factor(config, step)
            optimizer.step(factor)
            module.zero_grad(set_to_none=True)
            losses.append(loss)
            event = Step(step + 1, loss, norm, factor, time.perf_counter() - clock, module)
            bar.update(config.tokens_per_step, loss=loss)
            for listener in listeners:
                listener(event)
            stopping = stop() and step + 1 < config.steps
            if stopping or keeper.due(step + 1):
                keeper.save(step + 1, module, optimizer, list(losses))
            if stopping:
                raise Interrupted(keeper.stopped(step + 1, way_on))
    return TrainResult(config.steps, sum(losses) / len(losses), time.perf_counter() - began)


MAY_CHANGE = {"steps", "validate_every", "sample_every", "checkpoint_every", "keep_checkpoints"}  # when a run goes on


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the state of a run in its folder (None: nowhere), so that it can go on."""

    folder: str | Path | None
    config: TrainConfig

    def resume(self, module: Any, optimizer: Any) -> tuple[int, list[float]]:
        """Restore the newest checkpoint and cut the metrics to it; the steps already made and the last losses."""
        if self.folder is None:
            return 0, []
        state = checkpoint.load_newest(self.checkpoints, module, optimizer, self.check) or {"step": 0, "losses": []}
        cut_metrics(Path(self.folder) / "metrics.jsonl", state["step"])
        return state["step"], state["losses"]

    def check(self, state: dict[str, Any]) -> None:
        """Refuse to go on with other numbers than the run began with: the result would be that of neither."""
        now = asdict(self.config)
        for name, before in state["config"].items():
            if name not in MAY_CHANGE and now.get(name) != before:
                raise ConfigError(
                    f"{self.folder} holds a run with {name}={before}, and now it is {now.get(name)}; "
                    "set it back to go on, or choose another --out"
                )

    def due(self, step: int) -> bool:
        """Whether a checkpoint is to be saved after so many steps."""
        every = self.config.checkpoint_every
        return step == self.config.steps or (every > 0 and step % every == 0)

    def save(self, step: int, module: Any, optimizer: Any, losses: list[float]) -> None:
        """Write the checkpoint of a step."""
        if self.folder is not None:
            notes = {"config": asdict(self.config), "losses": losses}
            checkpoint.save(self.checkpoints, step, module, optimizer, notes, self.config.keep_checkpoints)

    def stopped(self, step: int, way_on: str) -> str:
        """Say where the run stopped and how it goes on."""
        so_far = f"stopped after step {step} of {self.config.steps}"
        if self.folder is None:
            return f"{so_far}; nothing was kept, as no folder was given"
        return f"{so_far} and saved; {way_on}"

    @property
    def checkpoints(self) -> Path:
        """Their folder."""
        assert self.folder is not None, "nothing is kept"
        return Path(self.folder) / "checkpoints"


def cut_metrics(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`: they will be made again."""
    if path.exists():
        kept = [record for record in files.read_jsonl(path) if record.get("step", 0) <= step]
        files.write_jsonl(path, kept)


def _batches_of(step: int, config: TrainConfig, batches: Callable[[int], Any]) -> list[Any]:
    count = config.gradient_accumulation_steps
    return [batches(step * count + part) for part in range(count)]


def _check(loss: float, norm: float, step: int, config: TrainConfig) -> None:
    """Stop before a step that would make every weight a NaN."""
    if not (math.isfinite(loss) and math.isfinite(norm)):
        what = f"gradient of step {step + 1} is {norm}" if math.isfinite(loss) else f"loss of step {step + 1} is {loss}"
        raise Diverged(
            f"the {what}: training diverged; try --set train.matrix_learning_rate="
            f"{config.matrix_learning_rate / 2:g} --set train.learning_rate={config.learning_rate / 2:g}"
        )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch Python's garbage collector off: nothing in a step makes cycles, and a collection costs up to 50 ms."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def write_metrics(path: str | Path, every: int = 1) -> Listener:
    """A listener that adds a line to a metrics.jsonl every so many steps."""

    def listen(event: Step) -> None:
        if event.step % every == 0 or event.step == 1:
            files.append_jsonl(path, event.numbers)

    return listen


def call_every(every: int, steps: int, function: Callable[[Step], None]) -> Listener:
    """A listener that calls `function` every so many steps (0: never) and after the last."""

    def listen(event: Step) -> None:
        if event.step == steps or (every and event.step % every == 0):
            function(event)

    return listen


def validate_every(every: int, steps: int, losses: Callable[[Any], dict[str, float]], path: str | Path) -> Listener:
    """A listener that records `losses(module)`, such as {"validation_tinyworld": 1.2}, as a line of metrics."""

    def measure(event: Step) -> None:
        files.append_jsonl(path, {"step": event.step, **losses(event.module)})

    return call_every(every, steps, measure)


def metrics(path: str | Path, *names: str) -> Iterable[dict[str, Any]]:
    """The lines of a metrics.jsonl that hold all of the names."""
    return [record for record in files.read_jsonl(path) if all(name in record for name in names)]
