"""A small model with an optimiser that made a step."""

import pytest
import torch

from groundup.training.config import TrainConfig
from groundup.training.optimizers import build_optimizer


@pytest.fixture
def trained(tiny):
    module = tiny()
    optimizer = build_optimizer(module, TrainConfig())
    for parameter in module.parameters():
        parameter.grad = torch.randn(parameter.shape)
    optimizer.step()
    return module, optimizer
