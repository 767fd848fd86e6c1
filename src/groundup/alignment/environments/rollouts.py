"""Rollouts: the model answers tasks, a reward judges the answers, and every try is kept as a line that can be read.

    {"step": 3, "prompt": "...", "answer": "...", "reward": 1.0, "advantage": 0.7, "finish_reason": "stop",
     "ids": [...], "log_probabilities": [...]}

The reward is a plain function (item, text) -> number. An answer that was cut at the length limit gets 0, or
what the worst of its round got where that is less: whoever reads it would not know that it was over. Tasks are drawn by a pure
function of the round, answers by random numbers that belong to (seed, round, answer), so a run that goes on from a checkpoint
makes the same tries again.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.pipeline.streaming import permutation
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch

Reward = Callable[[Any, str], float]
ROUND_SEED = 1_000_003  # rounds of neighbouring seeds draw different numbers


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be asked. prompt_ids: the rendered chat, ready for an answer. item: handed to the reward."""

    prompt: str
    prompt_ids: list[int]
    item: Any


@dataclass(frozen=True, slots=True)
class Try:
    """One answer: its tokens with the sampler's log-probabilities, its text, how it ended, what it was worth."""

    ids: list[int]
    log_probabilities: list[float]
    text: str
    finish_reason: str  # "stop", or "length": cut
    reward: float
    own: list[bool] | None = None  # False at tokens that were read and not written (a tool's); None: all were written


@dataclass(frozen=True, slots=True)
class Group:
    """A task with its tries."""

    task: Task
    tries: list[Try]


def cut_last(groups: Sequence[Group]) -> list[Group]:
    """The round with each answer that was cut worth as little as the worst that ended, and never more than 0: being cut is no way out.

    >>> tries = [Try([], [], "", end, worth) for end, worth in (("stop", -0.5), ("length", 0.9), ("stop", 1.0))]
    >>> [one.reward for one in cut_last([Group(Task("", [], None), tries)])[0].tries]
    [-0.5, -0.5, 1.0]
    """
    least = min((0.0, *(one.reward for group in groups for one in group.tries if one.finish_reason == "stop")))
    return [
        replace(
            group, tries=[one if one.finish_reason == "stop" else replace(one, reward=least) for one in group.tries]
        )
        for group in groups
    ]


def task(prompt: str, item: Any, tokenizer: Any) -> Task:
    """A question as the chat template writes it, with the answer about to begin."""
    ids = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True)
    return Task(prompt, ids, item)


def chosen_tasks(number: int, tasks: int, count: int, seed: int) -> list[int]:
    """Which tasks round `number` asks: every task once before any comes again, each time in another order.

    >>> sorted(chosen_tasks(0, 4, 2, 1) + chosen_tasks(1, 4, 2, 1))
    [0, 1, 2, 3]
    """
    places = range(number * count, (number + 1) * count)
    orders = {epoch: permutation(tasks, (seed, epoch)) for epoch in {place // tasks for place in places}}
    return [int(orders[place // tasks][place % tasks]) for place in places]


@dataclass(frozen=True, slots=True)
class Environment:
    """Who asks and who judges."""

    tasks: Sequence[Task]
    reward: Reward
    tokenizer: Any
    stop_ids: Collection[int]

    def rollout(self, module: Any, number: int, prompts: int, samples: int, sampling: SamplingConfig) -> list[Group]:
        """Let the model answer the tasks of round `number`, `samples` times each."""
        asked = [self.tasks[index] for index in chosen_tasks(number, len(self.tasks), prompts, sampling.seed)]
        rows = [task.prompt_ids for task in asked for _ in range(samples)]
        sampling = replace(sampling, seed=sampling.seed * ROUND_SEED + number)
        made = generate_batch(module, rows, sampling, self.stop_ids, pad_id=self.tokenizer.pad_token_id or 0)
        answers = [made[index * samples : (index + 1) * samples] for index in range(len(asked))]
        judged = [[self.judge(task, one) for one in some] for task, some in zip(asked, answers, strict=True)]
        return cut_last([Group(task, tries) for task, tries in zip(asked, judged, strict=True)])

    def judge(self, task: Task, completion: Any) -> Try:
        """Read an answer and ask the reward what it is worth; of one that was cut the round says it (`cut_last`)."""
        text = self.tokenizer.decode(completion.ids, skip_special_tokens=True)
        worth = float(self.reward(task.item, text)) if completion.finish_reason == "stop" else 0.0
        return Try(completion.ids, completion.log_probabilities, text, completion.finish_reason, worth)


def records(step: int, groups: Sequence[Group], advantages: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
    """The lines that are kept of a round; `own` says which ids have a log-probability, where a tool's words are among them."""
    return [
        {"step": step, "prompt": group.task.prompt, "answer": one.text, "reward": one.reward, "advantage": advantage,
         "finish_reason": one.finish_reason, "ids": one.ids, "log_probabilities": one.log_probabilities,
         **({} if one.own is None else {"own": one.own})}
        for group, row in zip(groups, advantages, strict=True) for one, advantage in zip(group.tries, row, strict=True)
    ]  # fmt: skip


def keep_until(path: Path, step: int) -> None:
    """Drop the lines of tries that belong to steps after `step`: they will be made again."""
    if path.exists():
        files.write_jsonl(path, [record for record in files.read_jsonl(path) if record["step"] <= step])
