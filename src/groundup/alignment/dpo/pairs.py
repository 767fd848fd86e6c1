"""Rows of preferences as token ids, and as batches in which a prompt is read once for both of its answers.

    {"prompt": "2 plus 3?", "chosen": "5", "rejected": "6"}            or "messages": [...] in place of the prompt
    {"prompt": "2 plus 3?", "completion": "5", "label": true}          an answer by itself, for KTO

Prompt and answer are encoded apart and joined, as a model meets them when it answers; encoded together, the last
letters of the one and the first of the other could become one token, and where the answer begins would be a guess. An
answer ends in the token with which the chat template closes it. What does not fit the context, an answer without
a word and a pair of equal answers are counted, never passed over in silence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from groundup.alignment.answers import AnswerBatch, side_by_side
from groundup.errors import InputError

ROLES = ("system", "user", "assistant", "tool")


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
    rows: Iterable[Mapping[str, Any]], tokenizer: Any, context: int, too_long: Literal["drop", "cut"] = "drop"
) -> Encoded:
    """Encode rows of preferences for a model that reads at most `context` tokens."""
    made, counts, end = list[Pair](), Counter[str](), _end(tokenizer)
    for number, row in enumerate(rows, 1):
        prompt, answers, desirable = _read(row, f"row {number}")
        if len(answers) == 2 and answers[0] == answers[1]:
            counts["dropped, chosen equals rejected"] += 1
            continue
        ids = _prompt_ids(prompt, tokenizer, f"row {number}")
        room = context - len(ids)
        encoded = [[*tokenizer.encode(answer), *end] for answer in answers]
        if max(map(len, encoded)) > room:
            if too_long == "drop" or room < 2:
                counts[f"dropped, longer than {context} tokens"] += 1
                continue
            encoded = [answer[:room] for answer in encoded]
            if len(encoded) == 2 and encoded[0] == encoded[1]:
                counts[f"dropped, equal in the first {context} tokens"] += 1
                continue
            counts[f"cut at {context} tokens"] += 1
        made.append(Pair(ids, tuple(encoded), desirable))
    if not made:
        left = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        raise InputError(
            f"there is no preference to learn from ({left or 'no row was given'}); give rows with prompt, chosen and "
            "rejected, chosen unlike rejected, that fit the model's context"
        )
    return Encoded(made, counts)


def alone(pairs: Iterable[Pair]) -> list[Pair]:
    """Every answer by itself, called good or bad: what KTO learns from."""
    return [
        Pair(pair.prompt, (answer,), (good,))
        for pair in pairs
        for answer, good in zip(pair.answers, pair.desirable, strict=True)
    ]


def _read(row: Mapping[str, Any], where: str) -> tuple[Any, list[str], tuple[bool, ...]]:
    """The prompt (text or messages), the answers, and which are good."""
    prompt = row.get("messages", row.get("prompt"))
    if not isinstance(prompt, str | Sequence) or not prompt:
        raise InputError(f"{where} has no prompt; give it a prompt as text, or messages")
    names = ("completion",) if "label" in row else ("chosen", "rejected")
    desirable: tuple[bool, ...] = (bool(row["label"]),) if "label" in row else (True, False)
    answers = [row.get(name) for name in names]
    for name, answer in zip(names, answers, strict=True):
        if not isinstance(answer, str):
            raise InputError(
                f"{where} has no {name} answer as text; a row has prompt, chosen and rejected, or prompt, completion and label"
            )
        if not answer.strip():
            raise InputError(f"{where} has an empty {name} answer; leave the row out, or write what was answered")
    return prompt, [str(answer) for answer in answers], desirable


def _prompt_ids(prompt: Any, tokenizer: Any, where: str) -> list[int]:
    """The prompt as the chat template writes it, with the answer about to begin; as it stands where there is none."""
    if isinstance(prompt, str):
        if not tokenizer.chat_template:
            return list(tokenizer.encode(prompt))
        prompt = [{"role": "user", "content": prompt}]
    for message in prompt:
        if not isinstance(message, Mapping) or message.get("role") not in ROLES:
            raise InputError(
                f"{where} has a message whose role is none of {', '.join(ROLES)}; give each a role and content"
            )
    if sum(message["role"] == "system" for message in prompt) > 1:
        raise InputError(f"{where} has two system messages; join them into one")
    if not tokenizer.chat_template:
        raise InputError(f"{where} has messages and the model no chat template; tune it first with `groundup tune`")
    return list(tokenizer.apply_chat_template(prompt, add_generation_prompt=True))


def _end(tokenizer: Any) -> list[int]:
    """The token that closes an answer."""
    from groundup.inference.handle import end_of_turn

    closing = sorted(end_of_turn(tokenizer)) if tokenizer.chat_template else [tokenizer.eos_token_id]
    return [token for token in closing[:1] if token is not None]


@dataclass(frozen=True, slots=True)
class PairBatch:
    """Pairs side by side. For KTO: single answers, and the answers of others to the same prompts, to tell the divergence."""

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
