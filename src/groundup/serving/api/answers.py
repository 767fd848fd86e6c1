"""From requests to pieces of text: the one place where the APIs meet the engine.

    requests -> engine -> events -> TextEvents -> Piece, Piece, ...      several answers of one call interleaved as they come

A call with n answers, or with several prompts, is as many requests; each has a random stream of its own. Whoever stops reading (a client that
went, a stop string) leaves the loop, and leaving cancels what still runs. Queues between the engine and a reader have no bound of their own: an
answer has one (`max_tokens`), so a slow reader keeps some kilobytes and nobody waits for him.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from groundup.inference.engine import Event, Request, TextEvents, Usage
from groundup.serving.api.errors import ApiError, bad, log
from groundup.serving.api.models import Served
from groundup.serving.scheduling.caching import Answer, ResponseCache, joined

OURS = re.compile(r"[A-Z]\w*(Error|Exception|Interrupt|Exit): ")


@dataclass(frozen=True, slots=True)
class Piece:
    """What came of one answer: text that is certain, and the event it was made of. index: which answer."""

    index: int
    text: str
    event: Event
    finish_reason: str | None = None
    stopped_by: str | None = None  # the stop string that ended it


@dataclass
class Total:
    """Tokens of a call: of its prompts (each once), read from a cache, and written by all answers."""

    prompt: int = 0
    cached: int = 0
    completion: int = 0
    reasoning: int = 0
    by_answer: dict[int, Any] = field(default_factory=dict)

    def count(self, piece: Piece, answers_a_prompt: int = 1) -> None:
        """Take the latest figures of an answer."""
        self.by_answer[piece.index] = piece.event.usage
        first = [usage for index, usage in self.by_answer.items() if index % answers_a_prompt == 0]
        self.prompt = sum(usage.prompt for usage in first)
        self.cached = sum(usage.cached for usage in first)
        self.completion = sum(usage.completion for usage in self.by_answer.values())

    def openai(self) -> dict[str, Any]:
        """As OpenAI's completions say it."""
        return {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.cached},
        }


@dataclass(frozen=True)
class Recall:
    """Where an answer may be found, or kept for the next time. key: None where it may not."""

    cache: ResponseCache | None = None
    key: str | None = None


async def pieces(
    served: Served, requests: Sequence[Request], shown: frozenset[int] = frozenset(), recalls: Sequence[Recall] = ()
) -> AsyncIterator[Piece]:
    """The pieces of all answers as they come. shown: control tokens that are part of the text. recalls: one a request, where there is a cache."""
    recalls = recalls or [Recall()] * len(requests)
    streams = [_answer(served, index, request, shown, recalls[index]) for index, request in enumerate(requests)]
    async with aclosing(streams[0] if len(streams) == 1 else _merged(streams)) as merged:  # type: ignore[type-var]
        async for piece in merged:
            yield piece


async def _again(answer: Answer) -> AsyncIterator[Event]:
    """A kept answer as one event; all of its prompt counts as read from a cache."""
    yield Event(
        request_id="",
        ids=list(answer.ids),
        log_probabilities=list(answer.log_probabilities),
        top_log_probabilities=list(answer.top_log_probabilities),
        finish_reason=answer.finish_reason,
        usage=Usage(answer.prompt_tokens, answer.prompt_tokens, len(answer.ids)),
    )


async def _answer(
    served: Served, index: int, request: Request, shown: frozenset[int], recall: Recall
) -> AsyncIterator[Piece]:
    text = TextEvents(served.tokenizer, request.sampling.stop)
    text.stream.silent = text.stream.silent - shown
    tail = Tail(served.tokenizer, request.sampling.stop)
    cache, seen = recall.cache, list[Event]()
    found = None if cache is None else cache.get(recall.key)
    coming = served.engine.generate(request) if found is None else _again(found)
    async with aclosing(coming) as events:  # type: ignore[type-var]
        async for event in events:
            seen += [event] if cache is not None and found is None else []
            if event.finish_reason in ("error", "cancelled"):
                raise failure(event)
            piece = text.push(event)
            tail.push(event.ids)
            yield Piece(index, piece.text, event, piece.finish_reason, tail.found if text.stream.stopped else None)
            if piece.finish_reason:
                if seen and cache is not None:  # one that a stop string cut is whole for who asks the same again
                    seen[-1] = replace(event, finish_reason=piece.finish_reason)
                    cache.put(recall.key, joined(seen))
                return


class Tail:
    """The last bytes of an answer, to say which stop string ended it."""

    def __init__(self, tokenizer: Any, stops: Sequence[str]):
        self.tokenizer, self.stops, self.raw = tokenizer, stops, b""
        self.most = 4 * max(map(len, stops), default=0) + 64

    def push(self, ids: Sequence[int]) -> None:
        """Take tokens."""
        if self.stops:
            self.raw = (self.raw + b"".join(map(self.tokenizer.token_bytes, ids)))[-self.most :]

    @property
    def found(self) -> str | None:
        """The stop string that came first."""
        text = self.raw.decode(errors="replace")
        return min(((text.find(stop), stop) for stop in self.stops if stop in text), default=(0, None))[1]


def failure(event: Event) -> ApiError:
    """An event that ends without an answer, as the client hears of it."""
    if event.finish_reason == "cancelled":
        return ApiError(503, "the answer was given up because the server is closing; ask again", retry_after_s=5)
    if OURS.match(event.message):
        log.error("a fault of ours while an answer was made: %s", event.message.split(":")[0])
        return ApiError(500, "the server made a mistake of its own; it is in its log", code="internal_error")
    return bad(event.message)


async def _merged(streams: Sequence[AsyncIterator[Piece]]) -> AsyncIterator[Piece]:
    """Several streams as one, in the order in which they come; a failure of one ends all."""
    queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()

    async def pump(stream: Any) -> None:
        try:
            async with aclosing(stream):
                async for piece in stream:
                    queue.put_nowait(piece)
            queue.put_nowait(None)
        except Exception as error:
            queue.put_nowait(error)

    tasks = [asyncio.create_task(pump(stream)) for stream in streams]
    try:
        open_ = len(tasks)
        while open_:
            got = await queue.get()
            if isinstance(got, BaseException):
                raise got
            if got is None:
                open_ -= 1
            else:
                yield got
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
