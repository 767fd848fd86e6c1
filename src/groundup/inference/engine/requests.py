"""What goes into the engine and what comes out: one request and one event, whatever the interface a client speaks.

    Request   ids of a prompt, how to draw, when to stop          -> engine.add(request)
    Event     what one step added to one request                  <- engine.step()

Both are values that never change. Text is not in them: the engine knows ids, `text.TextEvents` makes text of events.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from groundup.errors import ConfigError, InputError
from groundup.inference.decoding.config import SamplingConfig

FINISHED = ("stop", "length", "cancelled", "error")
CODECS = ("f32", "bf16", "q8_0", "q4_0")
MOST_LIKELY = 100  # likeliest tokens that may be asked for at each place


class Usage(NamedTuple):
    """Tokens of a request: of its prompt, of these read from a cache, and written."""

    prompt: int
    cached: int
    completion: int


class Scored(NamedTuple):
    """A token under the model itself: its log-probability in nats (temperature 1, nothing left out), and the likeliest tokens beside it."""

    id: int
    log_probability: float | None  # None: the first token of a prompt, which nothing comes before
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One text to write. Fields beyond the first two may be left out."""

    prompt_ids: Sequence[int]
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    stop_ids: Sequence[int] = ()  # tokens that end the text; the last id of an answer that stopped is one of them
    priority: int = 0  # higher goes first, and may push a lower one out when memory is short
    key: str = ""  # whose request it is, for fair shares
    constraint: Any = None  # `decoding.constrained.masks.Constraint`: what the answer may be
    log_probabilities: int | None = None  # None: none; n: each new token's, and those of the n likeliest
    prompt_log_probabilities: bool = False  # also those of the prompt's tokens, in the first event
    request_id: str | None = None  # None: the engine numbers it
    adapter: str | None = None  # which of the engine's adapters; None: the weights alone
    return_hidden_states: bool = False  # what the head read for every new token
    stream: int = 0  # which random stream of the seed: several answers to one prompt have several

    def __post_init__(self) -> None:
        object.__setattr__(self, "prompt_ids", tuple(self.prompt_ids))
        object.__setattr__(self, "stop_ids", frozenset(self.stop_ids))
        if not self.prompt_ids:
            raise InputError("the prompt has no token; give at least one, such as the beginning-of-text token")
        asked = self.log_probabilities
        if asked is not None and not 0 <= asked <= MOST_LIKELY:
            raise InputError(
                f"log_probabilities={asked} is not possible; use a number from 0 to {MOST_LIKELY}, or None"
            )


NOTHING = Usage(0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What one step added to one request. The last event of a request, and no other, has a finish_reason."""

    request_id: str
    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)  # of ids, where asked for
    top_log_probabilities: list[tuple[tuple[int, float], ...]] = field(default_factory=list)  # (id, nats), best first
    finish_reason: str | None = None  # "stop", "length", "cancelled", "error"
    usage: Usage = NOTHING
    hidden_states: Any = None  # float32 array (ids, hidden), where asked for
    prompt: tuple[Scored, ...] = ()  # the prompt's tokens, in the first event, where asked for
    message: str = ""  # of an error: what went wrong and the way out


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineConfig:
    """How much the engine takes on at once."""

    max_tokens_a_step: int = 512  # a longer prompt is read in several steps, so that nobody else waits for all of it
    max_rows: int = 16  # texts that are written at once
    pages: int | None = None  # blocks of memory for keys and values; None: as many as all rows need, up to memory_bytes
    page_size: int = 32  # tokens a page
    memory_bytes: int = 1 << 30  # of all pages together, where pages is None
    dtype: str | None = None  # of keys and values: None as the model computes, "bfloat16", "float32", "int8", "int4"
    prefix_cache: bool = True  # keep the pages of finished texts, and read them when another begins alike
    deterministic: bool = False  # every bit of an answer is the same, whoever else is in the batch; slower
    portion: int = 128  # tokens of a prompt that are read in one call, where deterministic
    compiled: str | None = (
        "auto"  # weights of the compiled step: "f32", "bf16", "q8_0", "q4_0"; None: torch; "auto": as they are,
    )
    # where that is faster than torch
    threads: int | None = None  # of the compiled step; None: as many as cores

    def __post_init__(self) -> None:
        for name in ("max_tokens_a_step", "max_rows", "pages", "page_size", "memory_bytes", "portion", "threads"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name}={number} is not possible; use 1 or more")
        if self.compiled not in (None, "auto", *CODECS):
            raise ConfigError(
                f"compiled={self.compiled!r} is not possible; use auto, {', '.join(CODECS)}, or None for torch"
            )
        if self.max_tokens_a_step < self.max_rows:
            raise ConfigError(
                f"max_tokens_a_step={self.max_tokens_a_step} is less than max_rows={self.max_rows}: not every row would get a token; "
                "raise the first or lower the second"
            )
        if self.deterministic and self.portion % self.page_size:
            raise ConfigError(f"portion={self.portion} is no multiple of page_size={self.page_size}; make it one")
        if self.deterministic and self.max_tokens_a_step < self.max_rows + self.portion:
            raise ConfigError(
                f"max_tokens_a_step={self.max_tokens_a_step} leaves no room for portion={self.portion} beside max_rows={self.max_rows}; "
                "raise the first or lower one of the others"
            )
