"""The process around the application: it listens, and it ends well.

SIGTERM or Ctrl-C once: no new request is let in (503 with Retry-After), answers that were begun are finished, then the process ends; after `drain_s`, or at a
second signal, it ends at once. uvicorn alone would close the port first, so that new requests met a refused connection instead of a sentence.

Nothing that a client sent is logged: no access log by default, and with one only method, path and status.
"""

import asyncio
import time
from typing import Any

import uvicorn

from groundup.serving.api.app import make_app
from groundup.serving.api.service import Service


class Server(uvicorn.Server):
    """uvicorn's server, which drains before it closes its port."""

    def __init__(self, config: uvicorn.Config, service: Service, say: Any = print):
        super().__init__(config)
        self.service, self.say = service, say
        self._drain: asyncio.Task[None] | None = None

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


async def serve(service: Service, host: str, port: int, *, access_log: bool = False, say: Any = print) -> None:
    """Serve until a signal comes. Loads the first model, then says where it listens."""
    begun_s = time.monotonic()
    served = await service.models.get(None)
    if served.writes:
        served.engine  # noqa: B018 - made now, so that the first request does not wait for it
    server = Server(config_of(service, host, port, access_log), service, say)
    task = asyncio.ensure_future(server.serve())
    while not server.started and not task.done():
        await asyncio.sleep(0.005)
    if server.started:
        where = server.servers[0].sockets[0].getsockname()
        scheme = "https" if service.config.ssl_certfile else "http"
        names = ", ".join(service.models.sources)
        say(
            f"serving {names} at {scheme}://{host}:{where[1]}/v1 (ready in {time.monotonic() - begun_s:.1f} s; Ctrl-C ends)"
        )
    await task
    await service.models.close()


def run(service: Service, host: str, port: int, *, access_log: bool = False, say: Any = print) -> None:
    """Serve in this process, until a signal comes."""
    asyncio.run(serve(service, host, port, access_log=access_log, say=say))
