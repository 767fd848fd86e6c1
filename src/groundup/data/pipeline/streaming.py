"""Batches for training, shuffled, from one or several sources; a pure function of the seed and the step.

`loader.batch(step)` needs no history: a run that stopped after any step goes on with the rows it would have had, in the
middle of an epoch too. There is no shuffle buffer whose content could be lost, and no random state to save.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.mixing import GOLDEN, UNIT, Mixture
from groundup.data.pipeline.packing import Rows, apart, arrays, lay_out, pack
from groundup.errors import ConfigError, InputError

NO_MASK = np.frombuffer(b"", dtype=np.uint8)  # read-only like a mapped mask, so that one compiled form serves both


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows side by side. targets are shifted already; loss_mask: which of them count."""

    input_ids: Int[Tensor, "batch seq"]
    targets: Int[Tensor, "batch seq"]
    loss_mask: Bool[Tensor, "batch seq"]
    document_ids: Int[Tensor, "batch seq"]  # counted anew in each row; -1 on padding
    positions: Int[Tensor, "batch seq"]  # from 0 in each document

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on a device."""
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))


class Loader:
    """Batches of rows from sources mixed by weight (each its share of the rows), each source in epochs of its own.

    packed: several documents may share a row; False: each has its own.
    """

    def __init__(
        self,
        sources: Shards | Sequence[tuple[Shards, float | int]],
        seq_len: int,
        batch_size: int,
        seed: int = 1,
        packed: bool = True,
    ):
        if seq_len < 1 or batch_size < 1:
            raise ConfigError(f"seq_len={seq_len} and batch_size={batch_size} must both be 1 or more")
        pairs = [(sources, 1.0)] if isinstance(sources, Shards) else [pair for pair in sources if pair[1] != 0]
        self.shards = [shards for shards, _ in pairs]
        self.seq_len, self.batch_size, self.seed = seq_len, batch_size, seed
        self.mixture = Mixture([weight for _, weight in pairs], seed)
        _check_length([shards.num_tokens for shards in self.shards], seq_len)
        fit = pack if packed else apart
        self.rows: list[Rows] = [fit(shards.offsets, seq_len, shards.start_id is not None) for shards in self.shards]
        self._orders: dict[tuple[int, int], np.ndarray] = {}

    @property
    def rows_per_epoch(self) -> int:
        """Rows of all sources together."""
        return sum(len(rows) for rows in self.rows)

    @property
    def padding(self) -> float:
        """The part of all positions of all rows that holds no token."""
        return 1 - sum(int(rows.lengths.sum()) for rows in self.rows) / (self.rows_per_epoch * self.seq_len)

    def epochs(self, step: int) -> list[float]:
        """How often each source was gone through after so many steps."""
        rows = step * self.batch_size
        return [self.mixture.before(source, rows) / len(self.rows[source]) for source in range(len(self.rows))]

    def batch(self, step: int) -> Batch:
        """The batch of a step, the same whenever it is asked for."""
        return self.assemble(self._chosen(step))

    def chosen(self, step: int) -> list[tuple[int, int]]:
        """The rows of a step's batch as (source, row)."""
        return [(source, row) for source, row in self._chosen(step).tolist()]

    def _chosen(self, step: int) -> np.ndarray:
        """The same as an array of two columns."""
        sources, numbers = self.mixture.places(step * self.batch_size, self.batch_size)
        rows = np.empty(self.batch_size, dtype=np.int64)
        for source in range(len(self.rows)):
            mine = np.flatnonzero(sources == source)
            epochs, places = np.divmod(numbers[mine], len(self.rows[source]))
            for epoch in range(epochs[0], epochs[-1] + 1) if len(mine) else ():
                now = epochs == epoch
                rows[mine[now]] = self._order(source, epoch)[places[now]]
        return np.stack([sources, rows], axis=1)

    def _order(self, source: int, epoch: int) -> np.ndarray:
        """The order of a source's rows in an epoch; the last two are kept, as a batch may reach over an epoch's end."""
        if (source, epoch) not in self._orders:
            for old in [key for key in self._orders if key[0] == source and key[1] != epoch - 1]:
                del self._orders[old]
            self._orders[source, epoch] = permutation(len(self.rows[source]), (self.seed, source, epoch))
        return self._orders[source, epoch]

    def assemble(self, chosen: Sequence[tuple[int, int]] | np.ndarray) -> Batch:
        """Lay rows, given as (source, row), out as tensors."""
        batch = arrays(len(chosen), self.seq_len)
        places = np.asarray(chosen, dtype=np.int64).reshape(-1, 2)
        for source, (shards, rows) in enumerate(zip(self.shards, self.rows, strict=True)):
            lines = np.flatnonzero(places[:, 0] == source)
            if not len(lines):
                continue
            lay_out(
                shards.tokens,
                NO_MASK if shards.loss_mask is None else shards.loss_mask,
                rows.starts,
                rows.lengths,
                rows.first,
                rows.bounds,
                shards.start_id or 0,
                places[lines, 1],
                lines,
                *batch.values(),
            )
        return Batch(**{name: torch.from_numpy(array) for name, array in batch.items()})


def _check_length(tokens: list[int], seq_len: int) -> None:
    """Refuse a corpus that does not fill one row, and say what to do."""
    if not all(tokens):
        raise InputError("one of the sources has no tokens at all; give it a text or the share 0")
    if sum(tokens) < seq_len:
        smaller = 1 << (sum(tokens).bit_length() - 1)
        raise InputError(
            f"the corpus has {sum(tokens):,} tokens, but one context needs {seq_len:,}; "
            f"pass a longer text or --set train.seq_len={smaller}"
        )


def permutation(count: int, key: Sequence[int]) -> np.ndarray:
    """An order of 0 ... count - 1 drawn by hashing: the same on every machine and with every version of NumPy.

    Sorts by SplitMix64 (Steele et al. 2014), which gives different numbers different hashes, so no two are equal.
    """
    base = 0
    for part in key:
        base = int(_mixed(np.array([(base + part + 1) * GOLDEN % UNIT], dtype=np.uint64))[0])
    numbers = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN) + np.array([base], dtype=np.uint64)
    return np.argsort(_mixed(numbers), kind="stable")


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser: every bit of a number changes about half of the bits of its hash."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
