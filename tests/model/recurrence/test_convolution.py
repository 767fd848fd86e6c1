"""The causal convolution against scipy and by its definition in numbers."""

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from groundup.model.recurrence.convolution import CausalConvolution, causal_convolution


def test_by_hand():
    x = torch.tensor([[[1.0], [2.0], [3.0]]])
    mixed, last = causal_convolution(x, torch.tensor([[10.0, 1.0]]), torch.tensor([0.5]))
    assert mixed[0, :, 0].tolist() == [1.5, 12.5, 23.5]  # 1, 2 + 10 * 1, 3 + 10 * 2
    assert last[0, :, 0].tolist() == [3.0]


@pytest.mark.parametrize("kernel", [1, 2, 4])
def test_each_channel_is_a_filter_of_scipy(kernel):
    x, weight = torch.randn(2, 9, 3, dtype=torch.float64), torch.randn(3, kernel, dtype=torch.float64)
    mixed, _ = causal_convolution(x, weight)
    for channel in range(3):
        expected = lfilter(weight[channel].numpy()[::-1], [1.0], x[:, :, channel].numpy(), axis=1)
        np.testing.assert_allclose(mixed[:, :, channel].numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("cut", [1, 2, 5, 8])
def test_in_two_calls_it_gives_the_same(cut):
    x, weight, bias = torch.randn(2, 9, 3), torch.randn(3, 4), torch.randn(3)
    whole, last = causal_convolution(x, weight, bias)
    first, between = causal_convolution(x[:, :cut], weight, bias)
    second, end = causal_convolution(x[:, cut:], weight, bias, between)
    assert torch.allclose(torch.cat([first, second], 1), whole, atol=1e-6) and torch.equal(end, last)


def test_documents_do_not_mix_and_the_rest_stays_the_same():
    x, weight, bias = torch.randn(1, 9, 3), torch.randn(3, 4), torch.randn(3)
    document = torch.tensor([[1, 1, 1, 1, 2, 2, 3, 3, 3]])
    mixed, last = causal_convolution(x, weight, bias, None, document)
    alone = [causal_convolution(x[:, a:b], weight, bias) for a, b in ((0, 4), (4, 6), (6, 9))]
    assert torch.allclose(mixed, torch.cat([one for one, _ in alone], 1), atol=1e-6)
    assert torch.equal(last, alone[-1][1])
    short = causal_convolution(x[:, :5], weight, bias, None, document[:, :5])[1]
    assert short[:, :2].eq(0).all() and torch.equal(short[:, 2:], x[:, 4:5]), (
        "what is kept is of the last document alone"
    )


def test_document_zero_goes_on_with_what_came_before():
    x, weight, before = torch.randn(2, 5, 3), torch.randn(3, 4), torch.randn(2, 3, 3)
    plain = causal_convolution(x, weight, None, before)
    numbered = causal_convolution(x, weight, None, before, torch.zeros(2, 5, dtype=torch.long))
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(plain, numbered, strict=True))


def test_the_module_has_the_published_shape_and_computes_in_the_dtype_of_x():
    module = CausalConvolution(3, 4)
    assert {name: tuple(one.shape) for name, one in module.named_parameters()} == {"weight": (3, 1, 4), "bias": (3,)}
    with torch.no_grad():
        module.weight.fill_(1.0), module.bias.zero_()
    mixed, _ = module(torch.ones(1, 5, 3, dtype=torch.bfloat16))
    assert mixed.dtype == torch.bfloat16 and mixed[0, :, 0].tolist() == [1.0, 2.0, 3.0, 4.0, 4.0]
