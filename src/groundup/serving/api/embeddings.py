"""POST /v1/embeddings: a vector for each text, of length one, so that a dot product is a cosine.

A sentence encoder gives what it was trained to give; a decoder, which was not trained for it, its last hidden states pooled (`serving/encoders`).

https://platform.openai.com/docs/api-reference/embeddings. `encoding_format` "base64" is little-endian float32, what OpenAI's own client asks for.
`dimensions` keeps the first numbers and makes the length one again, which is meant for models that were trained so (Kusupati et al. 2022,
arXiv:2205.13147).
"""

import base64
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from groundup.serving.api.body import Fields
from groundup.serving.api.errors import ApiError, bad
from groundup.serving.api.models import Served
from groundup.serving.api.prompts import text_prompt
from groundup.serving.api.service import Caller, Service, refused
from groundup.serving.api.streams import JsonResponse

MOST_TEXTS = 2048  # as OpenAI's
Ids = Annotated[list[int], Field(min_length=1)]


class EmbeddingFields(Fields):
    """The fields of an embedding."""

    model: str | None = None
    input: (
        str
        | Annotated[list[str], Field(min_length=1, max_length=MOST_TEXTS)]
        | Ids
        | Annotated[list[Ids], Field(min_length=1, max_length=MOST_TEXTS)]
    )
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    user: str | None = None


def texts_of(value: Any) -> list[Any]:
    """The inputs: texts, or ids of texts."""
    return [value] if isinstance(value, str) or isinstance(value[0], int) else list(value)


def read_ids(served: Served, texts: Sequence[Any], place: str) -> list[list[int]]:
    """Ids of each text with its marks; 400 where one is empty or too long."""
    found, most = [], min(served.context, served.encoder.most)
    for number, text in enumerate(texts):
        ids = (
            served.encoder.encode([text], truncate=True)[0]
            if text and isinstance(text, str)
            else text_prompt(served, text)
        )
        if not ids or text == "":
            raise bad(f"{place}.{number} is empty; send at least one character", place)
        if len(ids) > most or (isinstance(text, str) and len(ids) == most):
            ids = text_prompt(served, text)
        if len(ids) > most:
            message = f"{place}.{number} has {len(ids):,} tokens but this model reads at most {most:,}; shorten it"
            raise ApiError(400, message, param=place, code="context_length_exceeded")
        found.append(ids)
    return found


def normalized(rows: np.ndarray) -> np.ndarray:
    """Rows of length one; a row of zeros stays.

    >>> normalized(np.array([[3.0, 4.0]])).tolist()
    [[0.6, 0.8]]
    """
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1.0)


def vectors(served: Served, ids: Sequence[Sequence[int]]) -> np.ndarray:
    """A vector of length one for each text, float32 (texts, width)."""
    return normalized(served.encoder.embed_ids(ids))


def admitted(service: Service, caller: Caller, tokens: int) -> None:
    """Let a call in that writes nothing."""
    refused(service.limits.admit(caller.key or caller.name, tokens, service.waiting))


async def create(service: Service, fields: EmbeddingFields, caller: Caller) -> Any:
    """Answer: a response."""
    served = await service.models.get(fields.model)
    ids = await service.computed(read_ids, served, texts_of(fields.input), "input")
    tokens = sum(map(len, ids))
    admitted(service, caller, tokens)
    rows = await service.computed(vectors, served, ids)
    if fields.dimensions is not None:
        if fields.dimensions > rows.shape[1]:
            raise bad(
                f"dimensions is {fields.dimensions} but the vectors have {rows.shape[1]} numbers; ask for fewer",
                "dimensions",
            )
        rows = normalized(rows[:, : fields.dimensions])
    data = [
        {"object": "embedding", "index": index, "embedding": _written(row, fields)} for index, row in enumerate(rows)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JsonResponse({"object": "list", "data": data, "model": served.name, "usage": usage})


def _written(row: np.ndarray, fields: EmbeddingFields) -> Any:
    if fields.encoding_format == "base64":
        return base64.b64encode(row.astype("<f4").tobytes()).decode()
    return row.tolist()
