"""POST /v1/chat/completions: OpenAI's chat, whole and streamed; and the exchange that Anthropic's Messages and the Responses API also speak through.

    fields -> Exchange (prompt, requests, readers) -> Turn, Turn, ... -> chat.completion or chunks

https://platform.openai.com/docs/api-reference/chat. Beside OpenAI's fields: those of `sampling`, `structured_outputs`, `chat_template_kwargs`,
`add_generation_prompt`, `continue_final_message`, `return_hidden_states`, `thinking_budget`. Thinking is given as `reasoning_content`.
Not built: sound, predicted outputs, web search, stored completions; the older `functions` (use `tools`).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from groundup.inference.decoding.config import SamplingConfig, as_order
from groundup.inference.decoding.thinking import Marks, thinking_budget
from groundup.inference.engine import Event, Request, Scored
from groundup.serving.api import scores, sse, tool_formats
from groundup.serving.api.answers import Total
from groundup.serving.api.chat_fields import ChatFields, NamedTool
from groundup.serving.api.errors import bad
from groundup.serving.api.hidden_states import Kept, check_size
from groundup.serving.api.models import THINKING, Served
from groundup.serving.api.prompts import chat_prompt, opened_thinking
from groundup.serving.api.sampling import sampling_of, stop_ids_of
from groundup.serving.api.service import Caller, Service, need_text, now
from groundup.serving.api.speech import Said, Speaker, Thought
from groundup.serving.api.streams import JsonResponse, stream
from groundup.serving.api.structured import wanted_call, wanted_format, wanted_output
from groundup.serving.api.tool_formats.calls import Arguments, Begin, Words


@dataclass(frozen=True, slots=True)
class Turn:
    """What one event added to one answer. reason: OpenAI's finish_reason at the end."""

    index: int
    said: list[Said]
    event: Event
    reason: str | None
    stopped_by: str | None = None  # the stop string that ended the answer


class Exchange:
    """A conversation's next answers: what every chat-like API is made of."""

    def __init__(
        self, service: Service, caller: Caller, served: Served, fields: ChatFields, requests: Sequence[Request]
    ):
        self.service, self.caller, self.served, self.fields, self.requests = service, caller, served, fields, requests
        self.total = Total()
        self.charged = service.admit(caller, served, requests)

    async def turns(self) -> AsyncIterator[Turn]:
        """The answers as they come."""
        parse, shown = parsing(self.served, self.fields)
        inside = opened_thinking(self.served, list(self.requests[0].prompt_ids))
        marks = THINKING if self.served.thinks and wanted(self.fields) is None else None
        speakers = [Speaker(marks, inside, parse) for _ in self.requests]
        if marks:
            shown |= self.served.control_ids(marks)
        run = self.service.run(
            self.caller,
            self.served,
            self.requests,
            self.charged,
            shown=shown,
            total=self.total,
            answers_a_prompt=len(self.requests),
            seeded=self.fields.seed is not None,
            wanted=wanted(self.fields),
        )
        async with aclosing(run) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                speaker, over = speakers[piece.index], piece.finish_reason is not None
                said = speaker.push(piece.text, over)
                if self.fields.parallel_tool_calls is False:
                    said = [part for part in said if isinstance(part, Words | Thought) or part.index == 0]
                if any(isinstance(part, Thought) for part in said):
                    self.total.reasoning += len(piece.event.ids)
                reason = speaker.reason(piece.finish_reason) if piece.finish_reason else None
                yield Turn(piece.index, said, piece.event, reason, piece.stopped_by)


def tools_of(fields: ChatFields) -> list[dict[str, Any]]:
    """The tools that the model is told of."""
    if fields.tool_choice == "none":
        return []
    return [tool.model_dump(exclude_none=True) for tool in fields.tools or ()]


def choice_of(fields: ChatFields) -> Any:
    """tool_choice as `structured.wanted_call` takes it."""
    chosen = fields.tool_choice
    return {"name": chosen.function.name} if isinstance(chosen, NamedTool) else chosen or "auto"


