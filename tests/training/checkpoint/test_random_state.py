import random

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from groundup.training.checkpoint import random_state


def draws():
    return [
        torch.rand(3).tolist(), torch.randn(1).item(), random.random(), random.gauss(0, 1), random.getrandbits(64),
        np.random.rand(), np.random.randn(), np.random.randint(10**9),
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def as_it_was():
    before = random_state.state()
    yield
    random_state.load(before)


@pytest.mark.parametrize("before", [0, 1, 2, 7, 700])
def test_every_generator_goes_on_where_it_was_also_between_the_two_halves_of_a_normal_pair(before):
    for _ in range(before):
        random.gauss(0, 1), np.random.randn(), torch.randn(1)
    table = load(save(random_state.state()))  # as it comes from the disk
    expected = draws()
    assert draws() != expected
    random_state.load(table)
    assert draws() == expected


def test_a_generator_that_the_table_does_not_hold_stays_as_it_is():
    table = {name: tensor for name, tensor in random_state.state().items() if "numpy" not in name}
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    random_state.load(table)
    assert np.random.rand() == expected
    random_state.load({})
