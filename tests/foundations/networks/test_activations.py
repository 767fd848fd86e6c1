"""Activations: values and gradients of torch, derivatives as measured, limits."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd import functions
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.derivatives import check_gradient, jacobian
from groundup.foundations.networks.activations import (
    ACTIVATIONS,
    activate,
    activation,
    gelu_backward,
    normal_share,
    relu,
    silu,
    softmax_jacobian,
    swiglu,
)

TORCH = {
    "identity": lambda x: x * 1,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": functional.gelu,
    "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
}
X = np.concatenate([np.linspace(-8, 8, 65), [-40.0, 40.0, 0.0, -0.0]])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_gradient_are_torchs(name):
    mine, theirs = Tensor(X, True), torch.tensor(X, requires_grad=True)
    result, expected = activate(name, mine), TORCH[name](theirs)
    weights = np.linspace(-1, 2, len(X))
    result.backward(weights)
    expected.backward(torch.tensor(weights))
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mine.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-13)  # 1 - t^2 has no digits left
    np.testing.assert_array_equal(activate(name, X), result.data)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_derivative_is_what_is_measured(name):
    x = np.array([-3.1, -1.2, -0.3, 0.4, 1.7, 2.9])
    value, slope = activation(name)
    assert check_gradient(lambda x: value(x).sum(), slope(x), x, 1e-7).agrees


def test_numbers_of_any_size_give_no_warning_and_no_nan():
    far = np.array([-1e4, -800.0, 800.0, 1e4])
    with np.errstate(all="raise", under="ignore"):
        for value, slope in ACTIVATIONS.values():
            assert np.isfinite(value(far)).all() and np.isfinite(slope(far)).all()


def test_the_slopes_that_make_gradients_vanish():
    x = np.linspace(-10, 10, 2001)
    assert activation("sigmoid").slope(x).max() == pytest.approx(0.25)
    assert activation("tanh").slope(x).max() == pytest.approx(1.0)
    assert x[silu(x).argmin()] == pytest.approx(-1.278, abs=0.01) and silu(x).min() == pytest.approx(-0.278, abs=1e-3)


def test_the_normal_share_keeps_its_digits_far_below_0():
    assert normal_share(np.array([-10.0]))[0] == pytest.approx(7.619853024160527e-24, rel=1e-12)  # a table's value
    assert gelu_backward(np.array([2.0]), np.array([0.0]))[0] == 1.0


def test_swiglu_is_the_two_products_of_torch(generator):
    x, gate, up = (generator.standard_normal(shape) for shape in ((2, 3, 4), (4, 5), (4, 5)))
    tensors = [Tensor(one, True) for one in (x, gate, up)]
    others = [torch.tensor(one, requires_grad=True) for one in (x, gate, up)]
    swiglu(*tensors).sum().backward()
    expected = functional.silu(others[0] @ others[1]) * (others[0] @ others[2])
    expected.sum().backward()
    np.testing.assert_allclose(swiglu(x, gate, up), expected.detach().numpy(), rtol=1e-12)
    for one, other in zip(tensors, others, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-11, atol=1e-12)


def test_the_softmax_jacobian_is_what_is_measured_and_gives_the_rule_of_autograd(generator):
    z, g = generator.standard_normal(5), generator.standard_normal(5)
    p = np.exp(z) / np.exp(z).sum()
    np.testing.assert_allclose(softmax_jacobian(z), jacobian(lambda z: np.exp(z) / np.exp(z).sum(), z), atol=1e-9)
    np.testing.assert_allclose(softmax_jacobian(z) @ g, functions.softmax_backward(g, p), atol=1e-15)
    np.testing.assert_allclose(softmax_jacobian([1000, 0]).sum(axis=0), 0)


def test_float32_stays_and_integers_become_floats():
    assert relu(np.array([-1, 2])).dtype == np.float64
    assert relu(Tensor(np.float32([-1, 2]))).dtype == np.float32


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: activate("swish", 1.0), "no activation 'swish'; use one of"),
        (lambda: activate("relu", ["a"]), "real numbers"),
        (lambda: softmax_jacobian([[1.0]]), "one list"),
        (lambda: swiglu(np.ones((2, 3)), np.ones((4, 5)), np.ones((4, 5))), "do not fit"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
