"""Absolute positions: the paper's formula, a rotation from place to place, and a table that ends."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from transformers import GPT2Config, OPTConfig
from transformers.models.gpt2.modeling_gpt2 import GPT2Model
from transformers.models.marian.modeling_marian import MarianSinusoidalPositionalEmbedding
from transformers.models.opt.modeling_opt import OPTModel

from groundup.errors import ConfigError, InputError
from groundup.model.positions.absolute import LearnedPositions, learned, sinusoidal


def test_every_coordinate_is_the_formula_of_the_paper():
    table = sinusoidal(torch.arange(50), 6)
    for position in range(50):
        for pair in range(3):
            angle = position / 10_000 ** (2 * pair / 6)
            assert table[position, 2 * pair].item() == pytest.approx(math.sin(angle), abs=1e-7)
            assert table[position, 2 * pair + 1].item() == pytest.approx(math.cos(angle), abs=1e-7)


def test_the_numbers_are_marians_in_another_order():
    theirs = MarianSinusoidalPositionalEmbedding(100, 32).create_weight()
    ours = sinusoidal(torch.arange(100), 32)
    assert torch.equal(torch.cat([ours[:, 0::2], ours[:, 1::2]], dim=1), theirs)


@settings(max_examples=30, deadline=None)
@given(some.integers(0, 5000), some.integers(-5000, 5000), some.integers(1, 16))
def test_another_place_is_a_rotation_that_depends_on_the_distance_alone(place, distance, pairs):
    here, there = sinusoidal(torch.tensor([place, place + distance]), 2 * pairs).double().unflatten(-1, (-1, 2))
    angle = distance * 10_000.0 ** (-torch.arange(pairs).double() / pairs)
    sin = here[:, 0] * angle.cos() + here[:, 1] * angle.sin()
    cos = here[:, 1] * angle.cos() - here[:, 0] * angle.sin()
    assert torch.allclose(torch.stack([sin, cos], dim=-1), there, atol=1e-6)


def test_every_vector_has_the_same_length_and_no_two_are_equal():
    table = sinusoidal(torch.arange(2000), 64)
    assert torch.allclose(table.norm(dim=1), torch.full((2000,), math.sqrt(32)))
    assert torch.cdist(table, table).fill_diagonal_(9).min() > 0.1


def test_far_positions_are_exact():
    angle = 1_000_003.0
    row = sinusoidal(torch.tensor([1_000_003]), 4)[0]
    assert row[:2].tolist() == pytest.approx([math.sin(angle), math.cos(angle)], abs=1e-7)


def test_rows_of_a_batch_may_stand_anywhere():
    both = sinusoidal(torch.tensor([[0, 1], [7, 8]]), 8)
    assert torch.equal(both[1], sinusoidal(torch.tensor([7, 8]), 8))


def test_an_odd_width_is_refused():
    with pytest.raises(ConfigError, match="width=5 cannot hold pairs.*use an even number"):
        sinusoidal(torch.arange(3), 5)


def test_learned_positions_are_gpt2s():
    theirs = GPT2Model(GPT2Config(n_positions=32, n_embd=8, n_layer=1, n_head=1, vocab_size=11)).wpe
    ours = LearnedPositions(32, 8)
    ours.load_state_dict(theirs.state_dict())
    positions = torch.tensor([[0, 31, 5], [1, 2, 3]])
    assert torch.equal(ours(positions), theirs(positions))


def test_files_that_begin_counting_later_are_read_with_an_offset():
    config = OPTConfig(
        max_position_embeddings=32,
        hidden_size=8,
        word_embed_proj_dim=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        ffn_dim=8,
        vocab_size=11,
    )
    theirs = OPTModel(config).decoder.embed_positions
    ours = LearnedPositions(32, 8, offset=2)
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(torch.arange(32)[None]), theirs(torch.ones(1, 32, dtype=torch.long)))
    with pytest.raises(InputError, match="position 32 has no row in a table of 32"):
        ours(torch.tensor([[32]]))


@pytest.mark.parametrize("position", [4, -1])
def test_a_position_beyond_the_table_is_named_with_the_way_out(position):
    with pytest.raises(
        InputError, match=f"position {position} has no row in a table of 4.*shorten the text to 4 tokens"
    ):
        learned(torch.tensor([0, position]), torch.zeros(4, 2))


def test_shapes_can_be_followed_without_numbers():
    with torch.device("meta"):
        assert LearnedPositions(4, 2)(torch.arange(9)).shape == (9, 2)


def test_only_the_rows_that_were_used_learn():
    table = torch.zeros(4, 2, requires_grad=True)
    learned(torch.tensor([1, 1, 3]), table).sum().backward()
    assert table.grad[:, 0].tolist() == [0, 2, 0, 1]
