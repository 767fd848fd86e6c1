"""Limits: who may ask, how much, how fast. No network and no clock of its own here: the server asks, and a test turns the clock.

config        what a server is told: keys, rates, sizes, times, TLS, CORS
keys          who asks: a file of hashed keys
token_bucket  how fast: so much at once, so much a second
quota         how much a day
limits        all of it in the order in which a request meets it: `Limits.who`, `Limits.admit`, `Limits.settle`
"""

import importlib
from typing import Any

_EXPORTS = {
    "LimitsConfig": "config",
    "Key": "keys",
    "KeyFile": "keys",
    "add_key": "keys",
    "remove_key": "keys",
    "TokenBucket": "token_bucket",
    "Quota": "quota",
    "Limits": "limits",
    "Refusal": "limits",
}
__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"groundup.serving.limits has no {name!r}; it has {', '.join(_EXPORTS)}")
    return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
