"""The residual network: torch's values, the identity at the beginning, and features that serve another task."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.networks.mlp import accuracy, fit
from groundup.foundations.networks.representations import read
from groundup.foundations.networks.residual import (
    features,
    make_resnet,
    residual_block,
    resnet,
    resnet_layers,
    scattered,
    transfer,
)


@pytest.fixture(scope="module")
def scene(digits):
    """Digits scattered over 12 x 12, and a network trained on 0 to 4 alone."""
    x, y = digits
    x = scattered(x, 12, np.random.default_rng(0))
    low = y < 5
    network, losses = fit(resnet, make_resnet(5), x[low], y[low], steps=130, learning_rate=1e-2)
    return x, y, network, losses


def test_the_scores_are_those_of_torchs_parts(generator):
    parameters = {name: Tensor(generator.standard_normal(one.shape)) for name, one in make_resnet(3, (2, 4)).items()}
    p = {name: torch.tensor(one.data) for name, one in parameters.items()}
    x = generator.standard_normal((2, 1, 6, 6))
    h = torch.relu(functional.conv2d(torch.tensor(x), p["stem.weight"], p["stem.bias"], padding=1))
    for name, stride in (("block1", 1), ("block2", 2)):
        first = torch.relu(functional.conv2d(h, p[f"{name}.first"], p[f"{name}.bias1"], stride, 1))
        past = functional.conv2d(h, p[f"{name}.shortcut"], None, stride) if stride == 2 else h
        h = torch.relu(functional.conv2d(first, p[f"{name}.second"], p[f"{name}.bias2"], padding=1) + past)
    expected = h.mean((2, 3)) @ p["head.weight"] + p["head.bias"]
    np.testing.assert_allclose(resnet(parameters, Tensor(x)).data, expected, rtol=1e-10, atol=1e-10)


def test_a_block_begins_as_the_identity_for_what_is_not_negative():
    found = resnet_layers(make_resnet(3, (4, 4, 4)), Tensor(np.random.default_rng(0).standard_normal((2, 1, 6, 6))))
    for one in found[2:5]:
        np.testing.assert_array_equal(one.data, found[1].data)


def test_the_gradient_goes_past_a_branch_that_stops_it():
    x = Tensor([[1.0, 2.0]], True)
    residual_block(x, lambda x: x * 0.0).sum().backward()
    np.testing.assert_array_equal(x.grad, [[1.0, 1.0]])


def test_it_learns(scene):
    x, y, network, losses = scene
    assert np.mean(losses[-10:]) < 0.7 < 1.4 < losses[0]
    assert accuracy(resnet, network, x[y < 5], y[y < 5]) > 0.7


def test_its_features_tell_digits_apart_that_it_never_saw_better_than_pixels_or_untrained_features(scene):
    x, y, network, _ = scene
    x, y = x[y >= 5], y[y >= 5]
    few, new = slice(0, 100), slice(400, None)
    by_features = (transfer(network, x[few], y[few], x[new]) == y[new]).mean()
    by_untrained = (transfer(make_resnet(5), x[few], y[few], x[new]) == y[new]).mean()
    by_pixels = (read(x[few].reshape(100, -1), y[few], x[new].reshape(len(y[new]), -1)) == y[new]).mean()
    assert by_features > max(by_untrained, by_pixels) + 0.1
    assert features(network, x[:3]).shape == (3, 16)


def test_scattered_pictures_are_whole_and_somewhere_else(digits, generator):
    x = digits[0][:50]
    there = scattered(x, 12, generator)
    assert there.shape == (50, 1, 12, 12)
    np.testing.assert_allclose(there.sum(axis=(1, 2, 3)), x.sum(axis=(1, 2, 3)))
    assert len({tuple(np.argwhere(one[0].any(axis=1))[0]) for one in there}) > 3


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: residual_block(np.ones((2, 3)), lambda x: x[:, :2]),
            r"gives \(2, 2\) and what goes past it has \(2, 3\)",
        ),
        (lambda: make_resnet(5, ()), "at least one block"),
        (lambda: make_resnet(0), "classes=0"),
        (lambda: scattered(np.ones((1, 1, 8, 8)), 7, np.random.default_rng(0)), "within the side"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
