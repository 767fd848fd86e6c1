"""Many callers of one event loop: each gets its own events, leaving cancels, closing finishes what was begun."""

import asyncio
import random

import pytest

from groundup.errors import InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import AsyncEngine, Engine, EngineConfig, Request

GREEDY = SamplingConfig(max_new_tokens=12, temperature=0.0)


async def collect(engine, request):
    return [event async for event in engine.generate(request)]


def test_many_at_once_get_their_own_answers(handle, ask, alone, answer):
    drawn = random.Random(4)
    requests = [ask(drawn) for _ in range(6)]

    async def main():
        engine = AsyncEngine(Engine(handle, EngineConfig(pages=12, page_size=8, max_rows=4, max_tokens_a_step=16)))
        told = await asyncio.gather(*(collect(engine, request) for request in requests))
        await engine.close()
        return engine, told

    engine, told = asyncio.run(main())
    assert [answer(events) for events in told] == [alone(handle, request) for request in requests]
    assert engine.stats()["free_pages"] == 12 and not engine.thread.is_alive()


def test_whoever_leaves_the_loop_frees_its_pages(handle):
    async def main():
        engine = AsyncEngine(Engine(handle, EngineConfig(prefix_cache=False)))
        long = Request(prompt_ids=[1, 2], sampling=SamplingConfig(max_new_tokens=60, temperature=0.0))
        events = engine.generate(long)
        await anext(events)
        await events.aclose()
        task = asyncio.create_task(collect(engine, long))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await engine.close()
        return engine.stats()

    stats = asyncio.run(main())
    assert stats["free_pages"] == stats["pages"] and stats["finished"]["cancelled"] >= 1 and not stats["running"]


def test_a_name_that_was_left_may_be_given_again_at_once(handle, alone, answer):
    """The second request used to get the last event of the first, "cancelled"."""
    first = Request(prompt_ids=[1], sampling=SamplingConfig(max_new_tokens=60, temperature=0.0), request_id="x")
    second = Request(prompt_ids=[2, 3], sampling=GREEDY, request_id="x")

    async def main():
        engine = AsyncEngine(Engine(handle))
        events = engine.generate(first)
        await anext(events)
        with pytest.raises(InputError, match="there is a request 'x' already"):
            await anext(engine.generate(second))
        await events.aclose()
        told = await collect(engine, second)
        await engine.close()
        return told

    told = asyncio.run(main())
    assert {event.request_id for event in told} == {"x"}
    assert answer(told) == alone(handle, second)


def test_closing_finishes_what_was_begun_and_refuses_the_new(handle, alone, answer):
    request = Request(prompt_ids=[7, 8], sampling=GREEDY)

    async def main(drain):
        engine = AsyncEngine(Engine(handle))
        events = engine.generate(request)
        first = await anext(events)
        closing = asyncio.create_task(engine.close(drain))
        await asyncio.sleep(0)
        with pytest.raises(InputError, match="is closing"):
            await anext(engine.generate(request))
        told = [first] + [event async for event in events]
        await closing
        return answer(told)

    assert asyncio.run(main(True)) == alone(handle, request)
    ids, reason = asyncio.run(main(False))
    assert reason in ("cancelled", "length") and ids == alone(handle, request)[0][: len(ids)]


def test_a_mistake_is_raised_where_it_was_made(handle):
    async def main():
        engine = AsyncEngine(Engine(handle))
        with pytest.raises(InputError, match="context is 64"):
            await anext(engine.generate(Request(prompt_ids=[1] * 70)))
        await engine.close()

    asyncio.run(main())
