"""POST /v1/messages: Anthropic's Messages, translated to a chat and back.

    system + messages with blocks  ->  chat messages  ->  Exchange  ->  blocks (thinking, text, tool_use), or events of a stream

    message_start, then for each block content_block_start, content_block_delta ..., content_block_stop, then message_delta with the reason, message_stop

A last message of the assistant is a beginning that the answer goes on with. Unknown fields are refused, as the API does. https://docs.anthropic.com/en/api/messages
Not built: images and documents, server tools, containers. A thought is closed after `thinking.budget_tokens`.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Annotated, Any, ClassVar, Literal
from uuid import uuid4

from pydantic import Field

from groundup.serving.api import sse
from groundup.serving.api.body import Fields, checked
from groundup.serving.api.chat import Draft, Exchange, begin, drafts, ids_of
from groundup.serving.api.chat_fields import ChatFields, Loose
from groundup.serving.api.conversation import text_of
from groundup.serving.api.errors import ApiError, anthropic_body, bad
from groundup.serving.api.sampling import MOST_STOPS, Stop, Tokens, Unit
from groundup.serving.api.service import Caller, Service
from groundup.serving.api.speech import Said, Thought
from groundup.serving.api.streams import JsonResponse, stream
from groundup.serving.api.tool_formats.calls import Begin, Words

Blocks = str | list[dict[str, Any]]


class InputMessage(Loose):
    """A message: a text, or blocks."""

    role: Literal["user", "assistant"]
    content: Blocks


class AnthropicTool(Loose):
    """A tool. input_schema: the JSON schema of its input."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    type: Literal["custom"] | None = None
    description: str | None = None
    input_schema: dict[str, Any]


class ToolChoice(Loose):
    """auto, any, none, or one tool by name."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Loose):
    """Whether the model may think first."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Field(ge=1)] | None = None


class CountFields(Fields):
    """What makes a prompt."""

    not_built: ClassVar[dict[str, str]] = {"mcp_servers": "the server asks nobody", "container": "there is none"}
    model: str | None = None
    messages: Annotated[list[InputMessage], Field(min_length=1, max_length=4096)]
    system: Blocks | None = None
    tools: Annotated[list[AnthropicTool], Field(max_length=128)] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None


class MessageFields(CountFields):
    """The fields of a message."""

    max_tokens: Tokens
    temperature: Unit | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1 << 31)] | None = None
    stop_sequences: Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    stream: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None


def as_chat(fields: CountFields) -> ChatFields:
    """The same request as a chat."""
    messages: list[dict[str, Any]] = []
    if system := text_of(fields.system, "system"):
        messages.append({"role": "system", "content": system})
    for number, message in enumerate(fields.messages):
        messages += _messages(message, f"messages.{number}.content")
    chat: dict[str, Any] = {"messages": messages, "model": fields.model}
    chat |= _tools(fields)
    if fields.messages[-1].role == "assistant":
        chat["continue_final_message"] = True
    if fields.thinking is not None:
        chat["chat_template_kwargs"] = {"enable_thinking": fields.thinking.type != "disabled"}
        chat["thinking_budget"] = fields.thinking.budget_tokens
    if isinstance(fields, MessageFields):
        chat |= {
            "max_completion_tokens": fields.max_tokens,
            "stream": fields.stream,
            "stop": fields.stop_sequences or None,
        }
        chat |= {
            name: value for name in ("temperature", "top_p", "top_k") if (value := getattr(fields, name)) is not None
        }
    return checked(chat, ChatFields)


def _messages(message: InputMessage, place: str) -> list[dict[str, Any]]:
    """A message with blocks as chat messages: results of tools are messages of their own, before the user's words."""
    if isinstance(message.content, str):
        return [{"role": message.role, "content": message.content}]
    words, calls, results = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for block in message.content:
        kind = block.get("type")
        if kind == "tool_use" and message.role == "assistant":
            calls.append(_called(block, place))
        elif kind == "tool_result" and message.role == "user":
            results.append(
                {
                    "role": "tool",
                    "tool_call_id": str(block.get("tool_use_id")),
                    "content": _result(block.get("content"), place),
                }
            )
        elif kind not in ("thinking", "redacted_thinking"):
            words.append(block)
    text = text_of(words, place)
    written: list[dict[str, Any]] = list(results)
    if text or calls or not results:
        written.append({"role": message.role, "content": text} | ({"tool_calls": calls} if calls else {}))
    return written


def _result(content: Any, place: str) -> str:
    if content is not None and not isinstance(content, str | list):
        raise bad(f"{place} has a tool_result whose content is no text; send a string or text blocks", place)
    return text_of(content, place)


def _called(block: Mapping[str, Any], place: str) -> dict[str, Any]:
    name, given = block.get("name"), block.get("input", {})
    if not isinstance(name, str) or not isinstance(given, dict):
        raise bad(f"{place} has a tool_use without a name and an input object; give both", place)
    return {
        "id": str(block.get("id")),
        "type": "function",
        "function": {"name": name, "arguments": json.dumps(given, ensure_ascii=False)},
    }


