"""What a child process says of a user's mistake, of a lack of memory, and of its parent."""

import os
import subprocess

import pytest

from groundup.errors import ConfigError, GroundupError
from groundup.runs import child, measurement
from groundup.training.config import TrainConfig


def test_a_users_mistake_is_one_line_and_the_same_sentence_here(monkeypatch, capsys):
    def mistaken(folder):
        raise ConfigError(f"{folder} cannot be; use another")

    monkeypatch.setattr(measurement, "main", mistaken)
    monkeypatch.setattr(child.orphans, "end_with_parent", lambda: None)
    with pytest.raises(SystemExit) as ended:
        child.main("measurement", "x")
    errors = capsys.readouterr().err
    assert errors == "x cannot be; use another\n"
    with pytest.raises(GroundupError, match="^x cannot be; use another$"):
        child.raise_mistake(ended.value.code, f"a warning\n{errors}")


def test_a_mistake_of_ours_is_no_users(tmp_path):
    done = subprocess.run(child.command("largest_batch", tmp_path), env=os.environ, capture_output=True, text=True)
    assert done.returncode == 1 and "asked.json" in done.stderr
    child.raise_mistake(done.returncode, done.stderr)
    assert not child.lacked_memory(done.returncode, done.stderr)


def test_want_of_memory_is_told_by_the_system_or_by_the_words():
    assert child.lacked_memory(-9, "") and child.lacked_memory(1, "torch.OutOfMemoryError: CUDA out of memory. Tried")
    assert child.lacked_memory(1, "MemoryError") and not child.lacked_memory(1, "ZeroDivisionError")


def test_only_ways_that_are_open_are_named():
    used = TrainConfig(batch_size=1, optimizer_state="8bit", activation_checkpointing="layers")
    assert child.ways(used) == "try a shorter train.seq_len than 256, or a smaller model"
