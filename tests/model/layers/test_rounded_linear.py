"""A linear map whose inputs are rounded token by token."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from groundup.errors import UnsupportedModel
from groundup.model.layers.linear import Linear
from groundup.model.layers.rounded_linear import RoundedLinear, round_inputs, token_codes, whole_product


@given(st.integers(2, 8), st.integers(0, 2**31))
@settings(deadline=None)
def test_codes_are_whole_within_their_range_and_half_a_step_away(bits, seed):
    x = torch.randn(3, 5, 17, generator=torch.Generator().manual_seed(seed)) * 10
    codes, scale = token_codes(x, bits)
    assert codes.equal(codes.round()) and codes.abs().amax(-1).eq(2 ** (bits - 1) - 1).all()
    assert ((codes * scale - x).abs() <= scale * 0.5001).all()


def test_a_token_of_zeros_stays_zeros():
    codes, scale = token_codes(torch.zeros(2, 4))
    assert codes.equal(torch.zeros(2, 4)) and scale.equal(torch.zeros(2, 1))


def test_it_is_the_product_of_whole_numbers():
    draw = torch.Generator().manual_seed(0)
    codes = torch.randint(-127, 128, (24, 40), generator=draw, dtype=torch.int8)
    scale, x = torch.rand(24, 1, generator=draw) * 0.01, torch.randn(32, 40, generator=draw)
    part = Linear(40, 24)
    part.weight = nn.Parameter(codes * scale)
    with torch.inference_mode():
        torch.testing.assert_close(RoundedLinear.of(part)(x), whole_product(x, codes, scale), rtol=1e-5, atol=1e-5)


def test_all_maps_below_are_swapped_with_their_weights_and_nothing_is_learned_through_them():
    block = nn.Sequential(Linear(4, 6, bias=True), nn.Sequential(Linear(6, 2)))
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    kept = list(block.parameters())
    round_inputs(block)
    assert [type(one) for one in block.modules() if isinstance(one, Linear)] == [RoundedLinear] * 2
    assert all(one is other for one, other in zip(block.parameters(), kept, strict=True))
    with pytest.raises(UnsupportedModel, match="tune the model from which it was made"):
        block(torch.randn(3, 4, requires_grad=True))
