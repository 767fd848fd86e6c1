"""POST /v1/responses: OpenAI's Responses API, translated to a chat and back.

    instructions + input (a text or items)  ->  chat messages  ->  Exchange  ->  output items: reasoning, message, function_call

Streamed, every step of an item is an event of its own name with a number: response.created, response.output_item.added, response.output_text.delta, ...,
response.completed. https://platform.openai.com/docs/api-reference/responses. Nothing is stored: `previous_response_id` and `conversation` are
refused, send the items again. Not built: built-in tools (web search, files, code), background responses, log-probabilities (chat completions have them).
What is known and does nothing here is said in the response: `store` is false, `reasoning` has no effort, `truncation` is "disabled", `service_tier` "default".
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from pydantic import Field

from groundup.serving.api import sse
from groundup.serving.api.body import Fields, checked
from groundup.serving.api.chat import Draft, Exchange, begin, call_id, drafts
from groundup.serving.api.chat_fields import MOST_TOOLS, MOST_TOP, ChatFields, Loose
from groundup.serving.api.conversation import text_of
from groundup.serving.api.errors import ApiError, bad
from groundup.serving.api.sampling import Tokens
from groundup.serving.api.service import Caller, Service, now
from groundup.serving.api.speech import Said, Thought
from groundup.serving.api.streams import JsonResponse, stream
from groundup.serving.api.tool_formats.calls import Begin, Words


class FlatTool(Loose):
    """A function; its fields stand beside the type."""

    type: Literal["function"]
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FlatChoice(Loose):
    """The function that must be called."""

    type: Literal["function"]
    name: str


class TextFormat(Loose):
    """How the text is written."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    strict: bool | None = None


class TextConfig(Loose):
    """The text's form."""

    format: TextFormat | None = None
    verbosity: str | None = None


