"""When requests come: at a rate and at random, in bursts, or as they came once.

Users do not wait for one another, so a load test that sends a request when the last one ended (a closed loop) never sees a queue grow:
the slower the server, the less it is asked ("coordinated omission"). An open loop fixes the times before: gaps of a Poisson
process are exponential with mean 1 / rate. burstiness: the gaps' squared coefficient of variation; 1 is Poisson, 0 a metronome,
more comes in bursts (gamma gaps). A trace is JSON lines, each with `at_s` and what was asked.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from groundup import files
from groundup.errors import ConfigError, FormatError

FIELDS = ("at_s", "prompt", "messages", "prompt_tokens", "max_tokens", "key", "temperature", "seed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request of a load: when, and what. A prompt that is left out is made, of prompt_tokens words."""

    at_s: float = 0.0
    prompt: str | None = None
    messages: tuple[dict[str, Any], ...] | None = None
    prompt_tokens: int = 32
    max_tokens: int = 64
    key: str | None = None
    temperature: float = 0.0
    seed: int | None = None
    ignore_eos: bool = False  # write on to max_tokens (a field of vLLM's and ours)


def gaps(rate: float, burstiness: float = 1.0, seed: int = 0) -> Iterator[float]:
    """Seconds between one request and the next, for ever. rate: a second."""
    if not 0 < rate < math.inf:
        raise ConfigError(f"a rate of {rate:g} requests a second cannot be; use more than 0")
    if not 0 <= burstiness < math.inf:
        raise ConfigError(f"burstiness={burstiness:g} cannot be; use 0 (even), 1 (Poisson) or more (bursts)")
    source = np.random.default_rng(seed)
    while True:
        block = np.ones(256) if burstiness == 0 else source.gamma(1 / burstiness, burstiness, 256)
        yield from (block / rate).tolist()


def times(rate: float, until_s: float, burstiness: float = 1.0, seed: int = 0) -> list[float]:
    """The times of all requests before `until_s`."""
    return list(takewhile(lambda at_s: at_s < until_s, accumulate(gaps(rate, burstiness, seed))))


def read_trace(path: str | Path, speed: float = 1.0) -> list[Asked]:
    """Requests as they came, in the order of their times. speed: 2 sends them in half the time."""
    if not 0 < speed < math.inf:
        raise ConfigError(f"a speed of {speed:g} cannot be; use 1 for the trace's own, 2 for twice as fast")
    asked = [_asked(line, f"{path}, line {number}") for number, line in enumerate(files.read_jsonl(path), 1)]
    if not asked:
        raise FormatError(
            f'{path} holds no request; write one a line, as {{"at_s": 0.5, "prompt": "Hello", "max_tokens": 16}}'
        )
    first = min(one.at_s for one in asked)
    moved = [{name: getattr(one, name) for name in FIELDS} | {"at_s": (one.at_s - first) / speed} for one in asked]
    return sorted((Asked(**one) for one in moved), key=lambda one: one.at_s)


def _asked(line: Any, where: str) -> Asked:
    """One line of a trace, or the sentence that names it."""
    if not isinstance(line, dict):
        raise FormatError(f"{where} is no object; write one as {{...}}")
    if unknown := sorted(line.keys() - set(FIELDS)):
        raise FormatError(f"{where} has a field {unknown[0]!r}; a request has {', '.join(FIELDS)}")
    kinds: dict[str, Any] = {"at_s": (int, float), "prompt": str, "messages": list, "prompt_tokens": int, "max_tokens": int, "key": str,
             "temperature": (int, float), "seed": int}  # fmt: skip
    for name, value in line.items():
        if not isinstance(value, kinds[name]) or isinstance(value, bool):
            raise FormatError(f"{where}: {name}={value!r} is of another kind; see the other lines")
    if not 0 <= line.get("at_s", 0) < math.inf or line.get("prompt_tokens", 1) < 1 or line.get("max_tokens", 1) < 1:
        raise FormatError(f"{where} has a time below 0, or a number of tokens below 1; mend it")
    messages = line.pop("messages", None)
    return Asked(**line, messages=None if messages is None else tuple(messages))
