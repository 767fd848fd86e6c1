"""Who computes a step of the engine: pieces of several texts in, the scores of each one's next token out.

    runner.reserve(row, tokens)     pages for so many tokens of a text; False where there are not enough
    runner.run(pieces)              read the pieces, keep their keys and values, score what follows each
    runner.release(row)             its pages are free at once

`RowsRunner` gives every text a cache of its own and reads one after another: it serves every model that writes (latent attention,
recurrent ones, encoder-decoders), and is what the others are tested against.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.engine.row import Row


class Piece(NamedTuple):
    """The tokens of a text that a step reads: `size` of them, from where its cache ends."""

    row: Row
    size: int

    @property
    def ids(self) -> list[int]:
        """The tokens themselves."""
        return self.row.ids[self.row.computed : self.row.computed + self.size]

    @property
    def wants_all(self) -> bool:
        """Whether the state of every token is asked for, and not only that of the last."""
        return self.row.request.prompt_log_probabilities and self.row.computed < self.row.prompt


@runtime_checkable
class Adapters(Protocol):
    """Adapters on the module of an engine, each row with its own: what `tuning.efficient.many.Adapted` is."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are there."""

    def set_rows(self, names: Sequence[str | None] | None) -> None:
        """From now on each row of the module's input has the adapter of its name, None: none; one name: all rows. None: nothing is set."""


@contextmanager
def speaking(adapters: Adapters | None, names: Sequence[str | None]) -> Iterator[None]:
    """Within it the module reads each row (or each token of one packed row) under its adapter."""
    if adapters is None:
        yield
        return
    adapters.set_rows(names)
    try:
        yield
    finally:
        adapters.set_rows(None)


class Read(NamedTuple):
    """What a runner found. logits: of what follows each piece. hidden: what the head read, of a piece's last token or of all."""

    logits: Float[Tensor, "pieces vocab"]
    hidden: list[Float[Tensor, "tokens hidden"] | None]


class Runner(Protocol):
    """What computes."""

    page_size: int
    pages: int
    module: Any
    adapters: Adapters | None

    @property
    def free(self) -> int:
        """Pages nobody uses."""

    @property
    def evicted(self) -> int:
        """Pages of texts to come that had to go because others needed them."""

    def begin(self, row: Row) -> int:
        """Take a text in; how many of its tokens are known already."""

    def let_in(self, row: Row) -> None:
        """It has its pages and runs, for the first time."""

    def reserve(self, row: Row, tokens: int) -> bool:
        """Get pages for so many tokens of a text in all; False, and nothing changed, where there are not enough."""

    def run(self, pieces: list[Piece]) -> Read:
        """Read the pieces."""

    def release(self, row: Row) -> None:
        """Give back what a text has."""


class RowsRunner:
    """A cache for every text; pages are only counted."""

    evicted = 0  # nothing is kept

    def __init__(self, module: Any, pages: int, page_size: int):
        self.module, self.pages, self.page_size = module, pages, page_size
        self.adapters: Adapters | None = None
        self.used: dict[int, int] = {}
        self.caches: dict[int, Any] = {}

    @property
    def free(self) -> int:
        """Pages nobody uses."""
        return self.pages - sum(self.used.values())

    def begin(self, row: Row) -> int:
        """Nothing is known: a cache of its own begins empty."""
        self.used[row.number] = 0
        return 0

    def let_in(self, row: Row) -> None:
        """Nothing was known, so nothing is counted."""

    def reserve(self, row: Row, tokens: int) -> bool:
        """Count pages for so many tokens."""
        more = -(-tokens // self.page_size) - self.used[row.number]
        if more > self.free:
            return False
        self.used[row.number] += max(0, more)
        return True

    def run(self, pieces: list[Piece]) -> Read:
        """Read one piece after another."""
        hidden = [self._read(piece) for piece in pieces]
        last = torch.stack([states[-1] for states in hidden])
        with speaking(self.adapters, [piece.row.request.adapter for piece in pieces]):
            return Read(self.module.lm_head(last), list(hidden))

    def _read(self, piece: Piece) -> Tensor:
        row = piece.row
        module = self.module if row.module is None else row.module
        if row.number not in self.caches:
            self.caches[row.number] = KVCache.of(module, 1, row.limit)
        ids = torch.tensor([piece.ids], device=module.device)
        with speaking(self.adapters, [row.request.adapter]):
            return module.hidden(ids, None, None, self.caches[row.number])[0]

    def release(self, row: Row) -> None:
        """Forget its cache."""
        self.used.pop(row.number, None)
        self.caches.pop(row.number, None)
