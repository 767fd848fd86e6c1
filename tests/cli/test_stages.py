"""Each stage verb works alone: on text, on folders made before, on a model folder."""

import json
from pathlib import Path

import pytest

SMALL_MODEL = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "max_position_embeddings": 64,
}  # fmt: skip
SMALL = [flag for name, value in SMALL_MODEL.items() for flag in ("--set", f"model.{name}={value}")]
TRAIN = [
    "--set",
    "train.initialization=scaled",
    "--set",
    "train.steps=2",
    "--set",
    "train.batch_size=2",
    "--set",
    "train.seq_len=64",
]
WORLD = [
    "--set",
    "data.tinyworld_bytes=40000",
    "--set",
    "data.python_bytes=0",
    "--set",
    "data.instructions=0",
    "--set",
    "data.heldout_bytes=4000",
]


@pytest.fixture
def text(tmp_path):
    syllables = ("ba", "ko", "mi", "tu", "re", "lan", "sor", "pel")
    names = [a + b + c for a in syllables for b in syllables for c in syllables[:4]]
    words = [f"The {name} of {other} is {name[:3]}. " for name, other in zip(names, reversed(names), strict=True)] * 3
    (tmp_path / "own.txt").write_text("".join(words))
    return tmp_path / "own.txt"


def made(call, *arguments):
    status, out, err = call(*arguments, "--json", "--threads", 1)
    assert status == 0, err
    return json.loads(out)


def test_data_tokenizer_train_on_text_then_each_from_the_folder_of_the_one_before(text, tmp_path, call):
    data = made(call, "data", "build", "--text", text, "--out", tmp_path / "data")
    documents = Path(data["made"][0])
    tokenizer = made(call, "tokenizer", "train", "--text", text, "--vocab-size", 300, "--out", tmp_path / "tokenizer")
    folder = Path(tokenizer["made"][0])
    assert (folder / "tokenizer.json").is_file() and tokenizer["numbers"]["vocab_size"] == 300
    parts = ["--data", documents, "--tokenizer", folder]
    trained = made(call, "train", *parts, *SMALL, *TRAIN, "--out", tmp_path / "model")
    model = Path(trained["made"][-1])
    assert trained["numbers"]["model"]["vocab_size"] == 300 and (model / "model.safetensors").is_file()
    further = made(call, "train", *parts, "--model", model, *SMALL, *TRAIN, "--out", tmp_path / "further")
    assert further["numbers"]["loss"] < trained["numbers"]["loss"] + 0.5


def test_tune_and_align_on_a_model_folder(model_folder, tmp_path, call):
    lines = [json.dumps({"prompt": f"{n} cats?", "answer": str(n)}) + "\n" for n in range(20)]
    (tmp_path / "said.jsonl").write_text("".join(lines))
    sizes = ["--set", "tune.steps=2", "--set", "tune.batch_size=2", "--set", "tune.seq_len=32"]
    tuned = made(
        call, "tune", model_folder, "--set", f"tune.data={tmp_path / 'said.jsonl'}", *sizes, "--out", tmp_path / "tuned"
    )
    assert tuned["numbers"]["conversations"] == 20
    assert json.loads((Path(tuned["made"][-1]) / "generation_config.json").read_text())["do_sample"] is False


def test_a_stage_verb_run_again_is_reused(text, tmp_path, call):
    arguments = ["tokenizer", "train", "--text", text, "--vocab-size", 300, "--out", tmp_path / "out"]
    made(call, *arguments)
    assert call(*arguments, "--threads", 1)[2].count("reused") == 2


def test_the_users_conversations_that_are_none_are_refused(model_folder, tmp_path, call):
    (tmp_path / "said.jsonl").write_text('{"words": "x"}\n')
    status, _, err = call(
        "tune",
        model_folder,
        "--set",
        f"tune.data={tmp_path / 'said.jsonl'}",
        "--set",
        "tune.seq_len=32",
        "--out",
        tmp_path / "out",
    )
    assert status == 2 and "is no conversation; give it messages, or prompt and answer" in err
    assert not (tmp_path / "out").exists()


def test_demo_on_ones_own_text_ends_with_results_report_and_three_next_steps(text, tmp_path, call, monkeypatch):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    rest = ["--set", "tokenizer.vocab_size=300", "--set", "eval.preparation_bytes=0", "--set", "eval.ngram_order=2"]
    status, out, err = call(
        "demo", "--fast", "--threads", 1, "--text", text, "--out", tmp_path / "run", *SMALL, *TRAIN, *rest
    )
    assert status == 0, err
    assert "bits per byte on held-out text" in out and f"report: {tmp_path / 'run' / 'report.html'}" in out.replace(
        "\n", ""
    )
    assert out.count("groundup ") == 3 and f"groundup generate {tmp_path / 'run' / 'model'}" in out
    assert 'name = "text-own"' in (tmp_path / "run" / "recipe.toml").read_text()
