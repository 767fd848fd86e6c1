"""Tools in several turns: the model may call one, reads what it gave, and goes on, until it answers; only the answer is rewarded.

    question   call   result   call   result   answer
               own    read     own    read     own          loss on what the model wrote; a tool's words are read, and push nothing

The environment owns the loop, the tools and the reward: the model sees of them only words. Log-probabilities, ratios and pulls are sums over
the model's own tokens (a tool's words under the loss teach the model to invent results), so every method that tries (GRPO, PPO, RLOO, ...)
works here unchanged. Schick et al. 2023 (Toolformer), arXiv:2302.04761; the mask: Jin et al. 2025 (Search-R1), arXiv:2503.09516,
section 3.1. Calls have the form in which the server reads them (Hermes). A tool that fails answers with a sentence. Left out: several calls at
once, and tools that keep a state from turn to turn.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from groundup.alignment.environments.rollouts import ROUND_SEED, Environment, Group, Task, Try, chosen_tasks, cut_last
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.slots import slot
from groundup.tuning.supervised.tool_calls import as_words, written_for

Tool = Callable[..., Any]
Call = tuple[str, dict[str, Any]]  # a tool's name and its arguments
CALL = re.compile(r"\s*<tool_call>\s*(\{.*\})\s*</tool_call>\s*", re.DOTALL)
FAMILIES = ("sum_long",)  # what the demonstrations show: sums of two numbers of two digits
NUMBER = re.compile(r"\d+")


def add(a: float, b: float) -> float:
    """The calculator's sum."""
    return a + b


def subtract(a: float, b: float) -> float:
    """The calculator's difference."""
    return a - b


CALCULATOR: dict[str, Tool] = {"add": add, "subtract": subtract}  # arguments go by name, as a call writes them


def read_call(text: str) -> Call | None:
    """The call that a message is; None: it is an answer.

    >>> read_call('<tool_call>{"name": "add", "arguments": {"a": 2, "b": 3}}</tool_call>')
    ('add', {'a': 2, 'b': 3})
    """
    if not (found := CALL.fullmatch(text)):
        return None
    try:
        said = json.loads(found.group(1))
        return str(said["name"]), dict(said["arguments"])
    except (ValueError, KeyError, TypeError):
        return None


def used(tools: Mapping[str, Tool], call: Call) -> str:
    """What a tool gives back, as words; where there is none of that name, or it fails, that.

    >>> used(CALCULATOR, ("add", {"a": 2, "b": 3})), used(CALCULATOR, ("divide", {}))
    ('5', 'error: there is no tool divide, but add, subtract')
    """
    name, arguments = call
    if name not in tools:
        return f"error: there is no tool {name}, but {', '.join(tools)}"
    try:
        return str(tools[name](**arguments))
    except Exception as error:  # the model's mistake, which it may read and mend
        return f"error: {error}"


@slot
def own_tokens(parts: Sequence[tuple[Sequence[int], bool]]) -> tuple[list[int], list[bool]]:
    """The tokens of an episode after its question, and which of them the model wrote. parts: tokens in order, True: the model's.

    >>> own_tokens([([7, 8], True), ([5, 5, 5], False), ([9], True)])
    ([7, 8, 5, 5, 5, 9], [True, True, False, False, False, True])
    """
    ids = [token for tokens, _ in parts for token in tokens]
    return ids, [mine for tokens, mine in parts for _ in tokens]


@dataclass(slots=True)
class Episode:
    """A question and what followed so far."""

    task: Task
    parts: list[tuple[Sequence[int], bool]] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)  # each message, calls and results in turns
    finish_reason: str = "stop"
    over: bool = False

    @property
    def so_far(self) -> list[int]:
        """All that the model reads before its next message."""
        return [*self.task.prompt_ids, *own_tokens(self.parts)[0]]


