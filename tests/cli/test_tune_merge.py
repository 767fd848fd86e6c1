"""`groundup tune --method` and `groundup merge`, as a user types them."""

import json

import pytest

from groundup import cli, files


@pytest.fixture
def said(tmp_path):
    files.write_jsonl(tmp_path / "said.jsonl", [{"prompt": f"{n}?", "answer": "ab"[n % 2]} for n in range(20)])
    return tmp_path / "said.jsonl"


def tuned(model_folder, said, out, *more):
    sizes = [
        part
        for key in ("steps=2", "batch_size=2", "seq_len=32", "num_virtual_tokens=4")
        for part in ("--set", f"tune.{key}")
    ]
    return cli.main(
        ["tune", str(model_folder), *more, "--set", f"tune.data={said}", *sizes, "--out", str(out), "--json"]
    )


@pytest.mark.slow
def test_an_adapter_folder_is_made_used_tuned_again_and_merged(model_folder, said, tmp_path, capsys):
    assert tuned(model_folder, said, tmp_path / "a", "--method", "lora") == 0
    adapter = tmp_path / "a" / "model"
    assert (adapter / "adapter_config.json").is_file() and not (adapter / "model.safetensors").exists()
    capsys.readouterr()
    assert cli.main(["generate", str(adapter), "a", "--max-new-tokens", "3"]) == 0
    assert tuned(adapter, said, tmp_path / "b", "--method", "dora", "--merge") == 0
    assert (tmp_path / "b" / "model" / "model.safetensors").is_file()
    capsys.readouterr()
    command = [
        "merge",
        str(adapter),
        str(tmp_path / "b" / "model"),
        "--method",
        "ties",
        "--base",
        str(model_folder),
        "--out",
        str(tmp_path / "m"),
        "--json",
    ]
    assert cli.main(command) == 0
    assert json.loads(capsys.readouterr().out)["method"] == "ties"
    assert cli.main(["generate", str(tmp_path / "m"), "a", "--max-new-tokens", "3"]) == 0


def test_merge_names_what_is_missing(tmp_path, capsys):
    assert cli.main(["merge", str(tmp_path / "x"), str(tmp_path / "y")]) == 2
    assert "there is no model folder" in capsys.readouterr().err


def test_merge_takes_the_place_of_nothing(model_folder, tmp_path, capsys):
    """A folder that is written replaces what stood there: a base given as --out was lost, and so was a folder of notes."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("kept")
    assert cli.main(["merge", str(model_folder), str(model_folder), "--out", str(tmp_path / "notes")]) == 2
    assert "is there already; choose another --out" in capsys.readouterr().err
    assert (tmp_path / "notes" / "mine.txt").read_text() == "kept"


def test_what_cannot_be_merged_is_refused_before_it_is_tuned(model_folder, said, tmp_path, capsys):
    assert tuned(model_folder, said, tmp_path / "p", "--method", "prompt", "--merge") == 2
    assert "cannot be merged; leave merge out" in capsys.readouterr().err and not (tmp_path / "p").exists()
