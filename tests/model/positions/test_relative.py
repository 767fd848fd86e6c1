"""Relative positions: T5's buckets and BLOOM's slopes, and scores that know only the distance."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from transformers import T5Config
from transformers.models.bloom.modeling_bloom import _get_alibi_slopes, build_alibi_tensor
from transformers.models.t5.modeling_t5 import T5Attention

from groundup.errors import ConfigError
from groundup.model.attention.masks import causal
from groundup.model.positions.relative import (
    AlibiBias,
    RelativeBias,
    alibi_bias,
    alibi_slopes,
    key_positions,
    relative_position_bucket,
    relative_positions,
)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("num_buckets, max_distance", [(32, 128), (32, 64), (8, 20), (64, 1000), (16, 128)])
def test_buckets_are_those_of_t5_at_every_distance(bidirectional, num_buckets, max_distance):
    positions = torch.arange(-3000, 3001)
    theirs = T5Attention._relative_position_bucket(positions, bidirectional, num_buckets, max_distance)
    assert torch.equal(relative_position_bucket(positions, bidirectional, num_buckets, max_distance), theirs)


def test_buckets_by_hand():
    # one direction, 8 buckets up to 16: 0 1 2 3 alone, then 4-5, 6-7, 8-11, 12 and all beyond
    distances = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 15, 16, 999])
    expected = [0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7]
    assert relative_position_bucket(-distances, False, 8, 16).tolist() == expected
    assert relative_position_bucket(torch.tensor([1, 50]), False, 8, 16).tolist() == [0, 0]
    assert relative_position_bucket(torch.tensor([-3, 3]), True, 8, 16).tolist() == [2, 6]


@settings(max_examples=50, deadline=None)
@given(some.integers(1, 20), some.integers(2, 300), some.booleans())
def test_a_longer_distance_never_has_a_smaller_bucket(quarter, beyond, bidirectional):
    buckets = relative_position_bucket(-torch.arange(500), bidirectional, 4 * quarter, 2 * quarter + beyond)
    assert (buckets.diff() >= 0).all() and buckets[0] == 0 and buckets.max() < 4 * quarter


@pytest.mark.parametrize("decoder", [True, False])
def test_the_bias_is_that_of_t5(decoder):
    config = T5Config(num_heads=4, d_model=32, d_kv=8, is_decoder=decoder)
    theirs = T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    ours = RelativeBias(4, bidirectional=not decoder)
    with torch.no_grad():
        theirs.relative_attention_bias.weight.normal_()
    ours.load_state_dict(theirs.relative_attention_bias.state_dict())
    assert torch.equal(ours(9, 9), theirs.compute_bias(9, 9))
    assert torch.equal(ours(2, 300), theirs.compute_bias(2, 300, past_seen_tokens=298))  # the last two of 300


@pytest.mark.parametrize("heads", range(1, 41))
def test_slopes_are_those_of_bloom(heads):
    assert torch.allclose(alibi_slopes(heads), _get_alibi_slopes(heads, torch.device("cpu")), rtol=1e-6)


def test_slopes_of_the_paper():
    assert alibi_slopes(8).tolist() == [2.0**-k for k in range(1, 9)]
    assert alibi_slopes(16)[:2].tolist() == pytest.approx([2**-0.5, 0.5])
    assert alibi_slopes(6).tolist() == pytest.approx([2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3])


def test_attention_with_the_bias_is_that_with_blooms_tensor():
    """BLOOM adds slope * key position, which differs by a constant in each row: softmax does not see it."""
    scores = torch.randn(1, 6, 7, 7)
    theirs = build_alibi_tensor(torch.ones(1, 7), 6, torch.float32).view(1, 6, 1, 7)
    weights = [
        (scores + bias).masked_fill(~causal(7)[:, None], -torch.inf).softmax(-1)
        for bias in (alibi_bias(6, 7, 7), theirs)
    ]
    assert torch.allclose(*weights, atol=1e-6)


@pytest.mark.parametrize("bias", [lambda q, k: alibi_bias(4, q, k), RelativeBias(4, bidirectional=False)])
def test_one_query_with_a_cache_has_the_last_row_of_the_full_bias(bias):
    if isinstance(bias, RelativeBias):
        torch.nn.init.normal_(bias.weight)
    assert torch.equal(bias(1, 50), bias(50, 50)[:, :, -1:])


def test_the_bias_depends_on_the_distance_alone():
    bias = alibi_bias(3, 20, 20)
    assert torch.equal(bias[..., 1:, 1:], bias[..., :-1, :-1])
    assert (bias[0, :, -1].diff() > 0).all() and (bias.diagonal(dim1=2, dim2=3) == 0).all()


def test_the_last_query_stands_at_the_last_key():
    assert relative_positions(2, 4).tolist() == [[-2, -1, 0, 1], [-3, -2, -1, 0]]


def test_sizes_that_cannot_be_are_refused():
    with pytest.raises(ConfigError, match="33 buckets .* use an even number"):
        RelativeBias(4, bidirectional=True, num_buckets=33)
    with pytest.raises(ConfigError, match="max_distance over 16"):
        RelativeBias(4, bidirectional=False, num_buckets=32, max_distance=16)
    with pytest.raises(ConfigError, match="heads=0 is not possible; use 1 or more"):
        alibi_bias(0, 2, 2)


# ───────── ALiBi as a decoder takes it ─────────


def test_keys_stand_in_front_of_the_queries():
    assert key_positions(torch.tensor([[5, 6], [0, 1]]), 4).tolist() == [[3, 4, 5, 6], [-2, -1, 0, 1]]


@pytest.mark.parametrize("start", [0, 3])
def test_the_decoders_bias_is_that_of_the_paper_times_its_scale(start):
    bias = AlibiBias(6, 0.5)(torch.arange(start, start + 4), start + 4)
    assert torch.allclose(bias, 0.5 * alibi_bias(6, 4, start + 4))


@pytest.mark.parametrize("heads", [1, 8, 12])
def test_rounded_it_is_the_same_up_to_what_a_query_has_for_all_its_keys_and_to_bfloat16(heads):
    places = torch.arange(20)
    exact, rounded = AlibiBias(heads)(places, 20), AlibiBias(heads, in_bfloat16=True)(places[None], 20)
    assert rounded.shape == (1, heads, 1, 20)
    causal = torch.ones(20, 20, dtype=torch.bool).tril()
    one, other = (
        (bias + torch.zeros(20, 20)).masked_fill(~causal, -torch.inf).softmax(-1) for bias in (exact, rounded)
    )
    assert torch.allclose(one, other, atol=0.02)
