"""Flash attention against the definition and torch, forward and backward; against bad tiles, blind queries, its memory."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from torch.utils._python_dispatch import TorchDispatchMode

from groundup.errors import InputError
from groundup.model.attention import flash as module
from groundup.model.attention import masks
from groundup.model.attention.flash import (
    check,
    flash_attention,
    flash_backward_tile,
    flash_forward,
    online_softmax_step,
    spans,
    tiles,
)
from groundup.model.attention.scaled_dot_product import repeat_heads, scaled_dot_product_attention


def case(queries=13, keys=13, heads=4, kv_heads=4, head_dim=8, value_dim=8, seed=0, dtype=torch.float64, batch=2):
    generator = torch.Generator().manual_seed(seed)
    sizes = ((heads, queries, head_dim), (kv_heads, keys, head_dim), (kv_heads, keys, value_dim))
    made = [torch.randn(batch, *size, generator=generator, dtype=torch.float64) for size in sizes]
    return [one.to(dtype).requires_grad_() for one in made]


def definition(query, key, value, mask=None, causal=False):
    groups = query.shape[1] // key.shape[1]
    if causal:
        ahead = masks.causal(query.shape[2], key.shape[2])
        mask = ahead if mask is None else mask & ahead
    return scaled_dot_product_attention(query, repeat_heads(key, groups), repeat_heads(value, groups), mask)


def with_gradients(attention, leaves, **how):
    """The result, and the gradients of a weighted sum of it."""
    result = attention(*leaves, **how)
    push = torch.linspace(-1, 1, result.numel(), dtype=torch.float64).reshape(result.shape).to(result.dtype)
    return [result.detach(), *torch.autograd.grad(result, leaves, push)]


MASKS = {
    "none": lambda queries, keys: None,
    "padding": lambda queries, keys: (torch.arange(keys) < torch.tensor([[keys], [keys // 2]]))[:, None, None],
    "left padding": lambda queries, keys: (torch.arange(keys) >= torch.tensor([[0], [keys // 2]]))[:, None, None],
    "window": lambda queries, keys: masks.sliding_window(queries, keys, 3),
    "random": lambda queries, keys: torch.rand(2, 4, queries, keys, generator=torch.Generator().manual_seed(1)) > 0.5,
    "nothing": lambda queries, keys: torch.zeros(1, 1, queries, keys, dtype=torch.bool),
}


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("queries, keys", [(13, 13), (1, 9), (5, 17), (17, 5)])
@pytest.mark.parametrize("kv_heads, blocks", [(4, (4, 3)), (2, (5, 16)), (1, (1, 1)), (2, (128, 256))])
def test_forward_and_backward_equal_the_definition_to_1e_10(kind, causal, queries, keys, kv_heads, blocks):
    leaves, mask = case(queries, keys, kv_heads=kv_heads, value_dim=6), MASKS[kind](queries, keys)
    ours = with_gradients(flash_attention, leaves, mask=mask, causal=causal, blocks=blocks)
    for mine, oracle in zip(ours, with_gradients(definition, leaves, mask=mask, causal=causal), strict=True):
        assert mine.isfinite().all()
        assert torch.allclose(mine, oracle, atol=1e-10, rtol=0)


@settings(max_examples=20, deadline=None)
@given(some.integers(1, 20), some.integers(1, 20), some.integers(1, 7), some.integers(1, 7), some.booleans())
def test_whatever_the_tiles_torchs_kernel_says_the_same(queries, keys, rows, columns, masked):
    leaves = case(queries, keys)
    mask = MASKS["random"](queries, keys) if masked else None
    oracle = torch.nn.functional.scaled_dot_product_attention(*leaves, attn_mask=mask)
    assert torch.allclose(flash_attention(*leaves, mask, blocks=(rows, columns)), oracle, atol=1e-12)


def test_in_bf16_it_is_as_near_to_the_truth_as_rounding_the_truth():
    """Sums are float32 inside: the result is off by half a unit in the last place, 2^-9 of it; gradients by twice that."""
    leaves = case(33, 33, kv_heads=2, dtype=torch.bfloat16)
    ours = with_gradients(flash_attention, leaves, causal=True, blocks=(8, 8))
    truth = with_gradients(definition, [one.detach().double().requires_grad_() for one in leaves], causal=True)
    for place, (mine, oracle) in enumerate(zip(ours, truth, strict=True)):
        assert mine.dtype == torch.bfloat16
        off = (mine.double() - oracle).abs().max() / oracle.abs().max()
        assert off < (2**-8 if place == 0 else 2**-7), place


def test_differences_find_the_same_slope():
    leaves = case(3, 5, heads=2, kv_heads=1, head_dim=3, value_dim=2, batch=1)
    assert torch.autograd.gradcheck(lambda *qkv: flash_attention(*qkv, causal=True, blocks=(2, 2)), leaves)


def test_a_mask_may_be_a_function_of_places_so_that_none_is_held():
    document = torch.tensor([0] * 5 + [1] * 8)
    together = flash_attention(
        *case(), lambda rows, columns: document[rows][:, None] == document[columns], blocks=(4, 4)
    )
    assert torch.allclose(together, flash_attention(*case(), masks.documents(document[None])[:, None], blocks=(4, 4)))


def test_a_scale_of_ones_own():
    query, key, value = case()
    oracle = torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=0.3)
    assert torch.allclose(flash_attention(query, key, value, scale=0.3), oracle, atol=1e-12)


def test_the_log_sum_exp_is_that_of_the_scores_and_infinite_where_nothing_is_seen():
    query, key, value = case()
    mask = MASKS["left padding"](13, 13)
    _, kept = flash_forward(query, key, value, mask, causal=True, blocks=(4, 4))
    scores = (query @ key.mT / math.sqrt(8)).masked_fill(~(mask & masks.causal(13)), -math.inf)
    oracle = scores.logsumexp(-1, keepdim=True)
    assert torch.allclose(kept, oracle.masked_fill(oracle == -math.inf, math.inf))
    assert (kept[1, :, :6] == math.inf).all() and kept[0].isfinite().all()


def test_large_scores_do_not_overflow_in_any_order_of_tiles():
    query, key, value = (one.detach().float() for one in case())
    for order in (torch.arange(13), torch.arange(13).flip(0)):
        big = 1000.0 * key[:, :, order]
        oracle = torch.nn.functional.scaled_dot_product_attention(query, big, value[:, :, order])
        assert torch.allclose(flash_attention(query, big, value[:, :, order], blocks=(4, 1)), oracle, atol=1e-4)


def test_a_step_over_one_tile_is_a_softmax_and_two_steps_are_the_softmax_of_both():
    scores, value = torch.randn(3, 8).double(), torch.randn(8, 2).double()
    start = (torch.full((3, 1), torch.finfo(torch.float64).min, dtype=torch.float64), torch.zeros(3, 1).double())
    sums = (*start, torch.zeros(3, 2).double())
    for columns in spans(8, 3):
        sums = online_softmax_step(*sums, scores[:, columns], value[columns])
    assert torch.allclose(sums[2] / sums[1], scores.softmax(-1) @ value)
    assert torch.allclose(sums[0] + sums[1].log(), scores.logsumexp(-1, keepdim=True))


def test_a_hidden_tile_changes_nothing_even_as_the_first():
    start = (torch.full((1, 1), torch.finfo(torch.float32).min), torch.zeros(1, 1), torch.zeros(1, 2))
    value = torch.randn(3, 2)
    hidden = online_softmax_step(*start, torch.full((1, 3), -math.inf), value)
    assert all(torch.equal(one, other) for one, other in zip(hidden, start, strict=True))
    seen = online_softmax_step(*hidden, torch.zeros(1, 3), value)
    assert torch.allclose(seen[2] / seen[1], value.mean(0))


def test_a_tile_of_the_backward_pass_needs_only_the_rows_log_sum_exp():
    """The gradients of one tile of keys, from scores of that tile alone, are autograd's for those keys."""
    query, key, value = (one[0, 0] for one in case())
    result = scaled_dot_product_attention(query, key, value)
    push = torch.ones_like(result)
    oracle = torch.autograd.grad(result, (key, value), push)
    lse = (query @ key.T / math.sqrt(8)).logsumexp(-1, keepdim=True)
    part = slice(3, 7)
    given_ = (query, key[part], value[part], push, lse, (push * result).sum(-1, keepdim=True), None, 1 / math.sqrt(8))
    _, of_keys, of_values = flash_backward_tile(*given_)
    assert torch.allclose(of_keys, oracle[0][part]) and torch.allclose(of_values, oracle[1][part])


