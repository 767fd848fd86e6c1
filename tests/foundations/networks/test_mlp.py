"""The perceptron with layers: torch's gradients and scikit-learn's steps, and curves that it follows."""

import numpy as np
import pytest
import torch

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.functions import cross_entropy
from groundup.foundations.networks.mlp import (
    accuracy,
    approximations,
    broken_line,
    fit,
    frozen,
    layers,
    make_mlp,
    mlp,
    squared_error,
)
from groundup.foundations.networks.perceptron import CORNERS, XOR


def torchs(parameters):
    """The same layers in torch."""
    parts = []
    for number in range(1, len(parameters) // 2 + 1):
        weight, bias = (torch.tensor(parameters[f"layer{number}.{what}"].data) for what in ("weight", "bias"))
        linear = torch.nn.Linear(*weight.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = weight.T.contiguous(), bias
        parts += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*parts[:-1])


def test_scores_loss_and_gradients_are_torchs(generator):
    parameters, x, targets = make_mlp([4, 7, 6, 3]), generator.standard_normal((9, 4)), np.arange(9) % 3
    other = torchs(parameters)
    loss = torch.nn.functional.cross_entropy(other(torch.tensor(x)), torch.tensor(targets))
    loss.backward()
    ours = cross_entropy(mlp(parameters, Tensor(x)), targets)
    ours.backward()
    assert ours.item() == pytest.approx(loss.item(), rel=1e-12)
    for number, place in ((1, 0), (2, 2), (3, 4)):
        np.testing.assert_allclose(parameters[f"layer{number}.weight"].grad, other[place].weight.grad.T, atol=1e-13)
        np.testing.assert_allclose(parameters[f"layer{number}.bias"].grad, other[place].bias.grad, atol=1e-13)


def test_fit_makes_the_steps_of_torchs_adam(generator):
    start, x, targets = make_mlp([4, 7, 3]), generator.standard_normal((9, 4)), np.arange(9) % 3
    trained, losses = fit(mlp, start, x, targets, steps=20, learning_rate=1e-2)
    other = torchs(start)
    optimizer, seen = torch.optim.Adam(other.parameters(), 1e-2, betas=(0.9, 0.99)), []
    for _ in range(20):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(other(torch.tensor(x)), torch.tensor(targets))
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    np.testing.assert_allclose(losses, seen, rtol=1e-9)
    np.testing.assert_allclose(trained["layer1.weight"].data, other[0].weight.data.T, atol=1e-9)


def test_fit_leaves_what_it_was_given_and_what_is_frozen(generator):
    start, x, targets = make_mlp([2, 4, 2]), generator.standard_normal((8, 2)), np.arange(8) % 2
    before = {name: one.data.copy() for name, one in start.items()}
    mixed = start | frozen({"layer1.weight": start["layer1.weight"]})
    trained, _ = fit(mlp, mixed, x, targets, steps=5)
    assert all((start[name].data == before[name]).all() and start[name].grad is None for name in start)
    np.testing.assert_array_equal(trained["layer1.weight"].data, before["layer1.weight"])
    assert (trained["layer2.weight"].data != before["layer2.weight"]).any()


def test_the_same_seed_gives_the_same_run(generator):
    x, targets = generator.standard_normal((50, 2)), np.arange(50) % 2
    one, other = (fit(mlp, make_mlp([2, 4, 2]), x, targets, 10, 8, seed=3)[1] for _ in range(2))
    assert one == other != fit(mlp, make_mlp([2, 4, 2]), x, targets, 10, 8, seed=4)[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_hidden_layer_learns_xor(seed):
    trained, losses = fit(mlp, make_mlp([2, 16, 2], seed), CORNERS, (XOR > 0).astype(int), 300, learning_rate=2e-2)
    assert accuracy(mlp, trained, CORNERS, (XOR > 0).astype(int)) == 1 and losses[-1] < 0.1


def test_layers_are_the_input_each_hidden_one_and_the_scores():
    x = Tensor(np.ones((5, 3)))
    assert [one.shape for one in layers(make_mlp([3, 6, 4, 2]), x)] == [(5, 3), (5, 6), (5, 4), (5, 2)]


def test_the_written_line_goes_through_every_knot_and_is_straight_between():
    knots, values = np.array([-1.0, -0.2, 0.5, 1.0]), np.array([2.0, -1.0, 0.5, 0.5])
    x = np.linspace(-1, 1, 101)
    said = mlp(broken_line(knots, values), Tensor(x[:, None])).data[:, 0]
    np.testing.assert_allclose(said, np.interp(x, knots, values), atol=1e-12)


@pytest.mark.parametrize("frequency", [2.0, 5.0])
def test_twice_the_neurons_are_a_quarter_of_the_error(frequency):
    found = approximations(lambda x: np.sin(frequency * x), widths=(8, 16, 32, 64), steps=0)
    for width, error in zip(found.widths, found.written_errors, strict=True):
        assert error <= (2 / width) ** 2 / 8 * frequency**2 * 1.0001
    ratios = np.array(found.written_errors[:-1]) / found.written_errors[1:]
    np.testing.assert_allclose(ratios, 4, rtol=0.25)


def test_training_comes_nearer_with_width_but_not_as_near_as_the_weights_that_exist():
    found = approximations(lambda x: np.sin(5 * x), widths=(2, 32), steps=200)
    assert found.trained_errors[1] < found.trained_errors[0] / 2
    assert found.written_errors[1] < found.trained_errors[1] / 2
    assert all(len(curve) == len(found.x) for curve in (*found.written, *found.trained, found.truth))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: make_mlp([3]), "at least two"),
        (lambda: make_mlp([3, 0, 2]), "positive"),
        (lambda: mlp(make_mlp([3, 2]), Tensor(np.ones((4, 2)))), r"layer1 takes 3 numbers and gets \(4, 2\)"),
        (lambda: mlp(make_mlp([3, 2]), Tensor(np.ones((4, 3))), "sine"), "no activation"),
        (lambda: fit(mlp, make_mlp([3, 2]), np.ones((4, 3)), np.zeros(3, int)), "4 rows and targets 3"),
        (lambda: fit(mlp, make_mlp([3, 2]), np.ones((4, 3)), np.zeros(4, int), batch_size=0), "batch_size=0"),
        (lambda: fit(mlp, make_mlp([3, 1]), np.ones((4, 3)), np.zeros(4), loss=squared_error), r"says \(4, 1\)"),
        (lambda: broken_line([0, 0], [1, 2]), "rising"),
        (lambda: approximations(lambda x: 1.0), "must work on arrays"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
