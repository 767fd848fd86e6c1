"""Seconds and peak memory of one stage, in a process that has done others before."""

import sys

import numpy as np
import pytest

from groundup.runs import resources


@pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark can be put back on Linux only")
def test_the_peak_of_an_earlier_stage_is_not_counted_again():
    hungry = resources.Meter()
    np.ones(40_000_000, dtype=np.uint8).sum()
    assert hungry.stop().peak_memory_bytes - hungry.start_memory_bytes > 30e6
    modest = resources.Meter()
    cost = modest.stop()
    assert cost.peak_is_of_stage and cost.peak_memory_bytes - cost.start_memory_bytes < 20e6


def test_where_the_peak_cannot_be_put_back_it_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "CLEAR_REFS", tmp_path / "no" / "clear_refs")
    assert not resources.Meter().stop().peak_is_of_stage


def test_without_proc_the_peak_of_the_process_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr(resources.gauges, "STATUS", tmp_path / "status")
    assert resources.memory_bytes("VmHWM") > 1e6
