"""A blueprint: counted by hand, composed into a module, and open to a part of one's own."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from groundup.model import parts
from groundup.model.accounting import count
from groundup.model.architectures.blueprint import Attention, Block, Blueprint, Counted, FeedForward, Norm, Rotary
from groundup.model.layers.initialization import initialize

BLOCK = Block(
    attention=Attention(heads=4, kv_heads=2, head_dim=3, bias="qo", qk_norm=Norm()),
    feed_forward=FeedForward(intermediate=5, bias=True),
    norm=Norm(kind="layer", bias=True),
    order="sandwich",
)


def test_attention_is_counted_projection_by_projection():
    # 8 x 12 twice (query, out), 8 x 6 twice (key, value); biases of 12 and 8; two gains of 3
    assert BLOCK.attention.counted(8) == Counted(2 * 8 * 12 + 2 * 8 * 6, 12 + 8 + 2 * 3)
    assert replace(BLOCK.attention, qk_norm_over="width").counted(8).vectors == 12 + 8 + 12 + 6


def test_a_gate_is_a_third_matrix():
    assert BLOCK.feed_forward.counted(8) == Counted(3 * 8 * 5, 5 + 5 + 8)
    assert replace(BLOCK.feed_forward, gated=False).counted(8) == Counted(2 * 8 * 5, 5 + 8)


def test_a_block_is_its_parts_and_as_many_norms_as_its_order_has():
    assert BLOCK.counted(8) == Counted(288 + 120, 26 + 18 + 4 * 2 * 8)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": None},
        {"learned_positions": 16, "first_position": 2},
        {"head_bias": True, "logit_scale": 0.5, "logit_soft_cap": 3.0},
        {"embedding_scale": 4.0},
    ],
)
@pytest.mark.parametrize("tied", [True, False])
def test_a_combination_without_a_name_is_composed_counted_and_run(changes, tied):
    turning = replace(BLOCK, attention=replace(BLOCK.attention, head_dim=4, rotary=Rotary(share=0.5)), order="parallel")
    shape = replace(Blueprint(vocab=20, hidden=8, blocks=(BLOCK, turning), norm=Norm()), **changes)
    config = SimpleNamespace(blueprint=lambda: shape, tie_word_embeddings=tied, max_position_embeddings=16)
    module = parts.compose(config)
    initialize(module, layers=2, std=0.5, seed=0, scheme="normal")
    assert count(config).parameters == sum(parameter.numel() for parameter in module.parameters())
    logits = module(torch.arange(12).view(2, 6))
    assert logits.shape == (2, 6, 20) and logits.isfinite().all() and logits.std() > 0


def test_a_feed_forward_of_ones_own_is_a_class_that_counts_itself_and_a_line_in_the_builders(monkeypatch):
    @dataclass(frozen=True)
    class Half:
        """Halves what it reads; has one matrix that no token meets."""

        gated: bool = False

        def counted(self, hidden):
            return Counted(0, 0, hidden * hidden)

    class Halving(nn.Module):
        def __init__(self, hidden):
            super().__init__()
            self.unused = nn.Parameter(torch.zeros(hidden, hidden))

        def forward(self, x):
            return x / 2

    monkeypatch.setitem(parts.BUILDERS, Half, lambda described, hidden: Halving(hidden))
    shape = Blueprint(vocab=20, hidden=8, blocks=(replace(BLOCK, feed_forward=Half()),), norm=None)
    config = SimpleNamespace(blueprint=lambda: shape, tie_word_embeddings=True, max_position_embeddings=16)
    module = parts.compose(config)
    assert isinstance(module.model.layers[0].mlp, Halving)
    counted = count(config)
    assert counted.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert counted.matrix_parameters == 288 + 20 * 8
