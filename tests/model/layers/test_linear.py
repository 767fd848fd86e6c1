"""The weight follows its input's dtype."""

import pytest
import torch

from groundup.model.layers.linear import Linear


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fp32_weights_multiply_in_the_dtype_of_the_input_and_get_fp32_gradients(dtype):
    linear = Linear(3, 2, bias=True)
    torch.nn.init.ones_(linear.weight), torch.nn.init.zeros_(linear.bias)
    y = linear(torch.ones(1, 3, dtype=dtype))
    y.sum().backward()
    assert y.dtype == dtype and y.tolist() == [[3.0, 3.0]]
    assert linear.weight.dtype == linear.weight.grad.dtype == linear.bias.grad.dtype == torch.float32


def test_it_equals_torchs_linear():
    ours, oracle = Linear(5, 4, bias=True), torch.nn.Linear(5, 4)
    ours.load_state_dict(oracle.state_dict())
    x = torch.randn(2, 3, 5)
    assert torch.equal(ours(x), oracle(x))
