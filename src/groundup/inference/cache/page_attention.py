"""The work of one step cut into units and handed to the kernel that reads pages (`page_kernels`).

A view lasts for all layers, so the cutting is done once for each window that there is, in NumPy; a layer costs one call.
"""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from groundup.processor import cores

if TYPE_CHECKING:
    from groundup.inference.cache.paged import PagePool

QUERIES = 8  # new tokens of a row that read a page together
SPAN = 512  # keys of one unit: short enough that one long text keeps several cores busy
KINDS = {torch.float32: np.float32, torch.bfloat16: np.uint16, torch.int8: np.int8}
SMALL = (
    1 << 21
)  # numbers of keys times queries of them: below (0.5 ms), one thread is done before two have woken and met


class Work(NamedTuple):
    """Lines as `page_kernels.attend_pages` reads them: blocks with spans, and which of them make up a token."""

    lines: Int[np.ndarray, "lines 7"]
    joins: Int[np.ndarray, "tokens 4"]
    scores: Int[np.ndarray, " lines"]  # a line's keys times its queries


def cut(rows: np.ndarray, starts: np.ndarray, counts: np.ndarray, offsets: np.ndarray, window: int) -> Work:
    """Cut the new tokens of rows into blocks, and the keys that each sees into spans. window 0: all keys.

    starts: tokens that a row had; offsets: where its new ones begin among all new ones.
    """
    lines, joins, place = [], [], 0
    for row, start, count, offset in zip(
        rows.tolist(), starts.tolist(), counts.tolist(), offsets.tolist(), strict=True
    ):
        for done in range(0, count, QUERIES):
            size, position = min(QUERIES, count - done), start + done
            seen, end = max(0, position + 1 - window) if window else 0, position + size
            edges = [seen, *range((seen // SPAN + 1) * SPAN, end, SPAN), end]
            joins += [(offset + done + at, place + at, size, len(edges) - 1) for at in range(size)]
            for first, last in zip(edges, edges[1:], strict=False):
                lines.append((row, offset + done, size, first, last, position, place))
                place += size
    array = np.array(lines, np.int64).reshape(-1, 7)
    return Work(array, np.array(joins, np.int64).reshape(-1, 4), (array[:, 4] - array[:, 3]) * array[:, 2])


def share_out(scores: Int[np.ndarray, " lines"], kv_heads: int, threads: int) -> Int[np.ndarray, " bounds"]:
    """Where each thread's units begin, so that all have about as many scores.

    >>> share_out(np.array([10, 10, 20]), kv_heads=1, threads=2).tolist()
    [0, 2, 3]
    """
    done = np.cumsum(np.repeat(scores, kv_heads))
    inner = np.searchsorted(done, done[-1] * np.arange(1, threads) / threads, side="left") + 1
    return np.concatenate(([0], np.minimum(inner, len(done)), [len(done)])).astype(np.int64)


def as_kernels_read(kept: Tensor) -> np.ndarray:
    """The same memory as NumPy has it: bf16 as words."""
    return (kept.view(torch.uint16) if kept.dtype == torch.bfloat16 else kept).numpy()


class PageAttention:
    """Attention of some rows of one step over the pages of a pool."""

    def __init__(self, pool: "PagePool", rows: np.ndarray, starts: np.ndarray, counts: np.ndarray, offsets: np.ndarray):
        self.pool, self.rows = pool, (rows, starts, counts, offsets)
        group = pool.kv_heads * pool.head_dim
        self.threads = 1 if int((starts + counts) @ counts) * group < SMALL else min(cores(), 64)
        self._work: dict[int, tuple[Work, np.ndarray]] = {}

    def __call__(
        self,
        layer: int,
        query: Float[Tensor, "heads tokens head_dim"],
        out: Float[np.ndarray, "tokens kv_heads group value_dim"],
        scale: float | None,
        window: int | None,
        cap: float | None,
    ) -> None:
        """Fill in the rows' tokens of `out`."""
        from groundup.inference.cache import page_kernels
        from groundup.text.compiled import several_threads

        work, bounds = self._cut(window or 0)
        heads, tokens, width = query.shape
        kv_heads = self.pool.kv_heads
        asked = query.transpose(0, 1).contiguous().float().numpy().reshape(tokens, kv_heads, heads // kv_heads, width)
        arrays: Any = [as_kernels_read(one[layer]) for one in (self.pool.keys, self.pool.values, *self.pool.scales)]
        alone = self.threads == 1
        with nullcontext() if alone else several_threads():
            (page_kernels.attend_alone if alone else page_kernels.attend_pages)(
                asked, *arrays, self.pool.tables, work.lines, bounds, work.joins,
                np.float32(width**-0.5 if scale is None else scale), window or 0, np.float32(cap or 0.0), out,
            )  # fmt: skip

    def _cut(self, window: int) -> tuple[Work, np.ndarray]:
        if window not in self._work:
            work = cut(*self.rows, window)
            self._work[window] = work, share_out(work.scores, self.pool.kv_heads, self.threads)
        return self._work[window]
