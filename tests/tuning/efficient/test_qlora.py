import numpy as np
import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.errors import InputError
from groundup.machine.numbers.normal_float import encode_nf4
from groundup.model.accounting import count
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.many import apply, merge
from groundup.tuning.efficient.qlora import (
    DYNAMIC,
    NF4Linear,
    bytes_of,
    dequantize_sizes,
    quantize,
    quantize_sizes,
    quantized_bytes,
)


def test_the_dynamic_numbers_are_those_of_the_published_map():
    """bitsandbytes' create_dynamic_map: 256 numbers from -0.9929 to 1, with 0 and the smallest 5.5e-7."""
    assert len(DYNAMIC) == 256 and np.all(np.diff(DYNAMIC) > 0) and 0 in DYNAMIC
    np.testing.assert_allclose(
        [DYNAMIC[0], DYNAMIC[1], DYNAMIC[-2], DYNAMIC[-1]], [-0.99296875, -0.97890625, 0.99296875, 1], rtol=1e-6
    )
    np.testing.assert_allclose(np.sort(np.abs(DYNAMIC))[1], 5.5e-7, rtol=1e-5)


def test_sizes_come_back_within_the_format_s_step():
    absmax = np.random.default_rng(0).uniform(0.5, 2, 700).astype(np.float32)
    sizes = quantize_sizes(absmax)
    assert sizes.codes.shape == (700,) and sizes.absmax.shape == (3,)
    assert np.abs(dequantize_sizes(sizes) - absmax).max() < 0.012 * np.abs(absmax - absmax.mean()).max()
    alike = quantize_sizes(np.full(5, 0.25, np.float32))
    np.testing.assert_allclose(dequantize_sizes(alike), 0.25)


@pytest.mark.parametrize("shape", [(5, 13), (64, 48), (1, 7)])
def test_a_matrix_that_does_not_fill_its_last_block_is_finite_and_near(shape):
    """The last block's size was once taken over uninitialised memory (bitsandbytes#1884)."""
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    layer = NF4Linear(weight, None)
    error = (layer.decoded() - weight).abs().max()
    assert layer.decoded().shape == shape and error < 0.2 * weight.abs().max()
    once = torch.from_numpy(np.asarray(encode_nf4(weight.numpy()).absmax))
    assert torch.isfinite(once).all() and layer.nbytes == quantized_bytes(shape)


def test_gradients_go_through_a_quantised_matrix_and_it_gets_none():
    linear = Linear(8, 6, bias=True)
    for parameter in linear.parameters():
        torch.nn.init.normal_(parameter)
    layer = NF4Linear(linear.weight, linear.bias)
    x = torch.randn(4, 8, requires_grad=True)
    layer(x).sum().backward()
    torch.testing.assert_close(x.grad, layer.decoded().sum(0).expand(4, 8))
    torch.testing.assert_close(layer(x), x @ layer.decoded().T + linear.bias)
    assert not [one for one in layer.parameters() if one.requires_grad]


def test_double_quantised_weights_take_the_bytes_that_the_accounting_says(make):
    module = make()
    whole, matrices = count(module.config).parameters, [
        one.weight.shape for path, one in module.named_modules() if type(one) is Linear and ".layers." in path
    ]  # fmt: skip
    quantize(module)
    expected = 4 * (whole - sum(rows * columns for rows, columns in matrices)) + sum(
        quantized_bytes(shape) for shape in matrices
    )
    assert bytes_of(module) == expected


def test_a_quantised_model_is_trained_merged_and_not_quantised_twice(make, ids):
    module = make()
    quantize(module)
    with pytest.raises(InputError, match="quantised already"):
        quantize(module)
    adapted = drawn(apply(module, LoraConfig(r=2, target_modules=("all-linear",))), 2, 0.1)
    adapted(ids).square().mean().backward()
    assert all(one.grad is not None and torch.isfinite(one.grad).all() for one in adapted.parameters())
    with torch.no_grad():
        before = adapted(ids)
        merged = merge(adapted)
        torch.testing.assert_close(merged(ids), before, rtol=1e-5, atol=1e-5)
    assert not any(isinstance(one, NF4Linear) for one in merged.modules())
