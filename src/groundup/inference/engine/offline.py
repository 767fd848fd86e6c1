"""A whole file of prompts through the engine, answers in the order of the prompts; a run that was killed goes on where it was.

    prompts.jsonl   {"prompt": "Once upon a time"}   or   {"messages": [{"role": "user", "content": "What is 2 + 3?"}]}, a line each
    answers.jsonl   {"index": 0, "text": " there was ...", "finish_reason": "stop", "prompt_tokens": 4, "completion_tokens": 17}

What a killed run ends with has the same bytes as what an undisturbed one ends with: an answer depends on its line alone, not on who else
is in the batch (the engine's deterministic mode), its chance has the number of the line as its stream, and lines are written in order.
Until the end the answers stand in NAME.part, whose first line says what they are answers to; a last line that a kill cut off is dropped. One process
alone writes to it.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.inference.cache.saved import fingerprint
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.engine import Engine
from groundup.inference.engine.requests import EngineConfig, Event, Request
from groundup.inference.engine.text import TextEvents
from groundup.progress import progress

NAMED = 5  # bad lines that a message names
PLAIN = (int, float, str, bytes, tuple, type(None))
CONFIG = EngineConfig(deterministic=True, max_tokens_a_step=1024)


class Summary(NamedTuple):
    """What a run did. answers: all lines of the result; resumed: of these, those that were there."""

    answers: int
    resumed: int
    failed: int
    completion_tokens: int


class Prompts:
    """The lines of a file of prompts; all are looked at before the first is answered."""

    def __init__(self, path: Path):
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path} cannot be read as UTF-8 text ({error}); give a file of JSON lines") from None
        self.lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        self.checksum = hashlib.sha256(text.encode()).hexdigest()
        bad = [f"line {number}: {why}" for number, line in self.lines if (why := _mistake(line))]
        if bad:
            more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
            raise InputError(f"{path}: {'; '.join(bad[:NAMED])}{more}")
        if not self.lines:
            raise InputError(f'{path} has no line; write one prompt a line, such as {{"prompt": "Once upon a time"}}')

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return json.loads(self.lines[index][1])


def _mistake(line: str) -> str:
    """What is wrong with a line, or nothing."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"is no JSON ({error}); write an object with a prompt"
    if not isinstance(told, dict):
        return f"is a {type(told).__name__}; write an object with a prompt"
    if isinstance(told.get("prompt"), str) != isinstance(told.get("messages"), list):
        return ""
    return 'has no "prompt" (a text) or "messages" (a list), or both; give one of them'


def answer_file(
    handle: Any,
    source: str | Path,
    target: str | Path,
    sampling: SamplingConfig,
    *,
    encode: Callable[[dict[str, Any]], tuple[list[int], set[int]]],
    config: EngineConfig = CONFIG,
) -> Summary:
    """Answer every line of `source` into `target`. encode: a line -> its ids and the tokens that end its answer."""
    prompts, target = Prompts(Path(source)), Path(target)
    part = target.with_name(target.name + ".part")
    if target.exists() and not part.exists():
        raise InputError(f"{target} is there already; remove it, or name another file with --output")
    asked = dataclasses.asdict(sampling) | {"order": [_named(step) for step in sampling.order]}
    header = json.dumps({"prompts": prompts.checksum, "model": fingerprint(handle.module), "sampling": asked}) + "\n"
    with files.held(part) as out:
        if not os.fstat(out.fileno()).st_nlink:
            raise InputError(f"{target} was finished just now by another command; nothing is left to do")
        resumed = _begin(part, out, header.encode())
        failed = written = 0
        with progress(len(prompts), "answers", "answers") as bar:
            bar.update(resumed)
            for result in _answers(handle, prompts, range(resumed, len(prompts)), sampling, encode, config):
                out.write((json.dumps(result, ensure_ascii=False) + "\n").encode())
                out.flush()
                failed += "error" in result
                written += result.get("completion_tokens", 0)
                bar.update(1, tokens=written)
            os.fsync(out.fileno())
        _finish(part, target)
    return Summary(len(prompts), resumed, failed, written)


def _named(step: Any) -> str:
    """A step of the order as it is told apart: by its name, a function of the user's own also by its code and the numbers and texts that it holds."""
    if isinstance(step, str):
        return step
    code = getattr(step, "__code__", None)
    cells = [cell.cell_contents for cell in getattr(step, "__closure__", None) or ()]
    holds = [one for one in (*cells, *(getattr(step, "__defaults__", None) or ())) if isinstance(one, PLAIN)]
    told = "" if code is None else repr((code.co_code, code.co_names, [one for one in code.co_consts if isinstance(one, PLAIN)], holds))
    name = f"{getattr(step, '__module__', '')}.{getattr(step, '__qualname__', type(step).__qualname__)}"
    return f"{name} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _begin(part: Path, file: BinaryIO, header: bytes) -> int:
    """Go on with the unfinished answers, or begin them; how many there are. Half a line at the end is cut off."""
    first = file.readline()
    if not first.endswith(b"\n"):  # a new file, or a kill cut the header
        file.truncate(0)
        file.write(header)
        file.flush()
        return 0
    if first != header:
        raise InputError(
            f"{part} holds answers of another model, to other prompts or with other settings; remove it to begin anew, "
            "or name another file with --output"
        )
    count, end = 0, file.tell()
    for line in file:
        if line.endswith(b"\n"):
            count, end = count + 1, end + len(line)
    file.truncate(end)
    return count


def _finish(part: Path, target: Path) -> None:
    """Copy the answers, without the header, into the file that was asked for."""
    with files.atomic_path(target) as temporary, part.open("rb") as made, temporary.open("wb") as whole:
        made.readline()
        while block := made.read(1 << 20):
            whole.write(block)
    part.unlink()


def _answers(
    handle: Any, prompts: Prompts, indices: range, sampling: SamplingConfig, encode: Any, config: EngineConfig
) -> Iterator[dict[str, Any]]:
    """The results in order; a few more texts than rows are in the engine, so that none of its places is empty."""
    engine, coming = Engine(handle, config), iter(indices)
    open_: dict[str, _Answer] = {}
    done: dict[int, dict[str, Any]] = {}
    next_ = indices.start
    while next_ < indices.stop:
        while len(open_) < 2 * config.max_rows and (index := next(coming, None)) is not None:
            try:
                ids, stops = encode(prompts[index])
                name = engine.add(Request(prompt_ids=ids, sampling=sampling, stop_ids=list(stops), stream=index))
                open_[name] = _Answer(index, TextEvents(handle.tokenizer, sampling.stop))
            except GroundupError as error:
                done[index] = {"index": index, "error": str(error)}
        for event in engine.step():
            if event.request_id in open_ and (result := open_[event.request_id].take(event)) is not None:
                done[open_.pop(event.request_id).index] = result
                engine.cancel(event.request_id)  # a stop string ends a text before the engine does
        while next_ in done:
            yield done.pop(next_)
            next_ += 1


class _Answer:
    """One line's answer while it is made."""

    def __init__(self, index: int, text: TextEvents):
        self.index, self.text, self.said = index, text, ""

    def take(self, event: Event) -> dict[str, Any] | None:
        """Take an event; the result where it was the last."""
        piece = self.text.push(event)
        self.said += piece.text
        if piece.finish_reason is None:
            return None
        if event.finish_reason == "error":
            return {"index": self.index, "error": event.message}
        return {
            "index": self.index,
            "text": self.said,
            "finish_reason": piece.finish_reason,
            "prompt_tokens": event.usage.prompt,
            "completion_tokens": event.usage.completion,
        }
