"""Pairs, steps and chunks agree; random features are unbiased; Linformer with nothing mixed is full attention."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.attention import linear, masks
from groundup.model.attention.scaled_dot_product import scaled_dot_product_attention


def heads(seq, *, seed=0, head_dim=6, value_dim=4):
    generator = torch.Generator().manual_seed(seed)
    widths = (head_dim, head_dim, value_dim)
    return [torch.randn(2, 3, seq, width, generator=generator, dtype=torch.float64) for width in widths]


def features(seq, seed=0):
    query, key, value = heads(seq, seed=seed)
    return linear.elu_features(query), linear.elu_features(key), value


def test_the_feature_map_is_elu_plus_one():
    assert torch.allclose(linear.elu_features(torch.tensor([-1.0, 0.0, 2.0])), torch.tensor([math.exp(-1), 1.0, 3.0]))


def test_the_definition_is_the_mean_weighted_by_products_of_features():
    query, key, value = torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[3.0], [6.0]])
    assert linear.linear_attention_reference(query, key, value).item() == pytest.approx((1 * 3 + 2 * 6) / 3)


@settings(max_examples=25, deadline=None)
@given(some.integers(1, 40), some.integers(1, 12), some.integers(0, 40))
def test_pairs_steps_and_chunks_agree_also_when_the_state_is_carried_on(seq, chunk, border):
    query, key, value = features(seq, seed=seq)
    border = min(border, seq - 1)
    meant = linear.linear_attention_reference(query, key, value, masks.causal(seq))
    steps, last = linear.causal_linear_attention_recurrent(query, key, value)
    chunks, state = linear.causal_linear_attention(query, key, value, chunk=chunk)
    assert torch.allclose(steps, meant, atol=1e-12) and torch.allclose(chunks, meant, atol=1e-12)
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(last, state, strict=True))
    if border:
        head, state = linear.causal_linear_attention(*(x[:, :, :border] for x in (query, key, value)), chunk=chunk)
        tail, state = linear.causal_linear_attention_recurrent(*(x[:, :, border:] for x in (query, key, value)), state)
        assert torch.allclose(torch.cat([head, tail], 2), meant, atol=1e-12)
        assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(state, last, strict=True))


def test_a_text_longer_than_a_span_is_read_as_one(monkeypatch):
    query, key, value = features(50)
    whole, last = linear.causal_linear_attention(query, key, value, chunk=4)
    monkeypatch.setattr(linear, "SPAN", 12)
    parts, state = linear.causal_linear_attention(query, key, value, chunk=4)
    assert torch.allclose(parts, whole, atol=1e-12) and torch.allclose(state.memory, last.memory, atol=1e-12)


def test_without_a_mask_the_sums_made_beforehand_give_the_same():
    query, key, value = features(9)
    meant = linear.linear_attention_reference(query[:, :, :5], key, value)
    assert torch.allclose(linear.linear_attention(query[:, :, :5], key, value), meant, atol=1e-12)


def test_gradients_of_the_chunks_are_those_of_the_definition():
    def gradients(attention):
        leaves = [x.requires_grad_() for x in features(17, seed=4)]
        (attention(*leaves) * torch.linspace(-1, 1, 4)).sum().backward()
        return [x.grad for x in leaves]

    ours = gradients(lambda *qkv: linear.causal_linear_attention(*qkv, chunk=5)[0])
    theirs = gradients(lambda *qkv: linear.linear_attention_reference(*qkv, masks.causal(17)))
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(ours, theirs, strict=True))


def test_nothing_looks_ahead():
    query, key, value = features(20)
    before, _ = linear.causal_linear_attention(query, key, value, chunk=8)
    changed = value.clone()
    changed[:, :, 13:] += 5
    after, _ = linear.causal_linear_attention(query, key, changed, chunk=8)
    assert torch.equal(after[:, :, :13], before[:, :, :13]) and not torch.allclose(after[:, :, 13:], before[:, :, 13:])


def test_features_that_are_all_zero_give_zero_and_no_nan():
    query, key, value = features(5)
    zero = torch.zeros_like(key)
    for mixed in (
        linear.linear_attention_reference(query, zero, value),
        linear.linear_attention(query, zero, value),
        linear.causal_linear_attention(query, zero, value)[0],
        linear.causal_linear_attention_recurrent(query, zero, value)[0],
    ):
        assert torch.equal(mixed, torch.zeros_like(value))


def test_in_bf16_a_thousand_equal_tokens_still_count():
    """A state in bf16 stops at 256: 256 + 1 is 256 there."""
    query, key = (torch.ones(1, 1, 1000, 4, dtype=torch.bfloat16) for _ in range(2))
    value = torch.arange(1000.0).bfloat16()[None, None, :, None]
    mixed, state = linear.causal_linear_attention(query, key, value)
    assert mixed.dtype == torch.bfloat16 and state.total[0, 0, 0] == 1000
    assert mixed[0, 0, -1, 0].item() == pytest.approx(499.5, rel=0.01)
    _, steps = linear.causal_linear_attention_recurrent(query, key, value)
    assert steps.total[0, 0, 0] == 1000


# ───────── Performer ─────────


def test_rows_are_at_right_angles_within_each_block_and_as_long_as_normal_ones():
    drawn = linear.orthogonal_projection(4096, 16, torch.Generator().manual_seed(0), torch.float64)
    angles = drawn[:16] @ drawn[:16].T
    assert (angles - angles.diag().diag()).abs().max() < 1e-10
    squared = drawn.square().sum(1)  # chi squared: mean 16, variance 32
    assert squared.mean().item() == pytest.approx(16, abs=5 * (32 / 4096) ** 0.5)
    assert drawn.mean().abs() < 5 / (4096 * 16) ** 0.5
    assert linear.orthogonal_projection(20, 16, torch.Generator()).shape == (20, 16)


def test_one_row_alone_is_distributed_as_a_normal_vector():
    stats = pytest.importorskip("scipy.stats")
    first = linear.orthogonal_projection(3 * 2000, 3, torch.Generator().manual_seed(0))[2::3]
    for coordinate in first.T:
        assert stats.kstest(coordinate.numpy(), "norm").pvalue > 1e-3


def estimates(projection, query, key, rows):
    """exp(query . key), estimated by every `rows` rows of the projection apart."""
    products = linear.positive_features(query[None], projection) * linear.positive_features(key[None], projection)
    return products.view(-1, rows).sum(1) * (len(projection) / rows)


def test_random_features_are_unbiased_and_orthogonal_ones_vary_less():
    generator = torch.Generator().manual_seed(7)
    query, key = (0.3 * torch.randn(8, generator=generator, dtype=torch.float64) for _ in range(2))
    meant = math.exp(query @ key)
    orthogonal = estimates(linear.orthogonal_projection(8 * 20_000, 8, generator, torch.float64), query, key, 8)
    apart = estimates(torch.randn(8 * 20_000, 8, generator=generator, dtype=torch.float64), query, key, 8)
    for found in (orthogonal, apart):
        assert abs(found.mean() - meant) < 4 * found.std() / len(found) ** 0.5
    assert orthogonal.var() < 0.9 * apart.var()


def test_the_variance_is_that_of_lemma_2():
    """One feature: E f^2 = exp(|x + y|^2 ... ): var = exp(|z|^2) exp(2 x.y) - exp(2 x.y), with z = x + y."""
    query, key = torch.tensor([0.3, -0.2], dtype=torch.float64), torch.tensor([0.1, 0.4], dtype=torch.float64)
    rows = torch.randn(100_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = estimates(rows, query, key, 1)
    z = (query + key).square().sum()
    meant = ((z.exp() - 1) * (2 * query @ key).exp()).item()
    assert found.var().item() == pytest.approx(meant, rel=0.05)


@pytest.mark.parametrize("causal", [False, True])
def test_with_more_features_performer_comes_nearer_to_softmax_attention(causal):
    query, key, value = (0.5 * x for x in heads(40, seed=2))
    meant = scaled_dot_product_attention(query, key, value, masks.causal(40) if causal else None)
    errors = []
    for count in (16, 256, 4096):
        drawn = [
            linear.orthogonal_projection(count, 6, torch.Generator().manual_seed(seed), torch.float64)
            for seed in range(4)
        ]
        errors.append(
            torch.stack(
                [(linear.performer_attention(query, key, value, one, causal) - meant).square().mean() for one in drawn]
            )
            .mean()
            .sqrt()
        )
    assert errors[0] > 1.8 * errors[1] > 3.24 * errors[2]  # each 16-fold is a fourth in theory
    assert errors[2] < 0.005


def test_large_scores_do_not_overflow():
    query, key, value = (x.float() for x in heads(12))
    projection = linear.orthogonal_projection(64, 6, torch.Generator().manual_seed(0))
    assert linear.performer_attention(30 * query, 30 * key, value, projection).isfinite().all()


# ───────── Linformer ─────────


def test_linformer_with_nothing_mixed_is_full_attention_and_with_means_attends_to_means():
    query, key, value = heads(8)
    eye = torch.eye(8, dtype=torch.float64)
    assert torch.allclose(
        linear.linformer_attention(query, key, value, eye, eye), scaled_dot_product_attention(query, key, value)
    )
    pairs = eye.view(4, 2, 8).mean(1)
    means = [x.unflatten(2, (4, 2)).mean(3) for x in (key, value)]
    assert torch.allclose(
        linear.linformer_attention(query, key, value, pairs, pairs), scaled_dot_product_attention(query, *means)
    )


def test_a_projection_for_other_heads_is_refused():
    query, key, value = heads(4)
    with pytest.raises(InputError, match="draw one of that width"):
        linear.performer_attention(query, key, value, torch.randn(8, 5, dtype=torch.float64))
