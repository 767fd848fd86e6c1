import pytest
import torch

from groundup.training.optimizers.momentum import Momentum, fused, one_by_one


@pytest.mark.parametrize("form", [one_by_one, fused], ids=["definition", "fused"])
def test_fifty_steps_give_torchs_numbers(beside_torch, form):
    def make(named):
        optimizer = Momentum(named, learning_rate=0.03, beta=0.8, weight_decay=0.2)
        optimizer.move = form
        return optimizer

    beside_torch(
        make, lambda groups: torch.optim.SGD(groups, lr=0.03, momentum=0.8, nesterov=False, foreach=False), 0.2
    )


def test_both_forms_give_the_same(alike):
    alike(lambda named: Momentum(named, learning_rate=0.03, weight_decay=0.1), one_by_one, fused)


def test_the_fused_form_is_taken_for_fp32_weights_only():
    assert Momentum({"w": torch.ones(2)}, learning_rate=0.1).move is fused
    assert Momentum({"w": torch.ones(2).double()}, learning_rate=0.1).move is one_by_one


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: Momentum(named, learning_rate=0.1))


def test_gradients_that_agree_make_ten_times_the_step():
    """With beta = 0.9 the velocity grows to 1 / (1 - 0.9) gradients."""
    weight = torch.zeros(1)
    optimizer = Momentum({"w": weight}, learning_rate=1.0)
    for _ in range(100):
        before, weight.grad = weight.clone(), torch.ones(1)
        optimizer.step()
    assert float(before - weight) == pytest.approx(10, rel=1e-3)
