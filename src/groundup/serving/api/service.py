"""What all routes share: the models, the limits, the figures, and whether the server is closing.

    caller = service.caller(request)            who asks: 401
    charge = service.admit(caller, requests)    may he, now: 400, 429 with Retry-After
    async for piece in service.run(...)         the answer; what was not used goes back when it ends

The limits themselves are `serving/limits`, the order among keys is `serving/scheduling`; nothing else of the API calls them.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from groundup.inference.engine import Request
from groundup.serving.api.answers import Piece, Recall, Total, pieces
from groundup.serving.api.errors import ApiError, bad
from groundup.serving.api.metrics import Metrics
from groundup.serving.api.models import Models, Served
from groundup.serving.api.structured import Wanted
from groundup.serving.limits import Limits, LimitsConfig, Refusal
from groundup.serving.scheduling.caching import ResponseCache, fingerprint


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key's name, never its text."""

    name: str
    priority: int = 0
    key: Any = None


def refused(refusal: Refusal | None) -> None:
    """Raise what the limits say."""
    if refusal is not None:
        raise ApiError(refusal.status, refusal.message, code=refusal.code or None, retry_after_s=refusal.retry_after)


class Service:
    """One server's state. adapter_loading: whether who asks may bring adapters and take them away."""

    def __init__(
        self,
        models: Models,
        limits: Limits | None = None,
        responses: ResponseCache | None = None,
        adapter_loading: bool = False,
    ):
        self.models, self.limits, self.responses = models, limits or Limits(LimitsConfig()), responses
        self.adapter_loading = adapter_loading
        self.metrics = Metrics(self)
        self.draining, self.open_requests = False, 0
        self.reading = asyncio.Semaphore(1)  # texts to tokens: a call of many takes one thread
        self.embedding = asyncio.Semaphore(1)  # embeddings and scores: as long as they take, no chat waits for its tokens
        self.compiling = asyncio.Semaphore(1)  # constraints: a flood of slow ones takes one thread

    @property
    def config(self) -> LimitsConfig:
        """What the server was told about its limits."""
        return self.limits.config

    @property
    def waiting(self) -> int:
        """Answers that have not begun."""
        engines = [one.started for one in self.models.loaded.values() if one.started is not None]
        return sum(engine.stats()["waiting"] + engine.wanted.qsize() for engine in engines)

    def caller(self, request: Any) -> Caller:
        """Who asks, by the key of a request: `Authorization: Bearer KEY`, or Anthropic's `x-api-key: KEY`."""
        word, _, token = request.headers.get("authorization", "").partition(" ")
        text = token.strip() if word.lower() == "bearer" else request.headers.get("x-api-key", "")
        found = self.limits.who(text or None, request.client.host if request.client else "")
        if isinstance(found, Refusal):
            refused(found)
        assert not isinstance(found, Refusal)
        return Caller(found.name, found.priority, found)

    async def constraint(self, served: Served, wanted: Wanted | None) -> Any:
        """The compiled form of a constraint, made in a thread."""
        if wanted is None:
            return None
        async with self.compiling:
            return await asyncio.to_thread(served.compiled, wanted)

    async def beside(self, function: Any, *arguments: Any) -> Any:
        """Turn texts into tokens, or back, in a thread, one at a time."""
        async with self.reading:
            return await asyncio.to_thread(function, *arguments)

    async def computed(self, function: Any, *arguments: Any) -> Any:
        """Compute something that is no text, such as vectors, in a thread, one at a time."""
        async with self.embedding:
            return await asyncio.to_thread(function, *arguments)

    def admit(self, caller: Caller, served: Served, requests: Sequence[Request]) -> int:
        """Let requests in, or say why not; how many tokens were charged."""
        for request in requests:
            new = request.sampling.max_new_tokens
            refused(self.limits.check_size(len(request.prompt_ids), new, served.context))
            served.engine.engine.check(request)
        tokens = sum(len(one.prompt_ids) + one.sampling.max_new_tokens for one in requests)
        refused(self.limits.admit(caller.key or caller.name, tokens, self.waiting))
        return tokens

    def _recall(self, served: Served, request: Request, seeded: bool, wanted: Wanted | None) -> Recall:
        """Where a request's answer may be found; nowhere without a cache, or where the scores of its prompt are asked for."""
        if self.responses is None or request.prompt_log_probabilities:
            return Recall()
        name = f"{served.name} {served.number}"  # a model that was loaded again may be another
        return Recall(self.responses, fingerprint(request, model=name, seeded=seeded, extra=wanted))

    def most_new(self, asked: int | None, context: int) -> int | None:
        """Tokens of an answer: as asked (more than the server gives is refused by `admit`), else what it gives; None for as many as fit."""
        most = self.config.max_completion_tokens
        return min(most, context) if asked is None and most else asked

    async def run(
        self,
        caller: Caller,
        served: Served,
        requests: Sequence[Request],
        charged: int,
        *,
        shown: frozenset[int] = frozenset(),
        total: Total | None = None,
        answers_a_prompt: int = 1,
        seeded: bool = False,
        wanted: Wanted | None = None,
    ) -> AsyncIterator[Piece]:
        """The pieces of the answers to requests that were let in. seeded: the client named the seed; wanted: the words of their constraint."""
        total = Total() if total is None else total
        recalls = [self._recall(served, request, seeded, wanted) for request in requests]
        watch = self.metrics.watch(served.name, len(requests))
        try:
            with served.in_use():
                async with aclosing(pieces(served, requests, shown, recalls)) as coming:  # type: ignore[type-var]
                    async for piece in coming:
                        total.count(piece, answers_a_prompt)
                        watch.saw(piece)
                        yield piece
        finally:
            watch.end()
            self.limits.settle(caller.key or caller.name, charged, total.prompt + total.completion)


def need_text(served: Served) -> None:
    """Refuse to write with a model that does not."""
    if not served.writes:
        served.handle._must_write()
    if served.tokenizer is None:
        raise bad(f"the model '{served.name}' was loaded without its tokenizer; load one with it")


async def unless_gone(request: Any, work: Any) -> Any:
    """The result of some work, which is cancelled when the client goes; None then."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        for one in (task, watch):
            one.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await asyncio.gather(task, watch, return_exceptions=True)


async def _gone(receive: Any) -> None:
    """Until the client closes the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def now() -> int:
    """Seconds since 1970, as `created`."""
    return int(time.time())
