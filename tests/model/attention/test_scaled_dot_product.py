"""Attention by its definition, by every kernel, against torch; and the query that has nothing to look at."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.model.attention import masks
from groundup.model.attention import scaled_dot_product as module
from groundup.model.attention.scaled_dot_product import attend, prepare_mask, repeat_heads, scaled_dot_product_attention

KERNELS = ["definition", "float32", "bfloat16"]


def heads(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator).to(dtype) for _ in range(3)]


def by(kernel, query, key, value, mask):
    """Run one kernel on float32 inputs."""
    if kernel == "definition":
        return scaled_dot_product_attention(query, key, value, mask)
    dtype = getattr(torch, kernel)
    return attend(query.to(dtype), key.to(dtype), value.to(dtype), mask).float()


def test_two_equal_keys_give_the_mean_of_their_values():
    query, key = torch.ones(1, 2), torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    value = torch.tensor([[2.0, 4.0], [6.0, 8.0]])
    assert torch.equal(scaled_dot_product_attention(query, key, value), torch.tensor([[4.0, 6.0]]))


def test_the_weights_are_the_softmax_of_scores_over_the_root_of_the_head_size():
    query, key = torch.tensor([[2.0, 0.0, 0.0, 0.0]]), torch.eye(2, 4)
    weight = math.exp(2 / math.sqrt(4)) / (math.exp(2 / math.sqrt(4)) + 1)
    assert scaled_dot_product_attention(query, key, torch.eye(2))[0, 0].item() == pytest.approx(weight, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(some.integers(1, 6), some.integers(1, 9), some.integers(1, 5), some.booleans(), some.integers(0, 99))
def test_the_definition_equals_torch(queries, keys, head_dim, masked, seed):
    generator = torch.Generator().manual_seed(seed)
    query, key = (
        torch.randn(2, queries, head_dim, generator=generator),
        torch.randn(2, keys, head_dim, generator=generator),
    )
    value = torch.randn(2, keys, 3, generator=generator)
    mask = torch.rand(2, queries, keys, generator=generator) > 0.3 if masked else None
    oracle = torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    assert torch.allclose(scaled_dot_product_attention(query, key, value, mask), oracle, atol=1e-6)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.04)])
@pytest.mark.parametrize("queries, keys", [(5, 5), (1, 7), (3, 9)])
@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("kind", ["full", "causal", "mask", "prepared"])
def test_every_kernel_equals_the_definition(dtype, tolerance, queries, keys, kv_heads, kind):
    generator = torch.Generator().manual_seed(keys)
    query = torch.randn(2, 4, queries, 8, generator=generator).to(dtype)
    key, value = torch.randn(2, 2, kv_heads, keys, 8, generator=generator).to(dtype)
    mask = torch.rand(2, queries, keys, generator=generator) > 0.4
    given_mask = {"mask": mask[:, None], "prepared": prepare_mask(mask, dtype)}.get(kind)
    meant = {"full": None, "causal": masks.causal(queries, keys)}.get(kind, mask[:, None])
    groups = 4 // kv_heads
    oracle = scaled_dot_product_attention(
        query.double(), repeat_heads(key, groups).double(), repeat_heads(value, groups).double(), meant
    )
    ours = attend(query, key, value, given_mask, causal=kind == "causal")
    assert ours.dtype == dtype
    assert torch.allclose(ours.double(), oracle, atol=tolerance)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_query_with_nothing_to_look_at_gives_zero_and_finite_gradients(kernel):
    """Left padding and a causal mask together: softmax of all -inf was NaN and spread (pytorch/pytorch#103749)."""
    query, key, value = (x.requires_grad_() for x in heads(1, 2, 4, 8))
    mask = masks.causal(4) & masks.padding(torch.tensor([[0, 0, 1, 1]]))
    mixed = by(kernel, query, key, value, mask[:, None])
    mixed.square().sum().backward()
    assert torch.equal(mixed[:, :, :2], torch.zeros(1, 2, 2, 8))
    assert all(x.grad.isfinite().all() for x in (query, key, value))
    alone = scaled_dot_product_attention(query[:, :, 2:], key[:, :, 2:], value[:, :, 2:], masks.causal(2))
    assert torch.allclose(mixed[:, :, 2:], alone, atol=1e-5 if kernel != "bfloat16" else 0.03)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_masked_key_changes_nothing_whatever_it_holds(kernel):
    query, key, value = heads(1, 1, 3, 8, seed=3)
    mask = torch.tensor([True, False, True])
    louder_key, louder_value = key.clone(), value.clone()
    louder_key[:, :, 1], louder_value[:, :, 1] = 50.0, 1e6
    assert torch.equal(
        by(kernel, query, key, value, mask[None, None, None].expand(1, 1, 3, 3)),
        by(kernel, query, louder_key, louder_value, mask[None, None, None].expand(1, 1, 3, 3)),
    )


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
def test_the_gradients_of_every_kernel_equal_those_of_the_definition(dtype, tolerance):
    mask = masks.causal(6) & masks.documents(torch.tensor([[0, 0, 0, 1, 1, -1]]))

    def gradients(attention, dtype, mask):
        inputs = [x.requires_grad_() for x in heads(1, 2, 6, 8, seed=5, dtype=dtype)]
        (attention(*inputs, mask) * torch.linspace(-1, 1, 8)).sum().backward()
        return torch.stack([x.grad.float() for x in inputs])

    assert torch.allclose(
        gradients(attend, dtype, mask[:, None]),
        gradients(scaled_dot_product_attention, torch.float32, mask),
        atol=tolerance,
    )


def test_the_definition_passes_a_numerical_check_of_its_gradient():
    inputs = [x.double().requires_grad_() for x in heads(1, 3, 2, seed=2)]
    assert torch.autograd.gradcheck(lambda *qkv: scaled_dot_product_attention(*qkv, masks.causal(3)), inputs)


def test_a_filled_slot_is_used_in_prefill_in_steps_and_with_shared_heads(monkeypatch):
    seen = []

    def learners(query, key, value, mask=None):
        seen.append((query.shape, None if mask is None else mask.dtype))
        return scaled_dot_product_attention(query, key, value, mask)

    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    expected = [attend(query, key, value, causal=True), attend(query[:, :, -1:], key, value, causal=True)]
    monkeypatch.setattr(module, "filled", lambda slot: slot == "model.attention.scaled_dot_product_attention")
    monkeypatch.setattr(module, "scaled_dot_product_attention", learners)
    ours = [attend(query, key, value, causal=True), attend(query[:, :, -1:], key, value, causal=True)]
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, expected, strict=True))
    assert seen == [((1, 4, 5, 8), torch.bool), ((1, 4, 1, 8), None)]
    assert prepare_mask(torch.ones(1, 5, 5, dtype=torch.bool), torch.float32).dtype == torch.bool


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("queries", [1, 3, 7])
@pytest.mark.parametrize("scale, cap", [(0.7, None), (None, 1.5), (0.7, 1.5)])
@pytest.mark.parametrize("kind", ["causal", "mask", "prepared"])
def test_another_scale_and_a_soft_cap_equal_the_formula(dtype, tolerance, queries, scale, cap, kind):
    generator = torch.Generator().manual_seed(queries)
    query = torch.randn(2, 4, queries, 8, generator=generator).to(dtype)
    key, value = torch.randn(2, 2, 2, 7, 8, generator=generator).to(dtype)
    mask = masks.causal(queries, 7) & masks.sliding_window(queries, 7, 3)
    scores = query.double() @ repeat_heads(key, 2).double().transpose(-2, -1) * (8**-0.5 if scale is None else scale)
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    meant = masks.causal(queries, 7) if kind == "causal" else mask
    oracle = torch.softmax(scores.masked_fill(~meant[:, None], -math.inf), -1) @ repeat_heads(value, 2).double()
    given_mask = {"causal": None, "mask": mask[:, None], "prepared": prepare_mask(mask, dtype)}[kind]
    ours = attend(query, key, value, given_mask, causal=True, scale=scale, cap=cap)
    assert ours.dtype == dtype and torch.allclose(ours.double(), oracle, atol=tolerance)


