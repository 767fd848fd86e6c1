"""RMSNorm and LayerNorm against torch, transformers and their own definitions."""

import pytest
import torch
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from groundup.model.layers.norms import LayerNorm, RMSNorm, layer_norm, normalize, rms_norm, standardize


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


def test_a_frozen_gain_has_no_gradient_and_that_of_the_input_is_the_same():
    x, dy, gain = torch.randn(5, 16, requires_grad=True), torch.randn(5, 16), made().weight.detach()
    normalize(x, gain, 1e-5).backward(dy)
    (exact,) = torch.autograd.grad(rms_norm(x, gain, 1e-5), x, dy)
    assert gain.grad is None and torch.allclose(x.grad, exact, atol=1e-5)


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


@pytest.mark.parametrize("gain, bias", [(True, True), (True, False), (False, False)])
@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.04), (torch.float64, 1e-12)])
def test_layer_norm_its_definition_and_torch_agree(gain, bias, dtype, tolerance):
    norm, x = LayerNorm(16, 1e-5, gain=gain, bias=bias), (torch.randn(4, 16) * 3 + 1).to(dtype)
    for parameter in norm.parameters():
        torch.nn.init.normal_(parameter, 1.0, 0.3)
    weights = [None if part is None else part.detach().double() for part in (norm.weight, norm.bias)]
    oracle = torch.nn.functional.layer_norm(x.double(), (16,), *weights, 1e-5)
    assert norm(x).dtype == layer_norm(x, norm.weight, norm.bias, 1e-5).dtype == dtype
    assert torch.allclose(
        norm.to(dtype if dtype == torch.float64 else torch.float32)(x).double(), oracle, atol=tolerance
    )
    assert torch.allclose(layer_norm(x, norm.weight, norm.bias, 1e-5).double(), oracle, atol=tolerance)


def test_layer_norms_gain_has_the_gradient_of_double_precision_in_bf16_too():
    x, dy = (torch.randn(4096, 16) + 1).bfloat16(), torch.randn(4096, 16).bfloat16()
    gain, bias = torch.rand(16, requires_grad=True), torch.rand(16, requires_grad=True)
    ours = torch.autograd.grad(standardize(x, gain, bias, 1e-5), (gain, bias), dy)
    exact = torch.autograd.grad(layer_norm(x.double(), gain.double(), bias.double(), 1e-5), (gain, bias), dy.double())
    for one, other in zip(ours, exact, strict=True):
        assert (one - other).abs().max() < 0.01 * other.abs().max()


def test_a_gain_stored_less_one_is_the_gain_itself():
    """Gemma's files hold gain - 1: read as a gain, every norm would give almost zero."""
    stored, plain = RMSNorm(16, offset=1.0), RMSNorm(16)
    torch.nn.init.normal_(stored.weight, 0.0, 0.3)
    plain.weight.data.copy_(stored.weight.data + 1)
    oracle = GemmaRMSNorm(16)
    oracle.weight.data.copy_(stored.weight.data)
    x = torch.randn(3, 16)
    assert torch.allclose(stored(x), plain(x)) and torch.allclose(stored(x), oracle(x), atol=1e-6)


def test_adding_the_same_number_to_every_coordinate_changes_layer_norm_not_at_all_and_rms_norm_much():
    x, ones = torch.randn(4, 16), torch.ones(16)
    assert torch.allclose(layer_norm(x + 7, ones, None, 1e-5), layer_norm(x, ones, None, 1e-5), atol=1e-5)
    assert not torch.allclose(rms_norm(x + 7, ones, 1e-5), rms_norm(x, ones, 1e-5), atol=0.1)
