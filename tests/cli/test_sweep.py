"""`groundup run` of a sweep: the entropy is the floor of tinyworld's bits a byte, and of no other measure."""

import json

import pytest

from groundup.runs.sweep import grid

ROW = {
    "size": "20 x 3",
    "budget": 3e11,
    "steps": 2,
    "tokens": 2048,
    "flops": 3e11,
    "parameters": 9,
    "seed": 1,
    "value": 1.0,
}


@pytest.mark.parametrize(("measure", "floor"), [("bits_per_byte_tinyworld", 0.25), ("loss", None)])
def test_the_floor_is_that_of_the_measure(measure, floor, call, monkeypatch, tmp_path):
    monkeypatch.setattr(grid, "floor", lambda folder: 0.25)
    monkeypatch.setattr(grid, "run", lambda made, folder, *, command, on_run, keep: keep([ROW]))
    status, stdout, stderr = call("run", "sweep", "--set", f"sweep.measure={measure}", "--out", tmp_path, "--json")
    assert status == 0, stderr
    assert json.loads(stdout)["floor"] == floor
