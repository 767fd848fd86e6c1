"""Rotary positions: only distances matter, and a cast model keeps its angles."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import ConfigError
from groundup.model.positions.rotary import Rotary, rotate


def turned(x, position, theta=10_000.0):
    return rotate(x.view(1, 1, 1, -1), Rotary(x.numel(), theta).angles(torch.tensor([position]), torch.float32)).view(
        -1
    )


def test_a_pair_is_turned_by_its_position_in_radians():
    assert torch.allclose(turned(torch.tensor([1.0, 0.0]), 2), torch.tensor([math.cos(2), math.sin(2)]), atol=1e-6)


def test_position_zero_changes_nothing():
    x = torch.randn(8)
    assert torch.equal(turned(x, 0), x)


@settings(max_examples=30, deadline=None)
@given(some.integers(0, 500), some.integers(0, 500), some.integers(0, 500), some.integers(0, 99))
def test_a_score_depends_only_on_the_distance(i, j, shift, seed):
    query, key = torch.randn(2, 16, generator=torch.Generator().manual_seed(seed))
    near, far = turned(query, i) @ turned(key, j), turned(query, i + shift) @ turned(key, j + shift)
    assert torch.allclose(near, far, atol=1e-3)


@given(some.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_turning_keeps_the_length(position):
    x = torch.randn(16, generator=torch.Generator().manual_seed(position))
    assert turned(x, position).norm().item() == pytest.approx(x.norm().item(), rel=1e-5)


def test_angles_equal_the_formula_in_double_precision():
    rotary, positions = Rotary(8, theta=500.0), torch.tensor([0, 1, 4095])
    exact = positions.double()[:, None] * 500.0 ** (-torch.arange(0, 8, 2).double() / 8)
    assert torch.allclose(rotary.angles(positions, torch.float32).cos[0, :, 0].double(), exact.cos(), atol=1e-3)


def test_rows_may_stand_at_different_positions():
    rotary = Rotary(8)
    both = rotary.angles(torch.tensor([[0, 1], [5, 6]]), torch.float32)
    assert torch.equal(both.sin[1], rotary.angles(torch.tensor([5, 6]), torch.float32).sin[0])


def test_a_model_cast_to_bf16_keeps_its_angles_at_position_4095(randomly, ids):
    """The frequency buffer was cast with the model, and angles were off by up to pi (EleutherAI/gpt-neox#1003)."""
    module = randomly(max_position_embeddings=8192, rope_theta=10_000.0)
    exact = module.rotary.angles(torch.tensor([4080, 4095]), torch.float32)
    cast = module.to(torch.bfloat16)
    angles = cast.rotary.angles(torch.tensor([4080, 4095]), torch.bfloat16)
    assert angles.cos.dtype == torch.bfloat16
    assert torch.allclose(angles.cos.float(), exact.cos, atol=0.005)
    assert not torch.equal(angles.cos[:, 0], angles.cos[:, 1])
    far, near = torch.arange(4000, 4012), torch.arange(12)
    logits = [cast(ids(1, 12), positions=positions).float() for positions in (near, far)]
    assert torch.allclose(*logits, atol=0.15)  # distances are the same, so only rounding differs


def test_a_scaling_slows_the_angles_and_may_make_them_louder():
    plain, slow = Rotary(8), Rotary(8, scaling={"rope_type": "linear", "factor": 4.0})
    far, near = torch.tensor([40]), torch.tensor([10])
    assert torch.allclose(slow.angles(far, torch.float32).sin, plain.angles(near, torch.float32).sin, atol=1e-6)
    yarn = Rotary(8, scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16})
    angles = yarn.angles(far, torch.float32)
    loud = 0.1 * math.log(4.0) + 1.0
    assert torch.allclose(angles.cos**2 + angles.sin**2, torch.tensor(loud**2))


def test_a_scheme_that_asks_for_the_length_of_the_text_hears_it():
    dynamic = Rotary(8, scaling={"rope_type": "dynamic", "factor": 2.0}, trained=16)
    short, long = (dynamic.angles(torch.arange(length), torch.float32).cos for length in (16, 17))
    assert torch.equal(short, Rotary(8).angles(torch.arange(16), torch.float32).cos)
    assert not torch.equal(long[:, :16], short)


def test_a_scaling_that_lacks_a_number_is_refused_when_the_model_is_built():
    with pytest.raises(ConfigError, match="needs low_freq_factor, high_freq_factor"):
        Rotary(8, scaling={"rope_type": "llama3", "factor": 2.0, "original_max_position_embeddings": 16})
