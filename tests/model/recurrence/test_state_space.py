"""The state space: three forms against each other and scipy's matrices, the layer against transformers' Mamba2."""

import math

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.attention import masks
from groundup.model.recurrence import state_space as ss


def test_a_step_by_hand():
    state = torch.tensor([[[[8.0], [0.0]]]])
    key, query, value = (torch.tensor([[numbers]]) for numbers in ([1.0, 2.0], [1.0, 1.0], [3.0]))
    output, after = ss.state_space_step(state, query, key, value, torch.tensor([[math.log(0.5)]]))
    assert after.flatten().tolist() == [7.0, 6.0]  # 8/2 + 1*3, 0/2 + 2*3
    assert output.flatten().tolist() == [13.0]


@pytest.mark.parametrize("seq", [1, 2, 7, 8, 9, 16, 30])
@pytest.mark.parametrize("chunk", [1, 4, 8, 64])
def test_chunks_give_what_the_recurrence_gives(inputs, seq, chunk):
    *parts, _ = inputs(seq=seq)
    start = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    expected, last = ss.state_space_reference(*parts, start)
    got, state = ss.state_space_chunked(*parts, start, chunk)
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(state, last, atol=1e-10, rtol=1e-10)


def test_the_matrix_form_gives_what_the_recurrence_gives(inputs):
    *parts, _ = inputs()
    torch.testing.assert_close(
        ss.state_space_matrix(*parts), ss.state_space_reference(*parts)[0], atol=1e-10, rtol=1e-10
    )


def test_the_recurrence_is_its_definition_as_a_sum(inputs):
    query, key, value, log_decay, _ = inputs(batch=1, heads=1)
    output, _ = ss.state_space_reference(query, key, value, log_decay)
    for t in range(value.shape[2]):
        total = sum(
            math.exp(log_decay[0, 0, j + 1 : t + 1].sum()) * (query[0, 0, t] @ key[0, 0, j]) * value[0, 0, j]
            for j in range(t + 1)
        )
        torch.testing.assert_close(output[0, 0, t], total, atol=1e-10, rtol=1e-10)


def test_without_decay_it_is_linear_attention(inputs):
    query, key, value, log_decay, _ = inputs()
    got, _ = ss.state_space_chunked(query, key, value, log_decay * 0, None, 4)
    torch.testing.assert_close(got, (query @ key.mT).tril() @ value, atol=1e-10, rtol=1e-10)


def test_with_decay_to_zero_each_token_stands_alone_and_gradients_are_finite(inputs):
    query, key, value, log_decay, _ = inputs()
    leaves = [x.requires_grad_() for x in (query, key, value)]
    got, state = ss.state_space_chunked(*leaves, torch.full_like(log_decay, -torch.inf), None, 4)
    torch.testing.assert_close(got, (query * key).sum(-1, keepdim=True) * value)
    gradients = torch.autograd.grad(got.sum() + state.sum(), leaves)
    assert all(one.isfinite().all() for one in gradients)


def test_a_state_handed_on_is_as_one_text(inputs):
    *parts, _ = inputs(seq=20)
    whole, last = ss.state_space_chunked(*parts, None, 4)
    first, state = ss.state_space_chunked(*(x[:, :, :11] for x in parts), None, 4)
    second, end = ss.state_space_chunked(*(x[:, :, 11:] for x in parts), state, 4)
    torch.testing.assert_close(torch.cat([first, second], 2), whole, atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(end, last, atol=1e-10, rtol=1e-10)


def test_the_gradient_is_the_numerical_one(inputs):
    *parts, _ = inputs(batch=1, heads=1, seq=3, key_dim=2, value_dim=1)
    state = torch.randn(1, 1, 2, 1, dtype=torch.float64)
    leaves = [x.requires_grad_() for x in (*parts, state)]
    assert torch.autograd.gradcheck(lambda *given: ss.state_space_chunked(*given, 2), leaves)


def test_in_bf16_it_computes_wide_and_keeps_a_float32_state(inputs):
    *parts, _ = inputs(dtype=torch.bfloat16)
    output, state = ss.state_space(*parts)
    exact, _ = ss.state_space_reference(*(x.double() for x in parts))
    assert output.dtype == torch.bfloat16 and state.dtype == torch.float32
    torch.testing.assert_close(output.double(), exact, atol=0.02, rtol=0.01)


def test_first_values_of_the_step_lie_in_their_range():
    bias = ss.step_biases(1000, generator=torch.Generator().manual_seed(0))
    steps = torch.nn.functional.softplus(bias)
    assert 0.00099 < steps.min() < 0.0012 and 0.085 < steps.max() < 0.1001
    assert 0.7 < (steps.log().mean() / math.log(0.01)) < 1.3


# ───────── the layer ─────────

SIZES = dict(hidden=16, heads=4, head_dim=8, state_size=6)


@pytest.mark.parametrize("groups, bias", [(1, False), (2, True)])
def test_the_layer_equals_transformers_mamba2(random_parameters, groups, bias):
    modeling = pytest.importorskip("transformers.models.mamba2.modeling_mamba2")
    config = modeling.Mamba2Config(
        hidden_size=16, num_heads=4, head_dim=8, state_size=6, n_groups=groups, use_bias=bias, chunk_size=4, num_hidden_layers=1
    )  # fmt: skip
    theirs = random_parameters(modeling.Mamba2Mixer(config, 0)).eval()
    ours = ss.Mamba2(**SIZES, groups=groups, bias=bias)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 11, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-5, rtol=1e-4)


