"""Packing texts: they come back, at the model's own bits per byte, through windows, with any byte-level tokenizer."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from groundup.data.sources import tinyworld
from groundup.errors import ConfigError, InputError
from groundup.evaluation.metrics.archive import (
    HEADER,
    ModelProbabilities,
    Packer,
    model_packer,
    ngram_packer,
    pack,
    unpack,
)
from groundup.evaluation.metrics.intrinsic import bits_per_byte, fit_ngram, ngram_bits_per_byte, tokenize
from groundup.model.architectures import build, config_from_dict
from groundup.text.tokenizers.byte_level import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig

CONTEXT = 24
ODD = ["", "é ünï 日本", "<|endoftext|> as text", "a\0b", "x" * 100]


@pytest.fixture(scope="module")
def texts():
    return [document.text for document in tinyworld.sample(0, 150)]


@pytest.fixture(scope="module")
def tokenizer(texts):
    return train_tokenizer(iter(texts), TokenizerConfig(vocab_size=320))


@pytest.fixture(scope="module")
def handle(tokenizer):
    config = {
        "model_type": "llama",
        "vocab_size": tokenizer.vocab_size,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": True,
    }
    module = build(config_from_dict(config), seed=0).eval()
    for parameter in module.parameters():
        parameter.data *= 3  # a model with opinions
    return SimpleNamespace(module=module, tokenizer=tokenizer)


@pytest.mark.slow
def test_texts_of_any_kind_come_back_through_a_model_longer_than_its_context(handle):
    packer = model_packer(handle)
    texts = [*ODD, "Anna has a red ball. " * 6]
    assert unpack(pack(texts, packer), model_packer(handle)) == texts
    assert unpack(pack(texts, packer), packer) == texts, "the same packer may be used again"


@pytest.mark.slow
def test_the_file_is_the_models_own_bits(handle, texts):
    few = texts[:2]
    bits = bits_per_byte(handle.module, tokenize(few, handle.tokenizer)).nats.sum() / np.log(2)
    written = 8 * (len(pack(few, model_packer(handle))) - HEADER.size)
    assert bits < written + 1 and written < 1.002 * bits + 8


@pytest.mark.parametrize("context", [None, 1, 2, 7])
def test_each_prefix_gets_the_probabilities_of_its_window(handle, context):
    module = handle.module
    ask = ModelProbabilities(module, 0, context)
    context, stride = context or CONTEXT, max(1, (context or CONTEXT) // 2)
    tokens = np.random.default_rng(0).integers(1, 300, 60).tolist()
    for place in range(len(tokens)):
        window = [0, *tokens[:place]]
        start = next(start for start in range(0, 100, stride) if len(window) - start <= context)
        with torch.inference_mode():
            expected = torch.softmax(module(torch.tensor([window[start:]]))[0, -1], 0).numpy()
        np.testing.assert_allclose(ask(tokens[:place]), expected, rtol=1e-4, atol=1e-7)


def test_an_ngram_model_packs_at_its_own_bits_and_the_texts_come_back(texts, tokenizer):
    model = fit_ngram(tokenize(texts[:100], tokenizer), 4, tokenizer.vocab_size)
    few, packer = texts[100:110], ngram_packer(model, tokenizer)
    data = pack(few, packer)
    assert unpack(data, packer) == few
    bits = ngram_bits_per_byte(model, tokenize(few, tokenizer)).nats.sum() / np.log(2)
    assert 8 * (len(data) - HEADER.size) == pytest.approx(bits, rel=0.002, abs=8)
    assert unpack(pack([], packer), packer) == [] and unpack(pack(ODD, packer), packer) == ODD


def test_a_file_opened_with_another_model_is_not_taken_for_the_text(texts, tokenizer):
    one, other = (
        ngram_packer(fit_ngram(tokenize(some, tokenizer), 3, tokenizer.vocab_size), tokenizer)
        for some in (texts[:50], texts[50:100])
    )
    with pytest.raises(InputError, match=r"what came out is not what was packed|written with another model"):
        unpack(pack(texts[100:103], one), other)


def test_a_damaged_file_is_noticed(texts, tokenizer):
    packer = ngram_packer(fit_ngram(tokenize(texts[:50], tokenizer), 3, tokenizer.vocab_size), tokenizer)
    data = pack(texts[100:103], packer)
    with pytest.raises(InputError, match="3 bytes are no packed texts"):
        unpack(data[:3], packer)
    with pytest.raises(InputError, match="ends before its last token"):
        unpack(data[: HEADER.size + 20], packer)
    with pytest.raises(InputError, match=r"not what was packed|ends before"):
        unpack(data[:20] + bytes([data[20] ^ 1]) + data[21:], packer)


def test_what_cannot_be_packed_is_refused_with_the_way_out(handle):
    class Lossy:
        eos_token_id = 0

        def encode_packed(self, texts):
            return np.ones(len(list(texts)), np.int32), np.arange(len(list(texts)) + 1)

        def decode(self, ids):
            return "?"

    with pytest.raises(InputError, match="the tokenizer does not give text 1 back as it was; use a byte-level one"):
        pack(["?", "a"], Packer(Lossy(), lambda before: [0.5, 0.5]))
    with pytest.raises(InputError, match="load it with tokenizer=True"):
        model_packer(SimpleNamespace(module=handle.module, tokenizer=None))
    half = build(handle.module.config, seed=0)
    half.compute_dtype = torch.bfloat16
    with pytest.raises(ConfigError, match=r"computes in torch.bfloat16, .*; load it with dtype=torch.float32"):
        ModelProbabilities(half, 0)
