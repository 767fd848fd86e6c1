"""The stream passes a block unchanged where the block writes nothing."""

import pytest
import torch
from torch import nn

from groundup.model.architectures import blueprint, build
from groundup.model.layers.residual import BLOCKS, parallel_block, post_norm_block, pre_norm_block


def test_at_the_start_every_block_is_the_identity(config):
    block = build(config(), seed=0).model.layers[0]
    x = torch.randn(2, 3, 32)
    assert torch.equal(block(x, None), x)


def test_both_parts_read_the_stream_through_their_own_norm(randomly):
    block = randomly().model.layers[0]
    x = torch.randn(2, 3, 32)
    middle = x + block.self_attn(block.input_layernorm(x), None)
    assert torch.equal(block(x, None), middle + block.mlp(block.post_attention_layernorm(middle)))


class Times(nn.Module):
    """A part that multiplies by a number, so that a block is arithmetic."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x, *rest):
        return x * self.factor


# x = 1; attention gives 2 times what it reads, feed-forward 3 times; the norms multiply by 10, 100, ...
BY_HAND = {
    "pre_norm": (1 + 2 * 10) * (1 + 3 * 100),
    "post_norm": (1 + 2) * 10 * (1 + 3) * 100,
    "output_norm": (1 + 2 * 10) * (1 + 3 * 100),
    "sandwich": (1 + 10 * 2 * 100) * (1 + 1000 * 3 * 10_000),
    "parallel": 1 + 2 * 10 + 3 * 10,
    "parallel_two_norms": 1 + 2 * 10 + 3 * 100,
}


@pytest.mark.parametrize("order", BLOCKS)
def test_every_order_by_hand(order):
    norms = [Times(10.0**power) for power in range(1, blueprint.ORDERS[order] + 1)]
    block = BLOCKS[order](Times(2.0), Times(3.0), *norms)
    assert block(torch.ones(1, 1, 1, dtype=torch.float64), None).item() == BY_HAND[order]
    assert BLOCKS.keys() == blueprint.ORDERS.keys()


def test_a_residual_scale_turns_both_parts_down():
    block = BLOCKS["parallel"](Times(2.0), Times(3.0), Times(10.0), residual_scale=0.5)
    assert block(torch.ones(1, 1, 1), None).item() == 1 + (20 + 30) / 2


def test_where_pre_norm_reads_what_attention_said_parallel_does_not():
    norm, attention, feed_forward = (lambda x: x), (lambda x: x + 1), (lambda x: 2 * x)
    x = torch.zeros(1, 1, 1)
    assert pre_norm_block(x, norm, attention, norm, feed_forward).item() == 3
    assert parallel_block(x, norm, attention, None, feed_forward).item() == 1


def test_post_norm_lets_less_of_the_gradient_through_the_deeper_the_stack():
    """Why 2017's order needs a warm-up and pre-norm does not (Xiong et al. 2020)."""
    gradients = {}
    for order in ("pre_norm", "post_norm"):
        x = start = torch.randn(1, 4, 16, requires_grad=True)
        for layer in range(12):
            part = nn.Linear(16, 16, bias=False)
            nn.init.normal_(part.weight, 0, 0.25, generator=torch.Generator().manual_seed(layer))
            norm = nn.LayerNorm(16)
            if order == "pre_norm":
                x = pre_norm_block(x, norm, part, norm, part)
            else:
                x = post_norm_block(x, part, norm, part, norm)
        (gradient,) = torch.autograd.grad((x * torch.linspace(-1, 1, 16)).sum(), start)
        gradients[order] = gradient.norm() / x.detach().norm()
    assert gradients["post_norm"] < gradients["pre_norm"]
