"""The loader beside two others, and beside the machine: how fast this memory can be copied.

    python benchmarks/data/pipeline/streaming.py

Documents of tinyworld's length are packed into rows of 256, 32 rows a batch. Ours gives shuffled rows of whole
documents with their numbers and positions. `crops` is the simplest loader there is (random windows of the token stream:
inputs and targets only, documents cut anywhere); `DataLoader` lays the same packed rows out with NumPy, piece by piece,
behind torch's DataLoader without workers. One thread; runs are taken in turns, the best of each counts, in seconds of
the processor, which are true on a busy machine too.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from groundup.data.pipeline.formats import Shards
from groundup.data.pipeline.packing import Rows, pack
from groundup.data.pipeline.streaming import Loader
from groundup.machine.probe.timing import in_turns

SEQ, BATCH, BATCHES, ROUNDS = 256, 32, 50, 7
TOKENS, MEAN_LENGTH = 2_000_000, 70


def corpus() -> Shards:
    """Two million tokens in documents of random length."""
    source = np.random.default_rng(0)
    lengths = source.geometric(1 / MEAN_LENGTH, TOKENS // MEAN_LENGTH)
    offsets = np.cumsum([0, *lengths])
    return Shards(source.integers(1, 4096, offsets[-1]).astype(np.uint16), offsets, None, 0, int(offsets[-1]))


class Packed(Dataset):
    """Packed rows laid out in Python."""

    def __init__(self, shards: Shards, rows: Rows):
        self.shards, self.rows = shards, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> torch.Tensor:
        filled = np.zeros((4, SEQ), dtype=np.int64)
        at = 0
        for number, piece in enumerate(range(self.rows.bounds[row], self.rows.bounds[row + 1])):
            start, length = int(self.rows.starts[piece]), int(self.rows.lengths[piece])
            here = slice(at, at + length)
            filled[1, here] = self.shards.tokens[start : start + length]
            filled[0, at + 1 : at + length] = filled[1, at : at + length - 1]
            filled[2, here], filled[3, here] = number, np.arange(length)
            at += length
        return torch.from_numpy(filled)


def crops(tokens: np.ndarray, generator: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Random windows of the stream and the same moved by one."""
    starts = generator.integers(0, len(tokens) - SEQ - 1, BATCH)
    inputs = torch.stack([torch.from_numpy(tokens[start : start + SEQ].astype(np.int64)) for start in starts])
    targets = torch.stack([torch.from_numpy(tokens[start + 1 : start + 1 + SEQ].astype(np.int64)) for start in starts])
    return inputs, targets


def ways(shards: Shards) -> dict[str, Callable[[], None]]:
    """Fifty batches by each way."""
    loader, generator = Loader(shards, SEQ, BATCH), np.random.default_rng(0)
    packed = Packed(shards, loader.rows[0])

    def ours() -> None:
        for step in range(BATCHES):
            loader.batch(step)

    def windows() -> None:
        for _ in range(BATCHES):
            crops(shards.tokens, generator)

    def torchs() -> None:
        batches = iter(DataLoader(packed, BATCH, shuffle=True))
        for _ in range(BATCHES):
            next(batches)

    def copying() -> None:
        source, target = np.ones(2 << 20), np.empty(2 << 20)  # 16 MB: out of the caches, like a run's activations
        for _ in range(10):
            np.copyto(target, source)

    return {"ours": ours, "crops": windows, "DataLoader": torchs, "copy": copying}


def interleaved(work: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Best seconds of each, taken in turns."""
    return {name: min(times) for name, times in in_turns(work, ROUNDS, clock=time.thread_time).items()}


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    shards = corpus()
    pack(shards.offsets, SEQ)
    start = time.thread_time()
    rows = pack(shards.offsets, SEQ)
    print(f"torch {torch.__version__}, numpy {np.__version__}, one thread")
    print(
        f"packing {shards.num_tokens:,} tokens: {time.thread_time() - start:.3f} s, padding {100 * rows.padding:.3f} %"
    )
    best = interleaved(ways(shards))
    copied = 10 * 8 * (2 << 20) / best.pop("copy")
    for name, seconds in best.items():
        rate = BATCHES * BATCH * SEQ / seconds
        line = f"{name:>10}: {1000 * seconds / BATCHES:6.2f} ms a batch {rate / 1e6:7.1f} M tokens/s"
        line += f" {best[name] / best['ours']:6.1f}x the time of ours"
        print(line, f"   writes {33 * rate / copied:.1%} of what copying writes" if name == "ours" else "")


if __name__ == "__main__":
    main()
