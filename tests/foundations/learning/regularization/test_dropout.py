"""Dropout: the mask's expectation, and the ridge that it is."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.foundations.learning.regularization.dropout import dropout_mask, dropout_penalty


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.75])
def test_the_mask_drops_its_share_and_keeps_the_sum(rate, generator):
    mask = dropout_mask((200, 500), rate, generator)
    assert set(np.unique(mask)) <= {0.0, 1 / (1 - rate)}
    assert abs((mask == 0).mean() - rate) < 0.01 and abs(mask.mean() - 1) < 0.02


def test_torch_scales_what_it_keeps_alike(generator):
    torch = pytest.importorskip("torch")
    kept = torch.nn.functional.dropout(torch.ones(100), 0.2).unique().numpy()
    assert np.allclose(kept, np.unique(dropout_mask(100, 0.2, generator)))


def test_on_a_linear_model_it_is_a_ridge(generator):
    x, y, w = generator.normal(size=(10, 3)), generator.normal(size=10), np.array([1.0, -2.0, 0.5])
    errors = [(((x * dropout_mask(x.shape, 0.3, generator)) @ w - y) ** 2).mean() for _ in range(20_000)]
    expected = ((x @ w - y) ** 2).mean() + dropout_penalty(x, w, 0.3)
    assert np.isclose(np.mean(errors), expected, atol=5 * np.std(errors) / np.sqrt(20_000))


@pytest.mark.parametrize("rate", [1.0, -0.1])
def test_a_rate_that_drops_everything_or_less_than_nothing_is_refused(rate, generator):
    with pytest.raises(InputError, match="use 0 up to"):
        dropout_mask(3, rate, generator)
