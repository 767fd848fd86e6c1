"""AWQ: the published search, written again in NumPy, finds the same scales; the loud inputs' weights are the ones that gain."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import TEXTS

from groundup.compression import calibration
from groundup.compression.quantization import awq, gptq, ptq


def drawn(seed, rows=(6, 3), inputs=32, tokens=200):
    """Two matrices that read one vector, some of whose inputs are loud."""
    source = torch.Generator().manual_seed(seed)
    loud = torch.exp(1.5 * torch.randn(inputs, generator=source))
    x = torch.randn(tokens, inputs, generator=source) * loud
    return [torch.randn(count, inputs, generator=source) for count in rows], x


def published(weights, x, bits, group):
    """Lin et al. 2023 as its program has it (auto_scale.py), with a symmetric grid, in NumPy."""
    size, top = np.abs(x).mean(0), 2 ** (bits - 1)
    wanted, found = [w @ x.T for w in weights], []
    for step in range(20):
        ratio = step / 20
        s = np.maximum(size**ratio, 1e-4)
        s = s / np.sqrt(s.max() * s.min())
        loss = 0.0
        for w, y in zip(weights, wanted, strict=True):
            groups = (w * s).reshape(len(w), -1, group)
            delta = np.abs(groups).max(-1, keepdims=True) / (top - 1)
            rounded = (np.clip(np.round(groups / delta), -top, top - 1) * delta).reshape(w.shape) / s
            loss += ((rounded @ x.T - y) ** 2).sum()
        found.append((loss, ratio, s))
    return min(found, key=lambda one: one[0]), [loss for loss, _, _ in found]


@given(st.sampled_from([3, 4]), st.sampled_from([8, 32]), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_search_is_the_published_one(bits, group, seed):
    weights, x = drawn(seed)
    found = awq.search(weights, x.T.double() @ x.double(), x.abs().mean(0), [bits] * 2, group)
    (loss, ratio, scale), losses = published([one.double().numpy() for one in weights], x.double().numpy(), bits, group)
    # float32 here, float64 there: a weight on the edge between two codes may fall to either side
    np.testing.assert_allclose(found.errors, losses, rtol=0.02)
    assert min(found.errors) == pytest.approx(loss, rel=0.02)
    if ratio == found.alpha:
        np.testing.assert_allclose(found.scale, scale, rtol=1e-4)


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_moments_say_the_same_as_the_inputs_themselves(seed):
    weights, x = (one.double() if isinstance(one, torch.Tensor) else [w.double() for w in one] for one in drawn(seed))
    fast = awq.search(weights, x.T @ x, x.abs().mean(0), [3, 3], 8)
    slow = awq.search_reference(weights, x, 3, 8)
    assert fast.alpha == slow.alpha and fast.scale.equal(slow.scale)
    torch.testing.assert_close(torch.tensor(fast.errors), torch.tensor(slow.errors), rtol=1e-4, atol=1e-6)


def test_by_hand():
    # one input is 16 times as loud: s = 16^0.5 against 1, balanced so that largest * smallest is 1
    scale = awq.loudness_scale(torch.tensor([16.0, 1.0, 1.0]), 0.5)
    torch.testing.assert_close(scale, torch.tensor([2.0, 0.5, 0.5]))
    assert torch.isfinite(awq.loudness_scale(torch.tensor([0.0, 1.0]), 0.5)).all()
    assert awq.loudness_scale(torch.rand(5) + 0.1, 0.0).equal(torch.ones(5))


def test_loud_inputs_make_it_better_than_rounding_and_equal_ones_leave_it_alone():
    weights, x = drawn(3, rows=(64,))
    moments = x.T @ x
    found = awq.search(weights, moments, x.abs().mean(0), [3], 32)
    assert found.alpha > 0 and min(found.errors) < 0.8 * found.errors[0]
    assert gptq.output_error(awq.scaled_rounding(weights[0], found.scale, 3, 32) - weights[0], moments) == min(found.errors)


def test_a_model_s_blocks_are_scaled_without_a_change_before_rounding():
    module, plain, ids = qwen().double(), qwen().double(), torch.tensor([TEXTS[0]])
    scaled = []

    def fold(number, block, maps, read):
        near = {name.removeprefix(f"model.layers.{number}."): one for name, one in read.items()}
        scaled.append(awq.fold(block, near, lambda name: 4, 16))

    calibration.by_block(module, TEXTS, fold)
    torch.testing.assert_close(module(ids), plain(ids), rtol=1e-8, atol=1e-8)
    assert all(len(one) == 7 for one in scaled) and any(found.alpha > 0 for one in scaled for found in one.values())


def test_with_outliers_the_finished_model_is_nearer_than_after_rounding():
    ids, errors = torch.tensor([TEXTS[0]]), {}
    for method in ("round", "awq"):
        module = qwen()
        with torch.no_grad():
            for block in module.model.layers:
                block.input_layernorm.weight[:3] *= 30
                block.post_attention_layernorm.weight[:3] *= 30
        with torch.inference_mode():
            before = module(ids)
            ptq.quantize(module, method, 4, 16, TEXTS)
            errors[method] = float((module(ids) - before).square().mean())
    assert errors["awq"] < 0.8 * errors["round"]
