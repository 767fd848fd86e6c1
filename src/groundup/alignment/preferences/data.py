"""Preference pairs: two answers to one conversation, of which one was preferred, in the shapes that data sets have them.

    prompt, chosen, rejected        a text or messages, and two answers as texts           (rasbt, UltraFeedback: answers also as messages)
    messages, chosen, rejected      a conversation that ends with the user
    instruction, input, chosen, ... Alpaca's keys with two answers
    system, question, chosen, ...   a system message beside a question                             (Intel's orca_dpo_pairs)
    chosen, rejected                two whole conversations, "\n\nHuman: ... \n\nAssistant: ..." (HH-RLHF) or lists of messages
    prompt, completion, label       one answer that was called good or bad, for KTO                       (`Judged`)

Prompt and answer are encoded apart and their ids joined: encoded together the last letters of one and the first of the other can merge
into one token, for the chosen answer and not for the rejected one. Bai et al. 2022, arXiv:2204.05862 (HH-RLHF); pairs whose true taste is
known come from tinyworld, by Bradley and Terry's model. Left out: rankings of more than two, which are pairs written out.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import InputError
from groundup.tuning.supervised.conversations import ROLES

Message = dict[str, str]
TURN = re.compile(r"\n\n(Human|Assistant):")
SPEAKERS = {"Human": "user", "Assistant": "assistant"}
PROMPTS = ("prompt", "instruction", "question")
WAY_OUT = 'write lines such as {"prompt": "...", "chosen": "...", "rejected": "..."}'


@dataclass(frozen=True, slots=True)
class Pair:
    """Two answers to a conversation that ends with the user; probability: of this order, where the taste is known."""

    messages: tuple[Message, ...]
    chosen: str
    rejected: str
    margin: float = 0.0  # how much better, where the judge said so
    probability: float | None = None

    def to_record(self) -> dict[str, Any]:
        """A line of a file, in the shape that others read: messages, chosen, rejected."""
        said = {"messages": list(self.messages), "chosen": self.chosen, "rejected": self.rejected}
        return said | ({"margin": self.margin} if self.margin else {})


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer to a conversation, called good or bad by itself."""

    messages: tuple[Message, ...]
    answer: str
    good: bool


@dataclass(frozen=True, slots=True)
class Encoded:
    """A pair as token ids: the prompt with the answer about to begin, and both answers to the end of the turn."""

    prompt_ids: list[int]
    chosen_ids: list[int]
    rejected_ids: list[int]
    margin: float = 0.0

    @property
    def longest(self) -> int:
        """Tokens of the prompt with the longer answer."""
        return len(self.prompt_ids) + max(len(self.chosen_ids), len(self.rejected_ids))


def to_pair(record: Any, where: str = "the record") -> Pair:
    """Bring one record to a pair, by its keys.

    >>> to_pair({"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}).messages
    ({'role': 'user', 'content': '2 + 2?'},)
    """
    pair = two_answers(record, where)
    if pair.chosen == pair.rejected:
        raise InputError(f"{where} has the same answer as chosen and as rejected; leave it out, it prefers nothing")
    return pair


def two_answers(record: Any, where: str = "the record") -> Pair:
    """A record's prompt and its two answers, which may be the same."""
    if not isinstance(record, Mapping) or not (record.get("chosen") and record.get("rejected")):
        raise InputError(f"{where} has not both a chosen and a rejected answer; {WAY_OUT}")
    chosen, rejected = _turns(record["chosen"], where), _turns(record["rejected"], where)
    asked = _asked(record, where)
    if not asked:
        asked = _shared(chosen, rejected, where)
        chosen, rejected = chosen[len(asked) :], rejected[len(asked) :]
    if any(len(turns) > len(asked) and turns[: len(asked)] == asked for turns in (chosen, rejected)):
        chosen, rejected = chosen[len(asked) :], rejected[len(asked) :]  # the prompt is said again in both
    good, bad = _answer(chosen, where), _answer(rejected, where)
    return Pair(_checked(record, asked, where), good, bad, margin=_margin(record.get("margin") or 0.0, where))


