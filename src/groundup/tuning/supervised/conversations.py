"""Examples in the shapes that data sets have become conversations: lists of {role, content}.

    messages                    chat: {"messages": [{"role": "user", "content": ...}, ...]}, with "tools" where functions are called (tool_calls.py)
    conversations               ShareGPT: {"conversations": [{"from": "human", "value": ...}, ...]}
    prompt, answer              tinyworld and others; also prompt, completion or prompt, response; either may be a list of messages
    instruction, input, output  Alpaca (Taori et al. 2023); Dolly says context and response
    inputs, targets             FLAN (Longpre et al. 2023)

Which shape a record has is told by its keys. Files are JSON lines, or one JSON list. Left out: images, preference pairs.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from groundup import files
from groundup.errors import FormatError, InputError, did_you_mean
from groundup.tuning.supervised.tool_calls import Message, WithTools, check_calls, from_sharegpt

QUESTIONS, CONTEXTS = ("prompt", "instruction", "inputs", "question"), ("input", "context")
ANSWERS = ("answer", "completion", "response", "output", "targets")
ROLES = ("system", "developer", "user", "assistant", "tool")
SPEAKERS = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "observation": "tool", "function": "tool"}


def read_conversations(path: str | Path) -> list[list[Message]]:
    """Read a file of JSON lines or one JSON list; InputError names the first record that is no conversation."""
    records = files.read_json(path) if str(path).endswith(".json") else files.read_jsonl(path)
    if not isinstance(records, list):
        raise FormatError(f"{path} is no list of records; write a JSON list, or JSON lines in a file *.jsonl")
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
        if _is_list(turns):
            return checked([_turn(turn, where) for turn in turns], where, record.get("tools") or ())
        question = next((record[key] for key in QUESTIONS if record.get(key)), None)
        answer = next((record[key] for key in ANSWERS if key in record), None)
        if _is_list(question) and _is_list(answer):  # TRL's conversational prompt and completion
            return checked([_turn(turn, where) for turn in [*question, *answer]], where, record.get("tools") or ())
        if isinstance(question, str) and isinstance(answer, str):
            if not answer.strip():
                raise InputError(
                    f"{where} has an empty answer; there is nothing to learn from it: leave the record out"
                )
            context = next((record[key] for key in CONTEXTS if record.get(key)), None)
            asked = f"{question}\n\n{context}" if context else question
            return [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    raise InputError(f"{where} is no conversation; give it messages, or prompt and answer")


def checked(messages: Sequence[Message], where: str, tools: Sequence[Mapping[str, Any]] = ()) -> list[Message]:
    """The messages, if each can be written and the assistant says something in them; else there would be nothing to learn."""
    for message in messages:
        called = message.get("tool_calls")
        if not isinstance(message.get("role"), str) or not (called or isinstance(message.get("content"), str)):
            raise InputError(f"{where} has a message without role and content as text; give both to each")
        if called:
            check_calls(message, where)
        if message["role"] not in ROLES:
            raise InputError(
                f"{where} has a message of the role {message['role']!r}; {did_you_mean(message['role'], ROLES)}"
            )
    if sum(message["role"] in ("system", "developer") for message in messages) > 1:
        raise InputError(f"{where} has two system messages, and a template has a place for one; join them")
    if not any(says(message) for message in messages):
        raise InputError(f"{where} has no answer of the assistant; add a message with the role assistant")
    if tools and not all(isinstance(tool, Mapping) for tool in tools):
        raise InputError(f"{where} has tools that are no JSON schemas; give a list of objects")
    return WithTools(messages, tools) if tools else list(messages)


def says(message: Message) -> bool:
    """Whether the assistant says something in it, or calls a function."""
    return message["role"] == "assistant" and bool(message.get("tool_calls") or message["content"].strip())


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


def _is_list(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value)


def _turn(turn: Any, where: str) -> Message:
    """A turn under the names role and content; ShareGPT's from and value are read too."""
    if not isinstance(turn, Mapping):
        return {}
    if "from" not in turn:
        return dict(turn)
    speaker, text = turn["from"], turn.get("value", "")
    if speaker == "function_call" and isinstance(text, str):
        return from_sharegpt(text, where)
    return {"role": SPEAKERS.get(speaker, speaker) if isinstance(speaker, str) else speaker, "content": text}
