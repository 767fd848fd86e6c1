"""NF4 with double quantised sizes: bitsandbytes' published algorithm, written again, gives the same codes and numbers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.compression.quantization.nf4 import DYNAMIC, NF4Linear, dequantize_sizes, quantize_sizes, quantized_bytes
from groundup.machine.numbers.normal_float import encode_nf4
from groundup.model.layers.linear import Linear


def dynamic_map():
    """bitsandbytes' create_dynamic_map (functional.py) in torch, step by step: 7 exponent bits of 8, signed."""
    data = []
    for power in range(7):
        items = 2**power + 1
        boundaries = torch.linspace(0.1, 1, items, dtype=torch.float32)
        means = (boundaries[:-1] + boundaries[1:]) / 2.0
        data += ((10 ** (-6 + power)) * means).tolist() + (-(10 ** (-6 + power)) * means).tolist()
    return torch.tensor(sorted([*data, 0, 1.0]))


def published(weight):
    """quantize_4bit with compress_statistics and its inverse: absmax of 64, offset the mean, absmax in blocks of 256 by the dynamic map."""
    levels = torch.tensor(encode_nf4.__globals__["NF4_LEVELS"])
    flat = torch.nn.functional.pad(weight.flatten(), (0, -weight.numel() % 64)).view(-1, 64)
    absmax = flat.abs().amax(1)
    codes = (flat / absmax.clamp(min=1e-30)[:, None])[..., None].sub(levels).abs().argmin(-1)
    offset = absmax.mean()
    sizes = torch.nn.functional.pad(absmax - offset, (0, -len(absmax) % 256)).view(-1, 256)
    second = sizes.abs().amax(1, keepdim=True)
    table = dynamic_map()
    kept = table[(sizes / second.clamp(min=1e-30))[..., None].sub(table).abs().argmin(-1)] * second
    again = kept.flatten()[: len(absmax)] + offset
    return (levels[codes] * again[:, None]).flatten()[: weight.numel()].view(weight.shape)


@given(st.sampled_from([(64, 48), (5, 13), (96, 200), (1, 7)]), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_a_matrix_comes_back_as_the_published_algorithm_gives_it(shape, seed):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.02
    mine, theirs = NF4Linear(weight, None).decoded(), published(weight)
    off = (mine - theirs).abs() > 1e-5 * weight.abs().max()
    assert off.float().mean() < 0.03  # a size in the middle between two of 256 numbers may go to either
    assert (mine - theirs).abs().max() < 0.02 * weight.abs().max()


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
