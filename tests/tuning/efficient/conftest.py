"""Tiny models of two families whose every weight is drawn, and their ids."""

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.mistral import MistralConfig

SHAPE = {
    "vocab_size": 90, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}  # fmt: skip
CONFIGS = {
    "llama": LlamaConfig(**SHAPE, tie_word_embeddings=False),
    "mistral": MistralConfig(**SHAPE, sliding_window=5, tie_word_embeddings=False),
    "tied": LlamaConfig(**SHAPE, tie_word_embeddings=True),
}


def drawn(module, seed=1, scale=0.2):
    """Every parameter moved, so that nothing is 0."""
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=draw) * scale)
    return module


@pytest.fixture
def make():
    """A fresh model of a family."""
    return lambda family="llama", seed=1: drawn(build(CONFIGS[family], seed=0), seed)


@pytest.fixture
def ids():
    return torch.randint(0, 90, (3, 11), generator=torch.Generator().manual_seed(0))
