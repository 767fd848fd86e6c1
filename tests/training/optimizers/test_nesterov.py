import pytest
import torch

from groundup.training.optimizers.nesterov import Nesterov, fused, one_by_one


@pytest.mark.parametrize("form", [one_by_one, fused], ids=["definition", "fused"])
def test_fifty_steps_give_torchs_numbers(beside_torch, form):
    def make(named):
        optimizer = Nesterov(named, learning_rate=0.03, beta=0.8, weight_decay=0.2)
        optimizer.move = form
        return optimizer

    beside_torch(make, lambda groups: torch.optim.SGD(groups, lr=0.03, momentum=0.8, nesterov=True, foreach=False), 0.2)


def test_both_forms_give_the_same(alike):
    alike(lambda named: Nesterov(named, learning_rate=0.03, weight_decay=0.1), one_by_one, fused)


def test_the_fused_form_is_taken_for_fp32_weights_only():
    assert Nesterov({"w": torch.ones(2)}, learning_rate=0.1).move is fused
    assert Nesterov({"w": torch.ones(2).double()}, learning_rate=0.1).move is one_by_one


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: Nesterov(named, learning_rate=0.1))


def test_the_weights_are_the_points_ahead_of_the_first_telling():
    """u <- beta u - rate g(x + beta u); x <- x + u: the weights here are x + beta u."""
    rate, beta, place, pace = 0.1, 0.9, 2.0, 0.0
    weight = torch.tensor([place], dtype=torch.float64)
    optimizer = Nesterov({"w": weight}, learning_rate=rate, beta=beta)
    for _ in range(20):
        weight.grad = 3 * weight
        pace = beta * pace - rate * 3 * (place + beta * pace)
        place += pace
        optimizer.step()
        assert float(weight) == pytest.approx(place + beta * pace, rel=1e-12)
