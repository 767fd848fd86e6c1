"""The delta rule: recurrence, chunks and definition, and the layer, against transformers' Qwen3-Next."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.attention import masks
from groundup.model.recurrence import delta_rule as dr
from groundup.model.recurrence.state_space import state_space_reference


def test_a_step_by_hand():
    state = torch.tensor([[[[4.0], [6.0]]]])
    key, query, value = (torch.tensor([[numbers]]) for numbers in ([1.0, 0.0], [1.0, 1.0], [10.0]))
    half, none = torch.tensor([[0.5]]), torch.tensor([[0.0]])
    output, after = dr.delta_rule_step(state, query, key, value, half.log(), half)
    assert after.flatten().tolist() == [6.0, 3.0]  # faded to 2 and 3; 2 + (10 - 2) / 2
    assert output.flatten().tolist() == [9.0]
    assert torch.equal(dr.delta_rule_step(state, query, key, value, none, none)[1], state), "beta 0 writes nothing"


def test_with_beta_one_the_last_value_of_a_key_comes_back(inputs):
    _, key, value, log_decay, beta = inputs(seq=2)
    key[:, :, 1] = key[:, :, 0]
    output, _ = dr.delta_rule_reference(key, key, value, log_decay * 0, torch.ones_like(beta))
    torch.testing.assert_close(output, value)
    summed, _ = state_space_reference(key, key, value, log_decay * 0)
    torch.testing.assert_close(summed[:, :, 1], value.sum(2)), "a state space gives their sum"


@pytest.mark.parametrize("seq", [1, 2, 7, 8, 9, 16, 30])
@pytest.mark.parametrize("chunk", [1, 4, 8, 64])
def test_chunks_give_what_the_recurrence_gives(inputs, seq, chunk):
    parts, start = inputs(seq=seq), torch.randn(2, 3, 4, 5, dtype=torch.float64)
    expected, last = dr.delta_rule_reference(*parts, start)
    got, state = dr.delta_rule_chunked(*parts, start, chunk)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(state, last, atol=1e-10, rtol=1e-10)


def test_the_step_is_the_papers_product_of_matrices(inputs):
    query, key, value, log_decay, beta = inputs(batch=1, heads=1)
    output, _ = dr.delta_rule_reference(query, key, value, log_decay, beta)
    state = torch.zeros(5, 4, dtype=torch.float64)  # the paper's, value_dim x key_dim
    for t in range(13):
        k, v, b = key[0, 0, t], value[0, 0, t], beta[0, 0, t]
        state = state @ (log_decay[0, 0, t].exp() * (torch.eye(4, dtype=torch.float64) - b * torch.outer(k, k)))
        state = state + b * torch.outer(v, k)
        torch.testing.assert_close(output[0, 0, t], state @ query[0, 0, t], atol=1e-10, rtol=1e-10)


def test_the_corrections_of_a_chunk_are_solved_as_one_after_another(inputs):
    _, key, value, log_decay, beta = inputs(batch=1, heads=1, seq=6)
    start = torch.randn(1, 1, 4, 5, dtype=torch.float64)
    own, by_state = dr.corrections(key, value, log_decay, beta)
    state, got = start, own - by_state @ start
    for t in range(6):
        state = state * log_decay[0, 0, t].exp()
        correction = beta[0, 0, t] * (value[0, 0, t] - key[0, 0, t] @ state[0, 0])
        torch.testing.assert_close(got[0, 0, t], correction, atol=1e-10, rtol=1e-10)
        state = state + torch.outer(key[0, 0, t], correction)


def test_transformers_functions_give_the_same(inputs):
    modeling = pytest.importorskip("transformers.models.qwen3_next.modeling_qwen3_next")
    query, key, value, log_decay, beta = inputs(seq=70, dtype=torch.float32)
    theirs = [x.transpose(1, 2) for x in (query, key, value)]
    gates = dict(g=log_decay.transpose(1, 2), beta=beta.transpose(1, 2), initial_state=None, output_final_state=True)
    got, state = dr.delta_rule(query * query.shape[-1] ** -0.5, key, value, log_decay, beta)
    for function in (modeling.torch_chunk_gated_delta_rule, modeling.torch_recurrent_gated_delta_rule):
        expected, last = function(*theirs, **gates)
        torch.testing.assert_close(got.transpose(1, 2), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(state, last, atol=1e-5, rtol=1e-4)


def test_the_gradient_is_the_numerical_one(inputs):
    parts = inputs(batch=1, heads=1, seq=3, key_dim=2, value_dim=1)
    leaves = [x.requires_grad_() for x in (*parts, torch.randn(1, 1, 2, 1, dtype=torch.float64))]
    assert torch.autograd.gradcheck(lambda *given: dr.delta_rule_chunked(*given, 2), leaves)


def test_in_bf16_it_computes_wide_and_keeps_a_float32_state(inputs):
    parts = inputs(dtype=torch.bfloat16)
    output, state = dr.delta_rule(*parts)
    exact, _ = dr.delta_rule_reference(*(x.double() for x in parts))
    assert output.dtype == torch.bfloat16 and state.dtype == torch.float32
    torch.testing.assert_close(output.double(), exact, atol=0.02, rtol=0.01)


def test_unit_length_is_torchs_normalisation_and_leaves_zeros():
    x = torch.randn(3, 8, dtype=torch.float64)
    torch.testing.assert_close(dr.unit_length(x, 0.0), torch.nn.functional.normalize(x, dim=-1))
    assert dr.unit_length(torch.zeros(1, 4)).eq(0).all()


# ───────── the layer ─────────


def test_the_layer_equals_transformers_qwen3_next(random_parameters):
    modeling = pytest.importorskip("transformers.models.qwen3_next.modeling_qwen3_next")
    sizes = dict(linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=6, linear_value_head_dim=8)
    config = modeling.Qwen3NextConfig(
        hidden_size=16, num_hidden_layers=1, layer_types=["linear_attention"], num_experts=0, **sizes
    )
    theirs = random_parameters(modeling.Qwen3NextGatedDeltaNet(config, 0)).eval()
    ours = dr.GatedDeltaNet(16, 2, 4, 6, 8)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 70, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)


@pytest.fixture
def layer(random_parameters):
    return random_parameters(dr.GatedDeltaNet(16, 2, 4, 6, 8)).double()


def test_the_layer_step_by_step_equals_one_pass(layer, states):
    x, cache = torch.randn(2, 9, 16, dtype=torch.float64), states()
    steps = [layer(x[:, :4], cache=cache)] + [layer(x[:, t : t + 1], cache=cache) for t in range(4, 9)]
    torch.testing.assert_close(torch.cat(steps, 1), layer(x), atol=1e-10, rtol=1e-10)
    assert {tuple(part.shape) for part in cache.state} == {(2, 3, 56), (2, 4, 6, 8)}, "constant memory"


def test_packed_documents_and_left_padding_equal_each_row_alone(layer):
    x = torch.randn(1, 12, 16, dtype=torch.float64)
    ids = torch.tensor([[-1, -1] + [0] * 6 + [1] * 4])
    packed = layer(x, mask=masks.causal(12) & masks.documents(ids))
    alone = torch.cat([layer(x[:, a:b]) for a, b in ((2, 8), (8, 12))], 1)
    torch.testing.assert_close(packed[:, 2:], alone, atol=1e-10, rtol=1e-10)


def test_no_token_hears_of_a_later_one_and_every_parameter_learns(layer):
    x = torch.randn(1, 9, 16, dtype=torch.float64).requires_grad_()
    output = layer(x)
    gradient = torch.autograd.grad(output[0, 4].sum(), x, retain_graph=True)[0]
    assert gradient[0, 5:].eq(0).all() and gradient[0, :5].abs().sum(-1).gt(0).all()
    output.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_heads_that_cannot_share_are_refused():
    with pytest.raises(ConfigError, match="linear_num_value_heads=4 cannot be shared evenly by linear_num_key_heads=3"):
        dr.GatedDeltaNet(16, 3, 4, 6, 8)
