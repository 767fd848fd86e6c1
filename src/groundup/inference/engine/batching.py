"""Many prompts at once: one step of the model serves every row, and a row leaves when it is done.

    prompts    sorted by length, so that a batch pads little; equal prompts are read once
    padding    on the left, so that every row's newest token is in the last column; positions count real tokens only
    leaving    when a quarter of the rows are done, the cache is closed up around the others

A row's tokens do not depend on what else is in the batch: its random numbers belong to (seed, row, position).
Left out: taking in new prompts while others run (continuous batching).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from groundup.errors import InputError
from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.decoding.sampling import log_probability, sample
from groundup.inference.decoding.streams import uniform
from groundup.inference.engine.graphs import Graphs
from groundup.model.attention import masks

ROWS_AT_ONCE = 256
READ_AT_ONCE = 4096  # tokens; activations of more leave the processor's cache: 30,000 at once take 1.7x as long
CLOSE_UP_BELOW = 0.75
ROWS_STEP = 8  # rows stay a multiple: torch compiles a bf16 product for every number of rows it meets


@dataclass(frozen=True, slots=True)
class Completion:
    """What followed one prompt. ids: the new tokens, the stop token included where it came.

    log_probabilities: of each of these under the model itself (temperature 1, nothing left out), in nats.
    """

    ids: list[int]
    log_probabilities: list[float]
    finish_reason: str  # "stop": a stop token came; "length": max_new_tokens or the context's end


class Step(NamedTuple):
    """One new token for each row that still runs."""

    rows: np.ndarray  # which prompts, by index
    ids: np.ndarray
    log_probabilities: np.ndarray


def generate_batch(
    module: Any,
    prompts: Sequence[Sequence[int]],
    sampling: SamplingConfig,
    stop_ids: Collection[int] = (),
    *,
    pad_id: int = 0,
    streams: Sequence[int] | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> list[Completion]:
    """Complete every prompt; results in the order of the prompts.

    streams: which random stream each prompt has (default: its index), so that a part of a file can be done again alone.
    Stop strings need text and belong to the handle; here only stop_ids end a row.
    """
    check_prompts(prompts, module.config.max_position_embeddings)
    numbers = np.arange(len(prompts)) if streams is None else np.asarray(streams)
    ids = np.zeros((len(prompts), sampling.max_new_tokens), dtype=np.int64)
    scores = np.zeros(ids.shape, dtype=np.float32)
    lengths = np.zeros(len(prompts), dtype=np.int64)
    order = sorted(range(len(prompts)), key=lambda index: (len(prompts[index]), tuple(prompts[index])))
    for start in range(0, len(order), rows_at_once):
        group = np.array(order[start : start + rows_at_once])
        for step in steps(
            module, [prompts[row] for row in group], sampling, stop_ids, pad_id=pad_id, streams=numbers[group]
        ):
            rows = group[step.rows]
            ids[rows, lengths[rows]], scores[rows, lengths[rows]] = step.ids, step.log_probabilities
            lengths[rows] += 1
    stops = set(stop_ids)
    return [
        Completion(
            new := ids[row, :length].tolist(), scores[row, :length].tolist(), "stop" if new[-1] in stops else "length"
        )
        for row, length in enumerate(lengths)
    ]


def check_prompts(prompts: Sequence[Sequence[int]], context: int) -> None:
    """Refuse a prompt that is empty or leaves no room for an answer."""
    for index, prompt in enumerate(prompts):
        if not len(prompt):
            raise InputError(f"prompt {index} has no token; give at least one, such as the beginning-of-text token")
        if len(prompt) >= context:
            raise InputError(
                f"prompt {index} has {len(prompt)} tokens but the model's context is {context}, "
                f"answer included; shorten it by at least {len(prompt) - context + 1} tokens"
            )


@torch.inference_mode()
def steps(
    module: Any,
    prompts: Sequence[Sequence[int]],
    sampling: SamplingConfig,
    stop_ids: Collection[int] = (),
    *,
    pad_id: int = 0,
    streams: np.ndarray | None = None,
) -> Iterator[Step]:
    """Decode one batch, a token of every running row at a time. The engine under `generate_batch` and streaming."""
    batch = _Batch(module, prompts, sampling, pad_id, np.arange(len(prompts)) if streams is None else streams)
    stops = np.array(sorted(stop_ids), dtype=np.int64)
    logits = batch.prefill()
    while True:
        ids, step = batch.choose(logits)
        yield step
        batch.finish(np.isin(step.ids, stops))
        if not batch.running.any():
            return
        ids = batch.close_up(ids)
        logits = batch.advance(ids)


class _Batch:
    """The rows of one batch while they run: cache, mask, and who is still here."""

    def __init__(
        self, module: Any, prompts: Sequence[Sequence[int]], sampling: SamplingConfig, pad_id: int, streams: np.ndarray
    ):
        self.module, self.sampling, self.pad_id, self.prompts = module, sampling, pad_id, prompts
        self.decode = Graphs(module)
        self.rows = np.arange(len(prompts))
        self.streams = np.asarray(streams)
        self.lengths = np.array([len(prompt) for prompt in prompts])  # tokens so far
        room = module.config.max_position_embeddings - self.lengths
        self.limits = self.lengths + np.minimum(room, sampling.max_new_tokens)
        self.running = np.ones(len(prompts), dtype=bool)

    def prefill(self) -> Tensor:
        """Read the distinct prompts, a few thousand tokens at a time; logits of the first new token of every row."""
        distinct = sorted({tuple(prompt) for prompt in self.prompts}, key=lambda prompt: (len(prompt), prompt))
        place = {prompt: index for index, prompt in enumerate(distinct)}
        which = torch.tensor([place[tuple(prompt)] for prompt in self.prompts], device=self.module.device)
        width = len(distinct[-1])
        capacity = width + int((self.limits - self.lengths).max())
        ids, real = (tensor.to(self.module.device) for tensor in _pad_left(distinct, self.pad_id))
        self.cache = KVCache.of(self.module, len(distinct), capacity)
        hidden = [self._read(ids, real, part) for part in _parts([len(prompt) for prompt in distinct])]
        self.cache.length = self.columns = width  # columns: those of the prompts
        if not torch.equal(which, torch.arange(len(distinct), device=which.device)):
            self.cache.select(which)
        self.real = torch.ones(len(which), capacity, dtype=torch.bool, device=which.device)
        self.real[:, :width] = real[which]
        self.padded = not bool(real.all())
        self.previous = torch.where(real, ids, -1)[which] if self.sampling.reads_the_text else None
        return self.module.lm_head(torch.cat(hidden))[which]

    def _read(self, ids: Tensor, real: Tensor, part: slice) -> Tensor:
        """Read some of the prompts into their rows of the cache; the hidden state of each one's last token."""
        start = int(real[part].any(0).int().argmax())  # no column that is padding in all of them
        ids, real = ids[part, start:], real[part, start:]
        mask = None if real.all() else masks.causal(ids.shape[1], device=ids.device) & masks.padding(real)
        positions = (real.cumsum(1) - 1).clamp(min=0)
        return self.module.hidden(ids, mask, positions, self.cache.part(part, start))[:, -1]

    def choose(self, logits: Tensor) -> tuple[Tensor, Step]:
        """Draw the next token of every row; report those that run."""
        numbers = None
        if not self.sampling.greedy:
            numbers = torch.from_numpy(uniform(self.sampling.seed, self.streams, self.lengths))
        ids = sample(logits, self.sampling, numbers, self.previous, self.columns)
        scores = log_probability(logits, ids)
        running = self.running
        return ids, Step(self.rows[running], ids.cpu().numpy()[running], scores.cpu().numpy()[running])

    def finish(self, stopped: np.ndarray) -> None:
        """Mark the running rows that stopped or are full."""
        self.lengths = self.lengths + 1
        alive = self.running.copy()
        alive[self.running] &= ~stopped
        self.running = alive & (self.lengths < self.limits)

    def close_up(self, ids: Tensor) -> Tensor:
        """Drop the rows that are done, when they are many enough to pay for moving the cache."""
        if self.running.mean() > CLOSE_UP_BELOW:
            return ids
        running, done = np.flatnonzero(self.running), np.flatnonzero(~self.running)
        stay = np.sort(np.concatenate((running, done[: -len(running) % ROWS_STEP])))
        if len(stay) == len(self.rows):
            return ids
        self.rows, self.streams, self.running = self.rows[stay], self.streams[stay], self.running[stay]
        self.lengths, self.limits = self.lengths[stay], self.limits[stay]
        kept = torch.from_numpy(stay).to(ids.device)
        self.cache.select(kept)
        self.real = self.real[kept]
        self.previous = None if self.previous is None else self.previous[kept]
        return ids[kept]

    def advance(self, ids: Tensor) -> Tensor:
        """One step of the model for every row; logits of the token after."""
        if self.previous is not None:
            self.previous = torch.cat((self.previous, ids[:, None]), dim=1)
        positions = torch.from_numpy(self.lengths - 1).to(ids.device)[:, None]
        mask = self.real[:, None, : self.cache.length + 1] if self.padded else None
        return self.decode(ids[:, None], mask, positions, self.cache)[:, 0]


def _parts(lengths: Sequence[int]) -> Iterator[slice]:
    """Cut prompts, sorted by length, into parts of at most about READ_AT_ONCE tokens."""
    start = 0
    for index, length in enumerate(lengths):
        if index > start and (index - start + 1) * length > READ_AT_ONCE:
            yield slice(start, index)
            start = index
    yield slice(start, len(lengths))


def _pad_left(prompts: Sequence[Sequence[int]], pad_id: int) -> tuple[Tensor, Tensor]:
    """Stand the prompts on a common right edge: ids, and where they are real."""
    width = max(map(len, prompts))
    ids = np.full((len(prompts), width), pad_id, dtype=np.int64)
    real = np.zeros(ids.shape, dtype=bool)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = prompt
        real[row, width - len(prompt) :] = True
    return torch.from_numpy(ids), torch.from_numpy(real)
