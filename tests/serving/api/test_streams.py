"""A stream has an end of its own: it is told, and what makes it is let go."""

import asyncio
import json

import pytest

from groundup.serving.api import sse
from groundup.serving.api.errors import ApiError
from groundup.serving.api.streams import stream
from groundup.serving.limits import LimitsConfig


async def written(response):
    """What a response sends to a reader that stays."""
    sent, stays = [], asyncio.Event()

    async def send(message):
        sent.append(message)

    async def receive():
        await stays.wait()

    await response({"type": "http"}, receive, send)
    return b"".join(one.get("body", b"") for one in sent)


@pytest.mark.parametrize("pause_s", [0.0, 30.0])
def test_a_stream_that_takes_too_long_ends_with_an_error_and_its_maker_is_closed(pause_s):
    """Also one whose frames come without a pause."""
    left = []

    async def frames():
        try:
            while True:
                yield b"data: 1\n\n"
                await asyncio.sleep(pause_s)
        finally:
            left.append(True)

    async def run():
        return await written(await stream(frames(), LimitsConfig(stream_timeout_s=0.05)))

    *before, (_, last) = sse.sse_events(asyncio.run(run()).decode())
    assert before and json.loads(last)["error"]["code"] == "request_timeout" and "0.05 seconds" in last
    assert left == [True]


def test_the_first_frame_of_a_stream_may_not_be_waited_for_without_end():
    async def frames():
        await asyncio.sleep(30)
        yield b""

    with pytest.raises(ApiError, match="streamed for more than") as caught:
        asyncio.run(stream(frames(), LimitsConfig(stream_timeout_s=0.02)))
    assert caught.value.status == 408


def test_without_a_limit_a_stream_ends_where_its_frames_do():
    async def frames():
        yield b"data: 1\n\n"
        yield b"data: 2\n\n"

    async def run():
        return await written(await stream(frames(), LimitsConfig(stream_timeout_s=0)))

    assert asyncio.run(run()) == b"data: 1\n\ndata: 2\n\n"
