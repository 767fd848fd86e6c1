"""What the tests of the optimisers share: a small problem and a few steps on it."""

import pytest
import torch


@pytest.fixture
def problem():
    """Make a matrix and a vector, and gradients for ten steps."""

    def make(seed=0):
        generator = torch.Generator().manual_seed(seed)
        named = {"matrix": torch.randn(5, 3, generator=generator), "gain": torch.randn(4, generator=generator)}
        steps = [
            {name: torch.randn(value.shape, generator=generator) for name, value in named.items()} for _ in range(10)
        ]
        return named, steps

    return make


@pytest.fixture
def run():
    """Give an optimiser its gradients, step by step."""

    def steps(optimizer, named, gradients, factors=None):
        for index, table in enumerate(gradients):
            for name, parameter in named.items():
                parameter.grad = table[name].clone()
            optimizer.step(*([] if factors is None else [factors[index]]))

    return steps
