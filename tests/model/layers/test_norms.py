"""RMSNorm against torch, transformers and its own definition."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from groundup.model.layers.norms import RMSNorm, normalize, rms_norm


def made(hidden=16, eps=1e-5):
    norm = RMSNorm(hidden, eps)
    torch.nn.init.normal_(norm.weight, 1.0, 0.3)
    return norm


def test_the_root_mean_square_of_the_output_is_one():
    norm = RMSNorm(64)
    torch.nn.init.ones_(norm.weight)
    assert torch.allclose(norm(torch.randn(3, 64) * 7).square().mean(-1), torch.ones(3), atol=1e-4)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-6), (torch.bfloat16, 0.04)])
def test_the_module_the_definition_and_transformers_agree(dtype, tolerance):
    norm, x = made(), (torch.randn(4, 16) * 3).to(dtype)
    oracle = LlamaRMSNorm(16, eps=1e-5)
    oracle.weight.data.copy_(norm.weight.data)
    assert norm(x).dtype == dtype
    assert torch.allclose(norm(x).float(), oracle(x).float(), atol=tolerance)
    assert torch.allclose(rms_norm(x, norm.weight, 1e-5).float(), oracle(x).float(), atol=tolerance)


def test_a_zero_vector_stays_zero_with_a_finite_gradient():
    x = torch.zeros(1, 16, requires_grad=True)
    made()(x).sum().backward()
    assert torch.equal(made()(x), torch.zeros(1, 16)) and x.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(5, 16), (2, 3, 4, 16)])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-4), (torch.bfloat16, 0.02)])
def test_the_gradients_equal_those_of_the_definition_in_double_precision(shape, dtype, tolerance):
    """LayerNorm's own gradient of the gain sums thousands of rows in bf16 and was off by half its size."""
    x, dy, gain = torch.randn(shape).to(dtype), torch.randn(shape).to(dtype), made().weight.detach()

    def gradients(norm, dtype):
        inputs = x.clone().to(dtype).requires_grad_(), gain.clone().requires_grad_()
        norm(*inputs, 1e-5).backward(dy.to(dtype))
        return [tensor.grad for tensor in inputs]

    for ours, exact in zip(gradients(normalize, dtype), gradients(rms_norm, torch.float64), strict=True):
        assert (ours - exact).abs().max() < tolerance * exact.abs().max()
    assert gradients(normalize, dtype)[1].dtype == torch.float32


def test_gradients_of_gradients_and_transforms_work_too():
    x, gain = torch.randn(3, 8, dtype=torch.float64, requires_grad=True), torch.rand(8, dtype=torch.float64)
    gain.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, gain: normalize(x, gain, 1e-5), (x, gain))
    assert torch.autograd.gradgradcheck(lambda x, gain: normalize(x, gain, 1e-5), (x, gain))
    each = torch.func.vmap(torch.func.grad(lambda row: normalize(row, gain, 1e-5).square().sum()))(x)
    (whole,) = torch.autograd.grad(normalize(x, gain, 1e-5).square().sum(), x)
    assert torch.allclose(each, whole)


def test_a_single_vector_has_the_gradients_of_a_batch_of_one():
    x, gain = torch.randn(8, requires_grad=True), torch.rand(8, requires_grad=True)
    alone = torch.autograd.grad(normalize(x, gain, 1e-5).square().sum(), (x, gain))
    batch = torch.autograd.grad(rms_norm(x[None], gain, 1e-5).square().sum(), (x, gain))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(alone, batch, strict=True))
