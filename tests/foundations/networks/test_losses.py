"""Losses: values and gradients of torch, gradients as measured, refusals."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.derivatives import check_gradient
from groundup.foundations.networks import losses

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.standard_normal((5, 4)) * 3
LOG_PROBABILITIES = SCORES - np.log(np.exp(SCORES).sum(axis=1, keepdims=True))
CLASSES = np.array([0, 3, 1, 1, 2])
LINE, SIGNS = SCORES[:, 0], np.array([1.0, -1.0, -1.0, 1.0, 1.0])
CASES = {
    "mse": (losses.mse, functional.mse_loss, SCORES, SCORES[::-1].copy()),
    "huber": (losses.huber, functional.huber_loss, SCORES, SCORES[::-1].copy()),
    "cross_entropy": (losses.cross_entropy, functional.cross_entropy, SCORES, CLASSES),
    "nll": (losses.nll, functional.nll_loss, LOG_PROBABILITIES, CLASSES),
    "binary": (losses.binary, functional.binary_cross_entropy_with_logits, LINE, (SIGNS + 1) / 2),
    "hinge": (losses.hinge, lambda z, t: torch.relu(1 - t * z).mean(), LINE, SIGNS),
    "margins": (losses.margins, functional.multi_margin_loss, SCORES, CLASSES),
}
every = pytest.mark.parametrize(("mine", "theirs", "prediction", "targets"), CASES.values(), ids=CASES)


@every
def test_loss_and_gradient_are_torchs(mine, theirs, prediction, targets):
    said = torch.tensor(prediction, requires_grad=True)
    expected = theirs(said, torch.tensor(targets))
    expected.backward()
    value, gradient = mine(prediction, targets)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, said.grad.numpy(), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("name", [name for name in CASES if name != "nll"])
def test_the_gradient_is_what_is_measured(name):
    mine, _, prediction, targets = CASES[name]
    assert check_gradient(lambda y: mine(y, targets)[0], mine(prediction, targets)[1], prediction, 1e-6).agrees


@every
def test_as_the_end_of_a_graph_it_sends_back_its_gradient(mine, theirs, prediction, targets):
    said = Tensor(prediction, True)
    losses.judged(mine, said, targets).backward()
    np.testing.assert_array_equal(said.grad, mine(prediction, targets)[1])


def test_cross_entropy_is_nll_after_a_log_softmax():
    assert losses.cross_entropy(SCORES, CLASSES)[0] == pytest.approx(losses.nll(LOG_PROBABILITIES, CLASSES)[0])


def test_the_squared_error_after_a_sigmoid_hardly_learns_from_a_sure_mistake_and_cross_entropy_does():
    score, s = -10.0, 1 / (1 + np.exp(10.0))
    by_square = losses.mse([s], [1.0])[1][0] * s * (1 - s)
    by_entropy = losses.binary([score], [1.0])[1][0]
    assert abs(by_square) < 1e-4 and by_entropy == pytest.approx(-1, abs=1e-4)


def test_hinge_leaves_alone_what_is_right_by_a_margin_and_takes_a_wider_one():
    value, gradient = losses.hinge([1.0, 3.0, -0.5], [1, 1, -1])
    assert value == pytest.approx(0.5 / 3)
    np.testing.assert_allclose(gradient, [0, 0, 1 / 3])
    assert losses.hinge([1.0], [1], margin=2.0)[0] == 1.0


def test_scores_of_any_size_stay_finite():
    value, gradient = losses.cross_entropy([[1000.0, -1000.0]], [1])
    assert value == 2000 and gradient.tolist() == [[1, -1]]
    assert losses.binary([-1000.0], [1])[0] == 1000


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: losses.mse([1.0, 2.0], [1.0]), r"shape \(2,\) and the target \(1,\)"),
        (lambda: losses.mse([], []), "one target for each"),
        (lambda: losses.mse([np.nan], [1.0]), "NaN"),
        (lambda: losses.huber([1.0], [1.0], delta=0), "delta=0"),
        (lambda: losses.nll([[0.0, 0.0]], [0]), "sum to 2 and not to 1"),
        (lambda: losses.nll(LOG_PROBABILITIES, CLASSES + 0.0), "integers from 0 to 3"),
        (lambda: losses.hinge([1.0], [0]), "other numbers than 1 and -1"),
        (lambda: losses.binary([1.0], [-1]), "other numbers than 0 and 1"),
        (lambda: losses.margins(SCORES, CLASSES[:2]), "do not fit"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
