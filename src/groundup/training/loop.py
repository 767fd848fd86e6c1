"""The training loop, as the sentence it is; what watches it (progress, metrics, validation, samples) is a listener.

    for step: loss = accumulate(batches); norm = clip_(gradients); optimizer.step(rate); tell every listener

A batch is asked for by its number, so a run that was stopped at any step goes on with the batch it would have had.
"""

import gc
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import files, progress
from groundup.errors import GroundupError, Interrupted
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
    """What a run gave: steps made in all, mean loss of the last tenth of the steps that this process made."""

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
) -> TrainResult:
    """Train `module` in place on `batches(0), batches(1), ...`.

    folder: where checkpoints and metrics.jsonl go, and where an earlier run is continued from. stop: asked after each
    step; when it says yes the state is saved and Interrupted raised. GroundupError when the loss is no number.
    """
    optimizer = build_optimizer(module, config)
    start = resume(folder, module, optimizer)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    losses: list[float] = []
    began = time.perf_counter()
    with _without_collector(), progress.progress(config.steps * config.tokens_per_step, "training", "tok") as bar:
        bar.update(start * config.tokens_per_step)
        for step in range(start, config.steps):
            clock = time.perf_counter()
            loss = accumulate(module, _batches_of(step, config, batches), objective)
            _check(loss, step, config)
            norm = clip_(parameters, config.max_grad_norm)
            factor = rate_factor(config, step)
            optimizer.step(factor)
            module.zero_grad(set_to_none=True)
            losses.append(loss)
            event = Step(step + 1, loss, norm, factor, time.perf_counter() - clock, module)
            bar.update(config.tokens_per_step, loss=loss)
            for listener in listeners:
                listener(event)
            _keep(folder, event, optimizer, config)
            if stop() and step + 1 < config.steps:
                _stop(folder, event, optimizer, config, way_on)
    tail = losses[-max(1, len(losses) // 10) :] or [math.nan]
    return TrainResult(config.steps, sum(tail) / len(tail), time.perf_counter() - began)


def resume(folder: str | Path | None, module: Any, optimizer: Any) -> int:
    """Restore the newest checkpoint of a run folder and cut its metrics to it; the steps already made."""
    if folder is None:
        return 0
    state = checkpoint.load_newest(Path(folder) / "checkpoints", module, optimizer)
    step = 0 if state is None else int(state["step"])
    cut_metrics(Path(folder) / "metrics.jsonl", step)
    return step


def cut_metrics(path: Path, step: int) -> None:
    """Drop the lines of steps after `step`: they will be made again."""
    if path.exists():
        kept = [record for record in files.read_jsonl(path) if record.get("step", 0) <= step]
        files.write_jsonl(path, kept)


def _batches_of(step: int, config: TrainConfig, batches: Callable[[int], Any]) -> list[Any]:
    count = config.gradient_accumulation_steps
    return [batches(step * count + part) for part in range(count)]


def _check(loss: float, step: int, config: TrainConfig) -> None:
    if not math.isfinite(loss):
        raise GroundupError(
            f"the loss of step {step + 1} is {loss}: training diverged; try --set train.matrix_learning_rate="
            f"{config.matrix_learning_rate / 2:g} --set train.learning_rate={config.learning_rate / 2:g}"
        )


def _keep(folder: str | Path | None, event: Step, optimizer: Any, config: TrainConfig) -> None:
    """Save a checkpoint when it is due."""
    due = event.step == config.steps or (config.checkpoint_every and event.step % config.checkpoint_every == 0)
    if folder is not None and due:
        checkpoint.save(Path(folder) / "checkpoints", event.step, event.module, optimizer, {}, config.keep_checkpoints)


def _stop(folder: str | Path | None, event: Step, optimizer: Any, config: TrainConfig, way_on: str) -> None:
    """Save where we are and say how to go on."""
    if folder is None:
        raise Interrupted(
            f"stopped after step {event.step} of {config.steps}; nothing was kept, as no folder was given"
        )
    checkpoint.save(Path(folder) / "checkpoints", event.step, event.module, optimizer, {}, config.keep_checkpoints)
    raise Interrupted(f"stopped after step {event.step} of {config.steps} and saved; {way_on}")


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
