"""POST /tokenize, /detokenize, /apply-template: what a model's tokenizer makes of a text, of ids, of a conversation. Fields as vLLM's."""

from typing import Annotated, Any

from pydantic import Field

from groundup.serving.api import scores
from groundup.serving.api.body import Fields
from groundup.serving.api.chat import ids_of
from groundup.serving.api.chat_fields import ChatFields, Message, Tool
from groundup.serving.api.errors import bad
from groundup.serving.api.models import Served
from groundup.serving.api.service import Caller, Service
from groundup.serving.api.streams import JsonResponse

MOST_IDS = 1 << 20


class TokenizeFields(Fields):
    """A text, or a conversation."""

    model: str | None = None
    prompt: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)] | None = None
    tools: list[Tool] | None = None
    add_special_tokens: bool | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    return_token_strs: bool | None = None


class DetokenizeFields(Fields):
    """Ids."""

    model: str | None = None
    tokens: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=MOST_IDS)]


class TemplateFields(Fields):
    """A conversation."""

    model: str | None = None
    messages: Annotated[list[Message], Field(min_length=1)]
    tools: list[Tool] | None = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    chat_template_kwargs: dict[str, Any] | None = None


def _conversation(served: Served, fields: Any) -> list[int]:
    names = ("messages", "tools", "add_generation_prompt", "continue_final_message", "chat_template_kwargs")
    return ids_of(served, ChatFields.model_construct(**{name: getattr(fields, name) for name in names}))


async def tokenize(service: Service, fields: TokenizeFields, caller: Caller) -> Any:
    """The ids of a text or a conversation."""
    served = await service.models.get(fields.model)
    if (fields.prompt is None) == (fields.messages is None):
        raise bad("tokenize wants either prompt or messages; give one of them", "prompt")

    def ids() -> list[int]:
        if fields.prompt is None:
            return _conversation(served, fields)
        if fields.add_special_tokens is False:
            return list(served.tokenizer.encode(fields.prompt))
        return list(served.tokenizer.encode_prompt(fields.prompt))

    found = await service.beside(ids)
    told = {"count": len(found), "max_model_len": served.context, "tokens": found, "token_strs": None}
    if fields.return_token_strs:
        told["token_strs"] = [scores.token(served.tokenizer, id)[0] for id in found]
    return JsonResponse(told)


async def detokenize(service: Service, fields: DetokenizeFields, caller: Caller) -> Any:
    """The text of ids."""
    served = await service.models.get(fields.model)
    size = len(served.tokenizer)
    if wrong := [id for id in fields.tokens if id >= size]:
        raise bad(f"{wrong[0]} is no token; ids go from 0 to {size - 1}", "tokens")
    return JsonResponse({"prompt": await service.beside(served.tokenizer.decode, fields.tokens)})


async def apply_template(service: Service, fields: TemplateFields, caller: Caller) -> Any:
    """A conversation as the text that the model reads."""
    served = await service.models.get(fields.model)
    ids = await service.beside(_conversation, served, fields)
    return JsonResponse({"prompt": served.tokenizer.decode(ids), "tokens": ids})
