"""`groundup get`: a folder with one command, told in three lines or as JSON."""

import json

import pytest


@pytest.fixture
def file(model_folder, tmp_path):
    from groundup.model.formats.gguf_model import save_gguf
    from groundup.model.formats.huggingface import load_model
    from groundup.text.tokenizers import load_tokenizer

    save_gguf(tmp_path / "tiny.gguf", load_model(model_folder), load_tokenizer(model_folder), kind="F16")
    return tmp_path / "tiny.gguf"


def test_a_file_becomes_a_folder_that_the_next_verb_reads(call, file, tmp_path):
    status, out, _ = call("get", file, "--to", tmp_path / "m")
    lines = out.splitlines()
    assert status == 0 and lines[0].startswith(f"{tmp_path / 'm'}: qwen3, ") and "parameters in float16" in lines[0]
    assert lines[1] == f"made of {file}" and lines[2] == f"next: groundup chat {tmp_path / 'm'}"
    assert call("generate", tmp_path / "m", "The cat", "--raw", "--json", "--dtype", "float32")[0] == 0
    assert "nothing was done" in call("get", file, "--to", tmp_path / "m")[1]


def test_json_is_all_that_stands_on_stdout(call, file, tmp_path):
    status, out, _ = call("get", file, "--to", tmp_path / "m", "--json")
    found = json.loads(out)
    assert status == 0 and found["made"] and found["family"] == "qwen3" and found["folder"] == str(tmp_path / "m")


@pytest.mark.parametrize(
    "what, words", [("no.gguf", "there is no no.gguf; give smollm2"), ("tests", "holds neither a .gguf file nor")]
)
def test_a_mistake_is_one_sentence(call, what, words, tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    monkeypatch.chdir(tmp_path)
    status, out, err = call("get", what)
    assert (status, out, err.count("\n")) == (2, "", 1) and words in err
    assert [path.name for path in tmp_path.iterdir()] == ["tests"]
