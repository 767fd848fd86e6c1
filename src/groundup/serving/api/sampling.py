"""Fields of a request to the engine's sampling: one reading for every API that draws tokens.

Names and ranges are OpenAI's (https://platform.openai.com/docs/api-reference); `top_k`, `min_p`, `typical_p`, `repetition_penalty`, `stop_token_ids`,
`ignore_eos` and `priority` are fields of ours under the names that vLLM gave them, which its clients send already. What is left out is the model folder's own
(generation_config.json). A seed that is left out is drawn, so that the same question may be answered in another way.

max_tokens is an upper bound: where the context ends sooner, the answer ends there with `finish_reason` "length". 0 is refused, as is more than
the whole context.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from groundup.inference.decoding.config import SamplingConfig, as_order
from groundup.serving.api.body import Fields, few
from groundup.serving.api.errors import bad

MOST_STOPS, LONGEST_STOP = 16, 256  # every stop is looked for in every piece of text
MOST_ANSWERS = 128  # as OpenAI's n
MOST_BIASES = 1024
SEEDS = 1 << 63

Unit = Annotated[float, Field(ge=0, le=1)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Stop = Annotated[str, Field(min_length=1, max_length=LONGEST_STOP)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Seed = Annotated[int, Field(ge=-SEEDS, lt=SEEDS)]
Tokens = Annotated[int, Field(ge=1, le=1 << 31)]


class StreamOptions(Fields):
    """What a stream has besides the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None  # padding against traffic analysis: taken, not added
    continuous_usage_stats: bool | None = None


class Drawing(Fields):
    """What both completions and chat may ask of the sampler."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1 << 31)] | None = None  # -1 and 0: off
    min_p: Unit | None = None
    typical_p: Annotated[float, Field(gt=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(gt=0, le=100)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: Annotated[dict[str, Bias], Field(max_length=MOST_BIASES), few(MOST_BIASES)] | None = None
    seed: Seed | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    stop_token_ids: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=MOST_STOPS)] | None = None
    ignore_eos: bool | None = None
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS)] | None = None
    max_tokens: Tokens | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    return_hidden_states: bool | None = None
    user: str | None = None  # says who asks; changes nothing

    @property
    def stops(self) -> tuple[str, ...]:
        """The strings that end an answer."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())


NAMES = ("temperature", "top_p", "min_p", "typical_p", "repetition_penalty", "presence_penalty", "frequency_penalty")


def sampling_of(fields: Drawing, handle: Any, prompt: int, most_new: int | None) -> SamplingConfig:
    """The engine's sampling. prompt: tokens of the prompt; most_new: max_tokens, None for as many as fit."""
    context = handle.config.max_position_embeddings
    if prompt >= context:
        raise bad(
            f"the prompt has {prompt} tokens but the model's context is {context}, answer included; shorten it by at least {prompt - context + 1} tokens",
            code="context_length_exceeded",
        )
    if most_new is not None and most_new > context:
        raise bad(
            f"max_tokens is {most_new} but the model's context has {context} tokens; ask for at most {context - prompt}",
            "max_tokens",
            "context_length_exceeded",
        )
    asked = {name: value for name in NAMES if (value := getattr(fields, name)) is not None}
    if fields.top_k is not None:
        asked["top_k"] = max(fields.top_k, 0)
    seed = secrets.randbelow(SEEDS) if fields.seed is None else fields.seed % SEEDS
    room = context - prompt
    config = handle.sampling(**asked, **({} if fields.seed is None else {"seed": seed}))
    config = replace(config, seed=seed, stop=fields.stops, max_new_tokens=min(most_new or room, room))
    if not fields.logit_bias:
        return config
    return replace(config, order=(biased(fields.logit_bias, handle.config.vocab_size), *as_order(config.order)))


def biased(bias: dict[str, float], vocab: int) -> Callable[..., Any]:
    """A step that adds to the logits of some tokens: 100 makes one certain, -100 impossible."""
    import torch

    if not all(name.isascii() and name.isdecimal() and len(name) < 12 and int(name) < vocab for name in bias):
        raise bad(
            f"logit_bias names something that is no token id; its keys are ids from 0 to {vocab - 1}, as /tokenize gives them",
            "logit_bias",
        )
    ids, added = torch.tensor([int(name) for name in bias]), torch.tensor(list(bias.values()), dtype=torch.float32)

    def step(logits: Any, previous: Any) -> Any:
        return logits.index_add(1, ids.to(logits.device), added.to(logits).expand(len(logits), -1))

    return step


def seed_of(seed: int, number: int) -> int:
    """The seed of answer `number` of one request; that of the first is the request's own.

    >>> seed_of(5, 0), seed_of(5, 1) != seed_of(6, 0)
    (5, True)
    """
    return seed if number == 0 else (seed + number * 0x9E3779B97F4A7C15) % SEEDS


def stop_ids_of(fields: Drawing, ends: set[int]) -> frozenset[int]:
    """The tokens that end an answer."""
    return frozenset(() if fields.ignore_eos else ends) | frozenset(fields.stop_token_ids or ())
