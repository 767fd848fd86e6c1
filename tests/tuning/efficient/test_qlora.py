import pytest
import torch
from tests.tuning.efficient.conftest import drawn

from groundup.compression.quantization.nf4 import NF4Linear, quantize, quantized_bytes
from groundup.errors import InputError
from groundup.model.accounting import count
from groundup.model.layers.linear import Linear
from groundup.tuning.efficient.config import LoraConfig
from groundup.tuning.efficient.many import apply, merge
from groundup.tuning.efficient.qlora import bytes_of


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