def wanted(fields: ChatFields) -> Any:
    """The constraint of a request, as words."""
    call = wanted_call(tools_of(fields), choice_of(fields))
    format_ = wanted_format(fields.response_format)
    output = wanted_output(fields.structured_outputs)
    if len([one for one in (call, format_, output) if one is not None]) > 1:
        raise bad(
            "only one of response_format, structured_outputs and a forced tool can shape an answer; leave the others out"
        )
    return call or format_ or output


def parsing(served: Served, fields: ChatFields) -> tuple[Any, frozenset[int]]:
    """How calls are read, None where there are none; and the control tokens that are part of them."""
    if not tools_of(fields):
        return None, frozenset()
    if choice_of(fields) not in ("auto", "none"):
        return tool_formats.PLAIN.parse, frozenset()
    return served.tool_format.parse, served.control_ids(served.tool_format.tokens)


async def begin(service: Service, fields: ChatFields, caller: Caller) -> Exchange:
    """Check everything, let the request in."""
    served = await service.models.get(fields.model)
    need_text(served)
    constraint_words = wanted(fields)
    if fields.top_logprobs is not None and not fields.logprobs:
        raise bad("top_logprobs needs logprobs: true; add it, or leave top_logprobs out", "top_logprobs")
    prompt = await service.beside(ids_of, served, fields)
    constraint = await service.constraint(served, constraint_words)
    most_new = service.most_new(fields.most_new, served.context)
    sampling = sampling_of(fields, served.handle, len(prompt), most_new)
    request = Request(
        prompt_ids=prompt,
        sampling=budgeted(served, sampling, fields),
        stop_ids=stop_ids_of(fields, set(served.turn_ends)),  # type: ignore[arg-type]
        priority=caller.priority + (fields.priority or 0),
        key=caller.name,
        adapter=served.adapter,
        constraint=constraint,
        log_probabilities=(fields.top_logprobs or 0) if fields.logprobs else None,
        return_hidden_states=bool(fields.return_hidden_states),
    )
    check_size(served, fields, sampling.max_new_tokens, fields.n or 1)
    return Exchange(
        service, caller, served, fields, [replace(request, stream=number) for number in range(fields.n or 1)]
    )


def budgeted(served: Served, sampling: SamplingConfig, fields: ChatFields) -> SamplingConfig:
    """The sampling with a last step that closes a thought after its budget; as it is for a model that does not think."""
    if fields.thinking_budget is None or not served.thinks or wanted(fields) is not None:
        return sampling
    step = thinking_budget(Marks.of(served.tokenizer, THINKING), fields.thinking_budget)
    return replace(sampling, order=(*as_order(sampling.order), step))


def ids_of(served: Served, fields: ChatFields) -> list[int]:
    """The prompt of a conversation."""
    messages = [message.model_dump(exclude_none=True) for message in fields.messages]
    go_on = bool(fields.continue_final_message)
    if go_on and fields.messages[-1].role != "assistant":
        raise bad(
            "continue_final_message goes on with an answer, and the last message is none; end with role assistant",
            "messages",
        )
    if go_on and fields.add_generation_prompt:
        raise bad(
            "add_generation_prompt and continue_final_message exclude each other; leave one out",
            "continue_final_message",
        )
    prompt = fields.add_generation_prompt is not False
    ids = chat_prompt(
        served, messages, tools_of(fields), go_on=go_on, generation_prompt=prompt, variables=fields.chat_template_kwargs
    )
    if not ids:
        raise bad("the conversation makes a prompt without a token; say something", "messages")
    return ids


async def create(service: Service, fields: ChatFields, caller: Caller) -> Any:
    """Answer: a response."""
    exchange = await begin(service, fields, caller)
    if fields.stream:
        return await stream(_chunks(exchange), service.config)
    return JsonResponse(await _whole(exchange))


def _head(exchange: Exchange, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid4().hex}", "object": kind, "created": now(), "model": exchange.served.name}