def to_judged(record: Any, where: str = "the record") -> Judged:
    """Bring a record of one answer (`completion`, `label`) to what KTO learns from.

    >>> to_judged({"prompt": "2 + 2?", "completion": "4", "label": True}).good
    True
    """
    if not isinstance(record, Mapping) or not record.get("completion"):
        raise InputError(f"{where} has a label and no completion; give the answer that was judged")
    if record["label"] not in (True, False):  # 0 and 1 are, a word is not
        raise InputError(f"{where} has the label {record['label']!r}; write true for a good answer, false for a bad one")
    asked, said = _asked(record, where), _turns(record["completion"], where)
    if not asked:
        raise InputError(f"{where} has an answer and no prompt before it; give it a prompt")
    return Judged(_checked(record, asked, where), _answer(said, where), bool(record["label"]))


def _system(record: Mapping[str, Any], turns: Sequence[Message], where: str) -> list[Message]:
    """The system message that a record holds beside its question, where the conversation does not begin with it."""
    said = record.get("system")
    if not said:
        return []
    if not isinstance(said, str):
        raise InputError(f"{where} has a system message that is no text; write one, or leave it out")
    message = {"role": "system", "content": said}
    return [] if message in turns[:1] else [message]


def _checked(record: Mapping[str, Any], turns: Sequence[Message], where: str) -> tuple[Message, ...]:
    """The conversation before the answers, if its roles are such as a template knows and it has one system message at most."""
    asked = [*_system(record, turns, where), *turns]
    for turn in asked:
        if turn["role"] not in ROLES:
            raise InputError(f"{where} has a message whose role is none of {', '.join(ROLES)}; give each a role and content")
    if sum(turn["role"] == "system" for turn in asked) > 1:
        raise InputError(f"{where} has two system messages; join them into one")
    return tuple(asked)


def _margin(said: Any, where: str) -> float:
    try:
        margin = float(said)
    except (TypeError, ValueError):
        margin = math.nan
    if not math.isfinite(margin):
        raise InputError(f"{where} has the margin {said!r}, which is no finite number; write one, or leave it out")
    return margin


def _turns(said: Any, where: str) -> list[Message]:
    """An answer, or a conversation: a text in HH-RLHF's form, messages, or a plain text, which is the assistant's."""
    if isinstance(said, str):
        if not TURN.match(said):
            return [{"role": "assistant", "content": said}]
        parts = TURN.split(said)[1:]
        return [
            {"role": SPEAKERS[role], "content": text.strip()} for role, text in zip(parts[::2], parts[1::2], strict=True)
        ]
    if isinstance(said, Sequence) and all(
        isinstance(turn, Mapping) and isinstance(turn.get("content"), str) and isinstance(turn.get("role"), str)
        for turn in said
    ):
        return [{"role": turn["role"], "content": turn["content"]} for turn in said]
    raise InputError(f"{where} has an answer that is neither a text nor messages with role and content; {WAY_OUT}")


def _asked(record: Mapping[str, Any], where: str) -> list[Message]:
    """The conversation before the answers, where the record holds it apart."""
    prompt = record.get("messages") or next((record[key] for key in PROMPTS if record.get(key)), None)
    if prompt is None:
        return []
    if isinstance(prompt, str) and not TURN.match(prompt):
        context = record.get("input")
        return [{"role": "user", "content": f"{prompt}\n\n{context}" if context else prompt}]
    turns = _turns(prompt, where)
    while turns and turns[-1]["role"] == "assistant" and not turns[-1]["content"]:
        turns = turns[:-1]  # HH-RLHF's prompts end with "Assistant:"
    return turns


def _shared(chosen: list[Message], rejected: list[Message], where: str) -> list[Message]:
    """The turns that both conversations begin with, to the last one of the user."""
    same = [one for one, _ in takewhile(lambda two: two[0] == two[1], zip(chosen, rejected, strict=False))]
    while same and same[-1]["role"] == "assistant":
        same = same[:-1]
    if not same:
        raise InputError(f"{where} has two answers and no prompt before them; {WAY_OUT}")
    return same


def _answer(turns: Sequence[Message], where: str) -> str:
    """What the assistant says first after the prompt; a later turn answers what the other conversation does not ask."""
    if not turns or turns[0]["role"] != "assistant" or not turns[0]["content"].strip():
        raise InputError(f"{where} has an empty answer, or none of the assistant; give both a text")
    return turns[0]["content"]


