"""Norms: values, gradients and statistics of torch; what each is blind to."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from groundup.errors import InputError
from groundup.foundations.autograd.autodiff import Tensor
from groundup.foundations.autograd.functions import layer_norm
from groundup.foundations.networks.normalization import (
    Running,
    batch_normalized,
    new_statistics,
    rms_norm,
    standardized,
)


@pytest.mark.parametrize("shape", [(6, 3), (4, 3, 2, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_its_gradients_and_its_statistics_are_torchs(shape, training, generator):
    arrays = [generator.standard_normal(shape) * 3 + 1, generator.standard_normal(3), generator.standard_normal(3)]
    running = Running(generator.standard_normal(3), generator.uniform(0.5, 2, 3))
    mine, others = [Tensor(one, True) for one in arrays], [torch.tensor(one, requires_grad=True) for one in arrays]
    theirs = [torch.tensor(one) for one in running]
    y, new = batch_normalized(*mine, running, training, momentum=0.3)
    expected = functional.batch_norm(others[0], *theirs, others[1], others[2], training, momentum=0.3)
    weights = generator.standard_normal(shape)
    y.backward(weights)
    expected.backward(torch.tensor(weights))
    np.testing.assert_allclose(y.data, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    for one, other in zip(mine, others, strict=True):
        np.testing.assert_allclose(one.grad, other.grad.numpy(), rtol=1e-8, atol=1e-10)
    for one, other in zip(new, theirs, strict=True):  # torch changed its own in place
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-12)


def test_arrays_give_what_tensors_give(generator):
    x, ones, zeros = generator.standard_normal((5, 3)), np.ones(3), np.zeros(3)
    y, _ = batch_normalized(x, ones, zeros, new_statistics(3), True)
    t, _ = batch_normalized(Tensor(x), Tensor(ones), Tensor(zeros), new_statistics(3), True)
    np.testing.assert_allclose(y, t.data, rtol=1e-14)


def test_nothing_is_remembered_in_secret(generator):
    x, ones, zeros, running = generator.standard_normal((5, 3)), np.ones(3), np.zeros(3), new_statistics(3)
    first, second = (batch_normalized(x, ones, zeros, running, True)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(running.mean, zeros)


def test_after_many_batches_the_running_statistics_are_the_populations(generator):
    running = new_statistics(2)
    for _ in range(400):
        batch = generator.standard_normal((64, 2)) * [2.0, 0.5] + [3.0, -1.0]
        _, running = batch_normalized(batch, np.ones(2), np.zeros(2), running, True, momentum=0.02)
    np.testing.assert_allclose(running.mean, [3.0, -1.0], atol=0.15)
    np.testing.assert_allclose(running.variance, [4.0, 0.25], rtol=0.1)


def test_in_training_batch_norm_lets_one_example_change_another_and_the_other_norms_never_do(generator):
    x = generator.standard_normal((4, 3))
    other = x.copy()
    other[0] += 10 * np.arange(3)
    weight, bias, running = np.ones(3), np.zeros(3), new_statistics(3)

    def seen(norm):
        return np.abs(norm(x)[1:] - norm(other)[1:]).max()

    assert seen(lambda x: batch_normalized(x, weight, bias, running, True)[0]) > 0.1
    assert seen(lambda x: batch_normalized(x, weight, bias, running, False)[0]) == 0
    assert seen(lambda x: rms_norm(x, weight)) == seen(lambda x: standardized(x, 1)) == 0


def test_standardized_along_rows_is_layer_norm_and_along_columns_batch_norm(generator):
    x = generator.standard_normal((4, 3))
    ones, zeros = np.ones(3), np.zeros(3)
    by_rows = layer_norm(Tensor(x), Tensor(ones), Tensor(zeros)).data
    np.testing.assert_allclose(standardized(x, 1), by_rows, rtol=1e-12)
    np.testing.assert_allclose(standardized(x, 0), batch_normalized(x, ones, zeros, new_statistics(3), True)[0])


def test_rms_norm_is_torchs_and_does_not_subtract_the_mean(generator):
    x, weight = generator.standard_normal((2, 3, 4)), generator.standard_normal(4)
    mine, other = Tensor(x, True), torch.tensor(x, requires_grad=True)
    expected = functional.rms_norm(other, (4,), torch.tensor(weight), 1e-6)
    rms_norm(mine, weight).sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(rms_norm(x, weight), expected.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(rms_norm(np.full((1, 4), 7.0), np.ones(4)), 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: batch_normalized(np.ones((1, 2)), np.ones(2), np.ones(2), new_statistics(2), True), "variance is 0"),
        (lambda: batch_normalized(np.ones((3, 2)), np.ones(3), np.ones(2), new_statistics(2), True), r"weight \(3,\)"),
        (lambda: batch_normalized(np.ones(3), np.ones(3), np.ones(3), new_statistics(3), True), "do not fit"),
        (lambda: rms_norm(np.ones((2, 3)), np.ones(2)), "must have the shape"),
        (lambda: new_statistics(0), "features=0"),
    ],
)
def test_what_cannot_be_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