class ResponseFields(Fields):
    """The fields of a response."""

    not_built: ClassVar[dict[str, str]] = {
        "previous_response_id": "nothing is stored, send the earlier items again",
        "conversation": "nothing is stored, send the earlier items again",
        "background": "answers are given at once",
        "prompt": "there are no stored prompts",
        "max_tool_calls": "there are no built-in tools",
        "top_logprobs": "/v1/chat/completions gives log-probabilities",
        "include": "there is nothing more to include; /v1/chat/completions gives log-probabilities",
    }
    model: str | None = None
    input: str | Annotated[list[dict[str, Any]], Field(min_length=1, max_length=4096)]
    instructions: str | None = None
    max_output_tokens: Tokens | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MOST_TOP)] | None = None  # 0
    tools: Annotated[list[FlatTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | FlatChoice | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    stream: bool | None = None
    include: Annotated[list[str], Field(max_length=0)] | None = None
    # known, and without effect on a model that runs here: the response says so
    metadata: dict[str, Any] | None = None
    reasoning: dict[str, Any] | None = None
    store: bool | None = None
    truncation: Literal["disabled"] | None = None  # a context too long is an error
    user: str | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    stream_options: dict[str, Any] | None = None


def as_chat(fields: ResponseFields) -> ChatFields:
    """The same request as a chat."""
    messages: list[dict[str, Any]] = []
    if fields.instructions:
        messages.append({"role": "system", "content": fields.instructions})
    items = [{"role": "user", "content": fields.input}] if isinstance(fields.input, str) else fields.input
    for number, item in enumerate(items):
        _add(messages, item, f"input.{number}")
    chat: dict[str, Any] = {
        "messages": messages,
        "model": fields.model,
        "max_completion_tokens": fields.max_output_tokens,
    }
    chat |= {name: getattr(fields, name) for name in ("temperature", "top_p", "stream", "parallel_tool_calls")}
    if fields.tools:
        chat["tools"] = [
            {"type": "function", "function": one.model_dump(exclude={"type"}, exclude_none=True)}
            for one in fields.tools
        ]
    choice = fields.tool_choice
    named = {"type": "function", "function": {"name": choice.name}} if isinstance(choice, FlatChoice) else choice
    chat["tool_choice"] = named
    if fields.text is not None and fields.text.format is not None:
        chat["response_format"] = _format(fields.text.format)
    return checked(chat, ChatFields)


def _format(wanted: TextFormat) -> dict[str, Any]:
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    return {"type": "json_schema", "json_schema": {"name": wanted.name or "answer", "schema": wanted.schema_}}


def _add(messages: list[dict[str, Any]], item: dict[str, Any], place: str) -> None:
    """An item of the input as a message; calls of one answer stand together."""
    kind = item.get("type", "message")
    if kind == "message":
        role, content = item.get("role"), item.get("content")
        if role not in ("system", "developer", "user", "assistant") or not isinstance(content, str | list):
            raise bad(
                f"{place} is no message with a role and content; send {{'role': 'user', 'content': '...'}}", place
            )
        messages.append({"role": role, "content": text_of(content, place)})
    elif kind == "function_call" and isinstance(name := item.get("name"), str):
        function = {"name": name, "arguments": str(item.get("arguments") or "{}")}
        call = {"id": str(item.get("call_id")), "type": "function", "function": function}
        if messages and messages[-1].get("tool_calls"):
            messages[-1]["tool_calls"].append(call)
        else:
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
    elif kind == "function_call_output":
        output = item.get("output")
        text = output if isinstance(output, str) else text_of(output if isinstance(output, list) else None, place)
        messages.append({"role": "tool", "tool_call_id": str(item.get("call_id")), "content": text})
    elif kind != "reasoning":
        raise bad(
            f"{place} has the type {str(kind)[:40]!r}, which is not offered here; send messages and function calls",
            place,
        )


async def create(service: Service, fields: ResponseFields, caller: Caller) -> Any:
    """Answer: a response."""
    exchange = await begin(service, as_chat(fields), caller)
    head = _head(exchange, fields)
    if fields.stream:
        return await stream(_events(exchange, head), service.config, _error_frame)
    (draft,) = await drafts(exchange)
    return JsonResponse(_finished(exchange, head, _items(draft), draft.reason))


def _error_frame(error: ApiError) -> bytes:
    told = {"type": "error", "code": error.code, "message": error.message, "param": error.param}
    return sse.event(told, "error")


def _head(exchange: Exchange, fields: ResponseFields) -> dict[str, Any]:
    given = fields.model_dump(exclude_none=True, by_alias=True)
    return {
        "id": f"resp_{uuid4().hex}",
        "object": "response",
        "created_at": now(),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": fields.instructions,
        "max_output_tokens": fields.max_output_tokens,
        "model": exchange.served.name,
        "output": [],
        "parallel_tool_calls": fields.parallel_tool_calls is not False,
        "previous_response_id": None,
        "temperature": exchange.requests[0].sampling.temperature,
        "top_p": exchange.requests[0].sampling.top_p,
        "text": {"format": given.get("text", {}).get("format", {"type": "text"})},
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "truncation": "disabled",
        "service_tier": "default",
        "tool_choice": given.get("tool_choice", "auto"),
        "tools": given.get("tools", []),
        "metadata": fields.metadata or {},
        "usage": None,
    }


def _finished(exchange: Exchange, head: dict[str, Any], items: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    total = exchange.total
    usage = {
        "input_tokens": total.prompt,
        "input_tokens_details": {"cached_tokens": total.cached},
        "output_tokens": total.completion,
        "output_tokens_details": {"reasoning_tokens": total.reasoning},
        "total_tokens": total.prompt + total.completion,
    }
    cut = reason == "length"
    status = {
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
    }
    return head | status | {"output": items, "usage": usage}


def _message(id: str, text: str, status: str = "completed") -> dict[str, Any]:
    part = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}] if text else []
    return {"type": "message", "id": id, "status": status, "role": "assistant", "content": part}


def _reasoning(id: str, text: str) -> dict[str, Any]:
    return {
        "type": "reasoning",
        "id": id,
        "summary": [],
        "content": [{"type": "reasoning_text", "text": text}] if text else [],
    }


def _call(id: str, call: str, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    return {"type": "function_call", "id": id, "call_id": call, "name": name, "arguments": arguments, "status": status}


def _name(kind: str) -> str:
    return f"{kind}_{uuid4().hex[:32]}"


def _items(draft: Draft) -> list[dict[str, Any]]:
    items = [_reasoning(_name("rs"), "".join(draft.thoughts))] if draft.thoughts else []
    if (text := "".join(draft.words)) or not draft.calls:
        items.append(_message(_name("msg"), text))
    functions = [(call["id"], call["function"]) for call in draft.calls]
    return items + [_call(_name("fc"), id, one["name"], one["arguments"]) for id, one in functions]


class Writer:
    """Items of a stream: one is open at a time. `items` holds those that are done."""

    def __init__(self) -> None:
        self.number, self.items = -1, list[dict[str, Any]]()
        self.kind, self.id, self.call, self.text, self.tool = "", "", "", "", ""

    def event(self, kind: str, **fields: Any) -> bytes:
        """An event with the next number."""
        self.number += 1
        return sse.event({"type": kind, "sequence_number": self.number, **fields}, kind)

    def say(self, part: Said) -> list[bytes]:
        """What is said, in the item that it belongs to."""
        kind = "message" if isinstance(part, Words) else "reasoning" if isinstance(part, Thought) else "call"
        if isinstance(part, Begin):
            return self.start(kind, part.name)
        frames = [] if self.kind == kind else self.start(kind)
        self.text += part.text
        names = {"message": "output_text", "reasoning": "reasoning_text", "call": "function_call_arguments"}
        more: dict[str, Any] = {"delta": part.text} | ({} if kind == "call" else {"content_index": 0})
        more |= {"logprobs": []} if kind == "message" else {}
        return [
            *frames,
            self.event(f"response.{names[kind]}.delta", item_id=self.id, output_index=len(self.items), **more),
        ]

    def start(self, kind: str, name: str = "") -> list[bytes]:
        """Begin another item."""
        frames = self.close()
        self.kind, self.text, self.call, self.tool = kind, "", call_id(), name
        self.id = _name({"message": "msg", "reasoning": "rs", "call": "fc"}[kind])
        frames.append(
            self.event("response.output_item.added", output_index=len(self.items), item=self._item("in_progress", ""))
        )
        if kind == "message":
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            frames.append(
                self.event(
                    "response.content_part.added",
                    item_id=self.id,
                    output_index=len(self.items),
                    content_index=0,
                    part=part,
                )
            )
        return frames

    def _item(self, status: str, text: str) -> dict[str, Any]:
        if self.kind == "message":
            return _message(self.id, text, status)
        if self.kind == "reasoning":
            return _reasoning(self.id, text)
        return _call(self.id, self.call, self.tool, text, status)

    def close(self) -> list[bytes]:
        """End the open item."""
        if not self.kind:
            return []
        item, at = self._item("completed", self.text), {"item_id": self.id, "output_index": len(self.items)}
        frames = []
        if self.kind == "message":
            part = {"type": "output_text", "text": self.text, "annotations": [], "logprobs": []}
            frames.append(self.event("response.output_text.done", **at, content_index=0, text=self.text, logprobs=[]))
            frames.append(self.event("response.content_part.done", **at, content_index=0, part=part))
        elif self.kind == "reasoning":
            frames.append(self.event("response.reasoning_text.done", **at, content_index=0, text=self.text))
        else:
            frames.append(
                self.event("response.function_call_arguments.done", **at, name=self.tool, arguments=self.text)
            )
        frames.append(self.event("response.output_item.done", output_index=len(self.items), item=item))
        self.items, self.kind = [*self.items, item], ""
        return frames


async def _events(exchange: Exchange, head: dict[str, Any]) -> AsyncIterator[bytes]:
    writer, reason, begun = Writer(), "stop", False
    async with aclosing(exchange.turns()) as turns:  # type: ignore[type-var]
        async for turn in turns:
            if not begun:
                begun = True
                yield writer.event("response.created", response=head)
                yield writer.event("response.in_progress", response=head)
            for part in turn.said:
                for frame in writer.say(part):
                    yield frame
            reason = turn.reason or reason
    for frame in writer.close():
        yield frame
    done = _finished(exchange, head, writer.items, reason)
    yield writer.event("response.incomplete" if reason == "length" else "response.completed", response=done)
