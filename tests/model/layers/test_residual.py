"""The stream passes a block unchanged where the block writes nothing."""

import torch

from groundup.model.architectures import build


def test_at_the_start_every_block_is_the_identity(config):
    block = build(config(), seed=0).model.layers[0]
    x = torch.randn(2, 3, 32)
    assert torch.equal(block(x, None), x)


def test_both_parts_read_the_stream_through_their_own_norm(randomly):
    block = randomly().model.layers[0]
    x = torch.randn(2, 3, 32)
    middle = x + block.self_attn(block.input_layernorm(x), None)
    assert torch.equal(block(x, None), middle + block.mlp(block.post_attention_layernorm(middle)))
