"""The learner's own functions in a real run: they are used, counted, timed, compared, and a wrong one shows in the loss."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MINIATURE = Path(__file__).parents[1] / "recipes" / "miniature.toml"
ATTENTION = """
import math
import torch

def scaled_dot_product_attention(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / {scale}
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, dim=-1).nan_to_num() @ value
"""
TOP_P = """
import torch

def top_p(logits, p):
    ordered, order = logits.sort(dim=-1, descending=True, stable=True)
    before = torch.softmax(ordered, dim=-1).cumsum(-1) - torch.softmax(ordered, dim=-1)
    kept = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, before < p)
    return logits.masked_fill(~kept, float("-inf"))
"""


@pytest.fixture
def run(tmp_path):
    """A run with the folder `my` given before the verb or after it; its results."""

    def do(*arguments):
        source = str(Path(__file__).parents[2] / "src")
        environment = os.environ | {"PYTHONPATH": source, "GROUNDUP_CACHE": str(tmp_path / "cache")}
        steps = ["--set", "train.steps=32", "--set", "train.sample_every=16", "--threads", "1"]
        command = [sys.executable, "-m", "groundup.cli", *arguments, "--out", str(tmp_path / "run"), *steps]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return json.loads((tmp_path / "run" / "results.json").read_text()), done

    return do


@pytest.mark.slow
def test_right_functions_are_used_counted_and_leave_the_loss_and_a_wrong_one_shows(run, tmp_path):
    my = tmp_path / "my"
    my.mkdir()
    (my / "attention.py").write_text(ATTENTION.format(scale="math.sqrt(query.shape[-1])"))
    (my / "sampling.py").write_text(TOP_P)
    found, done = run("--mine", str(my), "run", str(MINIATURE))
    slots = {slot["id"]: slot for slot in found["slots"]}
    attention, top_p = slots["model.attention.scaled_dot_product_attention"], slots["inference.decoding.top_p"]
    assert attention["file"].endswith("attention.py:5") and attention["calls"] > 32 and attention["speed_ratio"] > 0
    assert top_p["calls"] > 0 and "train" in top_p["stages"]
    loss = attention["loss"]
    assert loss["steps"] == 30 and abs(loss["mine"] - loss["reference"]) < 0.02
    assert attention["compared"] > 1 and attention["differs_at"] is None and top_p["differs_at"] is None
    assert loss["alone"] == {} and loss["noise"] > 0
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "<h2>Your functions</h2>" in page and "attention.py:5" in page

    (my / "attention.py").write_text(ATTENTION.format(scale="0.05"))
    found, done = run("run", str(MINIATURE), "--mine", str(my))
    assert "data: reused" in done.stderr and "tokenizer: reused" in done.stderr and "train: train" in done.stderr
    loss = next(slot["loss"] for slot in found["slots"] if slot["id"].endswith("attention"))
    assert abs(loss["mine"] - loss["reference"]) > 0.05
    slots = {slot["id"]: slot for slot in found["slots"]}
    assert slots["model.attention.scaled_dot_product_attention"]["differs_at"] == 1
    assert slots["inference.decoding.top_p"]["differs_at"] is None
    assert list(loss["alone"]) == ["model.attention.scaled_dot_product_attention"]
    assert abs(loss["alone"]["model.attention.scaled_dot_product_attention"] - loss["reference"]) > 0.05
    assert "scaled_dot_product_attention gives other results than the reference, first at call 1" in done.stdout
