"""A server of OpenAI's form with no model in it: a queue, a time a token, and faults on request."""

import asyncio
import contextlib
import hashlib
import json
import threading
from types import SimpleNamespace

import pytest


class FakeServer:
    """Streams made-up words. at_once: how many answers are written side by side; token_s: for each of their tokens."""

    def __init__(self, at_once=4, token_s=0.0005, cut=None, refuse_every=0, error_after=None, cross=False):
        self.at_once, self.token_s, self.cut, self.refuse_every, self.error_after = (
            at_once,
            token_s,
            cut,
            refuse_every,
            error_after,
        )
        self.cross = cross
        self.seen = self.left = self.running = 0
        self.bodies = []

    async def start(self):
        self.places = asyncio.Semaphore(self.at_once)
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("GET"):
                return await self.reply(writer, 200, {"data": [{"id": "fake"}]})
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            body = json.loads(await reader.readexactly(length))
            self.seen += 1
            self.bodies.append(body)
            if self.refuse_every and self.seen % self.refuse_every == 0:
                return await self.reply(writer, 429, {"error": {"message": "come again"}})
            async with self.places:
                self.running += 1
                try:
                    await self.stream(writer, body)
                except OSError:
                    self.left += 1
                finally:
                    self.running -= 1
        writer.close()

    async def reply(self, writer, status, told):
        data = json.dumps(told).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()

    async def stream(self, writer, body):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        asked = json.dumps(body.get("prompt") or body.get("messages"))
        word = hashlib.sha256(asked.encode()).hexdigest()[:6] + (str(self.seen) if self.cross else "")
        for number in range(body["max_tokens"]):
            await asyncio.sleep(self.token_s)
            if number == self.error_after:
                await self.event(writer, {"error": {"message": "the model failed"}})
                return
            text = {"text": f" {word}"} if "prompt" in body else {"delta": {"content": f" {word}"}}
            ends = "length" if number == body["max_tokens"] - 1 else None
            await self.event(writer, {"choices": [text | {"finish_reason": ends}]})
            if number == self.cut:
                raise OSError
        await self.event(
            writer, {"choices": [], "usage": {"completion_tokens": body["max_tokens"], "prompt_tokens": 7}}
        )
        await self.event(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def event(self, writer, told):
        data = f"data: {told if isinstance(told, str) else json.dumps(told)}\n\n".encode()
        middle = len(data) // 2  # an event in two chunks, as a network may cut it
        for piece in (data[:middle], data[middle:]):
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()


@pytest.fixture
def fake():
    """`with fake(token_s=...) as server:` a server in a thread of its own; server.url."""

    @contextlib.contextmanager
    def running(**told):
        server, ready = FakeServer(**told), threading.Event()
        held = SimpleNamespace()

        async def main():
            held.loop, held.stop = asyncio.get_running_loop(), asyncio.Event()
            listening = await server.start()
            ready.set()
            await held.stop.wait()
            listening.close()

        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        ready.wait(10)
        server.url = f"http://127.0.0.1:{server.port}"
        try:
            yield server
        finally:
            held.loop.call_soon_threadsafe(held.stop.set)
            thread.join(10)

    return running
