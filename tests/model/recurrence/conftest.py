"""Random inputs of a recurrence, and modules whose every parameter matters."""

import pytest
import torch


@pytest.fixture
def inputs():
    """Query, key (unit length), value, log decay and beta in float64."""

    def make(batch=2, heads=3, seq=13, key_dim=4, value_dim=5, seed=0, dtype=torch.float64):
        source = torch.Generator().manual_seed(seed)

        def draw(*shape):
            return torch.randn(*shape, generator=source, dtype=torch.float64).to(dtype)

        query, key = draw(batch, heads, seq, key_dim), draw(batch, heads, seq, key_dim)
        value = draw(batch, heads, seq, value_dim)
        log_decay, beta = -draw(batch, heads, seq).abs(), draw(batch, heads, seq).sigmoid()
        return query, torch.nn.functional.normalize(key, dim=-1), value, log_decay, beta

    return make


@pytest.fixture
def random_parameters():
    """Fill a module's parameters, the same for the same seed."""

    def fill(module, seed=0):
        source = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for _, parameter in sorted(module.named_parameters()):
                parameter.copy_(torch.randn(parameter.shape, generator=source, dtype=torch.float64) * 0.3)
        return module

    return fill


class States:
    """The smallest cache that a recurrence can use: one layer's state."""

    def __init__(self):
        self.state = (None, None)

    def recall(self, layer):
        return self.state

    def keep(self, layer, state, tokens):
        self.state = state


@pytest.fixture
def states():
    """An empty cache."""
    return States
