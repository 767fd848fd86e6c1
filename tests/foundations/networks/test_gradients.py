"""Gradients by depth: the same as torch's, vanishing, exploding, kept; clipping."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.networks.gradients import clip_by_norm, factor_per_layer, gradient_by_depth, through_time
from groundup.foundations.networks.initialization import kaiming, scaled, xavier


@pytest.mark.parametrize("skip", [False, True])
def test_the_lengths_are_torchs(skip):
    weights = [np.random.default_rng(number).standard_normal((8, 8)) / 3 for number in range(4)]
    given = iter(weights)
    found = gradient_by_depth(lambda shape, generator: next(given), "tanh", 4, 8, 5, skip, seed=3)
    generator = np.random.default_rng(3)
    h, kept = torch.tensor(generator.standard_normal((5, 8)), requires_grad=True), []
    for weight in weights:
        bent = torch.tanh(h @ torch.tensor(weight))
        h = h + bent if skip else bent
        h.retain_grad()
        kept.append(h)
    (0.5 * ((h - torch.tensor(generator.standard_normal((5, 8)))) ** 2).mean()).backward()
    np.testing.assert_allclose(found, [one.grad.norm().item() for one in kept], rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_vanish_explode_or_stay(seed):
    def factor(make, bend, **settings):
        return factor_per_layer(gradient_by_depth(make, bend, seed=seed, **settings))

    assert factor(xavier, "sigmoid") < 0.3
    assert factor(scaled(1.0), "relu") > 4
    assert 0.85 < factor(kaiming, "relu") < 1.15
    assert 0.85 < factor(xavier, "tanh") < 1.05
    assert 0.9 < factor(xavier, "sigmoid", skip=True) < 1.3


def test_through_time_the_largest_eigenvalue_decides():
    matrix = np.diag([0.5, 1.1])
    lengths = through_time(matrix, 60)
    assert lengths[-1] / lengths[-2] == pytest.approx(1.1, rel=1e-9) and lengths[0] == 1
    assert through_time(0.5 * np.eye(3), 20)[-1] == pytest.approx(0.5**20)


@pytest.mark.parametrize("max_norm", [0.1, 3.0, 1e6])
def test_clipping_is_torchs(max_norm, generator):
    arrays = [generator.standard_normal(shape) for shape in ((3, 4), (5,), ())]
    weights = [torch.zeros(one.shape, dtype=torch.float64, requires_grad=True) for one in arrays]
    for weight, array in zip(weights, arrays, strict=True):
        weight.grad = torch.tensor(array)
    expected = torch.nn.utils.clip_grad_norm_(weights, max_norm)
    clipped, norm = clip_by_norm(arrays, max_norm)
    assert norm == pytest.approx(expected.item())
    for one, weight in zip(clipped, weights, strict=True):
        np.testing.assert_allclose(one, weight.grad.numpy(), rtol=1e-5)  # torch adds 1e-6 to the norm


def test_clipping_keeps_the_direction_and_leaves_short_and_zero_gradients():
    (clipped,), norm = clip_by_norm([[30.0, 40.0]], 5.0)
    assert clipped.tolist() == [3.0, 4.0] and norm == 50
    assert clip_by_norm([[0.3, 0.4]], 5.0)[0][0].tolist() == [0.3, 0.4]
    assert clip_by_norm([[0.0]], 5.0) == ([0.0], 0.0) and clip_by_norm([], 1.0) == ([], 0.0)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: clip_by_norm([[1.0]], 0), "max_norm=0"),
        (lambda: clip_by_norm([[np.nan]], 1.0), "NaN"),
        (lambda: factor_per_layer([1.0]), "at least two"),
        (lambda: factor_per_layer([0.0, 1.0]), "hold 0"),
        (lambda: gradient_by_depth(xavier, "tanh", depth=0), "depth=0"),
        (lambda: through_time([[1.0, 2.0]], 3), "square"),
        (lambda: through_time([[1.0]], -1), "steps=-1"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
