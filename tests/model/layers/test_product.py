"""The product of either library is torch's `linear`, with its gradients, and each is taken where it belongs."""

import pytest
import torch
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from groundup.model.layers import product as products
from groundup.model.layers.product import kernel, one_dnn, product

X, W = (4, 32, 192), (320, 192)  # 128 rows, large enough for oneDNN


@pytest.fixture(autouse=True)
def as_if_faster(monkeypatch):
    """Take oneDNN on whatever processor the tests run."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this torch has no oneDNN")
    monkeypatch.setattr(products, "one_dnn_is_faster", lambda: True)


def drawn(*shape, seed=0, **options):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), **options)


def operands(bias, dtype=torch.float32):
    made = [drawn(*X, dtype=dtype), drawn(*W, seed=1, dtype=dtype), drawn(W[0], seed=2, dtype=dtype) if bias else None]
    return [None if part is None else part.requires_grad_() for part in made]


@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_torch_in_float64(bias):
    mine = operands(bias)
    assert kernel(mine[0], mine[1]) is one_dnn
    exact = [None if part is None else part.detach().double().requires_grad_() for part in mine]
    y, expected = product(*mine), functional.linear(*exact)
    weights = drawn(*y.shape, seed=3)
    (y * weights).sum().backward()
    (expected * weights).sum().backward()
    for got, right in [(y, expected), *((a.grad, b.grad) for a, b in zip(mine, exact, strict=True) if a is not None)]:
        assert got.dtype == torch.float32 and got.shape == right.shape
        assert (got - right).abs().max() < 2e-6 * right.abs().max()


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_what_is_frozen_gets_no_gradient(frozen):
    mine = operands(bias=True)
    mine[frozen].requires_grad_(False)
    product(*mine).sum().backward()  # a sum's gradient is one number, expanded
    assert [part.grad is None for part in mine] == [place == frozen for place in range(3)]


def test_the_gradient_of_a_gradient():
    x, weight, _ = operands(bias=False)

    def twice(times):
        (first,) = torch.autograd.grad(times(x, weight).square().sum(), x, create_graph=True)
        return torch.autograd.grad(first.square().sum(), (x, weight))

    for got, right in zip(twice(product), twice(functional.linear), strict=True):
        assert (got - right).abs().max() < 1e-5 * right.abs().max()


def test_where_the_shape_changes_with_the_text_or_the_type_is_another_torch_multiplies():
    x, weight, _ = (part.detach() if part is not None else None for part in operands(bias=False))
    assert kernel(x, weight) is one_dnn
    assert kernel(x[:, :31], weight) is functional.linear  # 124 rows: another shape for every text
    assert kernel(x[:1, :1], weight) is functional.linear
    assert kernel(x.bfloat16(), weight.bfloat16()) is functional.linear
    assert kernel(x.double(), weight.double()) is functional.linear
    assert kernel(x.to("meta"), weight.to("meta")) is functional.linear


def test_where_somebody_looks_on_torch_multiplies_as_they_expect():
    x, weight, _ = operands(bias=False)
    with FlopCounterMode(display=False) as counter:
        product(x, weight).sum().backward()
    assert counter.get_total_flops() == 3 * 2 * 128 * 192 * 320
    each = torch.func.vmap(lambda row: product(row, weight))(x)
    torch.testing.assert_close(each, functional.linear(x, weight), rtol=1e-4, atol=1e-4)
    gradient = torch.func.grad(lambda one: product(one, weight).square().sum())(x)
    torch.testing.assert_close(gradient, 2 * functional.linear(x, weight) @ weight, rtol=1e-4, atol=1e-2)


def test_no_gradient_is_recorded_where_none_is_wanted():
    x, weight, _ = operands(bias=False)
    with torch.no_grad():
        assert product(x, weight).grad_fn is None
    with torch.inference_mode():
        assert product(x, weight).is_inference()
