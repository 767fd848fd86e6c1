"""A server inside this process, to try things and to show them: the whole application with its routes and its engine, and no port.

    in_process(service_of, work)    what `await work(client, service)` gives
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import httpx

from groundup.serving.api.app import make_app
from groundup.serving.api.service import Service

T = TypeVar("T")
SECONDS = 60.0  # for an answer


def in_process(service_of: Callable[[], Service], work: Callable[[httpx.AsyncClient, Service], Awaitable[T]]) -> T:
    """Do something at a server, in a thread with an event loop of its own; its models are closed at the end, also after an error.

    service_of: makes the server's state; called inside that loop. work: gets a client of it, whose paths are such as /v1/models.
    """

    async def whole() -> T:
        service = service_of()
        wire = httpx.ASGITransport(app=make_app(service))
        async with httpx.AsyncClient(transport=wire, base_url="http://server", timeout=SECONDS) as client:
            try:
                return await work(client, service)
            finally:
                await service.models.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, whole()).result()
