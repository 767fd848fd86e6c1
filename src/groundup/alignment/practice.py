"""Practice: a method's rounds carried out, in memory or on a model folder; the one way in for every method that tries.

    improve        a module, tasks and a reward                   grpo.grpo, ppo.ppo, rloo.rloo, ... are this with their own rounds
    align_folder   a model folder in, a better one out            grpo.align, ppo.align, ...

What a method's own lies in its class of rounds: `Rounds.begin` says what is trained and what pulls.
"""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from groundup.alignment.environments.rollouts import Environment, Reward, Task, task
from groundup.alignment.rounds import Rounds
from groundup.errors import ConfigError, InputError
from groundup.training import loop

MOST_QUOTED = 60  # characters of an answer in an error's sentence
OF_A_RUN = ("trackers", "environment", "demonstrations", "data", "families")  # a run's stage reads these


def checked(reward: Reward) -> Reward:
    """The same reward; where it raises or gives no finite number, a sentence that shows the answer."""

    def judge(item: Any, text: str) -> float:
        shown = text if len(text) <= MOST_QUOTED else text[: MOST_QUOTED - 3] + "..."
        try:
            worth = float(reward(item, text))
        except Exception as error:
            raise InputError(
                f"the reward raised {type(error).__name__} ({error}) for the answer {shown!r}; give such answers a number"
            ) from error
        if not math.isfinite(worth):
            raise InputError(f"the reward of the answer {shown!r} is {worth}; give every answer a finite number")
        return worth

    return judge


def asked_of(tasks: Sequence[Task]) -> Sequence[Task]:
    """The tasks, if there are any."""
    if not tasks:
        raise InputError("there is no task to practise; give at least one")
    return tasks


def practise(
    rounds: Rounds,
    *,
    mark: Callable[[Any], Any] = lambda batches: batches,
    listeners: Sequence[loop.Listener] = (),
    stop: Callable[[], bool] = loop.never,
    way_on: str = "the same call goes on from there",
) -> loop.TrainResult:
    """Improve `rounds.module` in place, round after round.

    mark: wraps the batches (a monitor's count, a profiler's mark). listeners: an event's numbers have those of the answers too;
    `loop.write_metrics` keeps them. A stopped or killed run goes on from the rounds' folder, bit for bit.
    """

    def tell(event: loop.Step) -> None:
        told = replace(event, also=rounds.numbers) if rounds.complete else event
        for listener in listeners:
            listener(told)

    return loop.train(
        rounds.module,
        mark(rounds.batch),
        rounds.config.training(),
        objective=rounds.objective,
        listeners=[tell],
        folder=rounds.folder,
        stop=lambda: rounds.complete and stop(),
        way_on=way_on,
        title="aligning",
        tokenizer=rounds.environment.tokenizer,
    )


def improve(
    rounds: type[Rounds],
    module: Any,
    tokenizer: Any,
    tasks: Sequence[Task],
    reward: Reward,
    config: Any,
    *,
    stop_ids: Collection[int],
    folder: str | Path | None = None,
    environment: Callable[..., Environment] = Environment,
    **watched: Any,
) -> loop.TrainResult:
    """Improve `module` in place on tasks whose answers `reward(task.item, text)` judges, by the method whose rounds are given.

    folder: checkpoints and rollouts.jsonl; a stopped or killed run goes on from there, bit for bit. environment: who judges, where it
    is not the reward alone. watched: mark, listeners, stop and way_on of `practise`.
    """
    asked = environment(asked_of(tasks), checked(reward), tokenizer, stop_ids)
    return practise(rounds.begin(module, asked, config, None if folder is None else Path(folder)), **watched)


def align_folder(
    rounds: type[Rounds],
    model: str | Path,
    tasks: Sequence[Any],
    reward: Reward,
    config: Any,
    out: str | Path,
    *,
    stop: Callable[[], bool] = loop.never,
    dtype: str = "float32",
) -> Path:
    """Improve a model folder on tasks (each with `.prompt`) by the method whose rounds are given; the new model folder.

    `out` gets model/, metrics.jsonl, rollouts.jsonl and checkpoints/; the same call goes on where it stopped. What a run's stage alone
    reads of the configuration (trackers, environment, ...) is refused.
    """
    from groundup.inference.handle import end_of_turn, load
    from groundup.model.formats.huggingface import dtype_of, save_model

    for name, kept in ((one.name, one.default) for one in fields(config) if one.name in OF_A_RUN):
        if (given := getattr(config, name)) != kept:
            raise ConfigError(
                f"{name}={given!r} would change nothing in align(), which is given its tasks and its reward and writes metrics.jsonl alone; "
                f"leave {name} out, or run `groundup align`, which reads it"
            )
    handle, out = load(model), Path(out)
    if not handle.tokenizer.chat_template:
        raise InputError(f"{model} has no chat template; tune it first with `groundup tune {model}`")
    handle.module.compute_dtype = dtype_of(dtype)
    asked = [task(item.prompt, item, handle.tokenizer) for item in tasks]
    stops = handle.stop_ids() | end_of_turn(handle.tokenizer)
    listeners = [loop.write_metrics(out / "metrics.jsonl")]
    improve(
        rounds, handle.module, handle.tokenizer, asked, reward, config,
        stop_ids=stops, folder=out, stop=stop, listeners=listeners,
    )  # fmt: skip
    save_model(out / "model", handle.module, handle.tokenizer, generation=handle.generation)
    return out / "model"
