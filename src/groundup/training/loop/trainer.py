"""The training loop, as the sentence it is; what watches it (progress, metrics, validation, samples) is a listener.

    for step: loss = accumulate(batches); norm = clip_(gradients); optimizer.step(rate); tell every listener

A batch is asked for by its number, so a run that was stopped at any step goes on with the batch it would have had.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup import progress
from groundup.errors import Diverged, Interrupted
from groundup.training.checkpoint.keeper import Keeper, cut_metrics
from groundup.training.config import TrainConfig
from groundup.training.loop.listeners import Listener
from groundup.training.loop.live_evaluation import Average
from groundup.training.loop.state import RunState
from groundup.training.objectives.balanced import Balanced, balanced
from groundup.training.objectives.causal import causal_loss
from groundup.training.schedules import batches_at, batches_before, rate_factor
from groundup.training.step.accumulation import Objective
from groundup.training.step.activation_checkpointing import with_less_kept
from groundup.training.step.clipping import clip_
from groundup.training.step.compile import with_compiled_blocks
from groundup.training.step.spikes import Rising, way_out


@dataclass(frozen=True, slots=True)
class Step:
    """What listeners are told after each step; `step` counts from 1."""

    step: int
    loss: float  # nats a target, before the step
    gradient_norm: float
    rate_factor: float
    seconds: float
    module: Any = field(repr=False)
    average: Average | None = field(repr=False, default=None)  # the running mean of the weights, where one is kept
    skipped: bool = False  # the weights stayed: a spike, or fp16 overflowed
    loss_scale: float | None = None  # fp16 only
    also: Mapping[str, float] = field(default_factory=dict)  # what who makes the batches adds to the step's line

    @property
    def numbers(self) -> dict[str, float]:
        """The step as a line of metrics."""
        seldom = {"skipped": 1.0} if self.skipped else {}
        return (
            {
                "step": self.step,
                "loss": self.loss,
                "gradient_norm": self.gradient_norm,
                "rate_factor": self.rate_factor,
                "seconds": self.seconds,
            }
            | (seldom if self.loss_scale is None else seldom | {"loss_scale": self.loss_scale})
            | dict(self.also)
        )


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What a run gave: steps made in all, and the mean loss of the last tenth of them."""

    steps: int
    loss: float
    seconds: float  # inside the loop of this process
    checkpoint_seconds: float = 0.0  # that the last checkpoint held the loop up
    average: Average | None = field(repr=False, default=None)  # the running mean of the weights, where one is kept


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
    tokenizer: Any = None,
) -> TrainResult:
    """Train `module` in place on `batches(0), batches(1), ...`.

    folder: where checkpoints and metrics.jsonl go, and where an earlier run is continued from; it is locked meanwhile.
    tokenizer: written into each checkpoint, so that it is a model that reads text. stop: asked after each
    step; when it says yes the state is saved and Interrupted raised. Diverged when the loss is no number, unless
    `config.on_spike` says otherwise, or when not one step was taken. A model with experts is kept in balance as its configuration says.
    """
    watched, steering = balanced(module, objective)
    objective = with_compiled_blocks(module, with_less_kept(module, watched, config), config)
    run, keeper, rising = RunState(module, config, objective), Keeper(folder, config, tokenizer), Rising()
    _begin(run, keeper)
    began, fresh = time.perf_counter(), run.step == 0
    with _without_collector(), keeper, progress.progress(config.tokens, title, "tok") as bar:
        bar.update(config.tokens_before(run.step))
        while run.step < config.steps:
            event = _step(run, config, batches)
            if event is None:
                _back(run, config, folder, bar)
                if isinstance(watched, Balanced):
                    watched.forget()
                continue
            bar.update(config.tokens_before(run.step) - config.tokens_before(run.step - 1), loss=event.loss)
            if fresh and rising.tell(event.loss):
                progress.say(rising.sentence(event.step, event.loss, way_out(config)))
            for listener in (*steering, *listeners):
                listener(event)
            stopping = stop() and run.step < config.steps
            _keep(run, keeper, stopping)
            if stopping:
                raise Interrupted(keeper.stopped(run.step, way_on))
    seconds, held = time.perf_counter() - began, keeper.saves[-1] if keeper.saves else 0.0
    return TrainResult(config.steps, _loss(run, config), seconds, held, run.average)


def _loss(run: RunState, config: TrainConfig) -> float:
    """The mean loss of the last tenth of the steps that were taken; Diverged where none was."""
    if not run.losses:
        raise Diverged(
            f"none of {config.steps} steps was taken, as none was sound: training diverged; {way_out(config)}"
        )
    return sum(run.losses) / len(run.losses)


def _begin(run: RunState, keeper: Keeper) -> None:
    """Go on from the newest checkpoint, where there is one, and keep the state that a rollback would go back to."""
    run.step, before = keeper.resume(run.module, run)
    run.losses.extend(before)
    if not run.earlier:
        run.remember()


def _keep(run: RunState, keeper: Keeper, stopping: bool) -> None:
    """Save the state where it is time to, or where the run stops."""
    due = keeper.due(run.step)
    if due:
        run.remember()
    if due or stopping:
        keeper.save(run.step, run.module, run, list(run.losses))


def _step(run: RunState, config: TrainConfig, batches: Callable[[int], Any]) -> Step | None:
    """Make one step; what listeners are told of it, or None where the run is to go back instead."""
    clock = time.perf_counter()
    loss = run.gradient(_batches_of(run, config, batches))
    norm = clip_(run.parameters, config.max_grad_norm)
    verdict = "skip" if run.overflowed(loss) else run.watch.judge(run.step, loss, norm, way_out(config))
    if verdict == "rollback":
        return None
    factor = rate_factor(config, run.step)
    if verdict == "go":
        run.update(factor)
        run.losses.append(loss)
    run.module.zero_grad(set_to_none=True)
    run.step += 1
    seconds = time.perf_counter() - clock
    scale = None if run.scaler is None else run.scaler.scale
    return Step(run.step, loss, norm, factor, seconds, run.module, run.average, verdict == "skip", scale)


def _back(run: RunState, config: TrainConfig, folder: str | Path | None, bar: progress.Progress) -> None:
    """Undo the steps since the state that was kept, on disk and on screen too, and say so."""
    at = run.step + 1
    run.module.zero_grad(set_to_none=True)
    run.go_back()
    if folder is not None:
        cut_metrics(Path(folder) / "metrics.jsonl", run.step)
    bar.update(config.tokens_before(run.step) - config.tokens_before(at - 1))
    progress.say(
        f"step {at} stood out: back to the state after step {run.step}; {at - run.step} steps' batches are left out"
    )


def _batches_of(run: RunState, config: TrainConfig, batches: Callable[[int], Any]) -> list[Any]:
    count, ramp = config.gradient_accumulation_steps, config.batch_ramp_steps
    first = batches_before(run.step, count, ramp) + run.watch.jumped
    return [batches(first + part) for part in range(batches_at(run.step, count, ramp))]


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
