"""A text while the engine has it: what is known of it so far, and how far it was read."""

from typing import Any

from groundup.inference.engine.requests import Request, Scored, Usage


class Row:
    """One request's state. It waits (`computed` is 0, no pages), or runs.

    ids: the prompt and what was written. computed: how many of them are in the cache. limit: length at which it is full.
    """

    def __init__(self, request: Request, name: str, number: int, arrived: float, context: int):
        self.request, self.name, self.number, self.arrived = request, name, number, arrived
        self.ids: list[int] = list(request.prompt_ids)
        self.prompt = len(self.ids)
        self.limit = min(context, self.prompt + request.sampling.max_new_tokens)
        self.computed = 0
        self.cached = 0  # tokens that a cache knew when it first began
        self.began = False
        self.state: Any = None if request.constraint is None else request.constraint.start
        self.scored: list[Scored] = []  # the prompt's tokens so far, where asked for
        self.module: Any = None  # a module of its own, where a source was read for it (encoder-decoder)
        self.source = 0  # tokens of that source

    @property
    def wanted(self) -> int:
        """Tokens that are not read yet."""
        return len(self.ids) - self.computed

    @property
    def usage(self) -> Usage:
        """The tokens so far."""
        return Usage(self.source or self.prompt, self.cached, len(self.ids) - self.prompt)
