"""Paged cache: memory for keys and values in pages of a few tokens, handed to the texts that run, as an operating system hands out its own.

A block as long as the longest text may become (`kv_cache`) is mostly empty, and no two texts can share any of it. Here memory is cut
into pages of `page_size` tokens. A row (a text that runs) has a table that says which page holds which of its tokens:

    row 0, 7 tokens   table  4 1     pages of 4     0 . . . .   1 e f g .   2 . . . .   3 r s . .   4 a b c d
    row 1, 6 tokens   table  4 3                            shared by both rows: the prompt a b c d

Less than a page a row is lost, a row grows without moving, and what several rows begin with is kept once: a page counts
who holds it, goes back when nobody does, and is copied before one of several holders writes into it (copy on write).
One page holds a token's keys and values of all layers, so that one table serves them all.
Kwon et al. 2023, arXiv:2309.06180, sections 4.1 to 4.4 (their block is our page).

Where all layers see only a window, pages that lie behind it go back while the row runs. Where only some do (Gemma), all pages stay.
Attention over pages: `ragged`. Left out: pages of layers apart, swapping to slower memory.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.errors import ConfigError, InputError
from groundup.inference.cache.ragged import View, refused
from groundup.slots import slot

PAGE_SIZE = 32  # tokens; half a page a row is lost on average
NO_PAGE = -1  # in a table: not allocated, or given back from behind a window


@slot
def slot_mapping(table: Int[np.ndarray, " pages"], length: int, new: int, page_size: int) -> Int[np.ndarray, " new"]:
    """Where the next `new` tokens of a row are written: page * page_size + place in the page, for each.

    table: the row's pages in order; length: how many tokens it has. AssertionError where a token has no page.

    >>> slot_mapping(np.array([4, 1]), length=3, new=2, page_size=4).tolist()
    [19, 4]
    """
    positions = np.arange(length, length + new)
    assert new == 0 or positions[-1] // page_size < len(table), f"{len(table)} pages do not hold {length + new} tokens"
    pages = table[positions // page_size].astype(np.int64)
    assert (pages >= 0).all(), f"tokens {length} to {length + new - 1} have no page; allocate them first"
    return pages * page_size + positions % page_size


def pages_for(tokens: int, page_size: int) -> int:
    """How many pages hold so many tokens.

    >>> [pages_for(tokens, 4) for tokens in (0, 1, 4, 5)]
    [0, 1, 1, 2]
    """
    return -(-tokens // page_size)


class PagePool:
    """Pages for all layers, who holds them, and the table and length of every row.

    keys, values: (layers, pages, kv_heads, page_size, head_dim). tables: int32 (rows, most pages a row), NO_PAGE where there is none.
    lengths: tokens of each row. context: tokens that one row may become at most, None: all pages.
    windows: for each layer how many tokens a query sees, None: all. value_dim: None: as wide as a key.
    """

    def __init__(
        self,
        layers: int,
        kv_heads: int,
        head_dim: int,
        *,
        pages: int,
        rows: int,
        page_size: int = PAGE_SIZE,
        context: int | None = None,
        dtype: torch.dtype = torch.float32,
        device: Any = "cpu",
        windows: Sequence[int | None] | None = None,
        value_dim: int | None = None,
    ):
        for name, number in (
            ("pages", pages),
            ("rows", rows),
            ("page_size", page_size),
            ("context", 1 if context is None else context),
        ):
            if number < 1:
                raise ConfigError(f"{name}={number} is not possible; use 1 or more")
        self.layers, self.kv_heads, self.head_dim = layers, kv_heads, head_dim
        self.value_dim = head_dim if value_dim is None else value_dim
        self.pages, self.rows, self.page_size = pages, rows, page_size
        self.dtype, self.device = dtype, torch.device(device)
        windows = [None] * layers if windows is None else list(windows)
        self.windows = windows
        self.window = None if None in windows else max(filter(None, windows), default=None)
        self._make_memory()
        most = min(pages, pages_for(context or pages * page_size, page_size))
        self.tables = np.full((rows, most), NO_PAGE, np.int32)
        self.lengths = np.zeros(rows, np.int64)
        self.holders = np.zeros(pages, np.int32)  # how many rows (and prefixes) hold a page
        self._first = np.zeros(rows, np.int64)  # pages of a row that were given back from behind a window
        self._end = np.zeros(rows, np.int64)  # entries of its table that were ever filled
        self._free_pages = list(range(pages))[::-1]
        self._free_rows = list(range(rows))[::-1]

    def _make_memory(self) -> None:
        shape = (self.layers, self.pages, self.kv_heads, self.page_size)
        self.keys = memory((*shape, self.head_dim), self.dtype, self.device)
        self.values = memory((*shape, self.value_dim), self.dtype, self.device)
        self.scales = [
            memory((self.layers, self.pages, self.kv_heads, 0), torch.float32, self.device)
        ] * 2  # of codes only

    @property
    def arrays(self) -> dict[str, Tensor]:
        """All that is kept of a page, by name; the second axis is the page."""
        return {"keys": self.keys, "values": self.values}

    @classmethod
    def of(cls, module: Any, *, pages: int, rows: int, dtype: torch.dtype | None = None, **more: Any) -> "PagePool":
        """A pool that fits a decoder; dtype None: that in which it computes. InputError where its attention needs another cache."""
        if (part := refused(module)) is not None:
            raise InputError(
                f"pages hold the keys and values of attention heads, but this model has {part}; use KVCache.of"
            )
        blocks = module.config.blueprint().blocks
        kept = {(block.attention.cache_heads, *block.attention.cache_widths) for block in blocks}
        if len(kept) != 1:
            raise InputError(f"the layers keep different numbers of a token, {sorted(kept)}; use KVCache.of")
        heads, keys, values = kept.pop()
        given = dict(context=module.config.max_position_embeddings, device=module.device) | more
        windows = [block.attention.window for block in blocks]
        return cls(
            len(blocks), heads, keys // heads, pages=pages, rows=rows, dtype=dtype or module.compute_dtype,
            windows=windows, value_dim=values // heads, **given,
        )  # fmt: skip

    @property
    def free_pages(self) -> int:
        """How many pages nobody holds."""
        return len(self._free_pages)

    @property
    def page_bytes(self) -> int:
        """Memory of one page, all layers together."""
        return sum(one.nbytes // self.pages for one in self.arrays.values())

    def open(self) -> int | None:
        """Begin an empty row; None where all rows run."""
        return self._free_rows.pop() if self._free_rows else None

    def needed(self, row: int, new: int) -> int:
        """How many pages a row must get to take so many more tokens, the copy of a shared page included."""
        more = max(0, pages_for(int(self.lengths[row]) + new, self.page_size) - int(self._end[row]))
        return more + (new > 0 and self._shared_page(row) is not None)

    def _shared_page(self, row: int) -> int | None:
        """The place in a row's table of a page that it would write into next and that others hold too."""
        at = int(self.lengths[row]) // self.page_size
        return at if at < self._end[row] and self.holders[self.tables[row, at]] > 1 else None

    def allocate(self, row: int, new: int) -> bool:
        """Make room for so many more tokens of a row; False, and nothing is changed, where there are too few pages."""
        most = self.tables.shape[1] * self.page_size
        if self.lengths[row] + new > most:
            raise InputError(
                f"a row holds {most} tokens, not {self.lengths[row] + new}; make the pool with a larger context"
            )
        if self.needed(row, new) > self.free_pages:
            return False
        if new > 0 and (at := self._shared_page(row)) is not None:
            old, own = int(self.tables[row, at]), self.take()
            for array in self.arrays.values():
                array[:, own] = array[:, old]
            self.tables[row, at] = own
            self.release([old])
        for at in range(int(self._end[row]), pages_for(int(self.lengths[row]) + new, self.page_size)):
            self.tables[row, at] = self.take()
            self._end[row] = at + 1
        return True

    def take(self) -> int:
        """A free page, held once from now on. IndexError where there is none."""
        page = self._free_pages.pop()
        self.holders[page] = 1
        return page

    def hold(self, pages: Sequence[int]) -> None:
        """Count one holder more of each page."""
        for page in pages:
            assert self.holders[page] > 0, f"page {page} is free, so what it held is lost"
            self.holders[page] += 1

    def release(self, pages: Sequence[int]) -> None:
        """Count one holder less of each page; a page that nobody holds is free at once."""
        for page in pages:
            assert self.holders[page] > 0, f"page {page} is given back twice"
            self.holders[page] -= 1
            if self.holders[page] == 0:
                self._free_pages.append(int(page))

    def pages_of(self, row: int) -> list[int]:
        """The pages of a row in the order of its tokens, those behind its window left out."""
        return self.tables[row, self._first[row] : self._end[row]].tolist()

    def share(self, row: int, pages: Sequence[int], length: int) -> None:
        """Let an empty row begin with pages that hold `length` tokens of another text."""
        assert self.lengths[row] == 0 and self._end[row] == 0, "a row begins with what others keep or not at all"
        assert pages_for(length, self.page_size) <= len(pages), f"{len(pages)} pages hold no {length} tokens"
        pages = list(pages)[: pages_for(length, self.page_size)]
        self.hold(pages)
        self.tables[row, : len(pages)], self._end[row], self.lengths[row] = pages, len(pages), length

    def fork(self, row: int) -> int | None:
        """A new row that goes on from the same tokens (a second answer, a beam); None where all rows run. No page is copied yet."""
        if (new := self.open()) is None:
            return None
        end = pages_for(int(self.lengths[row]), self.page_size)
        self.hold(self.tables[row, self._first[row] : end].tolist())
        self.tables[new, :end] = self.tables[row, :end]
        self._first[new], self._end[new], self.lengths[new] = self._first[row], end, self.lengths[row]
        return new

    def truncate(self, row: int, length: int) -> None:
        """Take back a row's last tokens, as after a wrong guess; pages without a token go back.

        A row with a window keeps a page more than it sees, so that as many tokens can be taken back.
        """
        assert 0 <= length <= self.lengths[row], f"row {row} has {self.lengths[row]} tokens, not {length}"
        end = pages_for(length, self.page_size)
        seen = max(0, length + 1 - self.window) if self.window else 0
        assert length == 0 or self._first[row] * self.page_size <= seen, f"what token {length} sees was given back"
        self.release(self.tables[row, max(end, int(self._first[row])) : self._end[row]].tolist())
        self.tables[row, end:] = NO_PAGE
        self._end[row], self.lengths[row] = end, length
        self._first[row] = min(int(self._first[row]), end)

    def free(self, row: int) -> None:
        """End a row: its pages, if nobody else holds them, and its number can be given out again at once."""
        self.truncate(row, 0)
        self._first[row] = 0
        self._free_rows.append(row)

    def view(self, rows: Sequence[int], new_counts: Sequence[int]) -> View:
        """What one step of a model needs: `new_counts[i]` tokens of row `rows[i]` come, whose room is allocated."""
        return View(self, rows, new_counts)

    def write(self, layer: int, slots: Tensor, key: Float[Tensor, "kv_heads new head_dim"], value: Tensor) -> None:
        """Write the keys and values of new tokens of one layer to their places."""
        pages, places = slots // self.page_size, slots % self.page_size
        self.keys[layer][pages, :, places] = key.transpose(0, 1).to(self.dtype)
        self.values[layer][pages, :, places] = value.transpose(0, 1).to(self.dtype)

    def gather(self, layer: int, row: int, length: int) -> tuple[Tensor, Tensor]:
        """Copy a row's keys and values of one layer out of its pages: each (kv_heads, length, width). Those behind a window are any numbers."""
        pages = self.page_numbers(row, length)
        keys, values = (self._gather(array[layer], pages)[:, :length] for array in (self.keys, self.values))
        return keys, values

    def page_numbers(self, row: int, length: int) -> Int[Tensor, " pages"]:
        """The pages of a row's first `length` tokens; 0 in the place of those that were given back."""
        pages = self.tables[row, : pages_for(length, self.page_size)].astype(np.int64)
        return torch.from_numpy(np.maximum(pages, 0)).to(self.device)

    def _gather(self, kept: Tensor, pages: Tensor) -> Tensor:
        return kept.transpose(0, 1)[:, pages].flatten(1, 2)

    def grow(self, row: int, new: int) -> None:
        """Count tokens that were written in all layers, and give back the pages that no layer will see again."""
        self.lengths[row] += new
        if self.window is not None:
            first = max(0, int(self.lengths[row]) - self.window + 1 - self.page_size) // self.page_size
            self.release(self.tables[row, self._first[row] : first].tolist())
            self.tables[row, :first] = NO_PAGE
            self._first[row] = max(int(self._first[row]), first)


def memory(shape: tuple[int, ...], dtype: torch.dtype, device: Any) -> Tensor:
    """Zeros; on a CPU the system gives the memory of a page when it is first written."""
    with torch.inference_mode(False):
        if torch.device(device).type != "cpu" or dtype not in (torch.float32, torch.bfloat16, torch.int8, torch.uint8):
            return torch.zeros(shape, dtype=dtype, device=device)
        bits = {torch.float32: np.float32, torch.bfloat16: np.uint16, torch.int8: np.int8, torch.uint8: np.uint8}
        return torch.from_numpy(np.zeros(shape, bits[dtype])).view(dtype)
