"""Initial weights: distributions as torch's, and what they do to a signal."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.networks.initialization import (
    INITIALIZERS,
    fans,
    gpt,
    kaiming,
    residual_signal,
    scaled,
    signal_by_depth,
    xavier,
)

SHAPES = [(200, 300), (64, 32, 3, 3)]


def as_torch_has_it(shape):
    """A linear layer of torch is (outputs, inputs)."""
    return torch.empty(shape if len(shape) == 4 else shape[::-1], dtype=torch.float64)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (7, 5, 2, 1)])
def test_the_fans_are_torchs(shape):
    assert fans(shape) == torch.nn.init._calculate_fan_in_and_fan_out(as_torch_has_it(shape))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (xavier, torch.nn.init.xavier_uniform_),
        (kaiming, lambda w: torch.nn.init.kaiming_normal_(w, nonlinearity="relu")),
    ],
)
def test_the_weights_spread_as_torchs(mine, theirs, shape, generator):
    torch.manual_seed(0)
    ours, other = mine(shape, generator), theirs(as_torch_has_it(shape)).numpy()
    assert ours.shape == shape
    np.testing.assert_allclose(ours.std(), other.std(), rtol=0.02)  # 18,000 numbers or more: 0.5 % a deviation
    levels = [0.01, 0.1, 0.5, 0.9, 0.99]
    np.testing.assert_allclose(
        np.quantile(ours, levels), np.quantile(other, levels), atol=0.15 * other.std()
    )  # 4 deviations of the outermost


def test_xavier_stays_within_its_limit(generator):
    assert np.abs(xavier((200, 300), generator)).max() <= np.sqrt(6 / 500)


def test_gpt_is_002_and_less_at_the_ends_of_branches(generator):
    assert gpt((300, 200), generator).std() == pytest.approx(0.02, rel=0.02)
    assert gpt((300, 200), generator, layers=12).std() == pytest.approx(0.02 / np.sqrt(24), rel=0.02)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_the_same_seed_gives_the_same_weights(name):
    one, other = (INITIALIZERS[name]((3, 4), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_kaiming_keeps_a_signal_alive_through_relus_where_small_and_large_weights_do_not(seed):
    kept = signal_by_depth(kaiming, "relu", depth=30, seed=seed).deviation
    faded = signal_by_depth(scaled(0.01), "relu", depth=30, seed=seed).deviation
    blown = signal_by_depth(scaled(1.0), "relu", depth=30, seed=seed).deviation
    assert 0.2 < kept[-1] < 5 and faded[-1] < 1e-25 and blown[-1] > 1e20


def test_xavier_halves_the_square_of_a_relu_at_every_layer():
    factors = signal_by_depth(xavier, "relu", depth=20, width=300).deviation
    assert (factors[-1] / factors[0]) ** (2 / 19) == pytest.approx(0.5, rel=0.15)


def test_large_weights_saturate_tanh():
    saturated = signal_by_depth(scaled(1.0), "tanh").sample[-1]
    fine = signal_by_depth(xavier, "tanh").sample[-1]
    assert (np.abs(saturated) > 0.99).mean() > 0.5 and (np.abs(fine) > 0.99).mean() == 0


def test_dead_neurons_are_counted():
    assert signal_by_depth(scaled(0.0), "relu", depth=2).dead.tolist() == [1, 1]
    assert signal_by_depth(xavier, "tanh", depth=2).dead.tolist() == [0, 0]


def test_a_residual_stream_grows_with_the_root_of_its_additions_unless_they_are_scaled():
    assert residual_signal(24, end_deviation=1.0)[-1] == pytest.approx(np.sqrt(1 + 48), rel=0.05)
    assert residual_signal(24)[-1] == pytest.approx(np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fans((3,)), r"shape \(3,\)"),
        (lambda: fans((3, 0)), "neither"),
        (lambda: gpt((3, 3), np.random.default_rng(0), -1), "layers=-1"),
        (lambda: scaled(-1.0), "deviation"),
        (lambda: signal_by_depth(xavier, "tanh", depth=0), "depth=0"),
        (lambda: signal_by_depth(xavier, "sine"), "no activation"),
        (lambda: residual_signal(0), "layers=0"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
