import pytest
import torch

from groundup.training.optimizers.adam import Adam, fused, one_by_one


@pytest.mark.parametrize("form", [one_by_one, fused], ids=["definition", "fused"])
def test_fifty_steps_give_torchs_numbers(beside_torch, form):
    def make(named):
        optimizer = Adam(named, learning_rate=0.02, beta1=0.8, beta2=0.97, weight_decay=0.2)
        optimizer.move = form
        return optimizer

    beside_torch(make, lambda groups: torch.optim.Adam(groups, lr=0.02, betas=(0.8, 0.97), foreach=False), 0.2)


def test_both_forms_give_the_same(alike):
    alike(lambda named: Adam(named, learning_rate=0.03, weight_decay=0.1), one_by_one, fused)


def test_the_fused_form_is_taken_for_fp32_weights_only():
    assert Adam({"w": torch.ones(2)}, learning_rate=0.1).move is fused
    assert Adam({"w": torch.ones(2).double()}, learning_rate=0.1).move is one_by_one


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: Adam(named, learning_rate=0.1))


def test_the_decay_is_divided_with_the_gradient_so_a_steep_weight_hardly_decays():
    weight = torch.ones(1, 2)
    optimizer = Adam({"w": weight}, learning_rate=0.01, weight_decay=0.5)
    for step in range(100):
        weight.grad = (-1.0) ** step * torch.tensor([[1.0, 100.0]])
        optimizer.step()
    assert weight[0, 0] < 0.8 and weight[0, 1] > 0.95
