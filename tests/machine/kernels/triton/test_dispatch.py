"""The dispatch on a processor is torch; on a GPU, the kernels."""

import pytest
import torch
from torch.nn import functional

from groundup.machine.kernels.triton import dispatch, launch

x = torch.linspace(-3, 3, 24).reshape(2, 3, 4)


def test_off_a_gpu_torch_computes():
    assert not dispatch.takes(x)
    assert torch.equal(dispatch.fused_rms_norm(x, torch.ones(4)), functional.rms_norm(x, (4,), torch.ones(4), 1e-6))
    targets = torch.tensor([[0, -100, 2], [3, 1, -100]])
    expected = functional.cross_entropy(x.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(dispatch.fused_cross_entropy(x, targets), expected)
    assert dispatch.fused_cross_entropy(x.bfloat16(), targets).dtype == torch.float32


def test_without_triton_nothing_changes(monkeypatch):
    monkeypatch.setattr(launch, "triton", None)
    assert torch.equal(dispatch.fused_rms_norm(x, torch.ones(4)), functional.rms_norm(x, (4,), torch.ones(4), 1e-6))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_the_kernels_compute():
    there = x.cuda()
    assert dispatch.takes(there)
    gain, targets = torch.ones(4).cuda(), torch.tensor([[0, -100, 2], [3, 1, -100]]).cuda()
    torch.testing.assert_close(
        dispatch.fused_rms_norm(there, gain).cpu(), functional.rms_norm(x, (4,), torch.ones(4), 1e-6)
    )
    expected = functional.cross_entropy(x.flatten(0, 1), targets.cpu().flatten())
    torch.testing.assert_close(dispatch.fused_cross_entropy(there, targets).cpu(), expected)
