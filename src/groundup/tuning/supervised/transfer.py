"""Zero-, one- and few-shot against tuned: the same task shown in the prompt, or learned by the weights.

    zero-shot   question                                           nothing of the task but its words
    few-shot    question answer  question answer  ...  question    examples in the context; no weight moves
    tuned       question                                           the same examples as training, thousands of times

Answers are chosen, not written: of all labels the one whose tokens, with the token that ends them, are likeliest as the answer. So a model that
knows the answer but not its form counts as knowing it. Examples are drawn label by label in turn, so that none is shown more often by chance.

Brown et al. 2020 (GPT-3), arXiv:2005.14165, section 2; the order and choice of examples matter: Zhao et al. 2021, arXiv:2102.09690, whose
correction by an empty question is left out, as are examples chosen by likeness.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.errors import InputError
from groundup.evaluation.metrics.calibration import paired_bootstrap, wilson
from groundup.machine.probe.device import device_of_module
from groundup.slots import slot
from groundup.tuning.supervised.labelled import Example

ROWS = 32  # answers read at once


def asked(text: str, question: str) -> str:
    """A text under the words of its task."""
    return f"{question}\n\n{text}" if question else text


@slot
def few_shot_messages(shots: Sequence[tuple[str, str]], question: str) -> list[dict[str, str]]:
    """A conversation that shows a task: each example as a user's message and the assistant's answer, in order, and the question at the end.

    shots: (question, answer) of each example; none: zero-shot.

    >>> [message["role"] for message in few_shot_messages([("2 + 2?", "4")], "1 + 1?")]
    ['user', 'assistant', 'user']
    """
    shown = [({"role": "user", "content": one}, {"role": "assistant", "content": answer}) for one, answer in shots]
    return [message for pair in shown for message in pair] + [{"role": "user", "content": question}]


def drawn_shots(pool: Sequence[Example], count: int, seed: int = 0) -> list[Example]:
    """So many examples, label by label in turn, each label's in an order of the seed's; more of them begin with the same ones."""
    draw, groups = random.Random(seed), dict[str, list[Example]]()
    for one in pool:
        groups.setdefault(one.label, []).append(one)
    labels = sorted(groups)
    for label in labels:
        draw.shuffle(groups[label])
    draw.shuffle(labels)
    rounds = [[groups[label][turn] for label in labels if turn < len(groups[label])] for turn in range(count)]
    chosen = [one for turn in rounds for one in turn][:count]
    if len(chosen) < count:
        raise InputError(f"{count} examples are asked for and {len(pool)} are there; show fewer, or give more rows")
    return chosen


@torch.no_grad()
def answer_scores(
    module: Any, tokenizer: Any, conversations: Sequence[Sequence[dict[str, str]]], labels: Sequence[str]
) -> Float[Tensor, "texts labels"]:
    """The log-probability of each label as the next answer of each conversation, the token that ends it included; nats."""
    ids, starts = [], []
    for messages in conversations:
        prompt = tokenizer.apply_chat_template(list(messages), add_generation_prompt=True)
        for label in labels:
            whole, mask = tokenizer.apply_chat_template(
                [*messages, {"role": "assistant", "content": label}], return_assistant_mask=True
            )
            last = len(mask) - mask[::-1].index(1)
            ids.append(whole[:last])
            starts.append(len(prompt))
    longest = max(map(len, ids))
    if longest > module.config.max_position_embeddings:
        raise InputError(
            f"a prompt has {longest} tokens and the context is {module.config.max_position_embeddings}; show fewer or shorter examples"
        )
    found = torch.zeros(len(ids))
    for rows in torch.tensor(sorted(range(len(ids)), key=lambda row: len(ids[row]))).split(ROWS):
        for row, score in zip(
            rows.tolist(), _sums(module, [ids[r] for r in rows], [starts[r] for r in rows]), strict=True
        ):
            found[row] = score
    return found.view(len(conversations), len(labels))


def _sums(module: Any, ids: Sequence[Sequence[int]], starts: Sequence[int]) -> list[float]:
    """Of texts side by side the log-probability of each from its start on."""
    device, longest = device_of_module(module), max(map(len, ids))
    rows = torch.tensor([[*one, *[0] * (longest - len(one))] for one in ids], device=device)
    places = torch.arange(longest - 1, device=device) + 1
    first, last = torch.tensor(starts, device=device), torch.tensor([len(one) for one in ids], device=device)
    kept = (places >= first[:, None]) & (places < last[:, None])
    scores = torch.log_softmax(module.lm_head(module.hidden(rows[:, :-1])[kept][None])[0].float(), dim=-1)
    chosen = scores.gather(1, rows[:, 1:][kept][:, None])[:, 0]
    return [float(part.sum()) for part in chosen.split(kept.sum(1).tolist())]


@dataclass(frozen=True, slots=True)
class Way:
    """One way of being told a task, and which of the held-out texts were right by it."""

    name: str
    right: list[bool]

    def row(self, beside: Sequence[bool] | None = None) -> dict[str, float]:
        """The share that is right with its interval; beside: the gain over another way on the same texts."""
        found = dict(wilson(sum(self.right), len(self.right))._asdict())
        if beside is not None:
            gain = paired_bootstrap(beside, self.right)
            found |= {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
        return found


def shown(
    module: Any,
    tokenizer: Any,
    pool: Sequence[Example],
    kept: Sequence[Example],
    count: int,
    question: str = "",
    seed: int = 0,
) -> Way:
    """The task shown by so many examples of the pool, the same ones before every text."""
    labels = sorted({one.label for one in pool})
    shots = [(asked(one.text, question), one.label) for one in drawn_shots(pool, count, seed)]
    conversations = [few_shot_messages(shots, asked(one.text, question)) for one in kept]
    right = []
    for start in range(0, len(kept), ROWS):
        scores = answer_scores(module, tokenizer, conversations[start : start + ROWS], labels)
        right += [
            labels[int(best)] == one.label
            for best, one in zip(scores.argmax(1), kept[start : start + ROWS], strict=True)
        ]
    return Way({0: "zero-shot", 1: "one-shot"}.get(count, f"{count}-shot"), right)


def conversations_of(pool: Sequence[Example], question: str = "") -> list[list[dict[str, str]]]:
    """The examples as what a model is tuned on: the same words, one question and its answer each."""
    return [
        [*few_shot_messages([], asked(one.text, question)), {"role": "assistant", "content": one.label}] for one in pool
    ]
