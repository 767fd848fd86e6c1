"""An answer as a response of HTTP: whole, or as events while it is made.

The first event is made before the status is sent, so that what fails at once (a constraint that cannot be followed) is an error with a status
of its own. Later failures are an event of the stream, which then ends; so is that it took longer than `stream_timeout_s`. A client that goes ends the
answer at once; one that takes nothing for `write_timeout_s` is given up.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.responses import Response

from groundup.serving.api import sse
from groundup.serving.api.errors import ApiError, from_exception, openai_body
from groundup.serving.limits import LimitsConfig


class JsonResponse(Response):
    """A value as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return sse.packed(content)


def error_response(error: BaseException, body: Callable[[ApiError], Any] = openai_body) -> Response:
    """Any exception as the response that it deserves."""
    told = from_exception(error)
    return JsonResponse(body(told), told.status, told.headers)


class EventStream(Response):
    """Frames of an asynchronous generator as they come. error_frame: how a failure in the middle is told."""

    def __init__(
        self,
        frames: AsyncIterator[bytes],
        first: bytes,
        error_frame: Callable[[ApiError], bytes],
        limits: LimitsConfig,
        end_s: float | None,
    ):
        super().__init__(
            media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )
        del self.headers["content-length"]
        self.frames, self.first, self.error_frame, self.limits, self.end_s = frames, first, error_frame, limits, end_s

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Write until the end, or until the client goes."""
        writer = asyncio.ensure_future(self._write(send))
        watch = asyncio.ensure_future(_until_gone(receive))
        try:
            await asyncio.wait({writer, watch}, return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
        finally:
            for task in (writer, watch):
                task.cancel()
            await asyncio.gather(writer, watch, return_exceptions=True)
            await self.frames.aclose()  # type: ignore[attr-defined]

    async def _write(self, send: Any) -> None:
        async def put(body: bytes, more: bool = True) -> None:
            async with asyncio.timeout(self.limits.write_timeout_s):
                await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with contextlib.suppress(TimeoutError, OSError):  # the reader took nothing, or has gone
            await put(self.first)
            try:
                while (frame := await before(self.end_s, self.frames, self.limits)) is not None:
                    await put(frame)
                    # frames that wait already would be written at once, before it is seen that the reader has gone
                    await asyncio.sleep(0)
            except (TimeoutError, OSError):
                raise
            except Exception as error:
                await put(self.error_frame(from_exception(error)))
            await put(b"", False)


async def before(end_s: float | None, frames: AsyncIterator[bytes], limits: LimitsConfig) -> bytes | None:
    """The next frame, None where there is none; ApiError 408 where it does not come before a time of the loop's clock (None: whenever)."""
    try:
        async with asyncio.timeout_at(end_s):
            if end_s is not None and asyncio.get_running_loop().time() > end_s:  # also where frames come without a pause
                raise TimeoutError
            return await anext(frames)
    except StopAsyncIteration:
        return None
    except TimeoutError:
        raise ApiError(
            408,
            f"the answer was streamed for more than {limits.stream_timeout_s:g} seconds and is cut here; ask for fewer tokens",
            code="request_timeout",
        ) from None


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def openai_error_frame(error: ApiError) -> bytes:
    """An error in the middle of OpenAI's stream."""
    return sse.event(openai_body(error))


async def stream(
    frames: AsyncIterator[bytes], limits: LimitsConfig, error_frame: Callable[[ApiError], bytes] = openai_error_frame
) -> EventStream:
    """A response of frames, the first of which is there."""
    most_s = limits.stream_timeout_s
    end_s = asyncio.get_running_loop().time() + most_s if most_s else None
    try:
        first = await before(end_s, frames, limits)
    except BaseException:
        await frames.aclose()  # type: ignore[attr-defined]
        raise
    return EventStream(frames, first or b"", error_frame, limits, end_s)
