"""A decoder on a CPU with one compiled call a token, for one text or a few at once.

    lowered = lower(module, "q4_0")
    logits = lowered.step(ids, pool.tables, pool.lengths, pool.keys, pool.values)   # a token of each of up to 16 rows

    text = lowered.text()                   # or one text with pages of its own
    logits = text.prefill(ids)              # torch reads the prompt, its keys and values are copied
    logits = text.step(int(logits.argmax()))

`lower` is also the check: what the compiled code says after two tokens is compared with what torch says with the packed weights'
worth, and code that is off is refused aloud. Left out: prefill, which torch does.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from groundup.errors import ConfigError, InputError
from groundup.inference.compiled import kernels
from groundup.inference.compiled.layout import Sizes, Weights, pack
from groundup.inference.compiled.records import codec_of, padded
from groundup.processor import cores
from groundup.text.compiled import several_threads

ROWS = 16  # texts at once
PAGE = 32  # tokens, of a text with pages of its own
SMALL = 2 << 20  # bytes of weights: below, a token takes less than two threads need to meet each other in every phase
MOST_THREADS = 64


class Lowered:
    """A module's packed weights and the room in which a step works; keys and values are the caller's."""

    def __init__(self, module: Any, weights: Weights, codec: str, threads: int, rows: int, context: int):
        self.module, self.weights, self.codec, self.rows, self.context = module, weights, codec, rows, context
        self.sizes = Sizes.of(module)
        angles = module.rotary.angles(torch.arange(context), torch.float32)
        self.angles = tuple(side.reshape(context, -1).numpy() for side in angles)
        head_norm = module.model.layers[0].self_attn.q_norm
        self.eps = np.array([module.model.norm.eps, 0.0 if head_norm is None else head_norm.eps], np.float32)
        self.work_on(threads)

    def work_on(self, threads: int) -> None:
        """Make the room for so many threads."""
        self.threads, sizes = threads, self.sizes
        width = max(padded(sizes.hidden, 32), padded(sizes.heads * sizes.head_dim, 32), sizes.opened)
        layers = len(self.module.model.layers)
        blocks = sizes.blocks(len(self.module.model.layers[0].mlp.gate_proj.weight))
        units = [blocks[0], blocks[1], blocks[2] // 2, blocks[3], blocks[4]]
        chunks = [min(count, threads * kernels.CHUNKS) for count in units]
        self.plan = np.array([*blocks, 4 * width, *chunks], np.int64)
        self.shared = np.zeros((kernels.PHASES * layers + 1) * 2 * kernels.APART, np.int32)
        self.own = (
            np.zeros((threads, width), np.float32), np.zeros((threads, self.rows * 4 * width), np.uint8),
            np.zeros((threads, self.rows * 32), np.float32), np.zeros((threads, 2 * sizes.head_dim), np.float32),
            np.zeros((threads, self.context), np.float32),
        )  # fmt: skip
        widths = (
            sizes.hidden, (sizes.heads + 2 * sizes.kv_heads) * sizes.head_dim, padded(sizes.heads * sizes.head_dim, 32),
            sizes.opened,
        )  # fmt: skip
        rooms = [np.zeros((self.rows, width), np.float32) for width in widths]
        self.states = [tuple(room[:count] for room in rooms) for count in range(self.rows + 1)]

    def step(self, ids: Any, tables: Any, lengths: Any, keys: Any, values: Any) -> Float[np.ndarray, "rows vocab"]:
        """Read one more token of every row; the scores of the next.

        tables: (rows, pages) page numbers; lengths: tokens that each row has kept, which the caller counts on; keys, values:
        (layers, pages, kv_heads, page_size, head_dim) float32 or bf16 (torch's, or its words), written into.
        """
        ids, lengths = np.ascontiguousarray(ids, np.int64), np.ascontiguousarray(lengths, np.int64)
        tables, keys, values = np.ascontiguousarray(tables, np.int64), kept(keys), kept(values)
        self._must_fit(ids, lengths, tables, keys, values)
        return self.run(ids, lengths, tables, keys, values)

    def run(self, ids: Any, lengths: Any, tables: Any, keys: Any, values: Any) -> np.ndarray:
        """The step itself, with arrays that are known to fit."""
        logits = np.empty((len(ids), self.sizes.vocabulary), np.float32)
        with several_threads():  # the room too is one step's
            (kernels.step if self.threads == 1 else kernels.step_together)(
                ids, lengths, tables, tuple(self.weights), keys, values, self.angles, self.eps, self.sizes.heads, self.plan,
                self.shared, self.states[len(ids)], self.own, logits,
            )  # fmt: skip
        return logits

    def text(self, context: int | None = None) -> "Text":
        """One text with keys and values of its own; context: how many tokens there is room for."""
        return Text(self, self.context if context is None else context)

    def must_know(self, low: int, high: int) -> None:
        """Refuse an id that has no row: compiled code would read beyond the table."""
        for token in (low, high):
            if not 0 <= token < len(self.weights.embedding):
                raise InputError(
                    f"token {token} is not in the vocabulary of {len(self.weights.embedding)}; use 0 or more and less than that"
                )

    def _must_fit(self, ids: Any, lengths: Any, tables: Any, keys: Any, values: Any) -> None:
        """Refuse what would read or write beyond an array."""
        if not 0 < len(ids) <= self.rows or not len(ids) == len(lengths) == len(tables):
            raise InputError(
                f"a step reads 1 to {self.rows} rows, each with an id, a length and a table; "
                f"these are {len(ids)} ids, {len(lengths)} lengths, {len(tables)} tables"
            )
        self.must_know(int(ids.min()), int(ids.max()))
        shape = (len(self.module.model.layers), self.sizes.kv_heads, self.sizes.head_dim)
        for one in (keys, values):
            if one.ndim != 5 or (one.shape[0], one.shape[2], one.shape[4]) != shape or one.shape[:4] != keys.shape[:4]:
                raise InputError(
                    f"pages of the shape {one.shape} do not fit a module of {shape} layers, key heads, numbers a head"
                )
        pages = lengths // keys.shape[3]
        if lengths.min() < 0 or lengths.max() >= self.context or pages.max() >= tables.shape[1]:
            raise InputError(
                f"a row of {lengths.max()} tokens is full; there is room for {self.context} and {tables.shape[1]} pages"
            )
        used = np.arange(tables.shape[1]) <= pages[:, None]
        if not ((tables >= 0) & (tables < keys.shape[1]))[used].all():
            raise InputError("a table names a page that is not there; allocate the page of the new token first")


def kept(pages: Any) -> np.ndarray:
    """Pages as the kernels see them: torch's bf16 as words, nothing copied."""
    if isinstance(pages, torch.Tensor):
        pages = (pages.view(torch.uint16) if pages.dtype == torch.bfloat16 else pages).numpy()
    if pages.dtype not in (np.float32, np.uint16) or not pages.flags.c_contiguous:
        raise InputError(
            f"pages of {pages.dtype} cannot be read by the compiled step; use float32 or bfloat16, contiguous"
        )
    return pages


class Text:
    """One text: its pages in their order, and how many tokens they are of."""

    def __init__(self, lowered: Lowered, context: int):
        if not 0 < context <= lowered.context:
            raise ConfigError(f"context={context} is not possible; use 1 to {lowered.context}, or leave it out")
        self.lowered, self.context, self.length = lowered, context, 0
        sizes, pages = lowered.sizes, padded(context, PAGE) // PAGE
        shape = (len(lowered.module.model.layers), pages, sizes.kv_heads, PAGE, sizes.head_dim)
        kept_in = codec_of(lowered.codec).kept
        self.keys: np.ndarray = np.zeros(shape, kept_in)
        self.values: np.ndarray = np.zeros(shape, kept_in)
        self._table, self._id, self._length = np.arange(pages)[None], np.zeros(1, np.int64), np.zeros(1, np.int64)

    def step(self, token: int) -> Float[np.ndarray, " vocab"]:
        """Read one more token; the scores of the next."""
        self.lowered.must_know(token, token)
        if self.length >= self.context:
            raise InputError(f"the {self.context} positions are full; ask for a text with a larger context")
        self._id[0], self._length[0] = token, self.length
        logits = self.lowered.run(self._id, self._length, self._table, self.keys, self.values)
        self.length += 1
        return logits[0]

    def prefill(self, ids: Sequence[int]) -> Float[np.ndarray, " vocab"]:
        """Forget what was read, read a prompt with torch and copy its keys and values; the scores of the next token."""
        if not 0 < len(ids) <= self.context:
            raise InputError(f"a prompt of {len(ids)} tokens does not fit; there is room for 1 to {self.context}")
        self.lowered.must_know(min(ids), max(ids))
        seen, module = _Seen(), self.lowered.module
        with torch.inference_mode():
            logits = module(torch.tensor([list(ids)], device=module.device), cache=seen)[0, -1]
        for layer, both in enumerate(seen.kept):
            for pages, new in zip((self.keys, self.values), both, strict=True):
                put(pages[layer], new[0])
        self.length = len(ids)
        return logits.float().cpu().numpy()


def put(pages: np.ndarray, new: torch.Tensor) -> None:
    """Copy keys or values (kv_heads, tokens, head_dim) into pages (pages, kv_heads, page_size, head_dim) from the first on."""
    size = pages.shape[2]
    dtype = torch.float32 if pages.dtype == np.float32 else torch.bfloat16
    whole = torch.nn.functional.pad(new.detach().to("cpu", dtype), (0, 0, 0, -new.shape[1] % size))
    split = whole.reshape(len(new), -1, size, new.shape[2]).transpose(0, 1).contiguous()
    pages[: len(split)] = kept(split)


class _Seen:
    """A cache for one pass over a prompt: it only takes note."""

    length = 0

    def __init__(self) -> None:
        self.kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def update(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Note them and hand them back."""
        self.kept.append((key, value))
        return key, value


def lower(
    module: Any, codec: str = "bf16", *, context: int | None = None, threads: int | None = None, rows: int = ROWS
) -> Lowered:
    """Pack a module's weights for the compiled step and check it; UnsupportedModel names a part that has no kernel.

    codec: f32, bf16, q8_0 or q4_0. context: how many tokens a row may have, None: as many as the model was made for. threads: None for as many
    as cores, and one where the weights are so few that threads would mostly wait for each other. rows: most texts at once.
    """
    packing = codec_of(codec)
    for name, number in (("context", context), ("threads", threads), ("rows", rows)):
        if number is not None and number < 1:
            raise ConfigError(f"{name}={number} is not possible; use 1 or more, or leave it out")
    weights = pack(module, packing)
    if threads is None:
        threads = 1 if weights.matrix_bytes() < SMALL else cores()
    lowered = Lowered(
        module, weights, codec, min(threads, MOST_THREADS), rows, context or module.config.max_position_embeddings
    )
    from groundup.inference.compiled.checks import check

    check(lowered)
    return lowered
