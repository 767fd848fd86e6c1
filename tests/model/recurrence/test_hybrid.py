"""A list of blocks of three kinds with one cache: step by step against one pass, and what it keeps."""

import pytest
import torch
from torch import nn

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.attention import masks
from groundup.model.attention.multi_head import MultiHeadAttention
from groundup.model.layers.feed_forward import GatedFeedForward
from groundup.model.layers.norms import RMSNorm
from groundup.model.layers.residual import Block
from groundup.model.positions.rotary import Rotary
from groundup.model.recurrence.delta_rule import GatedDeltaNet
from groundup.model.recurrence.hybrid import FULL, LINEAR, HybridCache, HybridStack, layer_types
from groundup.model.recurrence.state_space import Mamba2

KINDS = (LINEAR, FULL, LINEAR, FULL)


def block(part):
    return Block(part, GatedFeedForward(16, 24), RMSNorm(16), RMSNorm(16))


@pytest.fixture
def stack(random_parameters):
    made = HybridStack(
        [
            block(Mamba2(16, 4, 8, 6)),
            block(MultiHeadAttention(16, 4, 2, 4)),
            block(GatedDeltaNet(16, 2, 4, 6, 8)),
            block(MultiHeadAttention(16, 4, 2, 4)),
        ]
    )
    return random_parameters(made).double()


@pytest.fixture
def cache():
    return lambda batch=2: HybridCache(KINDS, KVCache(2, batch, 2, 16, 4, torch.float64))


def angles(start, end):
    return Rotary(4).angles(torch.arange(start, end), torch.float64)


@pytest.mark.parametrize("prompt", [1, 3, 8])
def test_step_by_step_equals_one_pass(stack, cache, prompt):
    x, kept = torch.randn(2, 9, 16, dtype=torch.float64), cache()
    steps = [stack(x[:, :prompt], angles(0, prompt), cache=kept)]
    for t in range(prompt, 9):
        assert kept.length == t == kept.attention.length
        steps.append(stack(x[:, t : t + 1], angles(t, t + 1), cache=kept))
    torch.testing.assert_close(torch.cat(steps, 1), stack(x, angles(0, 9)), atol=1e-9, rtol=1e-9)


def test_only_attention_keeps_more_for_a_longer_text(stack, cache):
    kept, sizes = cache(), []
    for t in range(6):
        stack(torch.randn(2, 1, 16, dtype=torch.float64), angles(t, t + 1), cache=kept)
        sizes.append(kept.state_bytes)
    assert len(set(sizes)) == 1 and sizes[0] == 8 * 2 * ((3 * (32 + 12) + 4 * 6 * 8) + (3 * 56 + 4 * 6 * 8))


def test_chosen_rows_go_on_as_they_would_have(stack, cache):
    x, kept, rows = torch.randn(3, 5, 16, dtype=torch.float64), cache(3), torch.tensor([2, 0, 2])
    stack(x, angles(0, 5), cache=kept)
    kept.select(rows)
    new = torch.randn(3, 1, 16, dtype=torch.float64)
    got = stack(new, angles(5, 6), cache=kept)
    whole = stack(torch.cat([x[rows], new], 1), angles(0, 6))
    torch.testing.assert_close(got, whole[:, 5:], atol=1e-9, rtol=1e-9)


def test_packed_documents_equal_each_alone(stack):
    x, ids = torch.randn(1, 9, 16, dtype=torch.float64), torch.tensor([[0] * 5 + [1] * 4])
    both = Rotary(4).angles(torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2, 3]]), torch.float64)
    packed = stack(x, both, (masks.causal(9) & masks.documents(ids))[:, None])
    alone = torch.cat([stack(x[:, :5], angles(0, 5)), stack(x[:, 5:], angles(0, 4))], 1)
    torch.testing.assert_close(packed, alone, atol=1e-9, rtol=1e-9)


def test_layer_types_name_every_fourth_as_qwen3_next_does():
    modeling = pytest.importorskip("transformers.models.qwen3_next.configuration_qwen3_next")
    assert list(layer_types(12, 4)) == modeling.Qwen3NextConfig(num_hidden_layers=12).layer_types
    assert layer_types(3, 2, first=0) == (FULL, LINEAR, FULL)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="layers \\[1\\] are attention and there is no cache for their keys; give"):
        HybridCache((LINEAR, FULL))
    with pytest.raises(ConfigError, match="layer_types has \\['mamba'\\]; use 'full_attention'"):
        HybridCache(("mamba",))
    with pytest.raises(ConfigError, match="use 1 or more"):
        layer_types(4, 0)


def test_without_attention_no_cache_of_keys_is_needed():
    assert HybridCache((LINEAR, LINEAR)).attention is None and isinstance(HybridStack([]), nn.Module)
