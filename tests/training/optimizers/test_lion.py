import pytest
import torch

from groundup.training.optimizers.lion import Lion, one_by_one, together


@pytest.mark.parametrize("form", [one_by_one, together], ids=["definition", "together"])
def test_every_weight_moves_as_the_papers_algorithm_2_says_by_hand(form, problem, run):
    named, gradients = problem()
    weight, mean = float(named["matrix"][1, 2]), 0.0
    for table in gradients:
        pull = float(table["matrix"][1, 2])
        mixed = 0.8 * mean + 0.2 * pull
        weight -= 0.05 * ((1 if mixed > 0 else -1) + 0.3 * weight)
        mean = 0.95 * mean + 0.05 * pull
    optimizer = Lion(named, learning_rate=0.05, beta1=0.8, beta2=0.95, weight_decay=0.3)
    optimizer.move = form
    run(optimizer, named, gradients)
    assert float(named["matrix"][1, 2]) == pytest.approx(weight, abs=1e-5)


def test_both_forms_give_the_same(alike):
    alike(lambda named: Lion(named, learning_rate=0.01, weight_decay=0.1), one_by_one, together)


def test_gradients_of_any_size_move_by_the_rate_and_zero_by_nothing():
    weight = torch.zeros(1, 3)
    weight.grad = torch.tensor([[1e-20, -1e20, 0.0]])
    Lion({"w": weight}, learning_rate=0.5).step()
    assert weight.tolist() == [[-0.5, 0.5, 0.0]]


def test_the_decay_is_apart_from_the_gradient_and_not_for_vectors():
    named = {"matrix": torch.ones(2, 2), "gain": torch.ones(2)}
    Lion(named, learning_rate=0.1, weight_decay=0.5).step()  # without a gradient
    assert named["matrix"].unique().tolist() == pytest.approx([0.95]) and named["gain"].tolist() == [1, 1]


def test_a_state_taken_back_goes_on_bit_for_bit(goes_on):
    goes_on(lambda named: Lion(named, learning_rate=0.01))


def test_it_keeps_half_of_what_adamw_keeps():
    kept = Lion({"w": torch.ones(10, 10)}, learning_rate=0.1).state()
    assert sum(value.numel() for value in kept.values()) == 100 + 1
