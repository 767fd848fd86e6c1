"""POST /v1/completions: a text goes on, whole and streamed.

    prompt: a text, ids, or a list of either -> requests, n of each -> choices in the order prompt 0 answer 0, prompt 0 answer 1, ...

https://platform.openai.com/docs/api-reference/completions. `echo` puts the prompt before the answer, with `logprobs` also its tokens' log-probabilities
(the first token has none): evaluation harnesses read likelihoods this way. `suffix` fills in the middle where the tokenizer has the control tokens
for it. `best_of` writes more answers than are given and gives the likeliest by mean log-probability; it cannot be streamed.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Annotated, Any
from uuid import uuid4

from pydantic import Field

from groundup.errors import InputError
from groundup.inference.decoding.beginnings import fill_in
from groundup.inference.engine import Request, Scored
from groundup.serving.api import scores, sse
from groundup.serving.api.answers import Piece, Total
from groundup.serving.api.errors import bad
from groundup.serving.api.hidden_states import Kept, check_size
from groundup.serving.api.models import Served
from groundup.serving.api.prompts import text_prompt
from groundup.serving.api.sampling import MOST_ANSWERS, Drawing, sampling_of, stop_ids_of
from groundup.serving.api.service import Caller, Service, need_text, now
from groundup.serving.api.streams import JsonResponse, stream
from groundup.serving.api.structured import ResponseFormat, StructuredOutputs, wanted_format, wanted_output

DEFAULT_MOST_NEW = 16  # OpenAI's
MOST_LOGPROBS = 20
Ids = Annotated[list[int], Field(min_length=1)]


class CompletionFields(Drawing):
    """The fields of a completion."""

    model: str | None = None
    prompt: str | Ids | Annotated[list[str], Field(min_length=1)] | Annotated[list[Ids], Field(min_length=1)]
    suffix: str | None = None
    echo: bool | None = None
    best_of: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=MOST_LOGPROBS)] | None = None
    add_special_tokens: bool | None = None
    response_format: ResponseFormat | None = None
    structured_outputs: StructuredOutputs | None = None


@dataclass
class Completing:
    """A call that was let in."""

    service: Service
    caller: Caller
    served: Served
    fields: CompletionFields
    requests: Sequence[Request]
    echoes: Sequence[str]  # what stands before each answer
    total: Total = field(default_factory=Total)
    charged: int = 0
    wanted: Any = None  # the words of the constraint

    @property
    def written(self) -> int:
        """Answers that are written to each prompt."""
        return self.fields.best_of or self.fields.n or 1

    def pieces(self) -> AsyncIterator[Piece]:
        """The pieces of all answers."""
        return self.service.run(
            self.caller,
            self.served,
            self.requests,
            self.charged,
            total=self.total,
            answers_a_prompt=self.written,
            seeded=self.fields.seed is not None,
            wanted=self.wanted,
        )

    def choice(self, index: int, text: str, scored: Sequence[Scored], start: int, reason: str | None) -> dict[str, Any]:
        """One choice of an answer or a chunk."""
        asked, tokenizer = self.fields.logprobs, self.served.tokenizer
        logprobs = None if asked is None else scores.completion_tokens(tokenizer, scored, start, asked)
        return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}


async def begin(service: Service, fields: CompletionFields, caller: Caller) -> Completing:
    """Check everything, let the request in."""
    served = await service.models.get(fields.model)
    need_text(served)
    prompts = [fields.prompt] if isinstance(fields.prompt, str) or isinstance(fields.prompt[0], int) else fields.prompt
    n, written = fields.n or 1, fields.best_of or fields.n or 1
    if written < n:
        raise bad(f"best_of is {written} and n is {n}; best_of must be at least n", "best_of")
    if fields.stream and written > n:
        raise bad("best_of cannot be streamed, since the best is known at the end; leave it or stream out", "best_of")
    if len(prompts) * written > MOST_ANSWERS:
        raise bad(
            f"{len(prompts)} prompts with {written} answers each are more than {MOST_ANSWERS} answers; ask in parts",
            "prompt",
        )
    wanted, output = wanted_format(fields.response_format), wanted_output(fields.structured_outputs)
    if wanted and output:
        raise bad("only one of response_format and structured_outputs can shape an answer; leave the other out")
    wanted = wanted or output
    constraint = await service.constraint(served, wanted)
    ids = await service.beside(lambda: [_ids(served, fields, prompt) for prompt in prompts])
    most_new = fields.max_tokens or min(DEFAULT_MOST_NEW, service.most_new(None, served.context) or served.context)
    requests = [
        replace(one, stream=stream_number)
        for one in (_request(served, fields, caller, prompt, constraint, most_new) for prompt in ids)
        for stream_number in range(written)
    ]
    echoes = [_text(served, prompt) if fields.echo else "" for prompt in prompts for _ in range(written)]
    charged = service.admit(caller, served, requests)
    return Completing(service, caller, served, fields, requests, echoes, charged=charged, wanted=wanted)


def _request(
    served: Served, fields: CompletionFields, caller: Caller, ids: list[int], constraint: Any, most_new: int
) -> Request:
    sampling = sampling_of(fields, served.handle, len(ids), most_new)
    check_size(served, fields, sampling.max_new_tokens, fields.n or 1)
    ranked = fields.best_of is not None and fields.best_of > (fields.n or 1)
    return Request(
        prompt_ids=ids,
        sampling=sampling,
        stop_ids=stop_ids_of(fields, set(served.ends)),  # type: ignore[arg-type]
        priority=caller.priority + (fields.priority or 0),
        key=caller.name,
        adapter=served.adapter,
        constraint=constraint,
        log_probabilities=fields.logprobs if fields.logprobs is not None else 0 if ranked else None,
        prompt_log_probabilities=bool(fields.echo) and fields.logprobs is not None,
        return_hidden_states=bool(fields.return_hidden_states),
    )


def _ids(served: Served, fields: CompletionFields, prompt: Any) -> list[int]:
    if fields.suffix:
        return _filling_in(served, prompt, fields.suffix)
    ids = text_prompt(served, prompt, fields.add_special_tokens is not False)
    if not ids:
        raise bad(
            "the prompt is empty and this tokenizer puts no token before a text; send at least one character", "prompt"
        )
    return ids


def _filling_in(served: Served, prompt: Any, suffix: str) -> list[int]:
    if not isinstance(prompt, str):
        raise bad("suffix fills in a text, and the prompt is ids; send the prompt as text", "suffix")
    try:
        return fill_in(served.tokenizer, prompt, suffix)
    except InputError as error:
        raise bad(f"suffix: {error}", "suffix") from None


def _text(served: Served, prompt: Any) -> str:
    return prompt if isinstance(prompt, str) else str(served.tokenizer.decode(prompt))


async def create(service: Service, fields: CompletionFields, caller: Caller) -> Any:
    """Answer: a response."""
    completing = await begin(service, fields, caller)
    if fields.stream:
        return await stream(_chunks(completing), service.config)
    return JsonResponse(await _whole(completing))


def _head(completing: Completing) -> dict[str, Any]:
    return {"id": f"cmpl-{uuid4().hex}", "object": "text_completion", "created": now(), "model": completing.served.name}


class Draft:
    """One answer as it grows."""

    def __init__(self, echo: str):
        self.text, self.scored, self.reason = [echo], list[Scored](), "stop"
        self.kept, self.prompt = Kept(), 0

    def add(self, piece: Piece) -> None:
        """Take a piece."""
        self.text.append(piece.text)
        self.prompt += len(piece.event.prompt)
        self.scored += [*piece.event.prompt, *scores.of_event(piece.event)]
        self.kept.add(piece.event)
        self.reason = piece.finish_reason or self.reason

    @property
    def mean(self) -> float:
        """Mean log-probability of its tokens; those of an echoed prompt are not its own."""
        values = [one.log_probability or 0.0 for one in self.scored[self.prompt :]]
        return sum(values) / max(1, len(values))


async def _whole(completing: Completing) -> dict[str, Any]:
    drafts = [Draft(echo) for echo in completing.echoes]
    async with aclosing(completing.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            drafts[piece.index].add(piece)
    choices = await completing.service.beside(_choices, completing, drafts)
    return _head(completing) | {"choices": choices, "usage": completing.total.openai()}


def _choices(completing: Completing, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """The choices of finished answers: with 20 scores beside each token of a hundred prompts the work of a second, so for a thread."""
    written, n = completing.written, completing.fields.n or 1
    groups = [drafts[start : start + written] for start in range(0, len(drafts), written)]
    if written > n:
        groups = [sorted(group, key=lambda draft: -draft.mean)[:n] for group in groups]
    return [
        completing.choice(index, "".join(draft.text), draft.scored, 0, draft.reason) | draft.kept.fields()
        for index, draft in enumerate(one for group in groups for one in group)
    ]


async def _chunks(completing: Completing) -> AsyncIterator[bytes]:
    """A chunk a piece; the echo with the first, usage last, where it was asked for."""
    head, options = _head(completing), completing.fields.stream_options
    asked = options is not None and bool(options.include_usage)
    length = dict[int, int]()
    waiting: dict[int, list[Scored]] = {}
    async with aclosing(completing.pieces()) as pieces:  # type: ignore[type-var]
        async for piece in pieces:
            first = piece.index not in length
            text = (completing.echoes[piece.index] if first else "") + piece.text
            scored = waiting.setdefault(piece.index, [])
            scored += [*piece.event.prompt, *scores.of_event(piece.event)]
            length.setdefault(piece.index, 0)
            counting = options is not None and bool(options.continuous_usage_stats)
            if not (text or piece.finish_reason or piece.event.hidden_states is not None or counting):
                continue  # nothing is certain yet
            choice = completing.choice(
                piece.index, text, waiting.pop(piece.index), length[piece.index], piece.finish_reason
            )
            length[piece.index] += len(text)
            used = completing.total.openai() if options and options.continuous_usage_stats else None
            choice |= Kept.of(piece.event).fields()
            yield sse.event(head | {"choices": [choice]} | ({"usage": used} if asked else {}))
    if asked:
        yield sse.event(head | {"choices": [], "usage": completing.total.openai()})
    yield sse.DONE
