"""`groundup inspect`, `groundup export`: what they print, what they return, and that a model's own code is never run."""

import json

import pytest

from groundup.model import parts
from groundup.model.architectures import FAMILIES, your_own
from groundup.model.architectures.conformance import CHECKS


@pytest.fixture(autouse=True)
def families():
    """The families are as before when the test is over."""
    kept = [(held, dict(held)) for held in (FAMILIES, parts.BUILDERS)]
    yield
    for held, before in kept:
        held.clear()
        held.update(before)


def test_inspect_shows_model_layers_tokenizer_and_what_is_odd(model_folder, call):
    status, out, err = call("inspect", model_folder)
    assert status == 0 and err == ""
    for words in (
        "qwen3",
        "model.layers.0-1 (2 alike)",
        "self_attn.q_norm.weight",
        "<|endoftext|> 0",
        "odd:",
        "bytes a token",
        "answering",
        "LoRA step, rank 8",
    ):
        assert words in out


def test_inspect_as_json_is_json_alone(model_folder, call):
    found = json.loads(call("inspect", model_folder, "--json")[1])
    assert found["parameters"] == found["counted_parameters"] and found["tokenizer"]["vocab_size"] == 270


def test_inspect_headers_looks_at_no_number(model_folder, call):
    whole, headers = (
        json.loads(call("inspect", model_folder, "--json", *flag)[1])["odd"] for flag in ((), ("--headers",))
    )
    assert any("zero everywhere" in sentence for sentence in whole)  # an untrained model's output projections
    assert not any("zero everywhere" in sentence for sentence in headers)


def test_a_folders_own_code_is_not_run(spoiled, call):
    (spoiled / "architecture.py").write_text("raise SystemExit('run')\nARCHITECTURE = 1\n")
    assert call("inspect", spoiled)[0] == 0
    assert call("inspect", spoiled, "--check")[0] == 0  # config.json names a known family


def test_the_template_is_written_and_passes(tmp_path, call):
    status, out, _ = call("inspect", "--template", tmp_path / "my")
    assert status == 0 and "groundup inspect" in out
    status, out, _ = call("inspect", tmp_path / "my", "--check")
    assert status == 0 and f"my_architecture: {len(CHECKS)} of {len(CHECKS)} checks passed" in out


def test_a_fault_is_named_with_status_2_and_in_json(tmp_path, call):
    (tmp_path / "mine.py").write_text(your_own.template().replace(", mask, causal=True", ", mask, causal=False"))
    status, out, _ = call("inspect", tmp_path / "mine.py", "--check")
    assert status == 2 and "FAILED causality: a token sees what comes after it" in out and "not tried" in out
    status, out, _ = call("inspect", tmp_path / "mine.py", "--check", "--json")
    found = json.loads(out)
    assert status == 2 and found["failed"] >= 1 and {one["name"] for one in found["checks"]} == set(CHECKS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "inspect wants a model folder"),
        (("{}/no",), "there is no model folder"),
        (("{}/no", "--check"), "there is no folder"),
        (("{}", "--check"), "neither a config.json nor a .py file"),
        (("{}",), "has no config.json"),
    ],
)
def test_what_cannot_be_inspected_is_one_sentence(tmp_path, call, arguments, words):
    status, _, err = call("inspect", *(one.format(tmp_path) for one in arguments))
    assert status == 2 and words in err and err.count("\n") == 1


def test_export_writes_and_says_what(model_folder, tmp_path, call):
    status, out, _ = call(
        "export", model_folder, tmp_path / "out", "--to", "huggingface", "--dtype", "bfloat16", "--json"
    )
    found = json.loads(out)
    assert status == 0 and found["bytes"] > 0 and (tmp_path / "out" / "tokenizer.json").is_file()
    status, out, _ = call("export", model_folder, tmp_path / "m.gguf", "--to", "gguf")
    assert status == 0 and "written for gguf" in out and (tmp_path / "m.gguf").read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "gguf", "--dtype", "float8"), "gguf does not store weights as float8; use F16"),
        (("--to", "caffe"), "caffe"),
        ((), "--to"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(model_folder, tmp_path, call, arguments, words):
    status, _, err = call("export", model_folder, tmp_path / "out", *arguments)
    assert status == 2 and words in err and err.count("\n") == 1
