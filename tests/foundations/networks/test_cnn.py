"""Pooling as torch's; a LeNet with torch's gradients that reads digits."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.functions import conv2d
from groundup.foundations.networks.cnn import (
    as_pictures,
    lenet,
    lenet_layers,
    make_lenet,
    max_pool,
    max_pool2d,
    mean_pool2d,
)
from groundup.foundations.networks.mlp import accuracy, fit


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (2, 3), (1, 1), (4, 2)])
def test_max_pooling_its_places_and_its_gradient_are_torchs(size, stride, generator):
    x = generator.integers(0, 6, (2, 3, 7, 6)).astype(float)  # with equal numbers in a window
    mine, other = Tensor(x, True), torch.tensor(x, requires_grad=True)
    expected, places = functional.max_pool2d(other, size, stride, return_indices=True)
    value, found = max_pool(x, size, stride)
    np.testing.assert_array_equal(value, expected.detach())
    np.testing.assert_array_equal(found, places)
    weights = generator.standard_normal(value.shape)
    max_pool2d(mine, size, stride).backward(weights)
    expected.backward(torch.tensor(weights))
    np.testing.assert_allclose(mine.grad, other.grad, atol=1e-14)


def test_mean_pooling_and_its_gradient_are_torchs(generator):
    x = generator.standard_normal((2, 3, 6, 4))
    mine, other = Tensor(x, True), torch.tensor(x, requires_grad=True)
    expected = functional.avg_pool2d(other, 2)
    np.testing.assert_allclose(mean_pool2d(mine, 2).data, expected.detach(), rtol=1e-12)
    mean_pool2d(mine, 2).sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(mine.grad, other.grad)


def test_a_shifted_picture_gives_the_shifted_result_and_pooling_forgets_a_small_shift(generator):
    x, w = np.zeros((1, 1, 10, 10)), Tensor(generator.standard_normal((2, 1, 3, 3)))
    x[0, 0, 3:6, 2:6] = generator.standard_normal((3, 4))
    there, here = (conv2d(Tensor(np.roll(x, n, axis=3)), w, padding=1).data for n in (2, 0))
    np.testing.assert_allclose(there, np.roll(here, 2, axis=3), atol=1e-14)
    dot = np.zeros((1, 1, 4, 4))
    dot[0, 0, 0, 0] = 1.0
    np.testing.assert_array_equal(max_pool(dot, 2, 2)[0], max_pool(np.roll(dot, 1, axis=3), 2, 2)[0])


def test_lenets_scores_are_those_of_torchs_parts(generator):
    parameters, x = make_lenet(5), generator.standard_normal((3, 1, 8, 8))
    p = {name: torch.tensor(one.data) for name, one in parameters.items()}
    h = torch.tensor(x)
    for name in ("conv1", "conv2"):
        h = functional.max_pool2d(
            torch.relu(functional.conv2d(h, p[f"{name}.weight"], p[f"{name}.bias"], padding=1)), 2
        )
    h = torch.relu(h.reshape(3, -1) @ p["hidden.weight"] + p["hidden.bias"])
    np.testing.assert_allclose(lenet(parameters, Tensor(x)).data, h @ p["head.weight"] + p["head.bias"], atol=1e-12)
    shapes = [one.shape for one in lenet_layers(parameters, Tensor(x))]
    assert shapes == [(3, 1, 8, 8), (3, 8, 4, 4), (3, 16, 2, 2), (3, 32), (3, 5)]


def test_lenet_reads_digits_it_never_saw(digits):
    x, y = digits
    trained, losses = fit(lenet, make_lenet(10), x[:1000], y[:1000], steps=120, learning_rate=1e-2)
    assert losses[0] > 1.5 > 0.6 > np.mean(losses[-10:])
    assert accuracy(lenet, trained, x[1200:], y[1200:]) > 0.75


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: max_pool2d(Tensor(np.ones((1, 1, 2, 2))), 3), "not smaller than the window"),
        (lambda: max_pool2d(Tensor(np.ones((2, 2))), 2), r"x \(2, 2\)"),
        (lambda: max_pool2d(Tensor(np.ones((1, 1, 2, 2))), 2, 0), "stride=0"),
        (lambda: mean_pool2d(Tensor(np.ones((1, 1, 3, 4))), 2), "3 x 4 cannot be cut"),
        (lambda: as_pictures(np.ones((2, 63)), 8, 8), "rows of 64"),
        (lambda: make_lenet(10, side=10), "multiple of 4"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
