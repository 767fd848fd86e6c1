import json
import subprocess
import sys

import pytest

import groundup
from groundup import files
from groundup.errors import GroundupError, InputError
from groundup.runs import record

OUTCOME = {
    "target": 1.88, "seed": 1, "loss": 1.87, "seconds": 1.0, "training_seconds": 0.5, "steps": 3, "parameters": 9,
    "dtype": "float32", "threads": 2, "curve": [], "reached": True,
}  # fmt: skip


def fake(monkeypatch, status=0, told=""):
    """Let a child process do as if it had trained."""
    real = subprocess.run

    def run(command, **named):
        if "-m" not in command:
            return real(command, **named)
        code = (
            f"import json, sys, time; print({told!r}, file=sys.stderr); status = {status}; "
            f"status or json.dump({OUTCOME!r} | {{'ended': time.monotonic()}}, open(sys.argv[1], 'w')); sys.exit(status)"
        )
        return real([sys.executable, "-c", code, command[-1]], **named)

    monkeypatch.setattr(record.subprocess, "run", run)


def test_a_line_of_the_log_says_what_where_and_when(tmp_path, monkeypatch):
    fake(monkeypatch)
    text = tmp_path / "text.txt"
    text.write_text("words", "utf-8")
    line = record.timed(text, 1.88, 1)
    assert line["reached"] and line["version"] == groundup.__version__ and line["text"] == "text.txt"
    assert 0 < line["seconds"] < 60 and "ended" not in line
    assert line["text_sha256"] == files.sha256(text)
    json.dumps(line)


def test_an_attempt_that_fails_is_said_in_its_own_words(tmp_path, monkeypatch):
    fake(monkeypatch, status=2, told="the text is too short")
    text = tmp_path / "text.txt"
    text.write_text("words", "utf-8")
    with pytest.raises(GroundupError, match="the text is too short"):
        record.timed(text, 1.88, 1)


def test_the_fastest_is_of_this_text_and_target_and_has_reached_it():
    lines = [
        {"reached": True, "text_sha256": "a", "target": 1.88, "seconds": 7.0},
        {"reached": False, "text_sha256": "a", "target": 1.88, "seconds": 2.0},
        {"reached": True, "text_sha256": "b", "target": 1.88, "seconds": 3.0},
        {"reached": True, "text_sha256": "a", "target": 1.6, "seconds": 4.0},
        {"reached": True, "text_sha256": "a", "target": 1.88, "seconds": 6.0},
    ]
    assert record.fastest(lines, "a", 1.88) is lines[-1]
    assert record.fastest(lines, "c", 1.88) is None


def test_the_text_is_the_users_or_pythons_documentation(tmp_path):
    with pytest.raises(InputError, match=r"there is no text file .*nothing\.txt"):
        record.text_file(tmp_path / "nothing.txt", tmp_path)
    made = record.text_file(None, tmp_path)
    assert len(made.read_text("utf-8")) > 500_000
    assert record.text_file(None, tmp_path) == made
