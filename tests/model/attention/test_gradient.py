"""The gradient by hand against autograd through torch's own attention, against differences, and on two keys by pencil."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.model.attention import masks
from groundup.model.attention.gradient import attention_backward, attention_by_hand


def case(*batch, queries=3, keys=5, head_dim=4, value_dim=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((queries, head_dim), (keys, head_dim), (keys, value_dim), (queries, value_dim))
    return [torch.randn(*batch, *size, generator=generator, dtype=torch.float64) for size in sizes]


def by_torch(query, key, value, mask, grad):
    leaves = [one.clone().requires_grad_() for one in (query, key, value)]
    result = torch.nn.functional.scaled_dot_product_attention(*leaves, attn_mask=mask)
    return torch.autograd.grad(result, leaves, grad)


def test_two_keys_by_pencil():
    """Scores 0 and ln 3: weights 1/4 and 3/4, result 3/4; a gradient of 1 asks each key for its value less the result."""
    query, key = torch.tensor([[1.0]]), torch.tensor([[0.0], [math.log(3)]])
    value, grad = torch.tensor([[0.0], [1.0]]), torch.tensor([[1.0]])
    asked, answered, gave = attention_backward(query, key, value, None, grad)
    assert torch.allclose(gave, torch.tensor([[0.25], [0.75]]))
    assert torch.allclose(answered, torch.tensor([[0.25 * (0 - 0.75)], [0.75 * (1 - 0.75)]]))
    assert asked.item() == pytest.approx(0.75 * 0.25 * math.log(3))


@settings(max_examples=25, deadline=None)
@given(some.integers(1, 5), some.integers(1, 7), some.integers(1, 5), some.booleans(), some.integers(0, 99))
def test_the_three_gradients_are_those_of_autograd(queries, keys, head_dim, masked, seed):
    given_ = case(2, 3, queries=queries, keys=keys, head_dim=head_dim, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(2, 1, queries, keys, generator=generator) > 0.4 if masked else None
    ours = attention_backward(*given_[:3], mask, given_[3])
    for mine, oracle in zip(ours, by_torch(*given_[:3], mask, given_[3]), strict=True):
        assert torch.allclose(mine, oracle, atol=1e-12)


def test_differences_find_the_same_slope():
    query, key, value, _ = (one.requires_grad_() for one in case(1))
    mask = masks.causal(3, 5)
    assert torch.autograd.gradcheck(lambda *leaves: attention_by_hand(*leaves, mask), (query, key, value))


def test_a_query_that_sees_nothing_tells_nobody_anything():
    query, key, value, grad = case(1)
    mask = torch.zeros(1, 3, 5, dtype=torch.bool)
    mask[:, 1:] = True
    whole = attention_backward(query, key, value, mask, grad)
    rest = attention_backward(query[:, 1:], key, value, None, grad[:, 1:])
    assert torch.equal(whole[0][:, 0], torch.zeros(1, 4, dtype=torch.float64))
    assert torch.allclose(whole[1], rest[1]) and torch.allclose(whole[2], rest[2])


def test_an_equal_push_on_all_values_moves_no_score():
    """The weights sum to 1: what all keys would have done equally well is no reason to look elsewhere."""
    query, key, value, _ = case(1)
    asked, answered, _ = attention_backward(query, key, torch.ones_like(value), None, torch.ones(1, 3, 2).double())
    assert torch.allclose(asked, torch.zeros_like(asked), atol=1e-15)
    assert torch.allclose(answered, torch.zeros_like(answered), atol=1e-15)


def test_the_way_back_is_the_function_that_stands_in_the_slot(monkeypatch):
    from groundup.model.attention import gradient as module

    calls = []
    monkeypatch.setattr(module, "attention_backward", lambda *given_: (calls.append(1), attention_backward(*given_))[1])
    query, key, value, grad = case(1)
    attention_by_hand(query.requires_grad_(), key, value).backward(grad)
    assert calls == [1] and query.grad is not None
