"""All of the API as one application.

A route is a path, the fields it reads, a function that answers, and the API whose error body it speaks; the table below has them all. Around every
request stands `Front`: it counts who is inside, and refuses politely while the server closes. OpenAPI is written from the same fields.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

import groundup
from groundup.serving.api import health, more, openai
from groundup.serving.api.body import Fields, parse, read_bytes
from groundup.serving.api.errors import ApiError, anthropic_body, bad, openai_body
from groundup.serving.api.service import Caller, Service, unless_gone
from groundup.serving.api.streams import error_response

Answer = Callable[[Service, Any, Caller], Awaitable[Any]]
OPEN_PATHS = (
    "/health",
    "/ready",
    "/ping",
    "/metrics",
    "/version",
)  # answered without a key, and while the server closes


@dataclass(frozen=True)
class Route:
    """Where, what is read, who answers."""

    path: str
    fields: type[Fields]
    answer: Answer
    about: str
    anthropic: bool = False

    @property
    def error_body(self) -> Callable[[ApiError], Any]:
        """The error body of its API."""
        return anthropic_body if self.anthropic else openai_body


def routes() -> list[Route]:
    """All routes that read a body."""
    return [Route(*one) for one in (*openai.ROUTES, *more.ROUTES)]


class Front:
    """Counts open requests; 503 for new ones while the server closes."""

    def __init__(self, app: Any, service: Service):
        self.app, self.service = app, service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if scope["path"] in OPEN_PATHS:
            return await self.app(scope, receive, send)
        if self.service.draining:
            error = ApiError(
                503, "the server is closing; ask again in a moment", retry_after_s=5, code="server_closing"
            )
            response = error_response(error)
            response.headers["connection"] = "close"  # or the next request comes over it in the moment when the server goes
            return await response(scope, receive, send)
        self.service.open_requests += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.service.open_requests -= 1


def make_app(service: Service) -> FastAPI:
    """The application of a service."""
    app = FastAPI(
        title="groundup",
        version=groundup.__version__,
        root_path=service.config.root_path,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.service = service
    _add_posts(app, service)
    openai.add_gets(app, service)
    health.add_routes(app, service)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Front, service=service)
    if service.config.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(service.config.cors_origins),
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
        )
    return app


def _add_posts(app: FastAPI, service: Service) -> None:
    table = routes()
    kinds = list({route.fields for route in table})
    _, schema = models_json_schema(
        [(kind, "validation") for kind in kinds], ref_template="#/components/schemas/{model}"
    )
    for route in table:
        reference = {"schema": {"$ref": f"#/components/schemas/{route.fields.__name__}"}}
        app.add_api_route(
            route.path,
            _endpoint(service, route),
            methods=["POST"],
            summary=route.about,
            operation_id=route.path.strip("/").replace("/", "_"),
            openapi_extra={"requestBody": {"required": True, "content": {"application/json": reference}}},
            responses={400: {"description": "The request cannot be: the body says why."}},
        )
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        told = plain()
        told.setdefault("components", {}).setdefault("schemas", {}).update(schema.get("$defs", {}))
        return told

    app.openapi = openapi  # type: ignore[method-assign]


def _endpoint(service: Service, route: Route) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            caller = service.caller(request)
        except Exception as error:
            return error_response(error, route.error_body)
        response = await answered(request, caller)
        response.headers.update(service.limits.headers(caller.key or caller.name))  # what is left of the rates
        return response

    async def answered(request: Request, caller: Caller) -> Response:
        try:
            async with asyncio.timeout(service.config.request_timeout_s):
                raw = await read_bytes(request, service.config.max_body_bytes)
            fields = parse(raw, route.fields)
            limit_s = None if getattr(fields, "stream", None) else service.config.request_timeout_s
            async with asyncio.timeout(limit_s):
                answer = await unless_gone(request, route.answer(service, fields, caller))
            return Response(status_code=499) if answer is None else answer
        except ClientDisconnect:  # before all of its request was here
            return Response(status_code=499)
        except TimeoutError:
            seconds = service.config.request_timeout_s
            error = ApiError(
                408,
                f"the request and its answer took more than {seconds:g} seconds; ask for fewer tokens, or stream it",
                code="request_timeout",
            )
            return error_response(error, route.error_body)
        except Exception as error:
            return error_response(error, route.error_body)

    return endpoint


async def _http_error(request: Request, error: Exception) -> Response:
    """What the router itself refuses: no such path, another method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        told = ApiError(
            404, f"there is nothing at {request.url.path[:200]}; /openapi.json lists what there is", code="not_found"
        )
    elif error.status_code == 405:
        told = ApiError(
            405,
            f"{request.url.path[:200]} does not take {request.method[:20]}; see /openapi.json",
            code="method_not_allowed",
        )
    else:
        told = bad(str(error.detail))
    response = error_response(told)
    response.headers.update(error.headers or {})
    return response
