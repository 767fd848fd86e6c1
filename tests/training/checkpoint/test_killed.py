"""Runs killed by SIGKILL at random moments, inside saves too, under every schedule, number format and kind of state."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import groundup

KILLS = 3  # a case; there are 12


@pytest.fixture(scope="module")
def told():
    """What every case came to. In memory where there is such a place: a kill needs no disk, and flushing one takes its time."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    environment = os.environ | {
        "GROUNDUP_QUIET": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(Path(groundup.__file__).parents[1]),
    }
    with tempfile.TemporaryDirectory(dir=place) as folder:
        script = Path(__file__).with_name("killed.py")
        command = [sys.executable, str(script), folder, str(KILLS)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.slow
def test_killed_at_30_random_moments_every_run_ends_with_the_same_bits(told):
    """Weights, optimiser and generators; the metrics with the rows of every step; and which checkpoints stayed."""
    assert len(told) == 12
    assert {case["case"][0] for case in told} == {"float32", "bfloat16", "float16"}
    for case in told:
        assert case["killed"] == case["whole"], case["case"]
    assert len({case["whole"][0] for case in told}) == 12  # the cases are different runs


@pytest.mark.slow
def test_most_were_killed_before_their_end_and_many_inside_a_save(told):
    assert sum(case["kills"] for case in told) >= 30
    assert sum(case["inside"] for case in told) >= 8