@dataclass(frozen=True, slots=True)
class Tools(Environment):
    """An environment in which tools may be called, `turns` messages at most; the last one is judged."""

    tools: Mapping[str, Tool] = field(default_factory=dict)
    turns: int = 3
    read: Callable[[str], Call | None] = read_call

    def rollout(self, module: Any, number: int, prompts: int, samples: int, sampling: SamplingConfig) -> list[Group]:
        """Play the tasks of round `number`, `samples` times each."""
        asked = [self.tasks[index] for index in chosen_tasks(number, len(self.tasks), prompts, sampling.seed)]
        episodes = [Episode(task) for task in asked for _ in range(samples)]
        for turn in range(self.turns):
            if not (running := [one for one in episodes if not one.over]):
                break
            drawn = replace(sampling, seed=(sampling.seed * ROUND_SEED + number) * self.turns + turn)
            rows, pad = [one.so_far for one in running], self.tokenizer.pad_token_id or 0
            for one, made in zip(running, generate_batch(module, rows, drawn, self.stop_ids, pad_id=pad), strict=True):
                self.take(one, made, last=turn == self.turns - 1, room=module.config.max_position_embeddings)
        tries = [self.ended(one) for one in episodes]
        return cut_last([Group(task, tries[place * samples : (place + 1) * samples]) for place, task in enumerate(asked)])

    def take(self, episode: Episode, made: Any, last: bool, room: int) -> None:
        """Add a message; if it is a call, use the tool and let the model go on, as long as there are turns and room."""
        text = self.tokenizer.decode(made.ids, skip_special_tokens=True)
        episode.parts.append((made.ids, True))
        episode.log_probabilities += made.log_probabilities
        episode.said.append(text)
        call = self.read(text) if made.finish_reason == "stop" else None
        episode.finish_reason = made.finish_reason
        if call is None or last:
            episode.over = True
            return
        result = used(self.tools, call)
        between = result_ids(result, self.tokenizer, self.stop_ids)
        if len(episode.so_far) + len(between) >= room:  # an answer has no room: the episode was cut
            episode.over, episode.finish_reason = True, "length"
            return
        episode.parts.append((between, False))
        episode.said.append(result)

    def ended(self, episode: Episode) -> Try:
        """A finished episode, judged by its last message; of one that was cut the round says it (`cut_last`)."""
        ids, own = own_tokens(episode.parts)
        worth = float(self.reward(episode.task.item, episode.said[-1])) if episode.finish_reason == "stop" else 0.0
        return Try(ids, episode.log_probabilities, "\n".join(episode.said), episode.finish_reason, worth, own)


def result_ids(result: str, tokenizer: Any, stop_ids: Any) -> list[int]:
    """A tool's words as the chat template writes them after a message, with the next message about to begin."""
    asked = {"role": "user", "content": "a"}
    talk = [asked, {"role": "assistant", "content": "b"}, {"role": "tool", "content": result}]
    messages, variables = written_for(talk, tokenizer.chat_template)
    whole = tokenizer.apply_chat_template(messages, add_generation_prompt=True, **variables)
    before = len(tokenizer.apply_chat_template([asked], add_generation_prompt=True))
    end = next((place for place, token in enumerate(whole[before:], before) if token in stop_ids), None)
    if end is None:
        raise InputError("the chat template does not close an answer with a stop token, so turns cannot be told apart")
    return list(whole[end + 1 :])


def demonstrations(seed: int, count: int) -> Iterator[list[dict[str, str]]]:
    """Conversations that show the calculator in use: a sum is called for, its result is read and said; every third is answered unaided."""
    from groundup.data.sources.tinyworld import instructions

    for place, item in enumerate(instructions(seed, count, "train", FAMILIES)):
        talk: list[dict[str, Any]] = [{"role": "user", "content": item.prompt}]
        if place % 3:
            first, second = map(int, NUMBER.findall(item.prompt))
            called = {"function": {"name": "add", "arguments": {"a": first, "b": second}}}
            talk += [{"role": "assistant", "content": "", "tool_calls": [called]}, {"role": "tool", "content": item.answer}]
        yield as_words([*talk, {"role": "assistant", "content": item.answer}])


def environment(config: Any) -> Callable[..., Environment]:
    """Tinyworld's questions with a calculator at hand."""
    return partial(Tools, tools=CALCULATOR)
