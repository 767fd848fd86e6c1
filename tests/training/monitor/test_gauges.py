"""Gauges: what the system tells, and silence where it does not."""

import os
import resource

import pytest

from groundup.training.monitor import gauges


def test_memory_is_that_of_this_process():
    psutil = pytest.importorskip("psutil")
    found = gauges.memory()
    assert found["memory_bytes"] == pytest.approx(psutil.Process(os.getpid()).memory_info().rss, rel=0.05)
    assert found["peak_memory_bytes"] >= found["memory_bytes"]


def test_without_a_proc_file_system_the_peak_is_all_there_is(monkeypatch, tmp_path):
    monkeypatch.setattr(gauges, "STATUS", tmp_path / "none")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert gauges.memory()["peak_memory_bytes"] >= peak and set(gauges.memory()) == {"peak_memory_bytes"}


def test_the_hottest_zone_counts_and_a_broken_sensor_does_not(tmp_path):
    for number, value in enumerate(("41000", "63500", "-274000", "not read")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(value)
    assert gauges.temperature(tmp_path) == 63.5
    assert gauges.temperature(tmp_path / "none") is None


def test_power_is_energy_by_time_and_a_counter_that_begins_again_is_left_out(tmp_path, monkeypatch):
    counter, now = tmp_path / "intel-rapl:0", [100.0]
    counter.mkdir()
    (counter / "energy_uj").write_text("5000000")
    read = gauges.energy_joules
    monkeypatch.setattr(gauges, "energy_joules", lambda: read(tmp_path))
    monkeypatch.setattr(gauges, "temperature", lambda: None)
    meter = gauges.Gauges(clock=lambda: now[0])
    assert "power_w" not in meter()
    (counter / "energy_uj").write_text("65000000")
    now[0] += 3
    assert meter()["power_w"] == 20.0
    (counter / "energy_uj").write_text("1000")
    now[0] += 3
    assert "power_w" not in meter()


def test_heat_is_read_every_two_seconds_only(monkeypatch):
    reads, now = [], [0.0]
    monkeypatch.setattr(gauges, "temperature", lambda: reads.append(now[0]) or 50.0)
    meter = gauges.Gauges(clock=lambda: now[0])
    for _ in range(10):
        assert meter()["temperature_c"] == 50.0
        now[0] += 0.5
    assert reads == [0.0, 2.0, 4.0]


def test_a_card_is_asked_beside_the_training_and_nobody_waits(tmp_path, monkeypatch):
    tool, now = tmp_path / "nvidia-smi", [0.0]
    tool.write_text("#!/bin/sh\necho '61, 248.10, [N/A]'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    card = gauges.Card(clock=lambda: now[0])
    assert card() == {}
    card.process.wait()
    assert card() == {"gpu_temperature_c": 61.0, "gpu_power_w": 248.1}


def test_a_machine_without_the_tool_has_no_card(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert gauges.Card()() == {}
