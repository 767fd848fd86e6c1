"""The client of a load test: one request over HTTP/1.1, its answer read as a stream of events, and the time of each.

Written on asyncio's own sockets: what is measured are milliseconds, and a general client spends some of its own on each event, hundreds
of which come at once from 64 streams in one thread. A connection serves one request. Left out: HTTP/2, redirects, compression.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from groundup.errors import InputError
from groundup.serving.scheduling.arrivals import Asked

LARGEST_LINE = 1 << 22  # bytes of one event


@dataclass(frozen=True, slots=True)
class Target:
    """A server: where, which model, the key that opens it, and the number of its process where it is one of this machine."""

    url: str
    model: str = ""
    key: str | None = None
    process: int | None = None

    def parts(self) -> tuple[str, int, str, bool]:
        """Host, port, prefix of the path, and whether TLS is spoken."""
        try:
            told = urlsplit(self.url if "//" in self.url else f"http://{self.url}")
            host, port = told.hostname, told.port
        except ValueError:  # no port, or half an IPv6 address
            host, port = None, None
        if not host or told.scheme not in ("http", "https"):
            raise InputError(f"{self.url} is no address of a server; write it as http://127.0.0.1:8000")
        secure = told.scheme == "https"
        return host, port or (443 if secure else 80), told.path.rstrip("/").removesuffix("/v1"), secure


@dataclass(slots=True)
class Outcome:
    """What became of one request. Times in seconds since the load began; due_s: when it should have been sent."""

    due_s: float
    sent_s: float = 0.0
    first_s: float | None = None
    last_s: float | None = None
    gaps_s: list[float] = field(default_factory=list)
    tokens: int = 0
    prompt_tokens: int = 0
    status: int = 0
    error: str = ""
    cancelled: bool = False
    text: str = ""
    finish_reason: str | None = None
    asked: str = ""  # what equal questions have in common

    @property
    def good(self) -> bool:
        """Whether a whole answer came."""
        return self.status == 200 and not self.error and self.finish_reason is not None

    @property
    def ttft_s(self) -> float | None:
        """Seconds from when it was due to the first token: a late sender's lateness counts, as its user waits."""
        return None if self.first_s is None else self.first_s - self.due_s

    @property
    def latency_s(self) -> float | None:
        """Seconds from when it was due to the end."""
        return None if self.last_s is None else self.last_s - self.due_s

    @property
    def tpot_s(self) -> float | None:
        """Seconds a token after the first."""
        if self.first_s is None or self.last_s is None or self.tokens < 2:
            return None
        return (self.last_s - self.first_s) / (self.tokens - 1)


