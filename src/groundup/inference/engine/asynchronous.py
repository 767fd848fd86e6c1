"""The engine for many callers of one event loop: a thread steps, and every caller waits for events of its own.

    engine = AsyncEngine(Engine(handle))
    async for event in engine.generate(request):       # leaving the loop cancels the request
        ...
    await engine.close()                               # started answers are finished, new ones refused

Only the thread touches the engine: what callers want stands in a queue that it empties before each step. With a keeper (`keeping`) what was
read of prompts lies on disk from one engine to the next.
"""

import asyncio
import queue
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from groundup.errors import InputError
from groundup.inference.engine.engine import Engine
from groundup.inference.engine.keeping import Keeper
from groundup.inference.engine.requests import Event, Request


class Listener:
    """Where the events of one request go: a queue of one event loop. name: what its caller calls it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.loop, self.events = asyncio.get_running_loop(), asyncio.Queue[Event]()


class AsyncEngine:
    """An engine that works in a thread of its own, from the first request on. keeper: restores its prefix cache now, and saves it at the end."""

    def __init__(self, engine: Engine, keeper: Keeper | None = None):
        self.engine, self.keeper = engine, keeper
        self.wanted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.listeners: dict[str, Listener] = {}
        self.closing = threading.Event()
        self.thread: threading.Thread | None = None
        self.starting = threading.Lock()
        if keeper is not None:
            keeper.restore(engine)
            keeper.begin(lambda action: self._between(action).result())

    async def generate(self, request: Request) -> AsyncIterator[Event]:
        """The events of one request; the last has a finish_reason. InputError where it cannot be answered."""
        if self.closing.is_set():
            raise InputError("the engine is closing and takes no new requests; try again later")
        self.engine.check(request)
        own = uuid4().hex  # in the engine, where one that was left may still have its last event to come
        name = request.request_id or own
        if any(one.name == name for one in list(self.listeners.values())):
            raise InputError(f"there is a request {name!r} already; give each a name of its own, or none")
        listener = self.listeners[own] = Listener(name)
        self._want(lambda: self._add(replace(request, request_id=own)))
        done = False
        try:
            while not done:
                event = await listener.events.get()
                done = event.finish_reason is not None
                yield event if name == own else replace(event, request_id=name)
        finally:
            self.listeners.pop(own, None)
            if not done:
                self._want(lambda: self._cancel(own))

    async def between_steps(self, action: Callable[[], Any]) -> Any:
        """Do something to the engine where no step runs, such as exchanging its adapters; what it gives, or the error that it raises."""
        if self.closing.is_set():
            raise InputError("the engine is closing and is not changed any more; start another one")
        return await asyncio.wrap_future(self._between(action))

    def _between(self, action: Callable[[], Any]) -> Future[Any]:
        """What an action gives that the thread does between two steps."""
        done: Future[Any] = Future()

        def act() -> None:
            try:
                done.set_result(action())
            except BaseException as error:
                done.set_exception(error)

        self._want(act)
        return done

    def _want(self, action: Callable[[], None]) -> None:
        """Ask the thread for something, and start it where there is none."""
        self.wanted.put(action)
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self._work, name="groundup-engine", daemon=True)
                self.thread.start()

    def _add(self, request: Request) -> None:
        try:
            self.engine.add(request)
        except Exception as error:
            self._tell([Event(request_id=request.request_id or "", finish_reason="error", message=str(error))])

    def _cancel(self, name: str) -> None:
        self.engine.cancel(name)

    def _work(self) -> None:
        """Until it is closed: do what is wanted, then a step; wait where there is nothing to do."""
        while True:
            with suppress(queue.Empty):
                while True:
                    self.wanted.get(block=not (self.engine.has_work or self.closing.is_set()))()
            if self.engine.has_work:
                self._tell(self._step())
            elif self.closing.is_set() and self.wanted.empty():
                return

    def _step(self) -> list[Event]:
        try:
            return self.engine.step()
        except Exception as error:  # a thread that ends would leave everybody waiting
            return self.engine.fail(error)

    def _tell(self, events: list[Event]) -> None:
        """Hand events to who waits for them, once a loop and step."""
        told: dict[asyncio.AbstractEventLoop, list[tuple[Listener, Event]]] = defaultdict(list)
        for event in events:
            if (listener := self.listeners.get(event.request_id)) is not None:
                told[listener.loop].append((listener, event))
        for loop, pairs in told.items():
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_deliver, pairs)

    async def close(self, drain: bool = True) -> None:
        """Take nothing new, finish what was begun (drain) or cancel it, and end the thread."""
        if self.keeper is not None:  # first, since it waits for the thread
            await asyncio.to_thread(self.keeper.stop)
        self.closing.set()
        if not drain:
            for name in list(self.listeners):
                self._want(partial(self._cancel, name))
        if self.thread is not None:
            self.wanted.put(lambda: None)  # wakes it
            await asyncio.to_thread(self.thread.join)
        if self.keeper is not None:
            await asyncio.to_thread(self.keeper.save)

    def stats(self) -> dict[str, Any]:
        """The engine's figures."""
        return self.engine.stats() | ({} if self.keeper is None else self.keeper.stats())


def _deliver(pairs: list[tuple[Listener, Event]]) -> None:
    for listener, event in pairs:
        listener.events.put_nowait(event)
