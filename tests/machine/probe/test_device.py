from dataclasses import dataclass
from types import SimpleNamespace
from typing import NamedTuple

import numba
import pytest
import torch

from groundup.errors import ConfigError
from groundup.machine.probe.device import device_of_module, pick_device, placed, set_threads
from groundup.processor import cores


@pytest.fixture(autouse=True)
def same_threads_afterwards():
    before = torch.get_num_threads(), numba.get_num_threads()
    yield
    torch.set_num_threads(before[0])
    numba.set_num_threads(before[1])


def test_auto_is_a_device_that_is_there():
    assert torch.zeros(1, device=pick_device("auto")).numel() == 1


def test_a_gpu_is_preferred_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == "cuda"
    assert pick_device("cuda:1") == "cuda:1"


@pytest.mark.parametrize("name", ["cuda", "mps", "abacus"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ConfigError, match=f"no device '{name}' .*; give --device auto or cpu"):
        pick_device(name)


def test_threads_are_as_asked_or_as_many_as_cores():
    assert set_threads(1) == torch.get_num_threads() == numba.get_num_threads() == 1
    assert set_threads() == cores() == torch.get_num_threads()


@dataclass(frozen=True)
class Pair:
    ids: torch.Tensor
    name: str


class Views(NamedTuple):
    first: torch.Tensor
    count: int


@pytest.mark.parametrize(
    "batch", [Pair(torch.zeros(2), "a"), Views(torch.zeros(2), 3), SimpleNamespace(ids=torch.zeros(2), n=1)]
)
def test_every_tensor_of_a_batch_goes_to_the_device_and_the_batch_itself_stays(batch):
    moved = placed(batch, "meta")
    assert type(moved) is type(batch)
    before, after = (list(getattr(one, "_asdict", lambda one=one: vars(one))().values()) for one in (batch, moved))
    assert [value for value in after if not isinstance(value, torch.Tensor)] == [before[1]]
    assert after[0].device.type == "meta" and before[0].device.type == "cpu"
    assert placed(batch, "cpu") is batch


def test_a_batch_that_moves_itself_does_and_a_module_is_where_its_weights_are():
    assert placed(torch.zeros(2), "meta").is_meta
    assert device_of_module(torch.nn.Linear(2, 2, device="meta")).type == "meta"
    assert device_of_module(torch.nn.Identity()).type == device_of_module(object()).type == "cpu", "a table answers as a module does, without weights"
