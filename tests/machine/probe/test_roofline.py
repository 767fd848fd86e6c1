import pytest
import torch

from groundup import files
from groundup.machine.probe import roofline
from groundup.machine.probe.roofline import Machine, probe


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty cache folder, and a measurement that is counted instead of made."""
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(roofline, "matmul_flops", lambda dtype: {"float32": 2e11, "bfloat16": 6e11}[dtype])
    monkeypatch.setattr(roofline, "memory_bytes_per_s", Counted(2e10))
    return tmp_path / "cache"


class Counted:
    def __init__(self, value):
        self.value, self.calls = value, 0

    def __call__(self):
        self.calls += 1
        return self.value


def measured():
    return roofline.memory_bytes_per_s.calls


def test_a_machine_is_measured_once_and_kept(folder):
    first = probe()
    assert probe() == first
    assert measured() == 1
    assert first.matmul_flops["bfloat16"] == 6e11
    assert first.threads == torch.get_num_threads()


def test_another_number_of_threads_is_another_machine():
    threads = torch.get_num_threads()
    probe()
    try:
        torch.set_num_threads(threads + 1)
        probe()
    finally:
        torch.set_num_threads(threads)
    assert measured() == 2


def test_it_is_measured_again_when_asked_or_when_what_was_kept_is_damaged(folder):
    probe()
    probe(fresh=True)
    [kept] = folder.iterdir()
    kept.write_text("{")
    probe()
    files.write_json(kept, {"of": "an older version"})
    assert probe().processor
    assert measured() == 4


def test_a_folder_that_cannot_be_written_keeps_nothing_and_stops_nobody(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "file" / "cache"))
    assert probe() == probe()


def test_the_roof_is_the_slower_of_multiplying_and_reading():
    machine = Machine("a processor", 2, {"float32": 100.0}, 10.0)
    assert machine.least_seconds(flops=1000, moved_bytes=10) == 10.0
    assert machine.least_seconds(flops=10, moved_bytes=1000) == 100.0
    assert machine.ridge() == 10.0


def test_the_real_measurements_are_positive(monkeypatch):
    monkeypatch.undo()
    assert roofline.matmul_flops("float32", seconds=0.01) > 1e8
    assert roofline.memory_bytes_per_s(1 << 20) > 1e7
    assert roofline.matmul_seconds(repeats=1) > 0
