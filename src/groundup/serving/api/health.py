"""GET /health, /ready, /ping, /version, /metrics: asked by machines, without a key.

health: the process answers. ready: it takes requests, 503 while it closes or before the first model is loaded.
"""

from fastapi import FastAPI
from fastapi.responses import Response

import groundup
from groundup.serving.api.service import Service
from groundup.serving.api.streams import JsonResponse


def add_routes(app: FastAPI, service: Service) -> None:
    """The routes of health."""

    @app.get("/health", summary="Whether the process answers.")
    @app.get("/ping", include_in_schema=False)
    async def health() -> Response:
        return Response(status_code=200)

    @app.get("/ready", summary="Whether new requests are taken.", responses={503: {"description": "Not now."}})
    async def ready() -> Response:
        able = not service.draining and bool(service.models.loaded)
        return JsonResponse({"ready": able, "models": sorted(service.models.loaded)}, 200 if able else 503)

    @app.get("/version", summary="The version.")
    async def version() -> Response:
        return JsonResponse({"version": groundup.__version__})

    @app.get("/metrics", summary="Figures for Prometheus.")
    async def metrics() -> Response:
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
