"""The machine's name says which processor it is, and how many cores of it this process may use."""

import os

from groundup import processor


def test_the_processors_model_is_read_from_the_system(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Abacus 3000\nmodel name\t: other\n")
    assert processor.processor() == "Abacus 3000"
    (tmp_path / "cpuinfo").write_text("processor : 0\nCPU part : 0xd0c\n")
    assert processor.processor()


def test_a_process_that_was_given_one_core_counts_one(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {5}, raising=False)
    assert processor.cores() == 1 and processor.machine_name().endswith(", 1 cores")
    monkeypatch.delattr(os, "sched_getaffinity")
    assert processor.cores() == os.cpu_count()
