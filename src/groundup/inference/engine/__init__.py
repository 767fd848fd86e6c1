"""Engine: requests in, events out, while a model writes for all of them.

Reading order
    batching       a fixed batch of prompts, answers out
    requests       Request, Event, EngineConfig: what goes in and comes out
    scheduling     who gets how many tokens of a step; who leaves when memory is short
    engine         add -> schedule -> run -> postprocess, a step at a time
    row            a text while the engine has it
    runners        who computes a step, a cache for each text; choosing says which
    paged          the same over the pages of one pool, by torch or by the compiled step
    graphs         a step as a CUDA graph, for a GPU
    drawing        the next token of each, by its own request
    postprocess    a token becomes an event
    text           events to text
    keeping        what was read of prompts lies in a folder from one engine to the next
    asynchronous   the same for many callers of an event loop
    offline        a whole file of prompts, resumable
"""

import importlib
from typing import Any

EXPORTS = {
    "Engine": "engine",
    "AsyncEngine": "asynchronous",
    "Keeper": "keeping",
    "Request": "requests",
    "Event": "requests",
    "EngineConfig": "requests",
    "Usage": "requests",
    "Scored": "requests",
    "TextEvents": "text",
}
__all__ = list(EXPORTS)


def __getattr__(name: str) -> Any:
    """Load a part when it is first named, so that importing the package loads no torch."""
    if name not in EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{EXPORTS[name]}"), name)
