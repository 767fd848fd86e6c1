"""GPTQ equals Optimal Brain Surgeon step by step, and beats rounding where inputs go together."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.compression.quantization import gptq, grid, ptq
from groundup.errors import InputError


def drawn(seed, rows=5, inputs=16, samples=64):
    """Weights, and second moments of inputs that go together."""
    source = torch.Generator().manual_seed(seed)
    x = torch.randn(samples, inputs, generator=source) @ torch.randn(inputs, inputs, generator=source)
    return torch.randn(rows, inputs, generator=source), x.T @ x


@given(st.sampled_from([2, 4]), st.sampled_from([None, 8]), st.integers(0, 2**31))
@settings(max_examples=25)
def test_the_fast_form_is_the_definition(bits, group_size, seed):
    weight, hessian = drawn(seed)
    made = gptq.gptq(weight.double(), hessian, bits, group_size, order=False)
    damped = hessian.double() + gptq.DAMPING * hessian.diagonal().double().mean() * torch.eye(16)
    assert made.codes.equal(gptq.gptq_reference(weight, damped, made.scale, bits))


def test_blocks_change_nothing(monkeypatch):
    weight, hessian = drawn(3, inputs=48)
    whole = gptq.gptq(weight, hessian, 4, 16)
    monkeypatch.setattr(gptq, "BLOCK", 7)
    assert gptq.gptq(weight, hessian, 4, 16).codes.equal(whole.codes)


def test_two_inputs_by_hand():
    # both inputs are always equal: what the first loses the second can take over whole
    hessian = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    factor = gptq.inverse_factor(hessian, damping=1e-9)
    left = gptq.pass_on(
        torch.tensor([[0.4, 0.1]], dtype=torch.float64), torch.tensor([0.4], dtype=torch.float64), factor[0]
    )
    torch.testing.assert_close(left, torch.tensor([[0.0, 0.5]], dtype=torch.float64), atol=1e-6, rtol=0)


@given(st.integers(0, 2**31))
@settings(max_examples=25)
def test_the_output_is_closer_than_after_rounding(seed):
    weight, hessian = drawn(seed, rows=16, inputs=32, samples=200)
    plain = ptq.rounded(weight, 3, 8).numbers() - weight
    passed_on = gptq.gptq(weight, hessian, 3, 8).numbers() - weight
    assert gptq.output_error(passed_on, hessian) < gptq.output_error(plain, hessian)


def test_inputs_that_are_never_there_do_not_stop_it():
    weight, hessian = drawn(1)
    hessian[:, 3] = hessian[3] = 0
    assert torch.isfinite(gptq.gptq(weight, hessian, 4, 8).numbers()).all()
    with pytest.raises(InputError, match="not finite"):
        gptq.gptq(weight, hessian * float("nan"), 4, 8)


def test_uncorrelated_equal_inputs_leave_nothing_to_pass_on():
    weight, _ = drawn(5)
    made = gptq.gptq(weight, torch.eye(16) * 7, 4, 8)
    scale = grid.scales(weight, 4, 8)
    assert made.codes.equal(grid.codes_of(weight, scale, 4))