def test_a_soft_cap_has_the_gradient_of_its_formula():
    def capped(query, key, value):
        return attend(query, key, value, causal=True, scale=0.9, cap=0.8)

    assert torch.autograd.gradcheck(capped, [x.double().requires_grad_() for x in heads(1, 2, 3, 4, seed=4)])


def test_a_filled_slot_sees_another_scale_in_its_query(monkeypatch):
    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    expected = attend(query, key, value, causal=True, scale=0.9)
    monkeypatch.setattr(module, "filled", lambda slot: slot == "model.attention.scaled_dot_product_attention")
    assert torch.allclose(attend(query, key, value, causal=True, scale=0.9), expected, atol=1e-6)


# ───────── a bias, one number for each head, query and key ─────────


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 0.06)])
@pytest.mark.parametrize("queries", [1, 3, 7])
@pytest.mark.parametrize("cap", [None, 1.5])
@pytest.mark.parametrize("kind", ["full", "causal", "mask", "prepared"])
def test_a_bias_is_added_to_the_scores_by_every_kernel(dtype, tolerance, queries, cap, kind):
    generator = torch.Generator().manual_seed(queries)
    query = torch.randn(2, 4, queries, 8, generator=generator).to(dtype)
    key, value = torch.randn(2, 2, 2, 7, 8, generator=generator).to(dtype)
    bias = torch.randn(1, 4, queries, 7, generator=generator)
    mask = torch.rand(2, queries, 7, generator=generator) > 0.3
    mask[0, 0] = False  # a query with nothing to look at
    scores = query.double() @ repeat_heads(key, 2).double().transpose(-2, -1) / math.sqrt(8)
    scores = (scores if cap is None else cap * torch.tanh(scores / cap)) + bias.to(dtype)
    meant = {"full": torch.ones_like(mask), "causal": masks.causal(queries, 7)}.get(kind, mask)[:, None]
    weights = torch.softmax(scores.masked_fill(~meant, -math.inf), -1).nan_to_num()
    oracle = weights @ repeat_heads(value, 2).double()
    if kind == "prepared":
        ours = attend(query, key, value, prepare_mask(mask, dtype, bias), causal=True, cap=cap)
    else:
        given_mask = mask[:, None] if kind == "mask" else None
        ours = attend(query, key, value, given_mask, causal=kind == "causal", cap=cap, bias=bias.to(dtype))
    assert ours.dtype == dtype and torch.allclose(ours.double(), oracle, atol=tolerance)


