"""A tiny random model and a tokenizer of single characters: real parts, no training."""

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.qwen3 import Qwen3Config


@pytest.fixture
def tiny():
    """Build a tiny random decoder whose every parameter matters."""

    def make(seed=0, **changes):
        sizes = dict(
            vocab_size=70,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=64,
            tie_word_embeddings=True,
        )
        module = build(Qwen3Config(**(sizes | changes)), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for _, parameter in sorted(module.named_parameters()):
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * 0.4 if parameter.dim() > 1 else 1 + noise * 0.2)
        return module

    return make


@pytest.fixture(autouse=True)
def seeded():
    """The same random inputs in every run, in any order."""
    torch.manual_seed(0)
