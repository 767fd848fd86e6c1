"""Tiny random models whose every parameter matters: zero-initialised projections would hide a wrong one."""

import pytest
import torch

from groundup.model.architectures import build
from groundup.model.architectures.groundup import GroundupConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.architectures.qwen3 import Qwen3Config

SIZES = dict(
    vocab_size=97,
    hidden_size=32,
    intermediate_size=56,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=64,
)
FAMILY = {"llama": LlamaConfig, "qwen3": Qwen3Config, "groundup": GroundupConfig}


@pytest.fixture
def config():
    """Make a tiny configuration of a family; named fields override."""
    return lambda family="qwen3", **changes: FAMILY[family](**(SIZES | {"num_key_value_heads": 2} | changes))


@pytest.fixture
def randomly(config):
    """Build a tiny module with every parameter random, gains included."""

    def make(family="qwen3", seed=0, **changes):
        module = build(config(family, **changes), seed=seed)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for _, parameter in sorted(module.named_parameters()):
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.copy_(noise * 0.2 if parameter.dim() > 1 else 1 + noise * 0.2)
        return module

    return make


@pytest.fixture
def ids():
    """Random token ids of a shape."""
    return lambda *shape, seed=0: torch.randint(0, 97, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def seeded():
    """The same random inputs in every run, in any order."""
    torch.manual_seed(0)
