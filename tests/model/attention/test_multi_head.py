"""Heads, shared keys and normalised heads, against torch's own module and by invariance."""

import torch

from groundup.model.attention.multi_head import MultiHeadAttention, turn
from groundup.model.layers.initialization import initialize
from groundup.model.positions.rotary import Rotary, rotate


def made(heads, kv_heads, **options):
    attention = MultiHeadAttention(16, heads, kv_heads, 4, **options)
    initialize(attention, layers=1, std=0.5, seed=0, scheme="normal")
    return attention


def test_without_positions_it_equals_torchs_multi_head_attention():
    ours, oracle = made(4, 4), torch.nn.MultiheadAttention(16, 4, bias=False, batch_first=True)
    with torch.no_grad():
        oracle.in_proj_weight.copy_(torch.cat([ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]))
        oracle.out_proj.weight.copy_(ours.o_proj.weight)
    x = torch.randn(2, 5, 16)
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    assert torch.allclose(ours(x, None), oracle(x, x, x, attn_mask=hidden, need_weights=False)[0], atol=1e-5)


def test_shared_key_heads_equal_many_heads_with_repeated_weights():
    shared, many = made(4, 2), made(4, 4)
    with torch.no_grad():
        for name in ("q_proj", "o_proj"):
            getattr(many, name).weight.copy_(getattr(shared, name).weight)
        for name in ("k_proj", "v_proj"):
            each = getattr(shared, name).weight.view(2, 1, 4, 16).expand(2, 2, 4, 16)
            getattr(many, name).weight.copy_(each.reshape(16, 16))
    x = torch.randn(2, 5, 16)
    assert torch.allclose(shared(x, None), many(x, None), atol=1e-5)


def test_with_normalised_heads_the_scale_of_the_query_does_not_matter():
    attention, x = made(4, 2, qk_norm=1e-6), torch.randn(1, 5, 16)
    before = attention(x, None)
    with torch.no_grad():
        attention.q_proj.weight.mul_(100.0)
    assert torch.allclose(attention(x, None), before, atol=1e-4)


def test_a_bias_is_added_to_all_four_projections():
    names = {name for name, _ in made(4, 2, bias=True).named_parameters() if name.endswith("bias")}
    assert names == {f"{part}_proj.bias" for part in "qkvo"}


def test_biases_stand_where_they_are_named():
    names = {name for name, _ in made(4, 2, bias="qkv").named_parameters() if name.endswith("bias")}
    assert names == {f"{part}_proj.bias" for part in "qkv"}


def test_without_a_causal_mask_every_token_sees_all_as_in_an_encoder():
    ours, oracle = made(4, 4, causal=False), torch.nn.MultiheadAttention(16, 4, bias=False, batch_first=True)
    with torch.no_grad():
        oracle.in_proj_weight.copy_(torch.cat([ours.q_proj.weight, ours.k_proj.weight, ours.v_proj.weight]))
        oracle.out_proj.weight.copy_(ours.o_proj.weight)
    x = torch.randn(2, 5, 16)
    assert torch.allclose(ours(x, None), oracle(x, x, x, need_weights=False)[0], atol=1e-5)


def test_a_norm_over_the_whole_width_weighs_the_heads_against_each_other():
    """OLMo 2 normalises all heads of a token together, so a loud head stays louder; head by head it would not."""
    x = torch.randn(1, 5, 16)
    for over, stays in (("width", False), ("head", True)):
        attention = made(4, 2, qk_norm=1e-6, qk_norm_over=over)
        before = attention(x, None)
        with torch.no_grad():
            attention.q_proj.weight[:4] *= 100.0
        assert torch.allclose(attention(x, None), before, atol=1e-3) is stays
    assert attention.q_norm.weight.shape == (4,) and made(
        4, 2, qk_norm=1e-6, qk_norm_over="width"
    ).k_norm.weight.shape == (8,)


def test_only_the_first_part_of_a_head_turns_when_there_are_angles_for_no_more():
    x = torch.randn(1, 3, 2, 8)
    angles = Rotary(4).angles(torch.arange(3), torch.float32)
    assert torch.equal(turn(x, angles)[..., 4:], x[..., 4:])
    assert torch.equal(turn(x, angles)[..., :4], rotate(x[..., :4], angles))