def body_of(asked: Asked, target: Target, prompt: str) -> tuple[str, dict[str, Any]]:
    """The path and the body of a request, as OpenAI's API has them."""
    body: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}, "temperature": asked.temperature,
                            "max_tokens": asked.max_tokens, "model": target.model}  # fmt: skip
    if asked.seed is not None:
        body["seed"] = asked.seed
    if asked.ignore_eos:  # a server that knows the one field of vLLM knows the other
        body["ignore_eos"] = True
        body["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
    if asked.messages is not None:
        return "/v1/chat/completions", body | {"messages": list(asked.messages)}
    return "/v1/completions", body | {"prompt": prompt}


async def ask(
    target: Target,
    asked: Asked,
    prompt: str,
    started_s: float,
    *,
    cancel_after: int | None = None,
    timeout_s: float = 600.0,
) -> Outcome:
    """Send one request and read its answer to the end; cancel_after: leave after so many tokens."""
    outcome = Outcome(due_s=asked.at_s, sent_s=time.perf_counter() - started_s)
    path, body = body_of(asked, target, prompt)
    if asked.temperature == 0 or asked.seed is not None:
        outcome.asked = json.dumps([path, {name: value for name, value in body.items() if name != "model"}])
    headers = {"Authorization": f"Bearer {asked.key or target.key}"} if asked.key or target.key else {}
    try:
        async with asyncio.timeout(timeout_s):
            async with opened(target, "POST", path, body, headers) as (status, reader):
                outcome.status = status
                if status != 200:
                    outcome.error = (await _rest(reader))[:300]
                    return outcome
                await _read(reader, outcome, started_s, cancel_after)
        if outcome.finish_reason is None and not outcome.cancelled and not outcome.error:
            outcome.error = "the stream ended before the answer"
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        outcome.error = outcome.error or f"{type(error).__name__}: {error}"
    return outcome


async def _read(reader: AsyncIterator[bytes], outcome: Outcome, started_s: float, cancel_after: int | None) -> None:
    """Events to times, text and usage."""
    events = 0
    async for data in events_of(reader):
        now_s = time.perf_counter() - started_s
        if data == b"[DONE]":
            return
        event = json.loads(data)
        if "error" in event:
            outcome.error = str(event["error"])[:300]
            return
        if usage := event.get("usage"):
            outcome.tokens, outcome.prompt_tokens = usage["completion_tokens"], usage["prompt_tokens"]
            if outcome.tokens and outcome.first_s is None:  # a token whose text is not certain yet, as half a character
                outcome.first_s = outcome.last_s = now_s
        for choice in event.get("choices", ()):
            piece = choice.get("text") or (choice.get("delta") or {}).get("content") or ""
            outcome.finish_reason = choice.get("finish_reason") or outcome.finish_reason
            if piece:
                events += 1
                outcome.text += piece
                outcome.tokens = max(outcome.tokens, events)
                if outcome.first_s is None:
                    outcome.first_s = now_s
                else:
                    outcome.gaps_s.append(now_s - (outcome.last_s or now_s))
                outcome.last_s = now_s
            elif choice.get("finish_reason"):
                outcome.first_s, outcome.last_s = outcome.first_s or now_s, now_s
        if cancel_after is not None and max(events, outcome.tokens) >= cancel_after:
            outcome.cancelled = True
            return


async def events_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of server-sent events, however the bytes were cut on their way."""
    held = b""
    async for piece in pieces:
        held += piece
        while (end := held.find(b"\n\n")) >= 0 or (end := held.find(b"\r\n\r\n")) >= 0:
            event, held = held[:end], held[end:].lstrip(b"\r\n")
            lines = [line[5:].strip() for line in event.splitlines() if line.startswith(b"data:")]
            if lines:
                yield b"\n".join(lines)
        if len(held) > LARGEST_LINE:
            raise ValueError(f"an event of more than {LARGEST_LINE:,} bytes")


@contextlib.asynccontextmanager
async def opened(
    target: Target, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
    """A connection with a request sent: its status, and the body as pieces. Leaving closes it, whatever is still to come."""
    host, port, prefix, secure = target.parts()
    context = ssl.create_default_context() if secure else None
    reader, writer = await asyncio.open_connection(host, port, ssl=context, limit=LARGEST_LINE)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = {"Host": f"{host}:{port}", "Connection": "close", "Content-Type": "application/json",
                 "Content-Length": str(len(data)), **(headers or {})}  # fmt: skip
        head = f"{method} {prefix}{path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        writer.write(head.encode() + b"\r\n" + data)
        await writer.drain()
        status, told = await _head(reader)
        yield status, _pieces(reader, told)
    finally:
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    """Status and headers of an answer."""
    raw = await reader.readuntil(b"\r\n\r\n")
    first, *lines = raw.decode("latin-1").split("\r\n")
    told = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return int(first.split(" ", 2)[1]), told


async def _pieces(reader: asyncio.StreamReader, told: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The body as it comes: in chunks, of a stated length, or up to the connection's end."""
    if told.get("transfer-encoding", "").lower() == "chunked":
        while line := await reader.readline():
            if (size := int(line.split(b";")[0], 16)) == 0:
                return
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        raise ValueError("the connection closed before the answer's end")
    elif "content-length" in told:
        yield await reader.readexactly(int(told["content-length"]))
    else:
        while piece := await reader.read(1 << 16):
            yield piece


async def _rest(pieces: AsyncIterator[bytes]) -> str:
    """What is left of a body, as text."""
    return b"".join([piece async for piece in pieces]).decode(errors="replace")


async def get_json(target: Target, path: str) -> Any:
    """The JSON at a path; InputError where the server does not answer so."""
    headers = {"Authorization": f"Bearer {target.key}"} if target.key else {}
    try:
        async with asyncio.timeout(10), opened(target, "GET", path, None, headers) as (status, pieces):
            text = await _rest(pieces)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise InputError(
            f"no server answers at {target.url} ({type(error).__name__}); start one with `groundup serve MODEL`"
        ) from error
    try:
        told = json.loads(text) if status == 200 else None
    except ValueError:
        told = None
    if told is None:
        raise InputError(f"{target.url}{path} answered {status} and no JSON; check the address and the key")
    return told
