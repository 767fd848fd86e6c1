"""Modules whose every parameter matters."""

import pytest
import torch


@pytest.fixture
def random_parameters():
    """Fill a module's parameters, the same for the same seed."""

    def fill(module, seed=0):
        source = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for _, parameter in sorted(module.named_parameters()):
                parameter.copy_(torch.randn(parameter.shape, generator=source, dtype=torch.float64) * 0.5)
        return module

    return fill
