"""Decoding as one launch: the kernels of a step are recorded once as a CUDA graph, and a token later the card runs them by itself.

A step of a small model for one token is some hundred kernels of a few microseconds each, and Python needs longer to start a kernel
than the card to run it. A graph is the list of those kernels with their arguments; replaying it costs one launch. So everything
must stay where it is: ids, positions, the column that is written, who may be looked at, and keys and values lie in the same memory
at every step, and all columns of a block are read, those that are not filled behind a mask. That costs as much reading as the block is
long, so that there is a graph for 256 columns, one for 512, ...: the first that holds the text.

    before a replay    ids, positions, column and mask are copied in (4 small copies)
    in the graph       write keys and values at the column -> attend to all columns behind the mask -> scores

One graph a number of rows and columns. Where none can be made (no CUDA device, windows, a model without attention, several
tokens at once) the module itself is called, so that whoever decodes needs no case of its own.
Left out: graphs of prefill (its shapes change), of sampling, and of the pages of continuous batching.
"""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from groundup.inference.cache.kv_cache import KVCache

FIRST_COLUMNS = 256
WARM_UP = 2  # steps before recording: libraries choose kernels and take their memory in the first ones


def columns_for(length: int, capacity: int) -> int:
    """How many columns a graph reads for a text of `length`: 256, 512, 1024, ... and at most the block.

    >>> columns_for(100, 4096), columns_for(257, 4096), columns_for(900, 1000)
    (256, 512, 1000)
    """
    columns = FIRST_COLUMNS
    while columns < length:
        columns *= 2
    return min(columns, capacity)


class FixedPlaces:
    """What attention is given as its cache while a step is recorded: a column that is a number on the card, blocks read whole."""

    def __init__(self, cache: KVCache, columns: int, place: Int[Tensor, " one"]):
        self.keys = [block[:, :, :columns] for block in cache.keys]
        self.values = [block[:, :, :columns] for block in cache.values]
        self.place, self.length = place, columns - 1  # so that with the new token there are as many keys as columns

    def update(
        self,
        layer: int,
        key: Float[Tensor, "batch kv_heads one head_dim"],
        value: Float[Tensor, "batch kv_heads one value_dim"],
    ) -> tuple[Float[Tensor, "batch kv_heads columns head_dim"], Float[Tensor, "batch kv_heads columns value_dim"]]:
        """Write a layer's key and value at the column; all columns of its block."""
        self.keys[layer].index_copy_(2, self.place, key)
        self.values[layer].index_copy_(2, self.place, value)
        return self.keys[layer], self.values[layer]


@dataclass(slots=True)
class FixedStep:
    """A step of so many rows and columns in memory that does not move. `graph`: its recording; None: it is run by Python."""

    ids: Int[Tensor, "rows one"]
    positions: Int[Tensor, "rows one"]
    place: Int[Tensor, " one"]
    real: Bool[Tensor, "rows columns"]
    cache: FixedPlaces
    logits: Float[Tensor, "rows one vocab"] | None = None
    graph: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, cache: KVCache, columns: int) -> "FixedStep":
        """Its memory, over a cache's own blocks."""
        rows, device = len(cache.keys[0]), cache.keys[0].device
        place = torch.zeros(1, dtype=torch.int64, device=device)
        ids, positions = (torch.zeros(rows, 1, dtype=torch.int64, device=device) for _ in range(2))
        real = torch.ones(rows, columns, dtype=torch.bool, device=device)
        return cls(ids, positions, place, real, FixedPlaces(cache, columns, place))

    def fill(self, ids: Tensor, positions: Tensor, real: Tensor | None, column: int) -> None:
        """Copy in what is new: `real` says which of the columns so far are no padding, None: all."""
        self.ids.copy_(ids)
        self.positions.copy_(positions)
        self.place.fill_(column)
        if real is None:
            self.real.fill_(True)
        else:
            self.real[:, : column + 1].copy_(real[:, : column + 1])

    def run(self, module: Any) -> None:
        """The step by Python; what a recording holds."""
        columns = torch.arange(self.real.shape[1], device=self.real.device)
        mask = (self.real & (columns <= self.place))[:, None]
        self.logits = module(self.ids, mask, self.positions, self.cache)

    def record(self, module: Any) -> None:
        """Run it a few times beside, then once as a recording; what they write to the cache, the step then made writes over.

        The column is set to the last, which no text has reached yet.
        """
        self.place.fill_(self.real.shape[1] - 1)
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                self.run(module)
        torch.cuda.current_stream().wait_stream(beside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.run(module)


class Graphs:
    """A module for decoding: called as the module is, and one launch a token where a step can be recorded.

    It keeps a graph for each number of rows and columns over one cache; a cache that moved (rows left, a new batch) begins anew.
    after: as many steps are made by the module first, since recording costs as much as a few of them. What it returns lies in the
    graph's memory, and the next step writes over it.
    """

    def __init__(self, module: Any, after: int = 4):
        self.module, self.after = module, after
        self.steps: dict[tuple[int, int], FixedStep] = {}
        self.blocks: list[Any] = []  # where the keys and values lie that the steps were made for
        self.plain = 0  # steps made by the module over these
        self.replays = 0
        self.refused = ""  # why recording failed: what the card is asked for while it runs, such as a router's choice

    def __call__(
        self, input_ids: Tensor, mask: Tensor | None, positions: Tensor | None, cache: Any
    ) -> Float[Tensor, "rows seq vocab"]:
        """The scores after each token; mask: (rows, 1, columns so far), or None."""
        if positions is not None and not self.refused and records(self.module, input_ids, cache):
            step = self.step_for(cache)
            self.plain += 1
            if self.plain > self.after and self.recorded(step):
                return self.replay(step, input_ids, None if mask is None else mask[:, 0], positions, cache)
        return self.module(input_ids, mask, positions, cache)

    @torch.inference_mode()
    def recorded(self, step: FixedStep) -> bool:
        """Record a step, where it can be."""
        if step.graph is None:
            try:
                step.record(self.module)
            except RuntimeError as error:
                self.refused, step.graph = str(error).splitlines()[0], None
        return step.graph is not None

    @torch.inference_mode()
    def replay(
        self, step: FixedStep, ids: Int[Tensor, "rows one"], real: Tensor | None, positions: Tensor, cache: KVCache
    ) -> Float[Tensor, "rows one vocab"]:
        """One step by its graph."""
        step.fill(ids, positions, real, cache.length)
        step.graph.replay()
        cache.length += 1
        self.replays += 1
        assert step.logits is not None
        return step.logits

    def step_for(self, cache: KVCache) -> FixedStep:
        """The step's memory for this cache and length."""
        blocks = [(block.data_ptr(), block.shape) for block in (*cache.keys, *cache.values)]
        if blocks != self.blocks:
            self.steps, self.blocks, self.plain = {}, blocks, 0
        rows, capacity = len(cache.keys[0]), cache.keys[0].shape[2]
        key = (rows, columns_for(cache.length + 1, capacity))
        if key not in self.steps:
            self.steps[key] = FixedStep.of(cache, key[1])
        return self.steps[key]


def records(module: Any, input_ids: Tensor, cache: Any) -> bool:
    """Whether this step can be recorded: one token a row, on a card, all columns kept, nothing that asks the card while it runs."""
    rotaries = getattr(module, "rotaries", ())
    return (
        input_ids.is_cuda
        and input_ids.shape[1] == 1
        and type(cache) is KVCache
        and not any(cache.windows)
        and getattr(module, "bias", None) is None
        and all(rotary is None or rotary.scaling is None for rotary in rotaries)
    )
