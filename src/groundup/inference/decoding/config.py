"""What a user may ask of the sampler, checked where it is asked. Needs no torch."""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from numbers import Integral, Real
from typing import Any

from groundup.errors import ConfigError

Processor = Callable[..., Any]
"""logits (batch, vocab), ids so far (batch, length; -1 where a row is padded) -> logits: a step of the user's own.

One that takes a third argument is also told how many columns of the ids come before the answer; a batch knows it, as it is padded."""

OFF = {  # every step of the default order, and the value with which it does nothing
    "repetition_penalty": 1.0,
    "frequency_penalty": 0.0,
    "presence_penalty": 0.0,
    "temperature": 1.0,
    "top_k": 0,
    "top_p": 1.0,
    "min_p": 0.0,
    "typical_p": 1.0,
}
LEAST = 1e-12  # a logit divided by two such may just stay in float32; nothing can be drawn from inf
WHOLE = {"max_new_tokens", "top_k", "seed"}
READ_THE_TEXT = {"repetition_penalty", "frequency_penalty", "presence_penalty"}


def as_order(order: Any) -> tuple[str | Processor, ...]:
    """An order, in which one step may stand alone.

    >>> as_order("top_k"), as_order(["top_k", "min_p"])
    (('top_k',), ('top_k', 'min_p'))
    """
    return (order,) if isinstance(order, str) or callable(order) else tuple(order)


def wants_the_prompt(step: Processor) -> bool:
    """Whether a step of the user's own takes a third argument; one with a value of its own is the user's.

    >>> wants_the_prompt(lambda logits, ids: logits), wants_the_prompt(lambda logits, ids, prompt: logits)
    (False, True)
    """
    try:
        parameters = inspect.signature(step).parameters.values()
    except (TypeError, ValueError):  # compiled code may have none
        return False
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in by_place and one.default is one.empty for one in parameters) > 2


def _are_texts(value: Any, or_functions: bool) -> bool:
    """Whether a value is a text or some texts (or functions), and no generator, which could be read only once."""
    some = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
    return all(isinstance(one, str) or (or_functions and callable(one)) for one in some)


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How the next token is drawn. Names are those of generation_config.json; the steps apply in `order`."""

    max_new_tokens: int = 256
    repetition_penalty: float = 1.0  # 1: off; above 1: tokens that occurred become less likely
    frequency_penalty: float = 0.0  # 0: off; taken from a logit as often as its token was written in this answer
    presence_penalty: float = 0.0  # 0: off; taken once from the logit of every token that was written in this answer
    temperature: float = 1.0  # 0: always the likeliest token; below 1: safer; above 1: wilder
    top_k: int = 0  # 0: off; else only the k likeliest tokens
    top_p: float = 1.0  # 1: off; else the fewest tokens that together reach probability p
    min_p: float = 0.0  # 0: off; else tokens at least this fraction as likely as the likeliest
    typical_p: float = 1.0  # 1: off; else the tokens of the most usual surprise that together reach probability p
    order: tuple[str | Processor, ...] = tuple(OFF)  # names of fields above; a function among them is a step of yours
    seed: int = 0
    stop: tuple[str, ...] = ()  # text that ends the answer and is not part of it

    def __post_init__(self) -> None:
        self._check_kinds()
        object.__setattr__(self, "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop))
        object.__setattr__(self, "order", as_order(self.order))
        checks = {
            "max_new_tokens": (self.max_new_tokens >= 1, "1 or more"),
            "repetition_penalty": (LEAST <= self.repetition_penalty <= 1 / LEAST, "1 for none, 1.1 for a mild one"),
            "frequency_penalty": (-2 <= self.frequency_penalty <= 2, "0 for none, or a number from -2 to 2"),
            "presence_penalty": (-2 <= self.presence_penalty <= 2, "0 for none, or a number from -2 to 2"),
            "temperature": (
                self.temperature == 0 or LEAST <= self.temperature < math.inf,
                "0 for the likeliest token, or a number up to about 2",
            ),
            "top_k": (self.top_k >= 0, "0 for no limit, or a number of tokens"),
            "top_p": (0 < self.top_p <= 1, "a number above 0 and up to 1"),
            "min_p": (0 <= self.min_p <= 1, "a number from 0 to 1"),
            "typical_p": (0 < self.typical_p <= 1, "a number above 0 and up to 1"),
            "stop": (all(self.stop), "strings that are not empty"),
        }
        for name, (good, way_out) in checks.items():
            if not good:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not possible; use {way_out}")
        self._check_order()

    def _check_kinds(self) -> None:
        """Refuse what is of another kind than its field, before anything is compared."""
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name in ("stop", "order"):
                kind = "a text, or a list of texts" if one.name == "stop" else "a list of names and functions"
                good = _are_texts(value, or_functions=one.name == "order")
            else:
                kind = "a whole number" if one.name in WHOLE else "a number"
                good = isinstance(value, Integral if one.name in WHOLE else Real) and not isinstance(value, bool)
            if not good:
                raise ConfigError(f"{one.name}={value!r} is not possible; use {kind}")

    def _check_order(self) -> None:
        named = [step for step in self.order if not callable(step)]
        if unknown := [step for step in named if step not in OFF]:
            raise ConfigError(
                f"order: {unknown[0]!r} is no step; name {', '.join(OFF)}, or give a function of logits and ids"
            )
        if twice := {step for step in named if named.count(step) > 1}:
            raise ConfigError(f"order: {', '.join(sorted(twice))} stands there twice; name each step once")
        for name, off in OFF.items():
            if getattr(self, name) not in (off, 0) and name not in named:  # temperature 0 is greedy, in no order
                raise ConfigError(
                    f"{name}={getattr(self, name)!r} is not in order={tuple(named)}; name it there, or leave it out"
                )

    @property
    def steps(self) -> tuple[str | Processor, ...]:
        """The steps that do something, in their order. Greedy decoding takes no draw, so nothing narrows it: penalties and functions stay."""
        going = tuple(step for step in self.order if callable(step) or getattr(self, step) != OFF[step])
        return tuple(step for step in going if callable(step) or step in READ_THE_TEXT) if self.greedy else going

    @property
    def reads_the_text(self) -> bool:
        """Whether a step needs the ids so far."""
        return any(callable(step) or step in READ_THE_TEXT for step in self.steps)

    @property
    def greedy(self) -> bool:
        """Whether nothing is drawn: the likeliest token is taken."""
        return self.temperature == 0


def from_generation_config(raw: Mapping[str, Any]) -> SamplingConfig:
    """Read the sampler's keys of a generation_config.json; as in transformers, without `do_sample` it is greedy."""
    names = {field.name for field in fields(SamplingConfig)} - {"seed", "stop", "order"}
    known = {name: raw[name] for name in names if raw.get(name) is not None}
    config = SamplingConfig(**known)
    return config if raw.get("do_sample", False) else replace(config, temperature=0.0)
