"""Vectors as a model's first embedding: a model takes the matrix, its width and scale are the model's, angles stay."""

import numpy as np
import pytest
import torch

from groundup.classical.embeddings.initial import initial_embedding
from groundup.classical.embeddings.vectors import WordVectors
from groundup.errors import ConfigError, InputError
from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.text.tokenizers.word import train_word_tokenizer

WORDS = ["the", "cat", "dog", "sat"]


@pytest.fixture
def vectors() -> WordVectors:
    return WordVectors(WORDS, np.random.default_rng(0).normal(size=(4, 12)))


def cosines(rows):
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize("width", [12, 16, 40])
def test_a_model_takes_it_and_angles_stay(vectors, width):
    tokenizer = train_word_tokenizer(["The cat sat", "the dog sat and sat"], min_count=1)
    matrix = initial_embedding(vectors, tokenizer, width)
    config = Qwen3Config(
        vocab_size=len(matrix), hidden_size=width, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=16,
    )  # fmt: skip
    model = build(config)
    weight = model.get_parameter("model.embed_tokens.weight")
    weight.data.copy_(torch.from_numpy(matrix))
    assert torch.isfinite(model(torch.tensor([[1, 2, 3]]))).all()
    ids = [tokenizer.vocabulary[word] for word in WORDS]
    assert np.allclose(cosines(matrix[ids]), cosines(vectors.vectors), atol=1e-5)
    assert np.allclose(matrix[tokenizer.vocabulary["The"]], matrix[tokenizer.vocabulary["the"]])
    assert matrix[ids].std() == pytest.approx(0.02, rel=0.1)


def test_a_narrower_model_keeps_the_principal_directions(vectors):
    matrix = initial_embedding(vectors, {word: id for id, word in enumerate(WORDS)}, 4, std=1.0)
    scale = np.linalg.norm(matrix) / np.linalg.norm(vectors.vectors)
    assert np.allclose(matrix @ matrix.T / scale**2, vectors.vectors @ vectors.vectors.T, atol=1e-4), (
        "four rows span four"
    )


def test_rows_of_one_number_have_a_scale_too_and_no_width_is_no_default():
    matrix = initial_embedding(WordVectors(["a", "b"], np.full((2, 6), 3.0)), {"a": 0, "b": 1}, std=0.02)
    assert np.allclose(matrix, 0.02)
    with pytest.raises(ConfigError, match="hidden_size=0"):
        initial_embedding(WordVectors(["a"], np.ones((1, 6))), {"a": 0}, hidden_size=0)


def test_tokens_that_are_no_words_get_quiet_draws(vectors):
    vocabulary = {"Ġcat": 0, "▁dog": 1, "xq": 2, "zz": 3}
    matrix, again = (initial_embedding(vectors, vocabulary, seed=3) for _ in range(2))
    assert np.array_equal(matrix, again) and matrix.shape == (4, 12)
    assert cosines(matrix[:2])[0, 1] == pytest.approx(vectors.similarity("cat", "dog"), abs=1e-5)
    assert 0.005 < matrix[2:].std() < 0.04


def test_what_makes_no_embedding(vectors):
    with pytest.raises(InputError, match="none of the 1 tokens is one of the 4 words"):
        initial_embedding(vectors, {"q": 0})
    with pytest.raises(InputError, match="vocabulary is empty"):
        initial_embedding(vectors, {})
    with pytest.raises(ConfigError, match="std=0"):
        initial_embedding(vectors, {"cat": 0}, std=0)
