"""Prefix LM: the mask by its definition, the cache against the full pass, and T5's own encoder-free oracle: transformers with the mask."""

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.decoding.config import SamplingConfig
from groundup.inference.engine.batching import generate_batch
from groundup.model.architectures import build
from groundup.model.architectures.bloom import BloomConfig
from groundup.model.architectures.falcon import FalconConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.prefix_lm import PrefixLM, prefix_mask
from groundup.model.attention import masks
from groundup.model.formats.huggingface import load_model

SIZES = dict(vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4)
DECODERS = {
    "rotary": LlamaConfig(**SIZES, intermediate_size=40, num_key_value_heads=2),
    "alibi": BloomConfig(**SIZES),
    "rounded alibi": FalconConfig(**SIZES | dict(hidden_size=36, num_attention_heads=6), alibi=True),
}
every_decoder = pytest.mark.parametrize("kind", DECODERS)


def decoder(kind):
    return build(DECODERS[kind], seed=0, scheme="normal")


def test_a_prefix_of_two_of_four():
    assert prefix_mask(torch.tensor([2]), 4).int().tolist() == [
        [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]
    ]


@settings(max_examples=30, deadline=None)
@given(some.integers(1, 6), some.integers(0, 5), some.lists(some.integers(0, 12), min_size=1, max_size=3))
def test_every_place_is_what_the_definition_says(queries, earlier, prefixes):
    keys = queries + earlier
    mask = prefix_mask(torch.tensor(prefixes), queries, keys)
    for row, prefix in enumerate(prefixes):
        for query in range(queries):
            for key in range(keys):
                assert mask[row, query, key] == (key <= query + earlier or key < prefix)


def test_no_prefix_is_causal_and_all_prefix_is_an_encoder():
    mask = prefix_mask(torch.tensor([0, 5]), 5)
    assert torch.equal(mask[:1], masks.causal(5))
    assert mask[1].all()


@torch.no_grad()
def test_logits_equal_transformers_with_the_same_mask(tmp_path, ids):
    config = transformers.LlamaConfig(
        vocab_size=97, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4
    )
    oracle, text = transformers.LlamaForCausalLM(config).eval(), ids(2, 9)
    oracle.save_pretrained(tmp_path)
    mask = prefix_mask(torch.tensor([4, 0]), 9)
    hidden = torch.zeros(2, 1, 9, 9).masked_fill(~mask[:, None], torch.finfo(torch.float32).min)
    expected = oracle(text, attention_mask=hidden).logits
    assert (load_model(tmp_path)(text, mask) - expected).abs().max() < 1e-4
    assert not torch.allclose(expected[0], oracle(text).logits[0], atol=1e-3)


@torch.no_grad()
@every_decoder
@pytest.mark.parametrize("prefix", [1, 2, 5, 11])
def test_the_prefix_in_one_pass_and_then_steps_give_the_full_pass(ids, kind, prefix):
    module, text = decoder(kind), ids(2, 12)
    whole = module(text, prefix_mask(torch.tensor([prefix, prefix]), 12))
    bound, cache = PrefixLM(module), KVCache.of(module, batch=2, capacity=12)
    parts = [text[:, :prefix], *text[:, prefix:].split(1, dim=1)]
    steps = torch.cat([bound(part, cache=cache) for part in parts], dim=1)
    assert torch.allclose(steps, whole, atol=1e-5)


@torch.no_grad()
def test_a_later_token_of_the_prefix_moves_an_earlier_one_and_no_answer_does(ids):
    module, text = decoder("rotary"), ids(1, 8)
    mask, before = prefix_mask(torch.tensor([5]), 8), ids(1, 8)
    for changed, moves in ((4, True), (6, False)):
        after = before.clone()
        after[:, changed] = (after[:, changed] + 1) % 97
        moved = (module(after, mask)[:, :4] - module(text, mask)[:, :4]).abs().max() > 1e-6
        assert moved == moves, changed


@torch.no_grad()
@every_decoder
def test_prompts_of_unequal_length_are_answered_as_each_alone(kind):
    module, bound = decoder(kind), PrefixLM(decoder(kind))
    prompts, sampling = [[5, 6, 7], [9, 8, 7, 6, 5, 4], [40]], SamplingConfig(max_new_tokens=4, temperature=0.0)
    found = generate_batch(bound, prompts, sampling)
    for prompt, completion in zip(prompts, found, strict=True):
        text = list(prompt)
        for _ in range(4):
            mask = prefix_mask(torch.tensor([len(prompt)]), len(text))
            text.append(int(module(torch.tensor([text]), mask)[0, -1].argmax()))
        assert completion.ids == text[len(prompt) :]


def test_the_cache_of_an_adapter_forgets_what_the_layers_windows_hide():
    from groundup.model.architectures.mistral import MistralConfig

    config = MistralConfig(
        vocab_size=31, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, sliding_window=4,
        max_position_embeddings=256,
    )  # fmt: skip
    module = build(config, seed=0)
    for one in (module, PrefixLM(module)):
        assert KVCache.of(one, batch=1, capacity=128).windows == [4, 4]
