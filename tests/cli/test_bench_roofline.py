"""`groundup bench machine`, `roofline`, `accelerators`: tables, files, JSON; one sentence for what cannot be."""

import importlib
import json

import pytest

from groundup.cli import main
from groundup.machine.probe import limits
from groundup.machine.probe.limits import Level, Limits
from groundup.machine.probe.products import Peak


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    levels = [Level("L1", 32 << 10, 0, [1.0], [200e9]), Level("memory", 0, 0, [90.0], [20e9])]
    made = Limits("a processor", 2, 1, [Peak("float32", 512, "torch", [100e9])], {"read": [20e9]}, levels, [])
    monkeypatch.setattr(limits, "measure", lambda *a, **k: made)


def test_the_machine_is_shown_and_given_as_json(capsys):
    assert main(["bench", "machine", "--threads", "1"]) == 0
    assert "float32 product" in capsys.readouterr().out
    assert main(["bench", "machine", "--json", "--threads", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["levels"][0]["name"] == "L1"


def test_the_roofline_writes_table_picture_and_figures(tmp_path, capsys, monkeypatch):
    roofline = importlib.import_module("groundup.cli.bench.roofline")
    tiny = {
        "hidden_size": 16,
        "intermediate_size": 24,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "vocab_size": 32,
    }
    monkeypatch.setattr(roofline, "SIZES", {"tiny": tiny})
    assert (
        main(
            [
                "bench",
                "roofline",
                "--model",
                "tiny",
                "--batch",
                "1",
                "--seq-len",
                "8",
                "--repeats",
                "1",
                "--threads",
                "1",
            ]
        )
        == 0
    )
    assert "decode, head" in capsys.readouterr().out
    folder = tmp_path / "runs" / "roofline"
    assert {file.name for file in folder.iterdir()} == {"roofline.md", "roofline.html", "roofline.json"}
    assert "groundup" in (folder / "roofline.md").read_text() and "plotly" in (folder / "roofline.html").read_text()


def test_accelerators_are_compared_and_what_is_missing_is_said(capsys):
    assert main(["bench", "accelerators", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["a100"]["bound"] == "memory" and rows["a100"]["sources"]
    assert rows["cerebras"]["bound"] == "unknown" and "sparsity" in rows["cerebras"]["why"]
    assert main(["bench", "accelerators", "--step", "train", "--devices", "8", "--batch", "4"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "h100" in said and "groq: of Groq LPU (first generation) no bandwidth between chips is stated" in said
    assert main(["bench", "accelerators"]) == 0
    said = capsys.readouterr().out
    assert "hexagon-x-elite*" in said and "a100*" not in said and "* of these no number format is stated" in said


def nothing_is_measured(monkeypatch):
    monkeypatch.setattr(limits, "measure", lambda *a, **k: pytest.fail("it was measured before it was refused"))


def test_what_cannot_be_timed_is_refused_before_anything_is_measured(capsys, monkeypatch):
    nothing_is_measured(monkeypatch)
    monkeypatch.setattr(importlib.import_module("groundup.runs.roofline"), "available_bytes", lambda: 100e9)
    assert main(["bench", "roofline", "--model", "7b"]) == 2
    assert "its training needs 108 GB; use 3m, 10m, 124m" in capsys.readouterr().err
    assert main(["bench", "roofline", "--dtype", "float16"]) == 2
    assert "--dtype float16 is not measured here; use float32 or bfloat16" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["machine", "--dtype", "auto"], ["machine", "--seed", "1"], ["roofline", "--seed", "1"],
                  ["machine", "--device", "auto"], ["roofline", "--device", "auto"]])  # fmt: skip
def test_a_flag_that_would_do_nothing_is_none(arguments, monkeypatch, capsys):
    nothing_is_measured(monkeypatch)
    assert main(["bench", *arguments]) == 2
    assert f"has no option {arguments[1]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["roofline", "--model", "nowhere"], "there is no model folder nowhere; give one, or one of the sizes 3m, 10m"),
        (["roofline", "--batch", "0"], "--batch 0 is not possible; use 1 or more"),
        (["machine", "--repeats", "0"], "--repeats 0 is not possible; use 1 or more"),
        (["accelerators", "--dtype", "fp7"], "the width of 'fp7' is not known; use one of "),
        (["accelerators", "--devices", "0"], "--devices 0 is not possible; use 1 or more"),
    ],
)
def test_mistakes_are_answered_in_one_sentence(arguments, sentence, capsys):
    assert main(["bench", *arguments]) == 2
    assert sentence in capsys.readouterr().err
