"""A small network through the library's own training loop: AdamW, a rate that rises for a few steps and falls to nothing at the end, and a bar.

What `char_lm`, `bidirectional` and `seq2seq` have in common; they differ in their batches, their objective and how long the rate falls.
"""

from collections.abc import Callable
from typing import Any

import torch

from groundup.progress import Progress, Silent


def numbers(config: Any, steps: int, seq_len: int, *, decay_fraction: float, most_warmup: int = 20, **more: Any) -> Any:
    """The loop's numbers. config: has batch_size, learning_rate and seed. seq_len: tokens of a row, in the mean.

    The rate rises over a tenth of the steps, `most_warmup` at most, and falls over the last `decay_fraction` of them.
    """
    from groundup.training.config import TrainConfig

    return TrainConfig(
        steps=steps,
        batch_size=config.batch_size,
        seq_len=max(1, seq_len),
        optimizer="adamw",
        learning_rate=config.learning_rate,
        warmup_steps=min(most_warmup, steps // 10),
        decay_fraction=decay_fraction,
        checkpoint_every=0,
        seed=config.seed,
        **more,
    )


def fit(
    network: Any, batch: Callable[[int], Any], training: Any, objective: Any, title: str, progress: Progress | None = None
) -> Any:
    """Train a network in place and give it back ready to use. batch: of a step. progress: a bar of one's own, moved by 1 a step."""
    from groundup.training.loop.trainer import train

    with torch.random.fork_rng(devices=[]), progress or Silent() as bar:
        torch.manual_seed(training.seed)  # of the dropout
        told = [lambda event: bar.update(1, loss=event.loss)]
        train(network.train(), batch, training, objective=objective, listeners=told, title=title)
    return network.eval()
