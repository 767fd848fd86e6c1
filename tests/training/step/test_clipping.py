import pytest
import torch

from groundup.training.step.clipping import clip_


def test_clipping_equals_torchs_and_leaves_short_gradients_alone():
    for limit in (0.5, 100.0, 0.0):
        ours, theirs = ([torch.zeros(3, 2), torch.zeros(4)] for _ in range(2))
        for index in range(2):
            ours[index].grad = torch.randn(ours[index].shape)
            theirs[index].grad = ours[index].grad.clone()
        expected = torch.nn.utils.clip_grad_norm_(theirs, limit or float("inf"))
        assert clip_(ours, limit) == pytest.approx(float(expected))
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-5, atol=1e-6)


def test_gradients_that_are_not_there_have_norm_0():
    assert clip_([torch.zeros(2)], 1.0) == 0.0
