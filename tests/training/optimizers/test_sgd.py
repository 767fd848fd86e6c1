import pytest
import torch

from groundup.training.optimizers.sgd import SGD, fused, one_by_one


@pytest.mark.parametrize("form", [one_by_one, fused], ids=["definition", "fused"])
def test_fifty_steps_give_torchs_numbers(beside_torch, form):
    def make(named):
        optimizer = SGD(named, learning_rate=0.1, weight_decay=0.2)
        optimizer.move = form
        return optimizer

    beside_torch(make, lambda groups: torch.optim.SGD(groups, lr=0.1, foreach=False), 0.2)


def test_both_forms_give_the_same(alike):
    alike(lambda named: SGD(named, learning_rate=0.1, weight_decay=0.1), one_by_one, fused)


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: SGD(named, learning_rate=0.1))


def test_it_keeps_no_tensor_but_the_count():
    assert list(SGD({"w": torch.ones(2, 2)}, learning_rate=0.1).state()) == ["sgd.steps"]


def test_the_gradient_stays_as_it_was():
    weight = torch.ones(2, 2)
    weight.grad = torch.ones(2, 2)
    SGD({"w": weight}, learning_rate=0.1, weight_decay=0.5).step(0.5)
    assert weight.grad.eq(1).all() and torch.allclose(weight, torch.tensor(1 - 0.05 * 1.5))
