"""Counts from the configuration alone, against the built module, transformers and torch's own FLOP counter."""

import pytest
import torch
import transformers
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import build, config_from_dict

CASES = [
    ("llama", {}),
    ("llama", dict(attention_bias=True, mlp_bias=True)),
    ("llama", dict(tie_word_embeddings=True, num_key_value_heads=1)),
    ("qwen3", {}),
    ("qwen3", dict(attention_bias=True, head_dim=16, tie_word_embeddings=True)),
    ("groundup", {}),
    ("groundup", dict(qk_norm=False, num_key_value_heads=4)),
]


@pytest.mark.parametrize("family, changes", CASES)
def test_parameters_equal_those_of_the_built_module(config, family, changes):
    module = build(config(family, **changes), device="meta")
    counted = count(module.config)
    assert counted.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert counted.layer_parameters == sum(parameter.numel() for parameter in module.model.layers[0].parameters())
    assert counted.weight_bytes(2) == 2 * counted.parameters


def test_parameters_of_every_family_equal_those_of_the_built_module(case):
    module = build(case, device="meta")
    assert count(case).parameters == sum(parameter.numel() for parameter in module.parameters())


def test_the_published_count_of_qwen3_0_6b():
    sizes = dict(
        vocab_size=151936,
        hidden_size=1024,
        intermediate_size=3072,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        tie_word_embeddings=True,
    )
    oracle = transformers.Qwen3Config(**sizes)
    with torch.device("meta"):
        theirs = transformers.Qwen3ForCausalLM(oracle).num_parameters()
    counted = count(config_from_dict(oracle.to_dict()))
    assert counted.parameters == theirs == 596_049_920
    assert counted.parameters - counted.embedding_parameters == 440_467_456  # "0.44B non-embedding"


@pytest.mark.parametrize("family, changes", CASES)
@pytest.mark.parametrize("seq_len", [8, 32])
def test_flops_equal_what_torch_counts(randomly, ids, family, changes, seq_len):
    module, text = randomly(family, **changes), ids(2, seq_len)
    with sdpa_kernel(SDPBackend.MATH):  # torch's counter does not know its fused kernel for the CPU
        with FlopCounterMode(display=False) as forward:
            logits = module(text)
        with FlopCounterMode(display=False) as backward:
            logits.sum().backward()
    assert forward.get_total_flops() == 2 * seq_len * count(module.config).flops_per_token(seq_len)
    total = forward.get_total_flops() + backward.get_total_flops()
    predicted = 2 * seq_len * count(module.config).training_flops_per_token(seq_len)
    assert total == pytest.approx(predicted, rel=0.01)  # the norms' gradient has two small products too


@pytest.mark.parametrize("family, changes", CASES)
def test_the_cache_takes_as_many_bytes_as_forecast(randomly, family, changes):
    module = randomly(family, **changes)
    cache = KVCache.of(module, batch=3, capacity=10)
    held = sum(tensor.nbytes for tensor in cache.keys + cache.values)
    assert held == 3 * 10 * count(module.config).kv_cache_bytes_per_token(4)
