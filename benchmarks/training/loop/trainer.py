"""Time to a loss, on the standard library's documentation: this library beside a plain loop such as nanoGPT's.

    python benchmarks/training/loop/trainer.py [--steps 400]

Both see the same bytes, 12 rows of 64 a step, in models of 4 layers, 4 heads and width 128, without a tokenizer. The peer
is a GPT-2 with torch's modules, torch's fused AdamW at 1e-3 with warm-up and cosine (nanoGPT's CPU settings). Ours is a
Qwen 3 of the same size through `training.loop`, with Muon. Each runs for the same number of steps; the table gives the
held-out loss that each ended with, the seconds ours took to reach the peer's last loss, seconds a step, and the share of
the matrix-product peak. Overhead is what our loop adds to forward, backward and optimiser.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from groundup.data.sources import python
from groundup.machine.probe.roofline import probe
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.training import loop
from groundup.training.config import TrainConfig
from groundup.training.objectives.causal import causal_loss
from groundup.training.optimizers import build_optimizer
from groundup.training.step import accumulate, clip_

LAYERS, HEADS, WIDTH, SEQ, ROWS = 4, 4, 128, 64, 12
TRAIN_BYTES, HELDOUT_BYTES, MEASURED_EVERY = 2_000_000, 60_000, 50


class PlainBlock(nn.Module):
    """GPT-2's block."""

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attend, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.feed = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        """Attention, then feed-forward."""
        heads = self.attend(self.norm_1(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).flatten(2))
        return x + self.feed(self.norm_2(x))


class Plain(nn.Module):
    """GPT-2 on bytes, head tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(256, WIDTH), nn.Embedding(SEQ, WIDTH)
        self.blocks, self.norm = nn.Sequential(*(PlainBlock() for _ in range(LAYERS))), nn.LayerNorm(WIDTH)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Scores of every next byte."""
        x = self.words(ids) + self.places.weight[: ids.shape[1]]
        return functional.linear(self.norm(self.blocks(x)), self.words.weight)


@dataclass
class Curve:
    """The held-out loss over the seconds spent on training alone."""

    seconds: float = 0.0
    points: list[tuple[float, float]] = field(default_factory=list)

    def reached(self, loss: float) -> float:
        """Seconds until the loss was met."""
        return next((seconds for seconds, measured in self.points if measured <= loss), math.inf)


def text() -> tuple[np.ndarray, np.ndarray]:
    """Bytes to learn from and bytes to measure on."""

    def read(split: Any, size: int) -> np.ndarray:
        joined = "\n".join(document.text for document in python.read(split, ("documentation",)))
        return np.frombuffer(joined.encode()[:size], dtype=np.uint8).astype(np.int64)

    return read("train", TRAIN_BYTES), read("heldout", HELDOUT_BYTES)


def batches(data: np.ndarray) -> Callable[[int], Any]:
    """Step -> random windows, the same for both."""

    def batch(step: int) -> Any:
        starts = np.random.default_rng(step).integers(0, len(data) - SEQ - 1, ROWS)
        return windows(data, starts)

    return batch


def windows(data: np.ndarray, starts: np.ndarray) -> Any:
    """Rows that begin at these places, in the loader's form."""
    rows = torch.from_numpy(np.stack([data[start : start + SEQ + 1] for start in starts]))
    whole = torch.ones(len(starts), SEQ, dtype=torch.bool)
    return SimpleNamespace(input_ids=rows[:, :-1], targets=rows[:, 1:], loss_mask=whole,
                           document_ids=torch.zeros(len(starts), SEQ, dtype=torch.int64), positions=torch.arange(SEQ).expand(len(starts), SEQ))  # fmt: skip


def held_out(data: np.ndarray) -> Iterator[Any]:
    """The held-out bytes in rows, every byte once."""
    starts = np.arange(0, len(data) - SEQ - 1, SEQ)
    for place in range(0, len(starts), 64):
        yield windows(data, starts[place : place + 64])


