"""Rows of preferences as token ids, and as batches in which a prompt is read once for both of its answers.

    {"prompt": "2 plus 3?", "chosen": "5", "rejected": "6"}            and every other shape of `preferences.data`, which reads them
    {"prompt": "2 plus 3?", "completion": "5", "label": true}          an answer by itself, for KTO

Prompt and answer are encoded apart and joined, as a model meets them when it answers; encoded together, the last
letters of the one and the first of the other could become one token, and where the answer begins would be a guess. An
answer ends in the token with which the chat template closes it. What does not fit the context, an answer without
a word and a pair of equal answers are counted, never passed over in silence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch, side_by_side
from groundup.alignment.environments.rollouts import Environment, Group
from groundup.alignment.preferences import data
from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig

Row = Mapping[str, Any] | data.Pair | data.Judged  # a record, or what was made of one
AT_ONCE = 64  # questions answered together


@dataclass(frozen=True, slots=True)
class Pair:
    """A prompt with two answers, the better one first; or with one, which was called good or bad."""

    prompt: list[int]
    answers: tuple[list[int], ...]
    desirable: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """What became of the rows: those that can be learned from, and how many were left out or cut, and why."""

    pairs: list[Pair]
    counts: Counter[str] = field(default_factory=Counter)

    def sentence(self) -> str | None:
        """What is said when not every row is used as it stands."""
        told = [f"{count} {reason}" for reason, count in sorted(self.counts.items())]
        return f"preferences: {len(self.pairs)} rows are used; {', '.join(told)}" if told else None


def encode(
    rows: Iterable[Row],
    tokenizer: Any,
    context: int,
    too_long: Literal["drop", "cut"] = "drop",
) -> Encoded:
    """Encode rows of preferences (records, or what `preferences.data` made of them) for a model that reads at most `context` tokens."""
    made, counts = list[Pair](), Counter[str]()
    for number, row in enumerate(rows, 1):
        said = _read(row, f"row {number}")
        texts, good = ((said.answer,), (said.good,)) if isinstance(said, data.Judged) else ((said.chosen, said.rejected), (True, False))
        if len(set(texts)) < len(texts):
            counts["dropped, chosen equals rejected"] += 1
            continue
        ids = data.prompt_ids(said.messages, tokenizer)
        room = context - len(ids)
        answers = [data.answer_ids(text, tokenizer) for text in texts]
        if max(map(len, answers)) > room:
            if too_long == "drop" or room < 2:
                counts[f"dropped, longer than {context} tokens"] += 1
                continue
            answers = [answer[:room] for answer in answers]
            if len(answers) == 2 and answers[0] == answers[1]:
                counts[f"dropped, equal in the first {context} tokens"] += 1
                continue
            counts[f"cut at {context} tokens"] += 1
        made.append(Pair(ids, tuple(answers), good))
    if not made:
        left = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        raise InputError(
            f"there is no preference to learn from ({left or 'no row was given'}); give rows with prompt, chosen and "
            "rejected, chosen unlike rejected, that fit the model's context"
        )
    return Encoded(made, counts)


def _read(row: Any, where: str) -> data.Pair | data.Judged:
    """A row as a pair or a judged answer."""
    if isinstance(row, data.Pair | data.Judged):
        return row
    return data.to_judged(row, where) if isinstance(row, Mapping) and "label" in row else data.two_answers(row, where)


def own(
    module: Any, environment: Environment, count: int, samples: int, sampling: SamplingConfig, least: float = 0.0
) -> list[data.Pair]:
    """Pairs of a model's own answers to `count` questions: of `samples` tries the best one and the worst, as the environment judges.

    Answers that were cut are in no pair, nor are those of a question whose answers are worth the same, or differ by less than `least`.
    """
    made = list[data.Pair]()
    for number in range(-(-count // AT_ONCE)):
        groups = environment.rollout(module, number, min(AT_ONCE, count - number * AT_ONCE), samples, sampling)
        made += [pair for group in groups if (pair := best_and_worst(group)) is not None and pair.margin >= least]
    return made


def best_and_worst(group: Group) -> data.Pair | None:
    """The pair of a question's tries; None where nothing is preferred."""
    tries = sorted((one for one in group.tries if one.finish_reason == "stop" and one.text.strip()), key=lambda one: one.reward)
    if len(tries) < 2 or tries[0].reward == tries[-1].reward:
        return None
    asked = ({"role": "user", "content": group.task.prompt},)
    return data.Pair(asked, tries[-1].text, tries[0].text, margin=tries[-1].reward - tries[0].reward)


def alone(pairs: Iterable[Pair]) -> list[Pair]:
    """Every answer by itself, called good or bad: what KTO learns from."""
    return [
        Pair(pair.prompt, (answer,), (good,))
        for pair in pairs
        for answer, good in zip(pair.answers, pair.desirable, strict=True)
    ]


def mismatched(answers: Sequence[Pair], context: int) -> list[Pair]:
    """Each prompt with an answer to another one: unrelated, it tells how far the policy went as such (KTO; Ethayarajh et al. 2024, eq. 8).

    The other is the nearest before it, and before the first stands the last; its answer is cut to the room that the prompt leaves.
    """
    found = next(one for one in reversed(answers) if one.prompt != answers[0].prompt)
    made = list[Pair]()
    for before, one in zip([answers[-1], *answers[:-1]], answers, strict=True):
        found = before if before.prompt != one.prompt else found
        made.append(replace(one, answers=(found.answers[0][: context - len(one.prompt)],)))
    return made


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs side by side. For KTO: single answers, and the same prompts with answers to others, to tell the divergence."""

    batch: AnswerBatch
    lengths: Float[Tensor, " answers"]  # tokens of each answer
    desirable: Bool[Tensor, " answers"]
    reference: Float[Tensor, " answers"] | None = None  # log-probabilities of whole answers before training
    others: AnswerBatch | None = None
    others_reference: Float[Tensor, " answers"] | None = None

    @property
    def loss_mask(self) -> Tensor:
        """True once for each loss: a pair has one, an answer by itself has one."""
        pairs = int(self.desirable.sum()) if self.others is None else len(self.desirable)
        return torch.ones(pairs, dtype=torch.bool)

    @property
    def document_ids(self) -> Tensor:
        """Which text each token belongs to, -1: padding; experts are kept in balance by the others."""
        return self.batch.parts


def lay_out(pairs: Sequence[Pair]) -> AnswerBatch:
    """Prompts with their answers, a row each."""
    return side_by_side([pair.prompt for pair in pairs], [pair.answers for pair in pairs])


def flat(lists: Iterable[Iterable[Any]]) -> list[Any]:
    """One list of all that is in the lists."""
    return [one for items in lists for one in items]
