"""The process around the application: it listens, and it ends well.

SIGTERM or Ctrl-C once: no new request is let in (503 with Retry-After), answers that were begun are finished, then the process ends; after `drain_s`, or at a
second signal, it ends at once. uvicorn alone would close the port first, so that new requests met a refused connection instead of a sentence.

The first answer of a process makes its code ready (a second from the cache on disk, up to minutes where nothing is compiled yet), so one of three tokens is
made in the background as soon as the port is open; whoever asks before it is there waits for it.

Nothing that a client sent is logged: no access log by default, and with one only method, path and status.
"""

import asyncio
import contextlib
import os
import time
from contextlib import aclosing
from typing import Any

import uvicorn

from groundup.errors import ConfigError, GroundupError, InputError
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine import Request
from groundup.serving.api.app import make_app
from groundup.serving.api.errors import ApiError
from groundup.serving.api.models import Served
from groundup.serving.api.service import Service

LAST_WORDS_S = 0.2  # between the end of the last answer and the end of the connections


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it closes its port."""

    def __init__(self, config: uvicorn.Config, service: Service, say: Any = print):
        super().__init__(config)
        self.service, self.say = service, say
        self._drain: asyncio.Task[None] | None = None

    async def startup(self, sockets: Any = None) -> None:
        """Open the port; ConfigError where it cannot be had, for which uvicorn ends the process."""
        try:
            await super().startup(sockets)
        except SystemExit as error:
            number = getattr(error.__context__, "errno", None) or 0
            why = os.strerror(number) if number > 0 else str(error.__context__ or "the server did not start")
            raise ConfigError(
                f"no requests can be taken at {self.config.host}:{self.config.port} ({why}); "
                "choose another --port (0: any free one) or --host, or end what listens there"
            ) from None

    def handle_exit(self, sig: int, frame: Any) -> None:
        """The first signal drains, the second ends."""
        if self.service.draining or not self.started:
            super().handle_exit(sig, frame)
            return
        self.service.draining = True
        asyncio.get_running_loop().call_soon_threadsafe(self._begin_draining)

    def _begin_draining(self) -> None:
        self._drain = asyncio.get_running_loop().create_task(self._drained())

    async def _drained(self) -> None:
        """Wait for the answers that were begun."""
        self.say(f"closing: {self.service.open_requests} answers are finished first")
        end_s = time.monotonic() + self.service.config.drain_s
        while self.service.open_requests and time.monotonic() < end_s:
            await asyncio.sleep(0.02)
        for server in self.servers:  # nobody new comes in; who is connected already hears 503 and not a broken line
            server.close()
        await asyncio.sleep(LAST_WORDS_S)
        self.should_exit = True


def config_of(service: Service, host: str, port: int, access_log: bool = False) -> uvicorn.Config:
    """uvicorn's settings."""
    limits = service.config
    return uvicorn.Config(
        make_app(service),
        host=host,
        port=port,
        log_level="warning",
        access_log=access_log,
        server_header=False,
        lifespan="off",
        timeout_keep_alive=max(1, round(limits.keep_alive_s)),
        timeout_graceful_shutdown=1,
        ssl_certfile=None if limits.ssl_certfile is None else str(limits.ssl_certfile),
        ssl_keyfile=None if limits.ssl_keyfile is None else str(limits.ssl_keyfile),
        ws="none",
    )


def read_certificate(config: uvicorn.Config) -> None:
    """Make uvicorn's settings ready; ConfigError where the certificate and its key cannot be used."""
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f"{config.ssl_certfile} and {config.ssl_keyfile} are no certificate with its key ({error}); give two PEM files that belong together"
        ) from None


WORTH_SAYING_S = 3.0


async def warm_up(served: Served, say: Any = print) -> None:
    """Read a prompt and write three tokens, for nobody: what has to be compiled is compiled before somebody waits for it."""
    begun_s, sampling = time.monotonic(), SamplingConfig(max_new_tokens=3, temperature=0.0)
    room = min(40, served.context - 3)  # more than a page
    with contextlib.suppress(GroundupError):
        request = Request(prompt_ids=[0] * max(1, room), sampling=sampling)
        async with aclosing(served.engine.generate(request)) as events:  # type: ignore[type-var]
            async for _ in events:
                pass
    if (took_s := time.monotonic() - begun_s) > WORTH_SAYING_S:
        say(f"the first answer took {took_s:.0f} s to make ready; compiled code is kept for the next start")


async def serve(service: Service, host: str, port: int, *, access_log: bool = False, say: Any = print) -> None:
    """Serve until a signal comes. Loads the first model, then says where it listens."""
    begun_s = time.monotonic()
    config = config_of(service, host, port, access_log)
    read_certificate(config)
    try:
        served = await asyncio.create_task(service.models.get(None))  # a task that ends, so that it may make room
    except ApiError as error:  # nobody asked over the wire
        raise InputError(error.message) from None
    if served.writes:  # made now, so that the first request does not wait for it
        making = asyncio.ensure_future(asyncio.to_thread(lambda: served.engine))
        if not (await asyncio.wait({making}, timeout=WORTH_SAYING_S))[0]:
            say(
                "the decoding step is made ready; the first time, its loops are compiled for this processor, which takes up to some minutes"
            )
        await making
    warming: asyncio.Future[None] | None = None
    server = Server(config, service, say)
    task = asyncio.ensure_future(server.serve())
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    if server.started:
        where = server.servers[0].sockets[0].getsockname()
        scheme = "https" if service.config.ssl_certfile else "http"
        names = ", ".join(service.models.parents)
        say(
            f"serving {names} at {scheme}://{host}:{where[1]}/v1 (ready in {time.monotonic() - begun_s:.1f} s; Ctrl-C ends)"
        )
        warming = asyncio.ensure_future(warm_up(served, say)) if served.writes else None
    try:
        await task
        if warming is not None:
            warming.cancel()
        await service.models.close()
    finally:
        service.limits.save()


def run(service: Service, host: str, port: int, *, access_log: bool = False, say: Any = print) -> None:
    """Serve in this process, until a signal comes."""
    asyncio.run(serve(service, host, port, access_log=access_log, say=say))
