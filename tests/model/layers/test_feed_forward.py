"""The two feed-forwards by hand."""

import pytest
import torch

from groundup.model.layers.feed_forward import GatedFeedForward, SquaredReluFeedForward


def with_ones(module):
    for parameter in module.parameters():
        torch.nn.init.ones_(parameter)
    return module


def test_the_gate_multiplies_what_the_other_projection_says():
    x = torch.tensor([[[1.0, 2.0]]])
    silu = 3 / (1 + torch.exp(torch.tensor(-3.0)))
    assert with_ones(GatedFeedForward(2, 4))(x)[0, 0, 0].item() == pytest.approx(4 * silu.item() * 3, rel=1e-6)


def test_squared_relu_squares_what_is_positive_and_drops_the_rest():
    module = with_ones(SquaredReluFeedForward(2, 4))
    assert module(torch.tensor([[[1.0, 2.0], [-1.0, -2.0]]]))[0, :, 0].tolist() == [36.0, 0.0]


def test_the_gate_has_three_matrices_and_squared_relu_two():
    assert len(list(GatedFeedForward(2, 4).parameters())) == 3
    assert len(list(SquaredReluFeedForward(2, 4).parameters())) == 2
