"""OpenAI's endpoints in one table: each is a file of its own beside this one.

POST /v1/completions          completions.py
POST /v1/chat/completions     chat.py
POST /v1/embeddings           embeddings.py
POST /v1/responses            responses.py
GET  /v1/models, /v1/models/NAME
"""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import Response

from groundup.serving.api import chat, chat_fields, completions, embeddings, responses
from groundup.serving.api.models import Models
from groundup.serving.api.service import Service
from groundup.serving.api.streams import JsonResponse, error_response

ROUTES = (
    ("/v1/completions", completions.CompletionFields, completions.create, "Continue a text."),
    ("/v1/chat/completions", chat_fields.ChatFields, chat.create, "Answer a conversation."),
    ("/v1/embeddings", embeddings.EmbeddingFields, embeddings.create, "Vectors of texts."),
    ("/v1/responses", responses.ResponseFields, responses.create, "Answer, in the form of the Responses API."),
)


def card(models: Models, name: str) -> dict[str, Any]:
    """What is said of a model or an adapter, which has a parent; max_model_len once it is loaded."""
    model, adapter = models.resolve(name)
    loaded = models.loaded.get(model)
    more: dict[str, Any] = {} if loaded is None else {"max_model_len": loaded.context}
    more |= {} if adapter is None else {"parent": model}
    return {"id": adapter or model, "object": "model", "created": models.created, "owned_by": "groundup", **more}


def add_gets(app: FastAPI, service: Service) -> None:
    """The list of models."""

    @app.get("/v1/models", summary="The models of this server.")
    async def list_models(request: Request) -> Response:
        try:
            service.caller(request)
        except Exception as error:
            return error_response(error)
        return JsonResponse({"object": "list", "data": [card(service.models, name) for name in service.models.parents]})

    @app.get("/v1/models/{name:path}", summary="One model.")
    async def one_model(request: Request, name: str) -> Response:
        try:
            service.caller(request)
            return JsonResponse(card(service.models, name))
        except Exception as error:
            return error_response(error)
