"""What a user may ask of the sampler, checked where it is asked. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from groundup.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class SamplingConfig:
    """How the next token is drawn. Names are those of generation_config.json; the steps apply in the order below."""

    max_new_tokens: int = 256
    repetition_penalty: float = 1.0  # 1: off; above 1: tokens that occurred become less likely
    temperature: float = 1.0  # 0: always the likeliest token; below 1: safer; above 1: wilder
    top_k: int = 0  # 0: off; else only the k likeliest tokens
    top_p: float = 1.0  # 1: off; else the fewest tokens that together reach probability p
    min_p: float = 0.0  # 0: off; else tokens at least this fraction as likely as the likeliest
    seed: int = 0
    stop: tuple[str, ...] = ()  # text that ends the answer and is not part of it

    def __post_init__(self) -> None:
        object.__setattr__(self, "stop", (self.stop,) if isinstance(self.stop, str) else tuple(self.stop))
        checks = {
            "max_new_tokens": (self.max_new_tokens >= 1, "1 or more"),
            "repetition_penalty": (self.repetition_penalty > 0, "1 for none, 1.1 for a mild one"),
            "temperature": (self.temperature >= 0, "0 for the likeliest token, or a number up to about 2"),
            "top_k": (self.top_k >= 0, "0 for no limit, or a number of tokens"),
            "top_p": (0 < self.top_p <= 1, "a number above 0 and up to 1"),
            "min_p": (0 <= self.min_p <= 1, "a number from 0 to 1"),
            "stop": (all(self.stop), "strings that are not empty"),
        }
        for name, (good, way_out) in checks.items():
            if not good:
                raise ConfigError(f"{name}={getattr(self, name)!r} is not possible; use {way_out}")

    @property
    def greedy(self) -> bool:
        """Whether nothing is drawn: the likeliest token is taken."""
        return self.temperature == 0


def from_generation_config(raw: Mapping[str, Any]) -> SamplingConfig:
    """Read the sampler's keys of a generation_config.json; as in transformers, without `do_sample` it is greedy."""
    names = {field.name for field in fields(SamplingConfig)} - {"seed", "stop"}
    known = {name: raw[name] for name in names if raw.get(name) is not None}
    config = SamplingConfig(**known)
    return config if raw.get("do_sample", False) else replace(config, temperature=0.0)
