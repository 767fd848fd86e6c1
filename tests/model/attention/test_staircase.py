import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.model.attention import masks, scaled_dot_product
from groundup.model.attention.staircase import STEP, causal_in_steps, fits, scores_held


def drawn(batch, heads, kv_heads, seq, width, value_width, dtype, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((heads, width), (kv_heads, width), (kv_heads, value_width))
    parts = [torch.randn(batch, seq, count, dim, generator=generator, dtype=torch.float64) for count, dim in shapes]
    return [part.to(dtype).transpose(1, 2).requires_grad_() for part in parts]  # as they come from the projections


def oracle(query, key, value, scale, mask=None):
    """torch's own attention in float64."""
    groups = query.shape[1] // key.shape[1]
    key, value = (part.repeat_interleave(groups, 1) for part in (key, value))
    seen = masks.causal(query.shape[2])[None] if mask is None else mask[:, None]
    return torch.nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=seen, scale=scale)


@given(
    batch=st.integers(1, 2),
    heads=st.sampled_from([(1, 1), (2, 2), (4, 2), (3, 1)]),
    steps=st.integers(1, 3),
    widths=st.sampled_from([(8, 8), (16, 4)]),
    scale=st.sampled_from([None, 0.3]),
    packed=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_value_and_gradients_are_torchs(batch, heads, steps, widths, scale, packed):
    seq = steps * STEP
    parts = drawn(batch, *heads, seq, *widths, torch.float64)
    seen = added = None
    if packed:
        documents = torch.arange(seq).div(100, rounding_mode="floor").expand(batch, seq)
        seen = masks.causal(seq) & masks.documents(documents)
        added = torch.zeros(seen.shape, dtype=torch.float64).masked_fill_(~seen, -math.inf)[:, None]
    ours, theirs = causal_in_steps(*parts, scale, added), oracle(*parts, scale, seen)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    towards = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, wanted = (torch.autograd.grad(result, parts, towards) for result in (ours, theirs))
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


def test_attend_takes_the_steps_in_bf16_and_is_as_exact_as_bf16_is(monkeypatch):
    called = []

    def watched(*arguments):
        called.append(arguments[0].shape)
        return causal_in_steps(*arguments)

    monkeypatch.setattr(scaled_dot_product, "causal_in_steps", watched)
    parts = drawn(2, 4, 2, 2 * STEP, 16, 16, torch.bfloat16)
    ours = scaled_dot_product.attend(*parts, causal=True)
    assert called
    exact = oracle(*(part.double() for part in parts), None)
    assert (ours.double() - exact).abs().max() < 0.02  # bf16 has 8 bits; values are about 3 at most
    seen = masks.causal(2 * STEP) & masks.documents(torch.arange(2 * STEP)[None] // 50)
    packed = scaled_dot_product.attend(*parts, mask=scaled_dot_product.prepare_mask(seen, torch.bfloat16))
    assert len(called) == 2
    assert (packed.double() - oracle(*(part.double() for part in parts), None, seen)).abs().max() < 0.02


@pytest.mark.parametrize("case", ["padding", "window of nothing", "two-way", "short", "odd", "fp32"])
def test_attend_leaves_alone_what_does_not_fit(case, monkeypatch):
    monkeypatch.setattr(scaled_dot_product, "causal_in_steps", lambda *_: pytest.fail("took the steps"))
    seq = {"short": STEP, "odd": 2 * STEP + 1}.get(case, 2 * STEP)
    parts = drawn(1, 2, 2, seq, 8, 8, torch.float32 if case == "fp32" else torch.bfloat16)
    seen = masks.causal(seq)
    if case == "padding":  # the first query sees nothing
        seen = seen & masks.padding(torch.arange(seq)[None] > 0)
    mask = torch.ones_like(seen) if case == "two-way" else seen
    plain = case in ("short", "odd", "fp32")
    prepared = None if plain else scaled_dot_product.prepare_mask(mask, torch.bfloat16)
    if case == "window of nothing":  # a mask that somebody made: it does not say what it is
        prepared = torch.zeros(1, 1, seq, seq, dtype=torch.bfloat16).masked_fill_(~seen[:, None], -math.inf)
    result = scaled_dot_product.attend(*parts, mask=prepared, causal=plain)
    assert result.isfinite().all()


def test_what_is_left_out():
    assert [fits(seq) for seq in (STEP, 2 * STEP, 2 * STEP + 1, 8 * STEP)] == [False, True, False, True]
    assert scores_held(1024) == 1024 * 1024 * 9 // 16  # (n + 1) / 2n with n = 8 steps


def test_nothing_of_the_future_is_seen():
    parts = [part.detach() for part in drawn(1, 2, 2, 3 * STEP, 8, 8, torch.float64)]
    before = causal_in_steps(*parts)
    for place in (1, STEP - 1, STEP, STEP + 1, 3 * STEP - 1):
        changed = [part.clone() for part in parts]
        for part in changed[1:]:
            part[:, :, place] += 5.0
        after = causal_in_steps(*changed)
        assert torch.equal(after[:, :, :place], before[:, :, :place])
        assert not torch.equal(after[:, :, place], before[:, :, place])
