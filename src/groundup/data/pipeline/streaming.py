"""Batches for training, shuffled, from one or several sources; a pure function of the seed and the step.

`loader.batch(step)` needs no history: a run that stopped after any step goes on with exactly the rows it would have had,
also in the middle of an epoch. There is no shuffle buffer whose content could be lost.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.packing import Rows, pack
from groundup.errors import InputError

GOLDEN = (math.sqrt(5) - 1) / 2  # multiples of it, modulo 1, fill the unit interval evenly from the first on


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows side by side, each tensor [batch, seq]. targets are shifted already; document_ids is -1 on padding."""

    input_ids: Tensor
    targets: Tensor
    loss_mask: Tensor
    document_ids: Tensor
    positions: Tensor


class Loader:
    """Batches of `batch_size` rows from sources mixed by weight (shares of the rows); each source in epochs of its own."""

    def __init__(self, sources: Shards | Sequence[tuple[Shards, float]], seq_len: int, batch_size: int, seed: int = 1):
        pairs = [(sources, 1.0)] if isinstance(sources, Shards) else list(sources)
        self.shards = [shards for shards, _ in pairs]
        self.seq_len, self.batch_size, self.seed = seq_len, batch_size, seed
        tokens = sum(shards.num_tokens for shards in self.shards)
        if tokens < seq_len:
            raise InputError(f"the corpus has {tokens} tokens but one row needs {seq_len}; "
                             f"give a longer text or --set train.seq_len={max(8, tokens // 2)}")
        self.rows: list[Rows] = [pack(shards.offsets, seq_len) for shards in self.shards]
        weights = np.array([weight for _, weight in pairs], dtype=np.float64)
        self.edges = np.cumsum(weights / weights.sum())
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    @property
    def rows_per_epoch(self) -> int:
        """Rows of all sources together."""
        return sum(len(rows) for rows in self.rows)

    def batch(self, step: int) -> Batch:
        """The batch of a step, the same whenever it is asked for."""
        return self.assemble(self.chosen(step))

    def chosen(self, step: int) -> list[tuple[int, int]]:
        """The rows of a step's batch as (source, row)."""
        last = (step + 1) * self.batch_size
        sources = np.searchsorted(self.edges[:-1], (np.arange(1, last + 1) * GOLDEN) % 1, side="right")
        chosen = []
        for number in range(last - self.batch_size, last):
            source = int(sources[number])
            seen = int((sources[:number] == source).sum())
            epoch, place = divmod(seen, len(self.rows[source]))
            chosen.append((source, int(self._order(source, epoch)[place])))
        return chosen

    def _order(self, source: int, epoch: int) -> np.ndarray:
        """The order of a source's rows in an epoch."""
        if (source, epoch) not in self._orders:
            for old in [key for key in self._orders if key[0] == source and key[1] < epoch - 1]:
                del self._orders[old]
            generator = np.random.default_rng([self.seed, source, epoch])
            self._orders[source, epoch] = generator.permutation(len(self.rows[source]))
        return self._orders[source, epoch]

    def assemble(self, chosen: Sequence[tuple[int, int]]) -> Batch:
        """Lay the pieces of the chosen rows out as tensors."""
        shape = (len(chosen), self.seq_len)
        inputs, targets, positions = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        documents, mask = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=bool)
        for line, (source, row) in enumerate(chosen):
            shards, rows = self.shards[source], self.rows[source]
            at = 0
            for number, piece in enumerate(range(rows.bounds[row], rows.bounds[row + 1])):
                start, length = int(rows.starts[piece]), int(rows.lengths[piece])
                end = at + length
                targets[line, at:end] = shards.tokens[start : start + length]
                inputs[line, at + 1 : end] = targets[line, at : end - 1]
                inputs[line, at] = shards.start_id if rows.first[piece] else shards.tokens[start - 1]
                mask[line, at:end] = True if shards.loss_mask is None else shards.loss_mask[start : start + length]
                documents[line, at:end] = number
                positions[line, at:end] = np.arange(length)
                at = end
        return Batch(*(torch.from_numpy(array) for array in (inputs, targets, mask, documents, positions)))
