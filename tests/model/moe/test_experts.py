"""Experts: grouped against token by token, and the three layers against transformers' with the same weights."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.moe import experts as ex
from groundup.model.moe.routing import Router, top_k_routing


@pytest.mark.parametrize("tokens, count, chosen", [(1, 3, 1), (17, 4, 2), (40, 5, 5), (6, 50, 2)])
def test_grouped_equals_token_by_token(random_parameters, tokens, count, chosen):
    stack = random_parameters(ex.GatedExperts(6, 8, count)).double()
    x = torch.randn(tokens, 6, dtype=torch.float64)
    routed = top_k_routing(torch.randn(tokens, count, dtype=torch.float64), chosen)
    expected = ex.mixture_reference(x, *routed, stack.expert)
    torch.testing.assert_close(ex.mixture(x, *routed, stack.expert, count), expected, atol=1e-12, rtol=1e-12)


def test_an_expert_that_only_multiplies_shows_the_weights():
    x, experts, weights = torch.ones(2, 1), torch.tensor([[0, 2], [1, 0]]), torch.tensor([[0.5, 0.25], [1.0, 2.0]])
    got = ex.mixture(x, experts, weights, lambda number, rows: rows * 10**number, 3)
    assert got.flatten().tolist() == [25.5, 12.0]  # 0.5 * 1 + 0.25 * 100, 1 * 10 + 2 * 1


def test_what_is_sent_to_no_expert_is_not_computed():
    x, experts, weights = torch.ones(3, 1), torch.tensor([[0], [2], [1]]), torch.ones(3, 1)
    rows_seen = []

    def expert(number, rows):
        rows_seen.append((number, len(rows)))
        return rows

    assert ex.mixture(x, experts, weights, expert, 2).flatten().tolist() == [1.0, 0.0, 1.0]
    assert rows_seen == [(0, 1), (1, 1)]
    assert ex.mixture(x, experts * 0 + 2, weights, expert, 2).eq(0).all()


def test_the_gradients_are_the_numerical_ones():
    x, gate_up, down = (torch.randn(*shape, dtype=torch.float64) for shape in ((3, 2), (2, 2, 2), (2, 2, 1)))
    logits = torch.randn(3, 2, dtype=torch.float64)

    def through(x, logits, gate_up, down):
        def expert(number, rows):
            gate, up = (rows @ gate_up[number].T).chunk(2, -1)
            return (torch.nn.functional.silu(gate) * up) @ down[number].T

        return ex.mixture(x, *top_k_routing(logits, 2), expert, 2)

    assert torch.autograd.gradcheck(through, [one.requires_grad_() for one in (x, logits, gate_up, down)])


def both(ours, theirs, atol=1e-5):
    x = torch.randn(2, 9, 16)
    with torch.no_grad():
        expected = theirs(x)
        torch.testing.assert_close(ours(x), expected, atol=atol, rtol=1e-4)


def test_mixtrals_layer_gives_the_same(random_parameters):
    modeling = pytest.importorskip("transformers.models.mixtral.modeling_mixtral")
    config = modeling.MixtralConfig(hidden_size=16, intermediate_size=24, num_local_experts=6, num_experts_per_tok=2)
    theirs, ours = random_parameters(modeling.MixtralSparseMoeBlock(config)).eval(), ex.MixtureOfExperts(16, 24, 6, 2)
    ours.load_state_dict(theirs.state_dict())
    both(ours, theirs)


def test_deepseeks_layer_gives_the_same(random_parameters):
    modeling = pytest.importorskip("transformers.models.deepseek_v3.modeling_deepseek_v3")
    config = modeling.DeepseekV3Config(
        hidden_size=16, moe_intermediate_size=12, n_routed_experts=8, num_experts_per_tok=3, n_group=4, topk_group=2,
        n_shared_experts=2,
    )  # fmt: skip
    theirs = random_parameters(modeling.DeepseekV3MoE(config)).eval()
    theirs.gate.e_score_correction_bias.copy_(torch.randn(8) * 0.2)
    ours = ex.SharedMixture(16, 12, 8, 3, shared=2, groups=4, chosen_groups=2, scaling=config.routed_scaling_factor)
    ours.load_state_dict(theirs.state_dict())
    both(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("normalize", [False, True])
def test_qwens_layer_with_its_shared_expert_and_gate_gives_the_same(random_parameters, normalize):
    modeling = pytest.importorskip("transformers.models.qwen2_moe.modeling_qwen2_moe")
    config = modeling.Qwen2MoeConfig(
        hidden_size=16, moe_intermediate_size=12, shared_expert_intermediate_size=20, num_experts=6, num_experts_per_tok=2,
        norm_topk_prob=normalize,
    )  # fmt: skip
    theirs = random_parameters(modeling.Qwen2MoeSparseMoeBlock(config)).eval()
    router = Router(16, 6, 2, normalize=normalize)
    ours = ex.MixtureOfExperts(16, 12, 6, 2, router=router, shared=20, shared_gate=True)
    ours.load_state_dict(
        {name.replace("shared_expert.", "shared_experts."): w for name, w in theirs.state_dict().items()}
    )
    both(ours, theirs)


def test_switchs_layer_gives_the_same_with_dropped_tokens(random_parameters):
    modeling = pytest.importorskip("transformers.models.switch_transformers.modeling_switch_transformers")
    config = modeling.SwitchTransformersConfig(d_model=16, d_ff=24, num_experts=4, expert_capacity=2, dropout_rate=0.0)
    theirs = random_parameters(modeling.SwitchTransformersSparseMLP(config)).eval()
    ours = ex.SwitchFeedForward(16, 24, 4, capacity_factor=1.0)  # 9 tokens a text: capacity 2
    stacks = {name: [getattr(theirs.experts[f"expert_{i}"], name).weight for i in range(4)] for name in ("wi", "wo")}
    with torch.no_grad():
        ours.gate.weight.copy_(theirs.router.classifier.weight)
        ours.experts.up_proj.copy_(torch.stack(stacks["wi"]))
        ours.experts.down_proj.copy_(torch.stack(stacks["wo"]))
    both(ours, theirs)
    assert ours(torch.randn(1, 9, 16)).eq(0).all(-1).any(), "a token without room gives 0"


@pytest.mark.parametrize(
    "layer",
    [
        ex.MixtureOfExperts(8, 12, 4, 2),
        ex.SwitchFeedForward(8, 12, 4, capacity_factor=None),
        ex.SharedMixture(8, 12, 4, 2, groups=2, chosen_groups=2),
    ],
)
def test_a_layer_keeps_the_shape_and_dtype_and_every_parameter_learns(random_parameters, layer):
    layer = random_parameters(layer)
    y = layer(torch.randn(3, 20, 8))
    y.square().sum().backward()
    assert y.shape == (3, 20, 8)
    assert all(parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in layer.parameters())
    assert layer(torch.randn(1, 4, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_one_token_is_as_the_same_token_in_a_text(random_parameters):
    layer, x = random_parameters(ex.SharedMixture(8, 12, 4, 2)), torch.randn(1, 6, 8)
    steps = torch.cat([layer(x[:, t : t + 1]) for t in range(6)], 1)
    torch.testing.assert_close(steps, layer(x), atol=1e-5, rtol=1e-4)


def test_no_shared_expert_is_refused():
    with pytest.raises(ConfigError, match="n_shared_experts=0; use 1 or more, or MixtureOfExperts"):
        ex.SharedMixture(8, 12, 4, 2, shared=0)
