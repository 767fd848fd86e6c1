"""Balance: losses against transformers and by hand, the bias until the load is even, load in numbers."""

import math

import pytest
import torch

from groundup.model.architectures import FAMILIES, build
from groundup.model.attention import masks
from groundup.model.moe import balance
from groundup.model.moe.experts import MixtureOfExperts, SharedMixture, SwitchFeedForward
from groundup.model.moe.routing import Routing, grouped_sigmoid_routing


def test_the_loss_by_hand():
    probabilities = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    # shares 1 and 0, means 0.7 and 0.3
    assert balance.balance_loss(probabilities, torch.tensor([[0], [0]])).item() == pytest.approx(2 * 0.7)
    assert balance.balance_loss(probabilities, torch.tensor([[0], [1]])).item() == pytest.approx(1.0)


def test_even_is_one_and_all_on_one_is_the_number_of_experts():
    even = torch.full((8, 4), 0.25)
    assert balance.balance_loss(even, torch.arange(8)[:, None] % 4).item() == pytest.approx(1.0)
    one = torch.tensor([[1.0, 0.0, 0.0, 0.0]] * 8)
    assert balance.balance_loss(one, torch.zeros(8, 1, dtype=torch.long)).item() == pytest.approx(4.0)


def test_transformers_losses_are_the_same():
    switch = pytest.importorskip("transformers.models.switch_transformers.modeling_switch_transformers")
    mixtral = pytest.importorskip("transformers.models.mixtral.modeling_mixtral")
    logits = torch.randn(50, 6)
    probabilities, experts = logits.softmax(-1), logits.topk(2).indices
    theirs = mixtral.load_balancing_loss_func((logits,), 6, 2)
    torch.testing.assert_close(2 * balance.balance_loss(probabilities, experts), theirs)
    top = experts[:, :1]
    theirs = switch.load_balancing_loss_func(probabilities[None], top[:, 0][None])
    torch.testing.assert_close(balance.balance_loss(probabilities, top), theirs)
    torch.testing.assert_close(balance.z_loss(logits), switch.router_z_loss_func(logits[None]))


def test_the_gradients_are_the_numerical_ones():
    logits, experts = torch.randn(3, 3, dtype=torch.float64, requires_grad=True), torch.randint(0, 3, (3, 2))
    assert torch.autograd.gradcheck(lambda given: balance.balance_loss(given.softmax(-1), experts), [logits])
    assert torch.autograd.gradcheck(balance.z_loss, [logits])


def test_the_bias_moves_by_the_rate_and_stays_where_the_load_is_the_mean():
    bias = torch.tensor([0.0, 1.0, -1.0])
    got = balance.update_bias(bias, torch.tensor([9, 2, 1]), 0.1)
    torch.testing.assert_close(got, torch.tensor([-0.1, 1.1, -0.9]))
    assert torch.equal(balance.update_bias(bias, torch.tensor([4, 4, 4]), 0.1), bias)


def test_the_bias_evens_out_a_router_that_favours_one():
    source = torch.Generator().manual_seed(0)
    logits = torch.randn(2000, 8, generator=source)
    logits[:, 0] += 3.0
    bias, loads = torch.zeros(8), []
    for _ in range(300):
        experts, _ = grouped_sigmoid_routing(logits, bias, 2)
        loads.append(balance.measured(Routing(experts, torch.ones(2000, 2), logits)))
        bias = balance.update_bias(bias, balance.load_of(experts, 8), 0.005)
    assert loads[0].violation > 2.5 and loads[0].evenness < 0.95
    assert loads[-1].violation < 0.1 and loads[-1].evenness > 0.99


def test_load_in_numbers():
    kept = torch.tensor([[True], [True], [False], [True]])
    found = balance.measured(Routing(torch.tensor([[0], [0], [0], [2]]), torch.ones(4, 1), torch.zeros(4, 4), kept))
    assert found.tokens == (3, 0, 1, 0) and found.shares == (0.75, 0.0, 0.25, 0.0)
    assert found.dropped == 0.25 and found.violation == 2.0
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert found.evenness == pytest.approx(entropy / math.log(4))
    assert balance.Load((7,), 0.0).evenness == 1.0


def test_watching_collects_every_layer_and_ends(random_parameters):
    model = random_parameters(torch.nn.Sequential(MixtureOfExperts(8, 12, 4, 2), SwitchFeedForward(8, 12, 4)))
    with balance.watch(model) as seen:
        model(torch.randn(2, 5, 8))
    assert set(seen) == {"0.gate", "1.gate"} and seen["1.gate"].experts.shape == (10, 1)
    loss = balance.total_balance_loss(seen)
    loss.backward()
    assert model[0].gate.weight.grad.abs().sum() > 0
    before = dict(seen)
    model(torch.randn(2, 5, 8))
    assert all(seen[name] is before[name] for name in seen), "closed, it listens no more"


def test_steering_moves_the_bias_of_sigmoid_routers_alone(random_parameters):
    model = random_parameters(torch.nn.Sequential(MixtureOfExperts(8, 12, 4, 2), SharedMixture(8, 12, 4, 1)))
    with balance.watch(model) as seen:
        model(torch.randn(2, 5, 8))
    balance.steer(model, seen, 0.01)
    load = balance.load_of(seen["1.gate"].experts, 4)
    expected = 0.01 * torch.sign(load.float().mean() - load)
    torch.testing.assert_close(model[1].gate.e_score_correction_bias, expected)


def test_the_loads_of_a_model_are_asked_for_by_its_texts_without_their_padding():
    config = FAMILIES["mixtral"][0](
        vocab_size=31,
        hidden_size=16,
        intermediate_size=8,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_local_experts=5,
    )
    model, ids = build(config, seed=0, scheme="normal"), torch.arange(20).view(2, 10)
    found = balance.loads(model, ids)
    assert list(found) == [f"model.layers.{layer}.mlp.gate" for layer in range(3)]
    assert all(sum(load.tokens) == 20 * 2 for load in found.values())
    real = torch.arange(10) < torch.tensor([[10], [4]])
    padded = balance.loads(model, ids, real, mask=masks.causal(10) & masks.padding(real))
    alone = [balance.loads(model, ids[:1]), balance.loads(model, ids[1:, :4])]
    for name, load in padded.items():
        assert load.tokens == tuple(map(sum, zip(*(one[name].tokens for one in alone), strict=True)))