class Draft:
    """One answer as it grows."""

    def __init__(self) -> None:
        self.words, self.thoughts = list[str](), list[str]()
        self.calls: list[dict[str, Any]] = []
        self.scored: list[Scored] = []
        self.kept = Kept()
        self.reason = "stop"
        self.stopped_by: str | None = None

    def add(self, turn: Turn) -> None:
        """Take what a turn added."""
        for part in turn.said:
            if isinstance(part, Words):
                self.words.append(part.text)
            elif isinstance(part, Thought):
                self.thoughts.append(part.text)
            elif isinstance(part, Begin):
                self.calls.append(
                    {"id": call_id(), "type": "function", "function": {"name": part.name, "arguments": ""}}
                )
            else:
                self.calls[part.index]["function"]["arguments"] += part.text
        self.scored += scores.of_event(turn.event)
        self.kept.add(turn.event)
        self.reason, self.stopped_by = turn.reason or self.reason, turn.stopped_by or self.stopped_by

    def message(self) -> dict[str, Any]:
        """The message of the answer."""
        text = "".join(self.words)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": text if text.strip() or not self.calls else None,
            "refusal": None,
        }
        if self.calls:
            message["tool_calls"] = self.calls
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        return message


def call_id() -> str:
    """A name for a call."""
    return f"call_{uuid4().hex[:24]}"


async def drafts(exchange: Exchange) -> list[Draft]:
    """All answers, whole."""
    made = [Draft() for _ in exchange.requests]
    async with aclosing(exchange.turns()) as turns:  # type: ignore[type-var]
        async for turn in turns:
            made[turn.index].add(turn)
    return made


async def _whole(exchange: Exchange) -> dict[str, Any]:
    choices = []
    for index, draft in enumerate(await drafts(exchange)):
        logprobs = None
        if exchange.fields.logprobs:
            logprobs = {"content": scores.chat_tokens(exchange.served.tokenizer, draft.scored), "refusal": None}
        choice = {"index": index, "message": draft.message(), "logprobs": logprobs, "finish_reason": draft.reason}
        choices.append(choice | draft.kept.fields())
    return _head(exchange, "chat.completion") | {"choices": choices, "usage": usage(exchange.total)}


def usage(total: Total) -> dict[str, Any]:
    """`usage` with the tokens of thinking."""
    return total.openai() | {"completion_tokens_details": {"reasoning_tokens": total.reasoning}}


def _delta(part: Said) -> dict[str, Any]:
    """What is said as the delta of a chunk."""
    if isinstance(part, Words):
        return {"content": part.text}
    if isinstance(part, Thought):
        return {"reasoning_content": part.text}
    if isinstance(part, Begin):
        call = {
            "index": part.index,
            "id": call_id(),
            "type": "function",
            "function": {"name": part.name, "arguments": ""},
        }
        return {"tool_calls": [call]}
    assert isinstance(part, Arguments)
    return {"tool_calls": [{"index": part.index, "function": {"arguments": part.text}}]}


async def _chunks(exchange: Exchange) -> AsyncIterator[bytes]:
    """The chunks of all answers: a role first, then what is said, then a reason; usage last, where it was asked for."""
    fields, head, begun = exchange.fields, _head(exchange, "chat.completion.chunk"), set[int]()
    options = fields.stream_options
    asked = options is not None and bool(options.include_usage)
    waiting: dict[int, list[Scored]] = {}

    def chunk(
        index: int, delta: dict[str, Any], reason: str | None = None, more: dict[str, Any] | None = None
    ) -> bytes:
        logprobs = None
        if fields.logprobs and (scored := waiting.pop(index, [])):
            logprobs = {"content": scores.chat_tokens(exchange.served.tokenizer, scored), "refusal": None}
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason} | (more or {})
        used = usage(exchange.total) if options and options.continuous_usage_stats else None
        return sse.event(head | {"choices": [choice]} | ({"usage": used} if asked else {}))

    async with aclosing(exchange.turns()) as turns:  # type: ignore[type-var]
        async for turn in turns:
            if turn.index not in begun:
                begun.add(turn.index)
                yield chunk(turn.index, {"role": "assistant", "content": ""})
            waiting.setdefault(turn.index, []).extend(scores.of_event(turn.event))
            for part in turn.said:
                yield chunk(turn.index, _delta(part))
            if turn.event.hidden_states is not None and turn.event.ids:
                yield chunk(turn.index, {}, None, Kept.of(turn.event).fields())
            if turn.reason:
                yield chunk(turn.index, {}, turn.reason)
    if asked:
        yield sse.event(head | {"choices": [], "usage": usage(exchange.total)})
    yield sse.DONE