def test_the_definition_adds_a_bias_to_the_scaled_scores():
    query, key, value = torch.ones(1, 4), torch.zeros(2, 4), torch.eye(2)
    mixed = scaled_dot_product_attention(query, key, value, None, torch.tensor([[math.log(3.0), 0.0]]))
    assert torch.allclose(mixed, torch.tensor([[0.75, 0.25]]))


@pytest.mark.parametrize("cap", [None, 0.8])
@pytest.mark.parametrize("kv_heads", [2, 1])
def test_a_learned_bias_has_the_gradient_of_its_formula_also_beside_hidden_keys(cap, kv_heads):
    query, key, value = (x.double().requires_grad_() for x in heads(1, 2, 3, 4, seed=4))
    key, value = key[:, :kv_heads], value[:, :kv_heads]
    bias = torch.randn(1, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    mask = masks.causal(3) & masks.padding(torch.tensor([[0, 1, 1]]))

    def biased(query, key, value, bias):
        return attend(query, key, value, prepare_mask(mask, torch.float64, bias), cap=cap)

    assert torch.autograd.gradcheck(
        biased, [query, key.detach().requires_grad_(), value.detach().requires_grad_(), bias]
    )


def test_a_filled_slot_is_handed_the_bias_and_the_mask_apart(monkeypatch):
    seen = []

    def learners(query, key, value, mask=None, bias=None):
        seen.append((mask.dtype, bias.isfinite().all().item()))
        return scaled_dot_product_attention(query, key, value, mask, bias)

    query, key, value = torch.randn(1, 4, 5, 8), torch.randn(1, 2, 5, 8), torch.randn(1, 2, 5, 8)
    bias = torch.randn(1, 4, 5, 5)
    expected = attend(query, key, value, prepare_mask(masks.causal(5), torch.float32, bias))
    monkeypatch.setattr(module, "filled", lambda slot: slot == "model.attention.scaled_dot_product_attention")
    monkeypatch.setattr(module, "scaled_dot_product_attention", learners)
    ours = attend(query, key, value, prepare_mask(masks.causal(5), torch.float32, bias))
    assert torch.allclose(ours, expected, atol=1e-6)
    assert seen == [(torch.bool, True)]


@pytest.mark.parametrize("value_dim", [3, 8, 11])
@pytest.mark.parametrize("dtype, close", [(torch.float64, 1e-12), (torch.bfloat16, 0.02)])
@pytest.mark.parametrize("queries, how", [(1, "all"), (6, "all"), (6, "causal"), (4, "causal"), (6, "mask")])
def test_values_may_be_narrower_or_wider_than_keys(value_dim, dtype, close, queries, how):
    source = torch.Generator().manual_seed(0)
    query, key, value = (
        torch.randn(shape, generator=source, dtype=torch.float64)
        for shape in ((2, 4, queries, 8), (2, 2, 6, 8), (2, 2, 6, value_dim))
    )
    mask = masks.causal(queries, 6) if how == "causal" else torch.ones(1, queries, 6, dtype=torch.bool)
    mask = mask & (torch.arange(6) != 1) if how == "mask" else mask
    expected = scaled_dot_product_attention(query, repeat_heads(key, 2), repeat_heads(value, 2), mask[:, None])
    given = (part.to(dtype) for part in (query, key, value))
    mixed = attend(*given, prepare_mask(mask, dtype) if how == "mask" else None, causal=how == "causal")
    assert mixed.shape == (2, 4, queries, value_dim)
    assert (mixed.double() - expected).abs().max() < close