@torch.no_grad()
def mean_loss(scores: Callable[[Tensor], Tensor], data: np.ndarray) -> float:
    """Nats a byte."""
    losses = [
        functional.cross_entropy(scores(batch.input_ids).flatten(0, 1), batch.targets.flatten(), reduction="sum")
        for batch in held_out(data)
    ]
    return float(sum(losses)) / (len(range(0, len(data) - SEQ - 1, SEQ)) * SEQ)


def peer(steps: int, batch: Callable[[int], Any], data: np.ndarray) -> Curve:
    """The plain loop."""
    torch.manual_seed(0)
    model, curve = Plain(), Curve()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99), weight_decay=0.1, fused=True)
    for step in range(steps):
        start = time.perf_counter()
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min((step + 1) / 20, 0.55 + 0.45 * math.cos(math.pi * step / steps))
        made = batch(step)
        functional.cross_entropy(model(made.input_ids).flatten(0, 1), made.targets.flatten()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        curve.seconds += time.perf_counter() - start
        if (step + 1) % MEASURED_EVERY == 0:
            curve.points.append((curve.seconds, mean_loss(model, data)))
    return curve


CONFIG = Qwen3Config(vocab_size=256, hidden_size=WIDTH, intermediate_size=344, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                     num_key_value_heads=HEADS, head_dim=32, max_position_embeddings=SEQ, tie_word_embeddings=True)  # fmt: skip


def settings(steps: int) -> TrainConfig:
    """Ours."""
    return TrainConfig(
        steps=steps, batch_size=ROWS, seq_len=SEQ, learning_rate=0.004, schedule="linear", weight_decay=0.0
    )


def ours(steps: int, batch: Callable[[int], Any], data: np.ndarray) -> Curve:
    """The library's loop."""
    module, curve = build(CONFIG, seed=0), Curve()

    def measure(event: loop.Step) -> None:
        curve.seconds += event.seconds
        if event.step % MEASURED_EVERY == 0:
            curve.points.append((curve.seconds, mean_loss(module, data)))

    loop.train(module, batch, settings(steps), listeners=[measure])
    return curve


def overhead(batch: Callable[[int], Any], steps: int = 60) -> float:
    """The share of a step that is neither forward, backward, clipping nor optimiser."""
    module, config = build(CONFIG, seed=0), settings(steps)
    optimizer, parameters, inside = build_optimizer(module, config), list(module.parameters()), 0.0
    made = [batch(step) for step in range(steps)]
    began = time.perf_counter()
    loop.train(module, lambda step: made[step], config)
    whole = time.perf_counter() - began
    for step in range(steps):
        start = time.perf_counter()
        accumulate(module, [made[step]], causal_loss)
        clip_(parameters, 1.0)
        optimizer.step(0.5)
        module.zero_grad(set_to_none=True)
        inside += time.perf_counter() - start
    return whole / inside - 1


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=400)
    steps, machine = parser.parse_args().steps, probe()
    train, measured = text()
    made = batches(train)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {machine.processor}")
    print(f"{steps} steps{'held-out loss':>20}{'ms a step':>12}{'s to the peers loss':>21}{'of the peak':>13}")
    curves = {"plain loop": peer(steps, made, measured), "groundup": ours(steps, made, measured)}
    goal = curves["plain loop"].points[-1][1]
    flops = count(CONFIG).training_flops_per_token(SEQ) * ROWS * SEQ
    for name, curve in curves.items():
        share = flops * steps / curve.seconds / machine.matmul_flops["float32"]
        print(
            f"{name:14}{curve.points[-1][1]:15.3f}{1000 * curve.seconds / steps:12.1f}{curve.reached(goal):21.1f}{share:13.0%}"
        )
    faster = curves["plain loop"].reached(goal) / curves["groundup"].reached(goal)
    print(f"to the same loss {faster:.2f}x faster; the loop adds {overhead(made):+.1%} to its step")


if __name__ == "__main__":
    main()