def _tools(fields: CountFields) -> dict[str, Any]:
    functions = [
        {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
        for tool in fields.tools or ()
    ]
    told: dict[str, Any] = {"tools": [{"type": "function", "function": one} for one in functions] or None}
    if (choice := fields.tool_choice) is not None:
        named = {"type": "function", "function": {"name": choice.name or ""}}
        told["tool_choice"] = {"auto": "auto", "any": "required", "none": "none", "tool": named}[choice.type]
        told["parallel_tool_calls"] = not choice.disable_parallel_tool_use
    return told


async def count_tokens(service: Service, fields: CountFields, caller: Caller) -> Any:
    """How many tokens a conversation has."""
    served = await service.models.get(fields.model)
    return JsonResponse({"input_tokens": len(await service.beside(ids_of, served, as_chat(fields)))})


async def create(service: Service, fields: MessageFields, caller: Caller) -> Any:
    """Answer: a response."""
    exchange = await begin(service, as_chat(fields), caller)
    if fields.stream:
        return await stream(_events(exchange), service.config, _error_frame)
    return JsonResponse(await _whole(exchange))


def _error_frame(error: ApiError) -> bytes:
    return sse.event(anthropic_body(error), "error")


REASONS = {"length": "max_tokens", "tool_calls": "tool_use", "stop": "end_turn"}


def _reason(exchange: Exchange, reason: str, stopped_by: str | None) -> dict[str, Any]:
    if reason == "stop" and stopped_by is not None:
        return {"stop_reason": "stop_sequence", "stop_sequence": stopped_by}
    return {"stop_reason": REASONS[reason], "stop_sequence": None}


def _message(exchange: Exchange) -> dict[str, Any]:
    head = {"id": f"msg_{uuid4().hex[:24]}", "type": "message", "role": "assistant", "model": exchange.served.name}
    return head | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(exchange)}


def _usage(exchange: Exchange) -> dict[str, Any]:
    total = exchange.total
    return {
        "input_tokens": total.prompt - total.cached,
        "cache_read_input_tokens": total.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": total.completion,
    }


def _blocks(draft: Draft) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if draft.thoughts:
        blocks.append({"type": "thinking", "thinking": "".join(draft.thoughts), "signature": ""})
    if text := "".join(draft.words):
        blocks.append({"type": "text", "text": text})
    functions = [call["function"] for call in draft.calls]
    return blocks + [
        {"type": "tool_use", "id": _tool_id(), "name": one["name"], "input": _object(one["arguments"])}
        for one in functions
    ]


def _tool_id() -> str:
    return f"toolu_{uuid4().hex[:24]}"


def _object(arguments: str) -> dict[str, Any]:
    """The input of a call; one that the length cut off is given as it came, under a name that says so."""
    try:
        found = json.loads(arguments)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"unfinished": arguments}


async def _whole(exchange: Exchange) -> dict[str, Any]:
    (draft,) = await drafts(exchange)
    return (
        _message(exchange)
        | {"content": _blocks(draft), "usage": _usage(exchange)}
        | _reason(exchange, draft.reason, draft.stopped_by)
    )


class Writer:
    """Blocks of a stream: one is open at a time."""

    def __init__(self) -> None:
        self.index, self.open = -1, ""

    def close(self) -> list[bytes]:
        """End the open block."""
        kind, self.open = self.open, ""
        return [sse.event({"type": "content_block_stop", "index": self.index}, "content_block_stop")] if kind else []

    def start(self, kind: str, block: dict[str, Any]) -> list[bytes]:
        """Begin another block."""
        frames = self.close()
        self.index, self.open = self.index + 1, kind
        return [
            *frames,
            sse.event(
                {"type": "content_block_start", "index": self.index, "content_block": block}, "content_block_start"
            ),
        ]

    def say(self, part: Said) -> list[bytes]:
        """What is said, in the block that it belongs to."""
        if isinstance(part, Begin):
            return self.start(
                f"call {part.index}", {"type": "tool_use", "id": _tool_id(), "name": part.name, "input": {}}
            )
        if isinstance(part, Words):
            frames = [] if self.open == "text" else self.start("text", {"type": "text", "text": ""})
            return [*frames, self._delta({"type": "text_delta", "text": part.text})]
        if isinstance(part, Thought):
            frames = (
                []
                if self.open == "thinking"
                else self.start("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            )
            return [*frames, self._delta({"type": "thinking_delta", "thinking": part.text})]
        return [self._delta({"type": "input_json_delta", "partial_json": part.text})]

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return sse.event({"type": "content_block_delta", "index": self.index, "delta": delta}, "content_block_delta")


async def _events(exchange: Exchange) -> AsyncIterator[bytes]:
    writer, begun, reason, stopped_by = Writer(), False, "stop", None
    async with aclosing(exchange.turns()) as turns:  # type: ignore[type-var]
        async for turn in turns:
            if not begun:
                begun = True
                yield sse.event({"type": "message_start", "message": _message(exchange)}, "message_start")
                yield sse.event({"type": "ping"}, "ping")
            for part in turn.said:
                for frame in writer.say(part):
                    yield frame
            reason, stopped_by = turn.reason or reason, turn.stopped_by or stopped_by
    for frame in writer.close():
        yield frame
    told = {"type": "message_delta", "delta": _reason(exchange, reason, stopped_by), "usage": _usage(exchange)}
    yield sse.event(told, "message_delta")
    yield sse.event({"type": "message_stop"}, "message_stop")
