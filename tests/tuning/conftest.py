"""A small tokenizer and a decoder of 30,000 parameters."""

import pytest

from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config
from groundup.text.tokenizers import train_tokenizer
from groundup.text.tokenizers.config import TokenizerConfig


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer(
        ["What is the colour of the sky? It is blue. user assistant\n"], TokenizerConfig(vocab_size=270)
    )


@pytest.fixture
def tiny(tokenizer):
    """Make a fresh small module for the tokenizer."""

    def make(seed=0, context=64):
        config = Qwen3Config(
            vocab_size=tokenizer.vocab_size, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=16, max_position_embeddings=context,
            tie_word_embeddings=True, eos_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        return build(config, seed=seed)

    return make


def talk(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


@pytest.fixture
def conversations():
    """Ten questions with one-letter answers."""
    return [talk(f"{number}?", "abcdefghij"[number]) for number in range(10)]
