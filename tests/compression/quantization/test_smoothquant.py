"""SmoothQuant: the published scale, in NumPy; the same function before rounding; outliers of the inputs no longer decide."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import TEXTS

from groundup.compression import calibration
from groundup.compression.quantization import ptq, smoothquant
from groundup.model.layers.rounded_linear import RoundedLinear, round_inputs


def published(x, weights, alpha):
    """The authors' smooth_ln_fcs: eq. 4 over all matrices that read the vector."""
    inputs = np.maximum(np.abs(x).max(0), 1e-5)
    largest = np.maximum(np.max([np.abs(one).max(0) for one in weights], axis=0), 1e-5)
    return np.maximum(inputs**alpha / largest ** (1 - alpha), 1e-5)


@given(st.floats(0, 1), st.integers(0, 2**31))
@settings(deadline=None)
def test_the_scale_is_the_published_one(alpha, seed):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(40, 9)) * np.exp(draw.normal(size=9))
    weights = [draw.normal(size=(5, 9)), draw.normal(size=(3, 9))]
    largest = torch.tensor(np.max([np.abs(one).max(0) for one in weights], axis=0))
    made = smoothquant.migration_scale(torch.tensor(np.abs(x).max(0)), largest, alpha)
    np.testing.assert_allclose(made, published(x, weights, alpha), rtol=1e-9)


def test_half_gives_both_sides_the_same_largest_numbers():
    inputs, weights = torch.tensor([64.0, 1.0, 0.0]), torch.tensor([0.25, 4.0, 1.0])
    scale = smoothquant.migration_scale(inputs, weights, 0.5)
    torch.testing.assert_close((inputs / scale)[:2], (weights * scale)[:2])
    assert scale[0] == 16 and torch.isfinite(scale).all()


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_the_function_is_the_same_before_rounding(alpha):
    module, plain, ids = qwen().double(), qwen().double(), torch.tensor([TEXTS[0]])

    def smooth(number, block, maps, read):
        stem = f"model.layers.{number}."
        smoothquant.smooth(block, {name.removeprefix(stem): one for name, one in read.items()}, alpha)

    calibration.by_block(module, TEXTS, smooth)
    torch.testing.assert_close(module(ids), plain(ids), rtol=1e-8, atol=1e-8)


def loud():
    """A model four of whose inputs are a hundred times as loud as the others, as those of large models are."""
    module = qwen()
    with torch.no_grad():
        for block in module.model.layers:
            for norm in (block.input_layernorm, block.post_attention_layernorm):
                norm.weight[:4] *= 100
            for part in (block.self_attn.q_proj, block.self_attn.k_proj, block.self_attn.v_proj, block.mlp.gate_proj, block.mlp.up_proj):
                part.weight[:, :4] /= 100
    return module.eval()


def test_outliers_cost_less_once_their_range_is_shared():
    ids, module, plain = torch.tensor([TEXTS[0]]), loud(), loud()
    ptq.quantize(plain, "round", 8, None)
    round_inputs(plain.model.layers)
    with torch.inference_mode():
        before = module(ids)
        made = ptq.quantize(module, "smoothquant", texts=TEXTS)
        errors = [float((one(ids) - before).square().mean()) for one in (module, plain)]
    assert all(isinstance(one, RoundedLinear) for one in calibration.linear_maps(module).values())
    assert all(one.scale.shape[1] == 1 for one in made.values())
    assert errors[0] < 0.3 * errors[1]
