"""The soft cap: itself near zero, bounded far out, alive everywhere."""

import math

import pytest
import torch

from groundup.model.layers.soft_cap import soft_cap


def test_small_scores_stay_and_large_ones_never_pass_the_cap():
    x = torch.tensor([0.0, 0.01, -0.01, 1e4, -1e4])
    assert torch.allclose(soft_cap(x, 30.0), torch.tensor([0.0, 0.01, -0.01, 30.0, -30.0]), atol=1e-6)


def test_it_is_the_scaled_hyperbolic_tangent():
    assert soft_cap(torch.tensor(50.0), 50.0).item() == pytest.approx(50 * math.tanh(1), rel=1e-6)


def test_the_order_of_scores_stays():
    x = torch.linspace(-100, 100, 201, dtype=torch.float64)
    assert (soft_cap(x, 50.0).diff() > 0).all()


def test_the_gradient_is_one_at_zero_and_positive_at_the_cap():
    x = torch.tensor([0.0, 5.0], requires_grad=True)
    soft_cap(x, 5.0).sum().backward()
    assert x.grad.tolist() == pytest.approx([1.0, 1 / math.cosh(1) ** 2], rel=1e-5)
    assert torch.autograd.gradcheck(lambda x: soft_cap(x, 2.0), torch.randn(4, dtype=torch.float64, requires_grad=True))