@dataclass(frozen=True, slots=True)
class Read:
    """Pairs of a file (or judged answers), and how many of its records had an answer missing or twice the same one."""

    pairs: list[Any]
    left_out: int
    reason: str = ""  # of the first that was left out


def read_pairs(path: str | Path, *, strict: bool = False, singles: bool = False) -> Read:
    """Read a JSON-lines file (also .gz). Records that prefer nothing are counted and left out; strict: refused.

    singles: records with a `label` become `Judged` beside the pairs. InputError: no pair at all.
    """
    pairs: list[Any] = []
    reasons: list[str] = []
    for number, record in enumerate(_records(path), 1):
        single = singles and isinstance(record, Mapping) and "label" in record
        try:
            pairs.append((to_judged if single else to_pair)(record, f"{path}: record {number}"))
        except InputError as error:
            if strict:
                raise
            reasons.append(str(error))
    if not pairs:
        raise InputError(reasons[0] if reasons else f"{path} holds no pair; {WAY_OUT}")
    return Read(pairs, len(reasons), reasons[0] if reasons else "")


def _records(path: str | Path) -> Iterable[Any]:
    if str(path).endswith(".gz"):
        import gzip
        import json
        import zlib

        try:
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                return [json.loads(line) for line in lines if line.strip()]
        except (gzip.BadGzipFile, EOFError, zlib.error, ValueError) as error:
            raise InputError(f"{path} is no whole gzip of JSON lines ({error}); copy it again") from None
    if str(path).endswith(".json"):
        made = files.read_json(Path(path))
        return made if isinstance(made, list) else [made]
    return files.read_jsonl(path)


def write_pairs(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Write pairs as a JSON-lines file that `read_pairs` and others read."""
    files.write_jsonl(Path(path), [pair.to_record() for pair in pairs])


def drawn(seed: int, count: int, split: str = "train") -> Iterator[Pair]:
    """Pairs of tinyworld, ordered by a draw from its written taste: the best possible judge is known."""
    from groundup.data.sources.tinyworld import preference

    for one in preference(seed, count, split):  # type: ignore[arg-type]
        yield Pair(({"role": "user", "content": one.prompt},), one.chosen, one.rejected, probability=one.probability)


def bayes_limit(pairs: Sequence[Pair]) -> float:
    """The share of these pairs that the best possible judge orders as they are: those whose order was the likelier one."""
    known = [pair.probability for pair in pairs if pair.probability is not None]
    if not known:
        raise InputError("the taste behind these pairs is not known, and so not the limit; draw pairs from tinyworld")
    return sum(1.0 if one > 0.5 else 0.5 if one == 0.5 else 0.0 for one in known) / len(known)


def prompt_ids(messages: Sequence[Message], tokenizer: Any) -> list[int]:
    """A conversation as the chat template writes it, with the answer about to begin; without a template one question as it stands."""
    if tokenizer.chat_template:
        return list(tokenizer.apply_chat_template(list(messages), add_generation_prompt=True))
    if len(messages) == 1:
        return list(tokenizer.encode(messages[0]["content"]))
    raise InputError("a conversation of several messages, and the model has no chat template; tune it first with `groundup tune`")


def answer_ids(text: str, tokenizer: Any) -> list[int]:
    """An answer, encoded apart from its prompt, and the first token with which the template closes it: a model must learn to stop."""
    from groundup.inference.handle import closing

    end = next(iter(closing(tokenizer)), tokenizer.eos_token_id) if tokenizer.chat_template else tokenizer.eos_token_id
    return [*tokenizer.encode(text), *([] if end is None else [end])]


def encoded(pair: Pair, tokenizer: Any) -> Encoded:
    """A pair as ids."""
    chosen, rejected = (answer_ids(answer, tokenizer) for answer in (pair.chosen, pair.rejected))
    return Encoded(prompt_ids(pair.messages, tokenizer), chosen, rejected, pair.margin)


def that_fit(pairs: Iterable[Encoded], longest: int) -> tuple[list[Encoded], int]:
    """The pairs that fit into a context of so many tokens, and how many do not."""
    given = list(pairs)
    kept = [pair for pair in given if pair.longest <= longest]
    if not kept:
        raise InputError(f"none of {len(given)} pairs fits into {longest} tokens; give a model with a longer context")
    return kept, len(given) - len(kept)