@pytest.fixture
def layer(random_parameters):
    return random_parameters(ss.Mamba2(**SIZES, groups=2)).double()


def test_the_layer_step_by_step_equals_one_pass(layer, states):
    x, cache = torch.randn(2, 9, 16, dtype=torch.float64), states()
    steps = [layer(x[:, :4], cache=cache)] + [layer(x[:, t : t + 1], cache=cache) for t in range(4, 9)]
    torch.testing.assert_close(torch.cat(steps, 1), layer(x), atol=1e-10, rtol=1e-10)
    assert {tuple(part.shape) for part in cache.state} == {(2, 3, 56), (2, 4, 6, 8)}, "constant memory"


def test_packed_documents_equal_each_alone(layer):
    x = torch.randn(1, 12, 16, dtype=torch.float64)
    ids = torch.tensor([[0] * 5 + [1] * 3 + [2] * 4])
    packed = layer(x, mask=masks.causal(12) & masks.documents(ids))
    alone = torch.cat([layer(x[:, a:b]) for a, b in ((0, 5), (5, 8), (8, 12))], 1)
    torch.testing.assert_close(packed, alone, atol=1e-10, rtol=1e-10)


def test_a_left_padded_row_equals_the_row_alone_prefill_and_step(layer, states):
    x, cache = torch.randn(2, 8, 16, dtype=torch.float64), states()
    attention_mask = torch.ones(2, 8, dtype=torch.long)
    attention_mask[0, :3] = 0
    mask = masks.causal(8) & masks.padding(attention_mask)
    first = layer(x[:, :6], mask=mask[:, :6, :6], cache=cache)
    second = layer(x[:, 6:7], mask=mask[:, 6:7, :7], cache=cache)
    third = layer(x[:, 7:], mask=mask[:, 7:], cache=cache)
    got = torch.cat([first, second, third], 1)
    torch.testing.assert_close(got[0, 3:], layer(x[:1, 3:])[0], atol=1e-10, rtol=1e-10)
    torch.testing.assert_close(got[1], layer(x[1:])[0], atol=1e-10, rtol=1e-10)


def test_no_token_hears_of_a_later_one(layer):
    x = torch.randn(1, 9, 16, dtype=torch.float64).requires_grad_()
    gradient = torch.autograd.grad(layer(x)[0, 4].sum(), x)[0]
    assert gradient[0, 5:].eq(0).all() and gradient[0, :5].abs().sum(-1).gt(0).all()


def test_every_parameter_learns(layer):
    layer(torch.randn(2, 9, 16, dtype=torch.float64)).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in layer.parameters())


def test_heads_that_cannot_share_are_refused():
    with pytest.raises(ConfigError, match="n_groups=3 cannot be shared evenly by num_heads=4; use a divisor"):
        ss.Mamba2(16, 4, 8, 6, groups=3)


@pytest.mark.parametrize("stretch", [1, 5, 16, 37, 100])
def test_a_long_sequence_is_the_same_in_stretches_of_any_length(stretch):
    source = torch.Generator().manual_seed(stretch)
    query, key, value = torch.randn(3, 2, 3, 37, 4, generator=source, dtype=torch.float64)
    log_decay = -torch.rand(2, 3, 37, generator=source, dtype=torch.float64)
    begun = torch.randn(2, 3, 4, 4, generator=source, dtype=torch.float64)
    given = (query, key, value, log_decay)
    for outcome, wanted in zip(
        ss.in_stretches(ss.state_space_chunked, given, begun, stretch),
        ss.state_space_reference(*given, begun),
        strict=True,
    ):
        torch.testing.assert_close(outcome, wanted, rtol=1e-9, atol=1e-9)
