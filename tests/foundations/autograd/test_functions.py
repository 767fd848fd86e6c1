"""Parts of networks: values and gradients against torch, and against measured ones."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd import functions
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.derivatives import check_gradient, jacobian
from groundup.foundations.autograd.functions import (
    attention,
    conv2d,
    cross_entropy,
    gelu,
    layer_norm,
    log_softmax,
    softmax,
)

RANDOM = np.random.default_rng(0)
TOLERANCE = 1e-10  # float64 on both sides


def same_gradients(ours, theirs, arrays):
    mine = [Tensor(a, True) for a in arrays]
    others = [torch.tensor(a, requires_grad=True) for a in arrays]
    result, expected = ours(*mine), theirs(*others)
    np.testing.assert_allclose(result.data, expected.detach().numpy(), rtol=TOLERANCE, atol=TOLERANCE)
    weights = np.linspace(0.5, 1.5, result.data.size).reshape(result.shape)
    result.backward(weights)
    expected.backward(torch.tensor(weights))
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmaxes_are_torchs_along_every_axis(axis):
    array = RANDOM.standard_normal((3, 4, 5)) * 5
    same_gradients(lambda x: softmax(x, axis), lambda x: torch.softmax(x, axis), [array])
    same_gradients(lambda x: log_softmax(x, axis), lambda x: torch.log_softmax(x, axis), [array])


def test_softmax_backward_is_the_product_with_the_measured_jacobian():
    x, g = RANDOM.standard_normal(4), RANDOM.standard_normal(4)
    p = np.exp(x) / np.exp(x).sum()
    measured = jacobian(lambda y: np.exp(y) / np.exp(y).sum(), x)
    np.testing.assert_allclose(functions.softmax_backward(g, p), measured.T @ g, atol=1e-9)


def test_large_scores_neither_overflow_nor_lose_their_gradient():
    scores = Tensor([[1000.0, 0.0, -1000.0]], True)
    loss = cross_entropy(scores, np.array([2]))
    loss.backward()
    assert loss.item() == 2000.0
    np.testing.assert_array_equal(scores.grad, [[1.0, 0.0, -1.0]])


def test_gelu_is_torchs_form_with_tanh():
    same_gradients(gelu, lambda x: functional.gelu(x, approximate="tanh"), [np.linspace(-6, 6, 41)])


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5)])
def test_layer_norm_is_torchs(shape):
    arrays = [RANDOM.standard_normal(shape) * 3 + 1, RANDOM.standard_normal(5), RANDOM.standard_normal(5)]
    same_gradients(layer_norm, lambda x, w, b: functional.layer_norm(x, (5,), w, b), arrays)


def test_layer_norm_backward_is_what_is_measured():
    x, weight, g = RANDOM.standard_normal((2, 4)), RANDOM.standard_normal(4), RANDOM.standard_normal((2, 4))

    def value(x, weight):
        return (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) * weight

    by_x, by_weight, by_bias = functions.layer_norm_backward(g, x, weight)
    assert check_gradient(lambda y: (g * value(y, weight)).sum(), by_x, x, 1e-8).agrees
    assert check_gradient(lambda w: (g * value(x, w)).sum(), by_weight, weight, 1e-8).agrees
    np.testing.assert_array_equal(by_bias, g.sum(0))


def test_cross_entropy_is_torchs_for_stacks_of_rows():
    scores, targets = RANDOM.standard_normal((2, 3, 4)), RANDOM.integers(0, 4, (2, 3))
    same_gradients(
        lambda x: cross_entropy(x, targets),
        lambda x: functional.cross_entropy(x.flatten(0, 1), torch.tensor(targets).flatten()),
        [scores],
    )


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 0), (1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 3), (2, 3)])
def test_convolution_is_torchs(stride, padding, rows, columns):
    arrays = [RANDOM.standard_normal(shape) for shape in ((2, 3, 7, 6), (4, 3, rows, columns), (4,))]
    same_gradients(
        lambda x, w, b: conv2d(x, w, b, stride, padding),
        lambda x, w, b: functional.conv2d(x, w, b, stride, padding),
        arrays,
    )
    same_gradients(lambda x, w: conv2d(x, w), lambda x, w: functional.conv2d(x, w), arrays[:2])


@pytest.mark.parametrize("causal", [False, True])
def test_attention_is_torchs(causal):
    arrays = [RANDOM.standard_normal((2, 3, 5, 4)) for _ in range(3)]
    same_gradients(
        lambda q, k, v: attention(q, k, v, causal),
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=causal),
        arrays,
    )


def test_what_comes_later_has_no_gradient_in_causal_attention():
    q, k, v = (Tensor(RANDOM.standard_normal((5, 4)), True) for _ in range(3))
    attention(q, k, v, causal=True)[1].sum().backward()
    assert not k.grad[2:].any() and not v.grad[2:].any() and v.grad[:2].all()


@pytest.mark.parametrize(
    ("work", "way_out"),
    [
        (lambda t: cross_entropy(t(2, 3), np.array([0])), "one target for each row"),
        (lambda t: cross_entropy(t(1, 3), np.array([3])), "from 0 to 2"),
        (lambda t: cross_entropy(t(1, 3), np.array([1.0])), "must be integers"),
        (lambda t: layer_norm(t(2, 3), t(2), t(3)), r"the shape \(3,\)"),
        (lambda t: conv2d(t(1, 2, 5, 5), t(3, 1, 2, 2)), "as many channels"),
        (lambda t: conv2d(t(1, 1, 2, 2), t(1, 1, 3, 3)), "pad it"),
        (lambda t: conv2d(t(1, 1, 2, 2), t(1, 1, 1, 1), stride=0), "stride of 1 or more"),
        (lambda t: attention(t(2, 3), t(2, 4), t(2, 3)), "share the last axis"),
        (lambda t: softmax(t(2, 0)), "at least one score"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_way_out(work, way_out):
    with pytest.raises(InputError, match=way_out):
        work(lambda *shape: Tensor(np.ones(shape)))
