"""Routing by hand, and against the routers of transformers with the same weights."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.moe import routing as rt


def test_top_k_by_hand():
    experts, weights = rt.top_k_routing(torch.tensor([[1.0, 3.0, 2.0, 4.0]]).log(), 2)
    assert experts.tolist() == [[3, 1]]
    torch.testing.assert_close(weights, torch.tensor([[4 / 7, 3 / 7]]))


def test_top_k_is_a_softmax_over_the_chosen_logits():
    logits = torch.randn(20, 8, dtype=torch.float64)
    experts, weights = rt.top_k_routing(logits, 3)
    torch.testing.assert_close(weights, logits.gather(1, experts).softmax(-1))


def test_the_gradient_is_the_numerical_one():
    logits = (torch.randn(2, 6, dtype=torch.float64) * 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda given: rt.top_k_routing(given, 2)[1], [logits])
    assert torch.autograd.gradcheck(lambda given: rt.switch_routing(given)[1], [logits])
    bias = torch.zeros(6, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda given: rt.grouped_sigmoid_routing(given, bias, 2, 3, 2)[1], [logits])


def test_switch_keeps_the_probability_so_that_the_router_learns():
    logits = torch.randn(5, 4, requires_grad=True)
    experts, weights = rt.switch_routing(logits)
    torch.testing.assert_close(weights[:, 0], logits.softmax(-1).amax(-1))
    assert torch.equal(experts[:, 0], logits.argmax(-1))
    assert torch.autograd.grad(weights.sum(), logits)[0].abs().sum() > 0.1
    alone = rt.top_k_routing(logits, 1)[1]
    assert torch.autograd.grad(alone.sum(), logits)[0].abs().sum() < 1e-6, "divided by its sum it teaches nothing"


def test_who_comes_first_finds_room_in_each_text_of_its_own():
    experts = torch.tensor([[0, 0, 1, 0], [1, 1, 1, 0]])
    assert rt.within_capacity(experts, 2, 2).tolist() == [[True, True, True, False], [True, True, False, True]]
    assert rt.capacity_of(10, 4, 1.25) == 3 and rt.capacity_of(1, 64, 1.0) == 1


def test_the_bias_moves_the_choice_and_not_the_weights():
    logits, none, bias = torch.zeros(1, 3), torch.zeros(3), torch.tensor([0.0, 0.0, 5.0])
    logits[0, 0] = 1.0
    assert rt.grouped_sigmoid_routing(logits, none, 1)[0].item() == 0
    experts, weights = rt.grouped_sigmoid_routing(logits, bias, 2, scaling=2.5)
    assert experts.tolist() == [[2, 0]]
    torch.testing.assert_close(weights, 2.5 * torch.tensor([[0.5, 0.7310586]]) / 1.2310586)


def test_only_experts_of_the_best_groups_are_chosen():
    # Sums of the two best: 0.9 + 0.1, 0.6 + 0.6, 0.7 + 0.2: the group of the single best expert is last but one.
    scores = torch.tensor([[0.9, 0.1, 0.6, 0.6, 0.7, 0.2]])
    experts, _ = rt.grouped_sigmoid_routing(torch.logit(scores), torch.zeros(6), 2, 3, 1)
    assert sorted(experts[0].tolist()) == [2, 3]


def test_scores_are_float32_though_the_stream_is_bf16():
    router = rt.Router(4, 3, 2)
    torch.nn.init.ones_(router.weight)
    routing = router(torch.ones(1, 2, 4, dtype=torch.bfloat16))
    assert routing.logits.dtype == routing.weights.dtype == torch.float32


def by_expert(experts, weights, count):
    """Weights as a full table, since the order of the chosen does not matter."""
    return torch.zeros(len(experts), count, dtype=weights.dtype).scatter_add(1, experts, weights)


def test_mixtrals_router_gives_the_same(random_parameters):
    modeling = pytest.importorskip("transformers.models.mixtral.modeling_mixtral")
    config = modeling.MixtralConfig(hidden_size=16, num_local_experts=6, num_experts_per_tok=2)
    theirs, ours = random_parameters(modeling.MixtralTopKRouter(config)), rt.Router(16, 6, 2)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 7, 16)
    logits, weights, experts = theirs(x)
    found = ours(x)
    torch.testing.assert_close(found.logits, logits)
    torch.testing.assert_close(by_expert(found.experts, found.weights, 6), by_expert(experts, weights, 6))


@pytest.mark.parametrize("groups, chosen", [(1, 1), (4, 2)])
def test_deepseeks_router_gives_the_same(random_parameters, groups, chosen):
    modeling = pytest.importorskip("transformers.models.deepseek_v3.modeling_deepseek_v3")
    config = modeling.DeepseekV3Config(
        hidden_size=16, n_routed_experts=16, num_experts_per_tok=3, n_group=groups, topk_group=chosen, norm_topk_prob=True
    )  # fmt: skip
    theirs = random_parameters(modeling.DeepseekV3TopkRouter(config))
    theirs.e_score_correction_bias.copy_(torch.randn(16) * 0.2)
    ours = rt.SigmoidRouter(16, 16, 3, groups=groups, chosen_groups=chosen, scaling=config.routed_scaling_factor)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 30, 16)
    _, weights, experts = theirs(x)
    found = ours(x)
    torch.testing.assert_close(by_expert(found.experts, found.weights, 16), by_expert(experts, weights, 16))


def test_weights_that_are_not_divided_are_the_probabilities_and_scores_themselves(random_parameters):
    plain = random_parameters(rt.Router(16, 6, 3, normalize=False))
    found = plain(torch.randn(1, 5, 16))
    torch.testing.assert_close(found.weights, found.logits.softmax(-1).topk(3).values)
    sigmoid = random_parameters(rt.SigmoidRouter(16, 6, 3, scaling=2.0, normalize=False))
    found = sigmoid(torch.randn(1, 5, 16))
    torch.testing.assert_close(found.weights, 2 * found.logits.sigmoid().topk(3).values)


def test_the_bias_stays_in_float32_wherever_the_model_goes():
    """A bias near 1 in bf16 is not moved by 0.001, however often."""
    router = rt.SigmoidRouter(4, 8, 2)
    router.e_score_correction_bias.fill_(1.001)
    assert router.to(torch.bfloat16).weight.dtype == torch.bfloat16
    assert router.e_score_correction_bias.dtype == torch.float32 and router.e_score_correction_bias[0] == 1.001
    assert torch.nn.Sequential(router).to("meta")[0].e_score_correction_bias.is_meta


def test_switchs_router_gives_the_same_and_drops_the_same(random_parameters):
    modeling = pytest.importorskip("transformers.models.switch_transformers.modeling_switch_transformers")
    config = modeling.SwitchTransformersConfig(d_model=16, num_experts=4, expert_capacity=5)
    theirs, ours = random_parameters(modeling.SwitchTransformersTop1Router(config)).eval(), rt.SwitchRouter(16, 4, 1.0)
    ours.load_state_dict({"weight": theirs.classifier.weight})
    x = torch.randn(2, 20, 16)  # 20 tokens, 4 experts: capacity 5
    dispatched, weights, _ = theirs(x)
    found = ours(x)
    assert 0 < (~found.kept).sum() < 20
    expected = (dispatched * weights).flatten(0, 1)
    torch.testing.assert_close(by_expert(found.experts, found.weights, 4), expected)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="num_experts_per_tok=9 of 8 experts; use 1 to 8"):
        rt.Router(4, 8, 9)
    with pytest.raises(ConfigError, match="capacity_factor=0.0 leaves no room; use 1 or more"):
        rt.SwitchRouter(4, 8, 0.0)
    with pytest.raises(ConfigError, match="n_group=3, topk_group=1 do not fit 8 experts"):
        rt.SigmoidRouter(4, 8, 2, groups=3)
    with pytest.raises(ConfigError, match="num_experts_per_tok=4 is more than 1 groups of 2 hold; raise topk_group"):
        rt.SigmoidRouter(4, 8, 4, groups=4)
