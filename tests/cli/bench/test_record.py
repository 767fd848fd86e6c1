import json

import pytest

from groundup import files
from groundup.cli import main
from groundup.runs import record


@pytest.fixture
def attempts(monkeypatch):
    """Attempts that take no time."""
    made = []

    def timed(text, target, seed, threads=0):
        made.append(
            {"target": target, "seed": seed, "loss": 1.8 + seed / 26, "seconds": 9.0 - seed, "training_seconds": 5.0, "steps": 170,
             "dtype": "float32", "threads": threads or 2, "reached": 1.8 + seed / 26 <= target, "text": text.name,
             "text_sha256": "a", "machine": "a machine", "commit": "abc"}
        )  # fmt: skip
        return made[-1]

    monkeypatch.setattr(record, "timed", timed)
    return made


def test_the_attempts_are_printed_and_kept(attempts, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("words", "utf-8")
    command = ["bench", "record", "--text", str(text), "--out", str(tmp_path / "log")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "seed 3, not reached" in said and "fastest so far: 7.0 s" in said
    assert main([*command, "--attempts", "1", "--seed", "5", "--json"]) == 0
    assert [line["seed"] for line in json.loads(capsys.readouterr().out)] == [5]
    assert [line["seed"] for line in files.read_jsonl(tmp_path / "log" / "record.jsonl")] == [1, 2, 3, 5]


@pytest.mark.parametrize(
    "flags, way_out",
    [
        (["--target", "2"], "--target 2 has no attempt; use 1.88 or 1.60"),
        (["--attempts", "0"], "use 1 or more"),
        (["--text", "nowhere.txt"], "leave --text out"),
    ],
)
def test_a_mistake_is_one_sentence(flags, way_out, attempts, tmp_path, capsys):
    assert main(["bench", "record", "--out", str(tmp_path), *flags]) == 2
    said = capsys.readouterr().err.strip()
    assert len(said.splitlines()) == 1 and way_out in said


@pytest.mark.parametrize("flag", ["--device", "--dtype"])
def test_a_flag_that_would_do_nothing_is_none(flag, attempts, tmp_path, capsys):
    assert main(["bench", "record", "--out", str(tmp_path), flag, "auto"]) == 2
    assert f"has no option {flag}" in capsys.readouterr().err and not attempts
