"""All texts of a step in one call of the model, their keys and values in pages of one pool.

    text a writes      text b writes      a piece of the prompt of text c
    [ one token ]      [ one token ]      [ 200 tokens                  ]      ->  module(ids[1, 202], None, positions, view)

Everything but attention works token by token, so the weights are read once for all; attention finds each text's own pages
(`cache.ragged`). What finished texts leave may be found again by those that begin alike (`cache.prefix`).

Where a model was lowered (`inference/compiled`), those that write are read by its compiled step, over the same pages, and torch reads
the prompts; and those that have an adapter, whose names torch's call is told a token.

portion: the sums inside a matrix product are added in an order that depends on how many rows it has, so a text's numbers would change in
their last bits with its company, and with them, sooner or later, a token. With fixed shapes every call has one of a few: a piece of a
prompt is alone, cut at the same places always, and writers stand in calls of WRITERS rows, filled up with rows that nobody reads.
(He 2025, "Defeating nondeterminism in LLM inference", makes kernels that do not depend on the shape; here the shape stays.)
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import PrefixCache
from groundup.inference.engine.row import Row
from groundup.inference.engine.runners import Adapters, Piece, Read, speaking

WRITERS = 8  # rows of a call in which texts are written, where shapes are fixed

Call = Callable[[list[Piece]], Read]


def _salt(row: Row) -> str:
    """Texts under different adapters share no numbers."""
    return row.request.adapter or ""


def _is_plain(row: Row) -> bool:
    """Whether the compiled step can read it: under the weights that were packed, with nothing asked but scores."""
    return row.request.adapter is None and not row.request.return_hidden_states


def batched(places: list[int], most: int) -> Iterator[list[int]]:
    """Cut a list into parts of at most so many.

    >>> list(batched([4, 5, 6], 2))
    [[4, 5], [6]]
    """
    yield from (places[start : start + most] for start in range(0, len(places), most))


class PagedRunner:
    """Calls over the pages of a pool. lowered: the compiled step, or None. portion: of a prompt, where all shapes are fixed; else 0."""

    def __init__(self, module: Any, pool: PagePool, *, prefixes: bool = False, portion: int = 0, lowered: Any = None):
        self.module, self.pool, self.portion, self.lowered = module, pool, portion, lowered
        self.prefixes = PrefixCache(pool) if prefixes else None
        self.places: dict[int, int] = {}  # number of a row -> its row in the pool
        self.fill = [self._filler() for _ in range(WRITERS - 1)] if portion else []
        self.pages, self.page_size = pool.free_pages, pool.page_size
        self.adapters: Adapters | None = None

    def _filler(self) -> int:
        """A row of the pool with one page, that only fills up a call."""
        place = self.pool.open()
        assert place is not None and self.pool.allocate(place, 1), "there are pages for the rows that fill up"
        return place

    @property
    def free(self) -> int:
        """Pages that no text uses; those that are only kept for texts to come go when they are needed."""
        return self.pool.free_pages + (0 if self.prefixes is None else self.prefixes.evictable)

    @property
    def evicted(self) -> int:
        """Pages that were kept for texts to come and had to go."""
        return 0 if self.prefixes is None else self.prefixes.hits.evicted_pages

    def begin(self, row: Row) -> int:
        """Open a row of the pool, with the pages of what was read before."""
        place = self.pool.open()
        assert place is not None, "the pool has as many rows as the engine"
        self.places[row.number] = place
        if self.prefixes is None or row.request.prompt_log_probabilities:
            return 0
        ids = row.ids
        if self.portion:  # only what was read in whole portions has the same bits
            known = len(self.prefixes.find(ids[: row.prompt - 1], _salt(row))) * self.page_size
            ids = ids[: known - known % self.portion + 1]
        return self.prefixes.begin(place, ids, _salt(row))

    def let_in(self, row: Row) -> None:
        """Count what the cache knew of a text that runs for the first time."""
        if self.prefixes is not None and not row.request.prompt_log_probabilities:
            self.prefixes.count(row.prompt, row.cached)

    def reserve(self, row: Row, tokens: int) -> bool:
        """Get pages for so many tokens of a row."""
        place = self.places[row.number]
        new = tokens - int(self.pool.lengths[place])
        return (self.pool if self.prefixes is None else self.prefixes).allocate(place, new)

    def release(self, row: Row) -> None:
        """Close its row of the pool; its pages are kept for texts that begin alike until others need them."""
        self._keep(row, row.computed)
        self.pool.free(self.places.pop(row.number))

    def _keep(self, row: Row, read: int) -> None:
        if self.prefixes is None:
            return
        if self.portion:
            read = min(read, row.prompt - row.prompt % self.portion)
        self.prefixes.keep(self.places[row.number], row.ids[:read], _salt(row))

    def run(self, pieces: list[Piece]) -> Read:
        """Read all pieces, in as few calls as may be."""
        logits: list[Tensor] = [torch.empty(0)] * len(pieces)
        hidden: list[Tensor | None] = [None] * len(pieces)
        for places, call in self._calls(pieces):
            read = call([pieces[place] for place in places])
            for place, scores, states in zip(places, read.logits, read.hidden, strict=True):
                logits[place], hidden[place] = scores, states
        for piece in pieces:
            if piece.row.computed < piece.row.prompt:  # so that those that come now need not wait until it is written
                self._keep(piece.row, piece.row.computed + piece.size)
        return Read(torch.stack(logits), hidden)

    def _calls(self, pieces: list[Piece]) -> Iterator[tuple[list[int], Call]]:
        """Which pieces are read together, and by what."""
        places = range(len(pieces))
        writers: list[int] = []
        if self.portion or self.lowered is not None:
            writers = [place for place in places if pieces[place].row.computed >= pieces[place].row.prompt]
        if not self.portion:  # what was pushed out is read again at once
            writers = [place for place in writers if pieces[place].size == 1]
        plain = [place for place in writers if self.lowered is not None and _is_plain(pieces[place].row)]
        yield from ((group, self._compiled) for group in batched(plain, self.lowered.rows if plain else 1))
        rest = [place for place in places if place not in {*plain}]
        if not self.portion:
            yield from ((group, self._torch) for group in batched(rest, max(1, len(rest))))
            return
        alike: dict[str, list[int]] = {}  # a call is of one adapter: rows of two in one would be of shapes that change
        for place in [place for place in writers if place in {*rest}]:
            alike.setdefault(_salt(pieces[place].row), []).append(place)
        yield from ((group, self._filled) for places in alike.values() for group in batched(places, WRITERS))
        yield from (([place], self._torch) for place in rest if place not in {*writers})

    def _torch(self, pieces: list[Piece], extra: tuple[int, ...] = ()) -> Read:
        """One call of the module for some pieces, and for rows of the pool that only fill it up."""
        rows = [self.places[piece.row.number] for piece in pieces] + list(extra)
        view = self.pool.view(rows, [piece.size for piece in pieces] + [1] * len(extra))
        ids = [id for piece in pieces for id in piece.ids] + [0] * len(extra)
        names = [piece.row.request.adapter for piece in pieces]
        if self.portion:  # all have one adapter, the rows that fill up too
            token_names, names = names[:1], names[:1]
        else:
            token_names = [name for piece, name in zip(pieces, names, strict=True) for _ in range(piece.size)]
        with speaking(self.adapters, token_names):
            hidden = self.module.hidden(torch.tensor([ids], device=self.module.device), None, view.positions, view)[0]
        last = hidden[view.last]
        ends = view.offsets[1:].tolist()
        states = [
            hidden[end - piece.size : end] if piece.wants_all else last[place : place + 1]
            for place, (piece, end) in enumerate(zip(pieces, ends, strict=False))
        ]
        with speaking(self.adapters, names):
            logits = self.module.lm_head(last)
        return Read(logits[: len(pieces)], list(states))

    def _filled(self, pieces: list[Piece]) -> Read:
        """A call of WRITERS rows, of which those that nobody reads begin anew afterwards."""
        extra = self.fill[: WRITERS - len(pieces)]
        read = self._torch(pieces, tuple(extra))
        self.pool.lengths[np.array(extra, dtype=np.int64)] = 0
        return read

    def _compiled(self, pieces: list[Piece]) -> Read:
        """One compiled step for texts that are written."""
        rows = np.array([self.places[piece.row.number] for piece in pieces])
        ids = [piece.ids[0] for piece in pieces]
        pool = self.pool
        logits = self.lowered.step(ids, pool.tables[rows], pool.lengths[rows], pool.keys, pool.values)
        for row in rows.tolist():
            pool.grow(row, 1)
        return Read(torch.from_numpy(logits), [None] * len(pieces))
