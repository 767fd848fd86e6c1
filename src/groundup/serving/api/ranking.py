"""POST /rerank, /score, /classify, /reward: numbers about texts instead of text. Fields as vLLM's and Jina's.

    rerank      documents in the order of their nearness to a query
    score       nearness of pairs
    classify    the labels of a text, with probabilities
    reward      one number for a text

Nearness is what the model's head says of a pair where it has one (a cross-encoder reads both texts together, `serving/encoders/judging.py`); else
the cosine of the two vectors. Classify and reward need a model with such a head, which
`model.architectures.heads.with_head` gives a model.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from groundup.model.architectures.labels import CLASSIFICATION, REWARD, WHOLE_TEXT
from groundup.serving.api.body import Fields
from groundup.serving.api.embeddings import admitted, read_ids, vectors
from groundup.serving.api.errors import bad
from groundup.serving.api.models import Served
from groundup.serving.api.service import Caller, Service, now
from groundup.serving.api.streams import JsonResponse

MOST = 2048
Texts = Annotated[list[str], Field(min_length=1, max_length=MOST)]


class RerankFields(Fields):
    """A query and documents."""

    model: str | None = None
    query: Annotated[str, Field(min_length=1)]
    documents: Texts
    top_n: Annotated[int, Field(ge=0, le=1 << 31)] | None = None
    return_documents: bool | None = None
    user: str | None = None


class ScoreFields(Fields):
    """One text beside one or many, or as many pairs."""

    model: str | None = None
    text_1: str | Texts
    text_2: str | Texts
    user: str | None = None


class ClassifyFields(Fields):
    """Texts."""

    model: str | None = None
    input: str | Texts
    user: str | None = None


def _head(served: Served) -> str:
    return str(getattr(served.handle.config, "head", ""))


def nearness(served: Served, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """A number for each pair, larger is nearer."""
    if _head(served) in WHOLE_TEXT:
        return [float(one) for one in served.judge.score(pairs)]
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    rows = dict(zip(texts, vectors(served, read_ids(served, texts, "text")), strict=True))
    return [float(rows[first] @ rows[second]) for first, second in pairs]


def count(served: Served, pairs: Sequence[tuple[str, str]]) -> int:
    """The tokens of pairs, each different text once."""
    return sum(len(served.tokenizer.encode(text)) for text in {text for pair in pairs for text in pair})


async def _near(
    service: Service, caller: Caller, served: Served, pairs: Sequence[tuple[str, str]]
) -> tuple[list[float], int]:
    tokens = await service.computed(count, served, pairs)
    admitted(service, caller, tokens)
    return await service.computed(nearness, served, pairs), tokens


async def rerank(service: Service, fields: RerankFields, caller: Caller) -> Any:
    """The documents, nearest first."""
    served = await service.models.get(fields.model)
    scores, tokens = await _near(service, caller, served, [(fields.query, text) for text in fields.documents])
    order = sorted(range(len(scores)), key=lambda index: (-scores[index], index))[: fields.top_n or None]
    told: list[dict[str, Any]] = [{"index": index, "relevance_score": scores[index]} for index in order]
    if fields.return_documents is not False:
        told = [one | {"document": {"text": fields.documents[one["index"]]}} for one in told]
    return JsonResponse(
        {"id": f"rerank-{uuid4().hex}", "model": served.name, "results": told, "usage": {"total_tokens": tokens}}
    )


async def score(service: Service, fields: ScoreFields, caller: Caller) -> Any:
    """The nearness of pairs."""
    served = await service.models.get(fields.model)
    first, second = ([one] if isinstance(one, str) else one for one in (fields.text_1, fields.text_2))
    if len(first) == 1:
        first = first * len(second)
    if len(first) != len(second):
        raise bad(f"text_1 has {len(first)} texts and text_2 has {len(second)}; give one, or as many", "text_2")
    scores, tokens = await _near(service, caller, served, list(zip(first, second, strict=True)))
    data = [{"index": index, "object": "score", "score": value} for index, value in enumerate(scores)]
    return _listed(served, "score", data, tokens)


async def _judged(
    service: Service, fields: ClassifyFields, caller: Caller, head: str, what: str
) -> tuple[Served, list[str], int]:
    served = await service.models.get(fields.model)
    if _head(served) != head:
        raise bad(
            f"the model '{served.name}' {what}; serve a folder with a {head} head, or ask a chat model for a word",
            "model",
        )
    texts = [fields.input] if isinstance(fields.input, str) else fields.input
    tokens = await service.computed(count, served, [(text, text) for text in texts])
    admitted(service, caller, tokens)
    return served, texts, tokens


async def classify(service: Service, fields: ClassifyFields, caller: Caller) -> Any:
    """The likeliest label of each text, and all probabilities."""
    served, texts, tokens = await _judged(service, fields, caller, CLASSIFICATION, "scores no labels")
    rows, data = await service.computed(served.judge.classify, texts), []
    for index, row in enumerate(rows.tolist()):
        best = max(range(len(row)), key=row.__getitem__)
        data.append({"index": index, "label": served.judge.labels[best], "probs": row, "num_classes": len(row)})
    return _listed(served, "classify", data, tokens)


async def reward(service: Service, fields: ClassifyFields, caller: Caller) -> Any:
    """One number for each text."""
    served, texts, tokens = await _judged(service, fields, caller, REWARD, "gives a text no number")
    rows = await service.computed(served.judge.reward, texts)
    data = [{"index": index, "object": "reward", "reward": value} for index, value in enumerate(rows.tolist())]
    return _listed(served, "reward", data, tokens)


def _listed(served: Served, kind: str, data: list[dict[str, Any]], tokens: int) -> JsonResponse:
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    head = {"id": f"{kind}-{uuid4().hex}", "object": "list", "created": now(), "model": served.name}
    return JsonResponse(head | {"data": data, "usage": usage})
