"""An ablation really run through the command line: the demo in miniature, a variant that learns and one that diverges."""

import json
from pathlib import Path

import pytest

from groundup import cli

MINIATURE = Path(__file__).parents[2] / "recipes" / "miniature.toml"
TEXT = f"""
name = "two"
parent = "{MINIATURE.as_posix()}"
stages = ["data", "tokenizer", "train"]
[ablation]
seeds = [1, 2]
[variants.wider.model]
intermediate_size = 64
[variants.diverges.train]
learning_rate = 1e30
matrix_learning_rate = 1e30
"""


@pytest.mark.slow
def test_the_command_line_makes_a_table_with_what_failed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("two.toml").write_text(TEXT)
    assert cli.main(["run", "two.toml", "--json", "--dtype", "float32"]) == 0
    results = json.loads(capsys.readouterr().out)
    base, wider, diverges = results["variants"]
    assert 1 < base["mean"] < 8 and wider["low"] <= wider["difference"] <= wider["high"]
    assert wider["parameters"] - base["parameters"] == 3 * 32 * 16
    assert len(diverges["failed"]) == 2 and "mean" not in diverges
    assert results == json.loads(Path("runs/two/ablation.json").read_text())
    assert "diverged from 2 of 2 seeds" in Path("runs/two/ablation.html").read_text()
    assert len(list(Path("runs/two/stages").glob("01-data-*"))) == 1
    assert cli.main(["run", "two.toml", "--dtype", "float32"]) == 0
    shown = capsys.readouterr()
    assert "training" not in shown.err and "wider" in shown.out