def test_tiles_that_nobody_sees_are_skipped():
    def visited(mask=None, causal=False, queries=64, keys=64):
        return sum(len(list(tiles(rows, queries, keys, 8, mask, causal))) for rows in spans(queries, 8))

    assert visited() == 64
    assert visited(causal=True) == 8 * 9 // 2
    assert visited(masks.sliding_window(64, 64, 8), causal=True) == 8 + 7, "the diagonal and the tile before it"
    assert visited(causal=True, queries=8) == 8, "the last queries see all the keys before them"
    inner = [visible for _, visible in tiles(slice(56, 64), 64, 64, 8, None, True)]
    assert all(one is None for one in inner[:-1]) and inner[-1] is not None, "only the diagonal asks who is ahead"


class Largest(TorchDispatchMode):
    """Notes the largest tensor that is made."""

    numbers = 0

    def __torch_dispatch__(self, function, types, arguments=(), named=None):
        made = function(*arguments, **(named or {}))
        for one in made if isinstance(made, tuple | list) else (made,):
            if isinstance(one, torch.Tensor):
                self.numbers = max(self.numbers, one.untyped_storage().nbytes() // one.element_size())
        return made


@pytest.mark.parametrize("queries", [256, 512])
def test_no_tensor_grows_with_the_square_of_the_length(queries):
    leaves = case(queries, queries, heads=1, kv_heads=1, batch=1, dtype=torch.float32)
    largest = {}
    for attention in (flash_attention, scaled_dot_product_attention):
        with Largest() as seen:
            more = {"blocks": (32, 32)} if attention is flash_attention else {}
            attention(*leaves, **more).sum().backward()
        largest[attention] = seen.numbers
    assert largest[flash_attention] == queries * 8, "the largest is a gradient"
    assert largest[scaled_dot_product_attention] == queries**2


def test_a_filled_slot_takes_part(monkeypatch):
    calls = []
    step = online_softmax_step
    monkeypatch.setattr(module, "online_softmax_step", lambda *given_: (calls.append(1), step(*given_))[1])
    flash_attention(*case(), blocks=(13, 4))
    assert len(calls) == 4


@pytest.mark.parametrize(
    "changed, sentence",
    [
        (dict(key=torch.zeros(2, 3, 13, 8), value=torch.zeros(2, 3, 13, 8)), "use a divisor of 4"),
        (dict(value=torch.zeros(2, 4, 12, 8)), "as many keys as values"),
        (dict(key=torch.zeros(2, 4, 13, 7)), "do not fit"),
        (dict(mask=torch.zeros(13, 13)), "give a bool one that broadcasts to"),
        (dict(mask=torch.ones(12, 13, dtype=torch.bool)), "broadcasts to"),
        (dict(blocks=(0, 4)), "give two numbers from 1 on"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(changed, sentence):
    given_ = dict(zip(("query", "key", "value"), (one.detach().float() for one in case()), strict=True))
    with pytest.raises(InputError, match=sentence):
        check(**{**given_, "mask": None, **changed})
