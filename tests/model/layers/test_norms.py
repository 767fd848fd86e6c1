"""RMSNorm against torch, transformers and its own definition."""

import pytest
import torch
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from groundup.model.layers.norms import RMSNorm, rms_norm_reference


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
    assert torch.allclose(rms_norm_reference(x, norm.weight, 1e-5).float(), oracle(x).float(), atol=tolerance)


def test_a_zero_vector_stays_zero_with_a_finite_gradient():
    x = torch.zeros(1, 16, requires_grad=True)
    made()(x).sum().backward()
    assert torch.equal(made()(x), torch.zeros(1, 16)) and x.grad.isfinite().all()
