"""A run that is killed or stopped, in real processes: what it ends with is what an unbroken run ends with."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

MINIATURE = Path(__file__).parents[1] / "recipes" / "miniature.toml"
LONGER = ["--set", "train.steps=30", "--set", "tune.steps=12", "--set", "align.steps=6", "--threads", "1"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    source = str(Path(__file__).parents[2] / "src")
    cache = str(tmp_path_factory.mktemp("cache"))
    return os.environ | {"PYTHONPATH": source, "GROUNDUP_CACHE": cache, "OMP_NUM_THREADS": "1"}


def start(out, environment):
    command = [sys.executable, "-m", "groundup.cli", "run", str(MINIATURE), "--out", str(out), *LONGER]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def weights(out):
    return hashlib.sha256((out / "model" / "model.safetensors").read_bytes()).hexdigest()


def wait_for(condition, process, seconds=120):
    until = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, environment):
    out = tmp_path_factory.mktemp("unbroken") / "run"
    process = start(out, environment)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return out


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_ends_with_the_same_weights(unbroken, tmp_path, environment):
    chance, out = random.Random(0), tmp_path / "run"
    for _ in range(10):
        process = start(out, environment)
        wait_for((out / "recipe.toml").exists, process)
        time.sleep(chance.uniform(0.0, 4.0))
        process.kill()
        process.communicate()
    process = start(out, environment)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert weights(out) == weights(unbroken)
    assert not [path for path in out.rglob("*") if path.name.startswith((".tmp-", ".old-"))]


@pytest.mark.slow
def test_killed_inside_each_training_stage_it_goes_on_from_the_checkpoint(unbroken, tmp_path, environment):
    out = tmp_path / "run"
    for stage in ("train", "tune", "align"):
        process = start(out, environment)
        wait_for(lambda name=stage: any(out.glob(f"stages/*-{name}-*/metrics.jsonl")), process)
        process.kill()
        process.communicate()
    process = start(out, environment)
    assert process.wait() == 0
    assert weights(out) == weights(unbroken)


@pytest.mark.slow
def test_ctrl_c_stops_at_a_step_saves_says_how_to_go_on_and_the_result_is_the_same(unbroken, tmp_path, environment):
    out = tmp_path / "run"
    process = start(out, environment)
    wait_for(lambda: any(out.glob("stages/*-train-*/metrics.jsonl")), process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    said = stderr.splitlines()[-1]
    assert "stopped after step" in said and "saved" in said and "groundup run" in said and "Traceback" not in stderr
    assert start(out, environment).wait() == 0
    assert weights(out) == weights(unbroken)
