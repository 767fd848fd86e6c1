"""What checkpoints cost the loop: written in the background, written at once, and by torch.save.

    python benchmarks/training/checkpoint.py [--sizes 10m 124m] [--rounds 3]

At each size a Qwen 3 with AdamW (12 bytes a weight) is saved in turns: by `Keeper` in the background, where the loop pays
for the copy alone; by `Keeper` at once; and as most loops do, by torch.save of both state dicts, flushed to the disk. The
table gives the seconds inside the call (median; the first save, which finds new memory, apart), the share of a minute,
and, for the background, how long the thread wrote and how much slower the steps were meanwhile than those right after.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.processor import machine_name
from groundup.training.checkpoint.keeper import Keeper
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step import accumulate

SHAPES = {  # width, layers, heads, vocabulary: about so many weights
    "10m": (384, 6, 6, 4096),
    "124m": (768, 12, 12, 50257),
}
ROWS, SEQ = 4, 128


@dataclass
class Seconds:
    """What was measured of one size."""

    calls: dict[str, list[float]] = field(default_factory=dict)
    writing: list[float] = field(default_factory=list)
    slower: list[float] = field(default_factory=list)


class Training:
    """A model with an optimiser that made a step."""

    def __init__(self, size: str) -> None:
        width, layers, heads, vocabulary = SHAPES[size]
        shape = dict(hidden_size=width, intermediate_size=8 * width // 3 // 64 * 64, num_hidden_layers=layers)
        config = Qwen3Config(vocab_size=vocabulary, num_attention_heads=heads, tie_word_embeddings=True, **shape)
        self.module = build(config, seed=0)
        self.config = TrainConfig(batch_size=ROWS, seq_len=SEQ, optimizer="adamw", keep_checkpoints=1)
        self.optimizer = build_optimizer(self.module, self.config)
        ids = torch.randint(0, vocabulary, (ROWS, SEQ + 1), generator=torch.Generator().manual_seed(0))
        ones, zeros = torch.ones(ROWS, SEQ, dtype=torch.bool), torch.zeros(ROWS, SEQ, dtype=torch.int64)
        places = torch.arange(SEQ).expand(ROWS, SEQ)
        self.batch = SimpleNamespace(
            input_ids=ids[:, :-1], targets=ids[:, 1:], loss_mask=ones, document_ids=zeros, positions=places
        )

    @property
    def weights(self) -> int:
        """How many there are."""
        return sum(parameter.numel() for parameter in self.module.parameters())

    def step(self) -> float:
        """Make a step; its seconds."""
        began = time.perf_counter()
        accumulate(self.module, [self.batch], causal_loss)
        self.optimizer.step(1.0)
        self.module.zero_grad(set_to_none=True)
        return time.perf_counter() - began


def torch_save(training: Training, folder: Path) -> None:
    """What a plain loop does, flushed to the disk: a pickle that takes the place of the last one."""
    with open(folder / "new.pt", "wb") as file:
        state = {"model": training.module.state_dict(), "optimizer": training.optimizer.state()}
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(folder / "new.pt", folder / "last.pt")


def timed(work: Callable[[], Any]) -> float:
    """The seconds of a call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(training: Training, folder: Path, rounds: int) -> Seconds:
    """Save in turns in each way, with steps beside and after the background's writing."""
    seconds = Seconds({"background": [], "at once": [], "torch.save": []})
    beside = Keeper(folder / "beside", training.config)
    at_once = Keeper(folder / "at-once", replace(training.config, save_in_background=False))
    told = training.module, training.optimizer, []
    for number in range(1, rounds + 2):
        began = time.perf_counter()
        seconds.calls["background"].append(timed(partial(beside.save, number, *told)))
        meanwhile = [training.step()]
        while beside.writing:
            meanwhile.append(training.step())
        beside.wait()
        seconds.writing.append(time.perf_counter() - began)
        after = [training.step() for _ in meanwhile[:2]]
        seconds.slower.append(statistics.median(meanwhile) / statistics.median(after))
        seconds.calls["at once"].append(timed(partial(at_once.save, number, *told)))
        seconds.calls["torch.save"].append(timed(lambda: torch_save(training, folder)))
    return seconds


def report(size: str, training: Training, seconds: Seconds) -> None:
    """Print one size."""
    sizes = f"{training.weights / 1e6:.1f} M weights, {12 * training.weights / 1e6:,.0f} MB of state"
    print(f"\n{size}: {sizes}, {torch.get_num_threads()} threads, {machine_name()}")
    print(f"{'':12}{'first':>9}{'later':>9}{'range':>16}{'of a minute':>13}")
    for name, (first, *later) in seconds.calls.items():
        middle, spread = statistics.median(later), f"{min(later):.3f}-{max(later):.3f}"
        print(f"{name:12}{first:8.3f}s{middle:8.3f}s{spread:>15}s{middle / 60:12.2%}")
    wrote, slower = statistics.median(seconds.writing), statistics.median(seconds.slower)
    lost = wrote * (1 - 1 / slower)
    print(f"the thread wrote for {wrote:.2f} s; steps meanwhile took {slower:.2f} times those after: {lost:.2f} s")
    beside, peer = (statistics.median(seconds.calls[name][1:]) for name in ("background", "torch.save"))
    print(f"the loop waits {peer / beside:.1f} times as long for torch.save")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=list(SHAPES), choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for size in options.sizes:
        training = Training(size)
        training.step()
        with tempfile.TemporaryDirectory() as folder:
            report(size, training, measure(training, Path(folder), options.rounds))


if __name__ == "__main__":
    main()
