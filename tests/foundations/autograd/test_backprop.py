"""An MLP's gradients by hand: against torch, measured ones, and downhill."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.autograd.backprop import (
    loss_and_gradients,
    make_layers,
    mlp_backward,
    mlp_forward,
    mlp_loss,
    train_mlp,
)
from groundup.foundations.autograd.derivatives import check_gradient


def task(sizes, examples=7, seed=0):
    random = np.random.default_rng(seed)
    layers = [(weight, random.standard_normal(bias.shape)) for weight, bias in make_layers(sizes, seed)]
    return random.standard_normal((examples, sizes[0])), random.integers(0, sizes[-1], examples), layers


@pytest.mark.parametrize("sizes", [(3, 2), (4, 5, 3), (2, 6, 5, 4, 3), (1, 1, 2)], ids=str)
def test_loss_and_gradients_are_torchs(sizes):
    x, targets, layers = task(sizes)
    loss, gradients = loss_and_gradients(x, targets, layers)
    parameters = [[torch.tensor(one, requires_grad=True) for one in layer] for layer in layers]
    a = torch.tensor(x)
    for number, (weight, bias) in enumerate(parameters, 1):
        a = a @ weight + bias
        a = a if number == len(parameters) else torch.tanh(a)
    expected = torch.nn.functional.cross_entropy(a, torch.tensor(targets))
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for mine, theirs in zip(gradients, parameters, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(one, other.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_the_first_layers_gradient_is_what_is_measured():
    x, targets, layers = task((3, 4, 2))
    _, gradients = loss_and_gradients(x, targets, layers)

    def loss_with(weight):
        return mlp_loss(mlp_forward(x, [(weight, layers[0][1]), layers[1]])[-1], targets)

    assert check_gradient(loss_with, gradients[0][0], layers[0][0], 1e-8).agrees


def test_the_walk_back_leaves_its_arguments_alone():
    x, targets, layers = task((3, 4, 2))
    activations = mlp_forward(x, layers)
    before = [a.copy() for a in activations]
    mlp_backward(activations, targets, layers)
    assert all((a == b).all() for a, b in zip(activations, before, strict=True))


def test_xor_is_learned_with_a_hidden_layer_and_not_without():
    x, targets = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    layers, losses = train_mlp(x, targets, make_layers([2, 8, 2]), 400)
    assert losses[-1] < 0.05 and (mlp_forward(x, layers)[-1].argmax(1) == targets).all()
    _, straight = train_mlp(x, targets, make_layers([2, 2]), 400)
    assert straight[-1] > np.log(2) - 1e-6


@pytest.mark.parametrize(
    ("change", "way_out"),
    [
        (lambda x, t, layers: (x.astype(int), t, layers), "give floats"),
        (lambda x, t, layers: (x[:, :2], t, layers), "layer 1 has weight"),
        (lambda x, t, layers: (x, t + 1, layers), "integers from 0 to 1"),
        (lambda x, t, layers: (x, t[:2], layers), "give 7 integers"),
        (lambda x, t, layers: (x, t, []), "make_layers"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(change, way_out):
    x, targets, layers = task((3, 4, 2))
    with pytest.raises(InputError, match=way_out):
        loss_and_gradients(*change(x, targets % 2 | (np.arange(7) == 0), layers))


def test_a_network_needs_two_sizes():
    with pytest.raises(InputError, match="at least two"):
        make_layers([3])
