"""The numbers that a quantised weight may take."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.compression.quantization import grid
from groundup.errors import ConfigError, InputError
from groundup.machine.numbers import integers


@given(st.sampled_from([2, 3, 4, 8]), st.sampled_from([None, 4, 16]), st.integers(0, 2**31))
def test_rounding_to_the_grid_that_holds_all_is_the_number_format(bits, group_size, seed):
    weight = torch.randn(5, 16, generator=torch.Generator().manual_seed(seed))
    scale = grid.scales(weight, bits, group_size, search=False)
    expected = integers.quantize(weight.numpy(), bits, group_size=group_size)
    torch.testing.assert_close(scale, torch.from_numpy(expected.scale))
    assert (grid.codes_of(weight, scale, bits) - torch.from_numpy(expected.codes)).abs().max() <= 1  # ties


@given(st.sampled_from([2, 3, 4]), st.integers(0, 2**31))
def test_the_scale_that_is_looked_for_is_never_worse(bits, seed):
    weight = torch.randn(6, 32, generator=torch.Generator().manual_seed(seed))

    def error(search):
        scale = grid.scales(weight, bits, 8, search=search)
        back = grid.codes_of(weight, scale, bits).unflatten(1, (4, 8)) * scale[..., None]
        return (back.flatten(1) - weight).square().sum()

    assert error(True) <= error(False)


def test_an_outlier_that_matters_is_held_and_one_that_does_not_is_cut():
    weight = torch.tensor([[0.1, -0.12, 0.09, 1.0]])
    cut = grid.scales(weight, 3, importance=torch.tensor([1.0, 1.0, 1.0, 1e-6]))
    held = grid.scales(weight, 3, importance=torch.tensor([1e-6, 1e-6, 1e-6, 1.0]))
    assert cut < held


def test_zeros_stay_zeros():
    scale = grid.scales(torch.zeros(2, 8), 4, 4)
    assert not scale.any() and not grid.codes_of(torch.zeros(2, 8), scale, 4).any()


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="use 2 to 8"):
        grid.check(1, None, 8)
    with pytest.raises(ConfigError, match="rows of 10 weights do not fill groups of 4"):
        grid.check(4, 4, 10)
    with pytest.raises(InputError, match="not finite"):
        grid.scales(torch.tensor([[1.0, float("nan")]]), 4)
