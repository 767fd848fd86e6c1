import pytest
import torch

from groundup.training.optimizers.rmsprop import RMSprop, one_by_one, together


@pytest.mark.parametrize("form", [one_by_one, together], ids=["definition", "together"])
def test_fifty_steps_give_torchs_numbers(beside_torch, form):
    def make(named):
        optimizer = RMSprop(named, learning_rate=0.01, beta=0.95, weight_decay=0.2)
        optimizer.move = form
        return optimizer

    beside_torch(make, lambda groups: torch.optim.RMSprop(groups, lr=0.01, alpha=0.95, foreach=False), 0.2)


def test_both_forms_give_the_same(alike):
    alike(lambda named: RMSprop(named, learning_rate=0.01, weight_decay=0.1), one_by_one, together)


def test_the_first_step_is_ten_times_the_rate_whatever_the_gradient():
    weight = torch.zeros(1, 2)
    weight.grad = torch.tensor([[1e-3, -1e3]])
    RMSprop({"w": weight}, learning_rate=0.01).step()
    assert weight[0].tolist() == pytest.approx([-0.1, 0.1], rel=1e-3)


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: RMSprop(named, learning_rate=0.01))
