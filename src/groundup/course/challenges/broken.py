"""Tiny runs, each broken in one known way, and a healthy one: to learn how each looks, and to test who diagnoses.

Text: a walk on a small random graph, in which each token is followed by one of four; a model can fall from ln(64) = 4.16 to
ln(4) = 1.39 nats. Two blocks of width 64, 60 steps of 8 rows: about a second a run on one core.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import torch

from groundup.course.challenges.evidence import Setup
from groundup.data.pipeline.streaming import Batch
from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.groundup import GroundupConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.training.config import TrainConfig

VOCAB, ROWS, LENGTH, FOLLOWERS = 64, 8, 32, 4
SIZES: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": LENGTH,
}
TRAIN = TrainConfig(
    steps=60, batch_size=ROWS, seq_len=LENGTH, optimizer="adamw", learning_rate=0.01, warmup_steps=5, weight_decay=0.0
)


def walk(seed: int, step: int) -> Batch:
    """Rows of a random walk: the graph by the seed, the way by the step."""
    graph = torch.randint(VOCAB, (VOCAB, FOLLOWERS), generator=torch.Generator().manual_seed(seed))
    draw = torch.Generator().manual_seed(1_000_003 * (seed + 1) + step)
    ids = torch.randint(VOCAB, (ROWS, 1), generator=draw)
    for _ in range(LENGTH):
        turn = torch.randint(FOLLOWERS, (ROWS,), generator=draw)
        ids = torch.cat((ids, graph[ids[:, -1], turn][:, None]), dim=1)
    return rows_of(ids)


def rows_of(ids: torch.Tensor) -> Batch:
    """Ids as a batch of whole rows, each target the next token."""
    one = torch.zeros(len(ids), ids.shape[1] - 1, dtype=torch.long)
    positions = torch.arange(ids.shape[1] - 1).expand(len(ids), -1).contiguous()
    return Batch(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), one == 0, one, positions)


def healthy(seed: int) -> Setup:
    """Nothing is wrong."""
    return Setup(
        name="healthy",
        build=lambda: build(LlamaConfig(**SIZES), seed=seed),
        batches=lambda step: walk(seed, step),
        config=TRAIN,
    )


def rate_too_high(seed: int) -> Setup:
    """A learning rate a hundred times too large."""
    return dataclasses.replace(
        healthy(seed), name="rate_too_high", config=dataclasses.replace(TRAIN, learning_rate=1.0, warmup_steps=0)
    )


def large_initialization(seed: int) -> Setup:
    """First weights of deviation 1 in every matrix."""
    config = LlamaConfig(**SIZES, initializer_range=1.0)
    return dataclasses.replace(
        healthy(seed), name="large_initialization", build=lambda: build(config, seed=seed, scheme="normal")
    )


def unscaled_attention(seed: int) -> Setup:
    """Scores that are not divided by sqrt(head_dim): queries are multiplied by it, which takes the division away."""

    def broken() -> Any:
        module = build(LlamaConfig(**SIZES), seed=seed)
        for block in module.model.layers:
            attention = block.self_attn
            attention.q_proj.register_forward_hook(_times(attention.head_dim**0.5))
        return module

    return dataclasses.replace(healthy(seed), name="unscaled_attention", build=broken)


class _times:
    """A forward hook that multiplies; a class, so that a copied module keeps it."""

    def __init__(self, factor: float):
        self.factor = factor

    def __call__(self, _: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        return output * self.factor


def dead_units(seed: int) -> Setup:
    """Squared ReLU units whose bias is so negative that no token opens them."""

    def broken() -> Any:
        from groundup.model.layers.feed_forward import SquaredReluFeedForward

        module = build(GroundupConfig(**SIZES, qk_norm=False), seed=seed)
        for block in module.model.layers:
            weights = dict(block.mlp.named_parameters())
            block.mlp = SquaredReluFeedForward(SIZES["hidden_size"], SIZES["intermediate_size"], bias=True)
            with torch.no_grad():
                block.mlp.down_proj.bias.zero_()
                block.mlp.up_proj.bias.fill_(-10.0)
                for name, weight in weights.items():
                    block.mlp.get_parameter(name).copy_(weight)
        return module

    return dataclasses.replace(healthy(seed), name="dead_units", build=broken)


def unshifted_targets(seed: int) -> Setup:
    """Every token is asked for itself: the answer stands in the question."""

    def batches(step: int) -> Batch:
        batch = walk(seed, step)
        return dataclasses.replace(batch, targets=batch.input_ids)

    return dataclasses.replace(healthy(seed), name="unshifted_targets", batches=batches)


def weights_in_bf16(seed: int) -> Setup:
    """Weights kept in bf16 and a small rate: most steps are smaller than the distance to the next number."""
    return dataclasses.replace(
        healthy(seed),
        name="weights_in_bf16",
        build=lambda: build(
            LlamaConfig(**SIZES, initializer_range=0.2), seed=seed, dtype=torch.bfloat16, scheme="normal"
        ),
        config=dataclasses.replace(TRAIN, learning_rate=0.0001),
    )


def broken_shard(seed: int) -> Setup:
    """Every fifth batch comes from a part of the data that is noise."""

    def batches(step: int) -> Batch:
        draw = torch.Generator().manual_seed(step)
        noise = torch.randint(VOCAB, (ROWS, LENGTH + 1), generator=draw)
        return rows_of(noise) if step % 5 == 3 else walk(seed, step)

    return dataclasses.replace(healthy(seed), name="broken_shard", batches=batches)


RUNS: dict[str, Callable[[int], Setup]] = {
    "healthy": healthy,
    "rate_too_high": rate_too_high,
    "large_initialization": large_initialization,
    "unscaled_attention": unscaled_attention,
    "dead_units": dead_units,
    "unshifted_targets": unshifted_targets,
    "weights_in_bf16": weights_in_bf16,
    "broken_shard": broken_shard,
}


def find(name: str, seed: int = 1) -> Setup:
    """The tiny run of that name."""
    if name not in RUNS:
        raise InputError(f"there is no broken run {name!r}; there are {', '.join(RUNS)}")
    return RUNS[name](seed)
