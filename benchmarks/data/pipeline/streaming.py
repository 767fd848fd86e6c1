"""The loader beside two others, and beside the machine: how fast this memory can be copied.

    python benchmarks/data/pipeline/streaming.py [--tokens 2000000] [--json]

Documents of tinyworld's length, token shards on this machine's disk, are packed into rows of 256, 32 rows a batch. Ours gives
shuffled rows of whole documents with their numbers and positions. `crops` is the simplest loader there is (random windows of the token stream:
inputs and targets only, documents cut anywhere); `DataLoader` lays the same packed rows out with NumPy, piece by piece,
behind torch's DataLoader without workers. One thread; runs are taken in turns, the best of each counts, in seconds of
the processor, which are true on a busy machine too.

Resuming is what a new process pays, imports apart: the shards opened, the rows packed, and the first batch at five positions of
three epochs; seconds of the clock, the medians of five. With checksums is `Shards.open` as the training run does it.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from groundup.data.pipeline.formats import Shards, write_shards
from groundup.data.pipeline.packing import Rows, pack
from groundup.data.pipeline.streaming import Loader
from groundup.machine.probe.timing import in_turns
from groundup.processor import machine_name

SEQ, BATCH, BATCHES, ROUNDS = 256, 32, 50, 7
MEAN_LENGTH, POSITIONS, EPOCHS = 70, (0.0, 0.25, 0.5, 0.75, 1.0), 3


def corpus(folder: Path, tokens: int) -> Shards:
    """Shards of so many tokens in documents of random length."""
    source = np.random.default_rng(0)
    lengths = source.geometric(1 / MEAN_LENGTH, tokens // MEAN_LENGTH)
    offsets = np.cumsum([0, *lengths])
    ids = source.integers(1, 4096, offsets[-1]).astype(np.uint16)
    return write_shards(folder, ids, offsets, start_id=0, text_bytes=int(offsets[-1]), vocab_size=4096)


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


def resumed(folder: Path, steps: int) -> dict[str, Any]:
    """Seconds until the first batch by position, and what the parts before it take."""

    def first_batch(share: float, verify: bool) -> float:
        start = time.perf_counter()
        Loader(Shards.open(folder, verify=verify), SEQ, BATCH).batch(int(share * steps))
        return time.perf_counter() - start

    def median(share: float, verify: bool) -> float:
        return statistics.median(first_batch(share, verify) for _ in range(5))

    return {
        "seconds by position": {f"{share:.0%}": median(share, False) for share in POSITIONS},
        "with checksums": median(1.0, True),
    }


def measure(tokens: int) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        shards = corpus(Path(folder) / "shards", tokens)
        pack(shards.offsets, SEQ)
        start = time.thread_time()
        rows = pack(shards.offsets, SEQ)
        found: dict[str, Any] = {
            "machine": machine_name(),
            "torch": torch.__version__,
            "tokens": shards.num_tokens,
            "packing": time.thread_time() - start,
            "padding": rows.padding,
        }
        best = interleaved(ways(shards))
        found["resume"] = resumed(Path(folder) / "shards", EPOCHS * len(rows) // BATCH)
    copied = 10 * 8 * (2 << 20) / best.pop("copy")
    rates = {name: BATCHES * BATCH * SEQ / seconds for name, seconds in best.items()}
    return found | {"tokens/s": rates, "part of copying": 33 * rates["ours"] / copied}


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tokens", type=int, default=2_000_000)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    torch.set_num_threads(1)
    found = measure(asked.tokens)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{found['machine']}, torch {found['torch']}, numpy {np.__version__}, one thread")
    print(f"packing {found['tokens']:,} tokens: {found['packing']:.3f} s, padding {100 * found['padding']:.3f} %")
    for name, rate in found["tokens/s"].items():
        beside = f"ours is {found['tokens/s']['ours'] / rate:5.2f} x" if name != "ours" else ""
        print(f"{name:>10}: {rate / 1e6:7.1f} M tokens/s   {beside}")
    print(f"ours writes {found['part of copying']:.1%} of what copying writes")
    places = ", ".join(
        f"at {place} {seconds:.3f} s" for place, seconds in found["resume"]["seconds by position"].items()
    )
    print(f"the first batch of a resumed run: {places}; with checksums {found['resume']['with checksums']:.3f} s")


if __name__ == "__main__":
    main()
