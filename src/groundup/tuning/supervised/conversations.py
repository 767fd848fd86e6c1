"""Examples in the shapes that data sets have become conversations: lists of {role, content}.

    messages                    chat: {"messages": [{"role": "user", "content": ...}, ...]}
    conversations               ShareGPT: {"conversations": [{"from": "human", "value": ...}, ...]}
    prompt, answer              tinyworld and others; also prompt, completion or prompt, response
    instruction, input, output  Alpaca (Taori et al. 2023); Dolly says context and response
    inputs, targets             FLAN (Longpre et al. 2023)

Which shape a record has is told by its keys. Left out: images, tools, preference pairs.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from groundup import files
from groundup.errors import InputError

Message = dict[str, str]

QUESTIONS, CONTEXTS = ("prompt", "instruction", "inputs", "question"), ("input", "context")
ANSWERS = ("answer", "completion", "response", "output", "targets")
SPEAKERS = {"human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system"}


def read_conversations(path: str | Path) -> list[list[Message]]:
    """Read a JSON-lines file; InputError names the first record that is no conversation."""
    records = files.read_jsonl(path)
    if not records:
        raise InputError(f'{path} holds no conversation; write lines such as {{"prompt": "...", "answer": "..."}}')
    return [to_messages(record, f"{path}: record {number}") for number, record in enumerate(records, 1)]


def to_messages(record: Any, where: str = "the record") -> list[Message]:
    """Bring one record to messages, by its keys.

    >>> to_messages({"instruction": "Add.", "input": "1 2", "output": "3"})
    [{'role': 'user', 'content': 'Add.\\n\\n1 2'}, {'role': 'assistant', 'content': '3'}]
    """
    if isinstance(record, Mapping):
        turns = record.get("messages") or record.get("conversations")
        if isinstance(turns, Sequence) and not isinstance(turns, str) and turns:
            return checked([_turn(turn) for turn in turns], where)
        question = next((record[key] for key in QUESTIONS if record.get(key)), None)
        answer = next((record[key] for key in ANSWERS if record.get(key)), None)
        if isinstance(question, str) and isinstance(answer, str):
            context = next((record[key] for key in CONTEXTS if record.get(key)), None)
            asked = f"{question}\n\n{context}" if context else question
            return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    raise InputError(f"{where} is no conversation; give it messages, or prompt and answer")


def checked(messages: Sequence[Message], where: str) -> list[Message]:
    """The messages, if the assistant says something in them; else there would be nothing to learn."""
    if not all(
        isinstance(message.get("role"), str) and isinstance(message.get("content"), str) for message in messages
    ):
        raise InputError(f"{where} has a message without role and content as text; give both to each")
    if not any(message["role"] == "assistant" and message["content"] for message in messages):
        raise InputError(f"{where} has no answer of the assistant; add a message with the role assistant")
    return list(messages)


def one_after_another(conversations: Sequence[list[Message]], turns: int, seed: int = 0) -> Iterator[list[Message]]:
    """Join conversations that have nothing to do with each other: half stay alone, the others are joined by 2 to `turns`.

    A model that was only ever asked once takes a second question for something else.

    >>> questions = [[{"role": "user", "content": str(n)}] for n in range(100)]
    >>> sorted({len(joined) for joined in one_after_another(questions, 3)})
    [1, 2, 3]
    """
    draw, start = random.Random(seed), 0
    while start < len(conversations):
        count = draw.randint(2, turns) if turns > 1 and draw.random() < 0.5 else 1
        yield [message for conversation in conversations[start : start + count] for message in conversation]
        start += count


def _turn(turn: Any) -> Message:
    """A turn under the names role and content; ShareGPT's from and value are read too."""
    if not isinstance(turn, Mapping):
        return {}
    if "from" in turn:
        speaker = turn["from"]  # `checked` refuses one that is no text
        known = SPEAKERS.get(speaker, speaker) if isinstance(speaker, str) else speaker
        return {"role": known, "content": turn.get("value", "")}
    return dict(turn)
