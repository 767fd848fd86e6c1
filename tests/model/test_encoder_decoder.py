"""The encoder-decoder's own parts: the order of a block, the shift that training reads, a source that is read once."""

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.t5 import T5Config
from groundup.model.encoder_decoder import Answering, shift_right
from groundup.model.layers.residual import cross_block, post_norm_cross_block

CONFIG = T5Config(vocab_size=97, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2)


@pytest.fixture(scope="module")
def model():
    made, generator = build(CONFIG, seed=0, scheme="normal"), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return made


def test_a_block_adds_three_parts_one_after_another():
    def line(factor):
        return lambda x: factor * x

    x = torch.ones(1, 1, 1)
    # 1 + 2 * (3 * 1) = 7; 7 + 5 * (7 * 7) = 252; 252 + 11 * (13 * 252)
    parts = line(3), line(2), line(7), line(5), line(13), line(11)
    assert cross_block(x, *parts).item() == 252 + 11 * 13 * 252
    # 3 * (1 + 2) = 9; 7 * (9 + 45) = 378; 13 * (378 + 11 * 378)
    parts = line(2), line(3), line(5), line(7), line(11), line(13)
    assert post_norm_cross_block(x, *parts).item() == 13 * (378 + 11 * 378)


def test_training_reads_the_beginning_and_all_targets_but_the_last():
    targets = torch.tensor([[5, 6, 7], [8, -100, -100]])
    assert shift_right(targets, 0, 9).tolist() == [[0, 5, 6], [0, 8, 9]]
    assert targets.tolist() == [[5, 6, 7], [8, -100, -100]]


@torch.no_grad()
def test_a_source_that_was_read_makes_a_decoder(model, ids):
    source, answer = ids(2, 5), ids(2, 4, seed=1)
    bound = Answering(model, model.read(source))
    assert torch.equal(bound(answer), model(source, answer))
    assert torch.equal(bound.lm_head(bound.hidden(answer)), model(source, answer))
    assert (bound.device, bound.compute_dtype) == (model.device, model.compute_dtype)
    assert bound.config.num_hidden_layers == 2


@torch.no_grad()
def test_the_answer_depends_on_the_source_and_its_order(model, ids):
    source, answer = ids(1, 6), ids(1, 4, seed=1)
    assert not torch.allclose(model(source, answer), model(source.flip(1), answer), atol=1e-4)


@torch.no_grad()
def test_it_computes_in_bfloat16_from_float32_weights(model, ids):
    model.compute_dtype = torch.bfloat16
    logits = model(ids(1, 5), ids(1, 3))
    model.compute_dtype = None
    assert logits.dtype == torch.bfloat16
    exact = model(ids(1, 5), ids(1, 3))
    assert (logits.float() - exact).abs().mean() < 0.05 * exact.std()
