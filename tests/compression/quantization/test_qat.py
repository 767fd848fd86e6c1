"""Training with the weights that the model will have."""

import pytest
import torch
from tests.compression.quantization.test_ptq import qwen
from tests.compression.test_calibration import TEXTS
from torch.nn import functional

from groundup.compression import calibration
from groundup.compression.quantization import qat
from groundup.errors import ConfigError

IDS = torch.tensor([TEXTS[0][:30], TEXTS[1][:30]])


def loss(module):
    return functional.cross_entropy(module(IDS)[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())


def test_forward_rounds_and_backward_does_not():
    weight = torch.tensor([[0.26, -0.9]], requires_grad=True)
    used = qat.straight_through(weight, torch.tensor([[0.0, -1.0]]))
    (used * torch.tensor([[3.0, 5.0]])).sum().backward()
    assert used.tolist() == [[0.0, -1.0]] and weight.grad.tolist() == [[3.0, 5.0]]


def test_the_gradient_is_that_of_the_rounded_model():
    module, other = qwen(), qwen()
    qat.finish(other, 3, 16)
    loss(other).backward()
    with qat.aware(module, 3, 16):
        loss(module).backward()
    for (name, part), like in zip(
        calibration.linear_maps(module).items(), calibration.linear_maps(other).values(), strict=True
    ):
        torch.testing.assert_close(part.weight.grad, like.weight.grad, msg=name)


def test_afterwards_the_weights_are_as_trained_and_finish_rounds_them_as_used():
    module = qwen()
    with qat.aware(module, 4, 16), torch.no_grad():
        inside = module(IDS)
    assert all(tensor.equal(qwen().state_dict()[name]) for name, tensor in module.state_dict().items())
    made = qat.finish(module, 4, 16)
    with torch.no_grad():
        torch.testing.assert_close(module(IDS), inside)
    assert made.keys() == calibration.linear_maps(module).keys()


def test_learning_with_two_bits_beats_rounding_afterwards():
    def trained(aware):
        module = qwen()
        optimizer = torch.optim.Adam(module.parameters(), lr=3e-3)

        def learn():
            for _ in range(60):
                optimizer.zero_grad()
                loss(module).backward()
                optimizer.step()

        if aware:
            with qat.aware(module, 2, 16):
                learn()
        else:
            learn()
        qat.finish(module, 2, 16)
        with torch.no_grad():
            return float(loss(module))

    assert trained(True) < 0.7 * trained(False)


def test_groups_that_do_not_fit_are_refused_before_anything_is_changed():
    module = qwen()
    with pytest.raises(ConfigError, match="groups of 5"), qat.aware(module, 4, 5):
        pass
    assert not any(hasattr(part, "parametrizations") for part in module.modules())
