"""Backpropagation through time, truncated: the state goes on from batch to batch, the gradient does not.

A row of batch n + 1 begins where the same row of batch n ended, and with the state that it ended with; what the state was made of is
forgotten, so a step costs the same however long the text. The model reads thousands of tokens and learns from `seq_len` of them at a time
(Williams and Peng 1990, Neural Computation 2(4); Mikolov et al. 2010). In one window's gradient that is `gradient_through_time` of `rnn.py` with a
window. The state belongs to who trains, `Carried`; the model keeps none. A run that goes on from a checkpoint begins with an empty state: it is
not saved, and is full again after a few batches.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from groundup.data.pipeline.streaming import Batch
from groundup.errors import InputError
from groundup.training.objectives.causal import Asked, loss_where


class RunningText:
    """One long text in `batch_size` rows side by side: batch after batch, each row goes on where it was.

    carried: positions go on too, and are 0 only where the text is begun again; False: each batch's rows are texts of their own.
    """

    def __init__(self, ids: Sequence[int] | np.ndarray, batch_size: int, seq_len: int, carried: bool = True):
        if batch_size < 1 or seq_len < 1:
            raise InputError(f"batch_size={batch_size} and seq_len={seq_len} must both be 1 or more")
        self.ids = torch.from_numpy(np.asarray(ids, dtype=np.int64))
        self.batch_size, self.seq_len, self.carried = batch_size, seq_len, carried
        self.row = (len(self.ids) - 1) // batch_size
        self.batches = self.row // seq_len  # until the text is begun again
        if len(self.ids) < 2 or self.batches < 1:
            raise InputError(
                f"a text of {len(self.ids)} tokens is no batch of {batch_size} rows with {seq_len} tokens and the next one; "
                "give a longer text, or fewer or shorter rows"
            )

    def batch(self, step: int) -> Batch:
        """The batch of a step; it needs no history."""
        lap, part = divmod(step, self.batches)
        spare = self.row - self.batches * self.seq_len
        start = part * self.seq_len + (lap * 17) % (spare + 1)  # another cut in every lap, where there is room
        first = torch.arange(self.batch_size)[:, None] * self.row + start + torch.arange(self.seq_len)
        here = torch.arange(self.seq_len) + (part * self.seq_len if self.carried else 0)
        rows = (self.batch_size, self.seq_len)
        return Batch(
            self.ids[first],
            self.ids[first + 1],
            torch.ones(rows, dtype=torch.bool),
            torch.zeros(rows, dtype=torch.int64),
            here.expand(rows),
        )


class Carried:
    """Next-token prediction that hands each batch the state in which the last one ended. An objective for the training loop."""

    def __init__(self) -> None:
        self.cache: Any = None

    def __call__(self, module: Any, batch: Any) -> tuple[Tensor, int]:
        """Sum the cross-entropy; nats, and how many targets there are."""
        rows = batch.input_ids.shape[0]
        if self.cache is None or self.cache.states[0].shape[1] != rows:
            self.cache = module.empty_cache(rows)
        hidden = module.hidden(batch.input_ids, None, batch.positions, self.cache)
        return loss_where(Asked(module.lm_head, hidden, batch.targets, batch.loss_mask))
