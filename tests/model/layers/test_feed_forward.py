"""The feed-forwards by hand, and every activation against the function that transformers means by its name."""

import pytest
import torch
from transformers.activations import ACT2FN

from groundup.model.architectures import blueprint
from groundup.model.layers.feed_forward import ACTIVATIONS, GatedFeedForward, PlainFeedForward, SquaredReluFeedForward


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


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_what_transformers_means_by_its_name(name):
    x = torch.linspace(-6, 6, 101)
    assert torch.allclose(ACTIVATIONS[name](x), ACT2FN[name](x), atol=1e-6)


def test_configurations_know_the_activations_that_there_are():
    assert ACTIVATIONS.keys() == set(blueprint.ACTIVATIONS)


def test_another_activation_may_open_the_gate():
    module, x = with_ones(GatedFeedForward(2, 4, activation="gelu")), torch.tensor([[[1.0, 2.0]]])
    gelu = 3 * 0.5 * (1 + torch.erf(torch.tensor(3 / 2**0.5)))
    assert module(x)[0, 0, 0].item() == pytest.approx(4 * gelu.item() * 3, rel=1e-6)


def test_without_a_gate_the_activation_stands_between_two_matrices():
    module = with_ones(PlainFeedForward(2, 4, bias=True, activation="relu"))
    assert module(torch.tensor([[[1.0, 2.0], [-9.0, 2.0]]]))[0, :, 0].tolist() == [4 * 4 + 1, 1]
