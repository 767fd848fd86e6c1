"""Every bad input is one clear sentence with the way out, status 2, and nothing half-written."""

import errno
import json
import os
import sys

import pytest

TINY = [
    "--set",
    "data.tinyworld_bytes=20000",
    "--set",
    "data.python_bytes=0",
    "--set",
    "data.instructions=0",
    "--set",
    "data.heldout_bytes=2000",
]


@pytest.fixture
def refused(call, tmp_path):
    """Check that a command is refused with words, in one sentence, and left nothing behind."""

    def check(arguments, *words, out=None):
        before = sorted(tmp_path.rglob("*"))
        status, stdout, stderr = call(*arguments)
        said = [line for line in stderr.splitlines() if line.startswith("groundup: ")]
        assert (status, stdout, len(said)) == (2, "", 1), stderr
        assert all(word in said[0] for word in (*words, ";")), said[0]
        assert "Traceback" not in stderr
        assert sorted(tmp_path.rglob("*")) == before

    return check


def text_file(tmp_path, content, name="own.txt"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ("is empty", "give a file with text")),
        (b" \n\n", ("is empty", "give a file with text")),
        (b"\x7fELF\0\0\0\1", ("is a binary file", "give ")),
        (b"caf\xe9 au lait", ("convert it", "iconv")),
        (b"one short line\n", ("a longer text",)),
    ],
)
def test_a_text_that_cannot_be_learned_from(content, words, tmp_path, refused):
    path = text_file(tmp_path, content)
    refused(["demo", "--text", path, "--out", tmp_path / "out"], *words)


def test_a_text_that_is_missing(tmp_path, refused):
    refused(["demo", "--text", tmp_path / "no.txt", "--out", tmp_path / "out"], "no.txt", "check the path")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_text_that_may_not_be_read(tmp_path, refused):
    path = text_file(tmp_path, b"words")
    path.chmod(0)
    refused(["demo", "--text", path, "--out", tmp_path / "out"], "cannot be read", "change its permissions")


def test_a_folder_with_no_text(tmp_path, refused):
    (tmp_path / "pictures").mkdir()
    text_file(tmp_path / "pictures", b"x", "a.png")
    refused(
        ["demo", "--text", tmp_path / "pictures", "--out", tmp_path / "out"], "no file with text", "give another folder"
    )


def test_json_lines_without_the_key(tmp_path, refused):
    path = text_file(tmp_path, b'{"content": "words"}\n', "own.jsonl")
    refused(["demo", "--text", path, "--out", tmp_path / "out"], "line 1 has no text under 'text'", "content")


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ('parent = "demo"\n[train]\nstepz = 1\n', ("'stepz' is not a key of [train]", "did you mean 'steps'")),
        ('parent = "demo"\n[train]\nsteps = "many"\n', ("wants a whole number", "steps = 200")),
        ('parent = "demo"\n[model]\nnum_key_value_heads = 5\n', ("cannot be shared evenly", "use ")),
        (
            'parent = "demo"\nstages = ["data", "train", "tokenizer"]\n',
            ("stands before", "put 'tokenizer' before 'train'"),
        ),
        ('parent = "demo"\nstages = ["tokenizer"]\n', ("none makes it", "put 'data' before it")),
        ('parent = "demo"\nstages = ["data", "compres"]\n', ("is not a stage", "did you mean 'compress'?")),
        ("steps = \n", ("is not valid TOML", "correct that line")),
        ('parent = "demo"\n[tokenizer]\nvocab_size = 200\n', ("[tokenizer]", "256")),
    ],
)
def test_a_recipe_with_a_mistake(recipe, words, tmp_path, refused):
    path = text_file(tmp_path, recipe.encode(), "mine.toml")
    refused(["run", path, "--out", tmp_path / "out"], *words)


def test_a_vocabulary_smaller_than_the_bytes_and_special_tokens(tmp_path, refused):
    refused(["tokenizer", "train", "--vocab-size", 200, "--out", tmp_path / "out"], "vocab_size=200", "259")


def test_a_vocabulary_larger_than_the_text_allows(tmp_path, call):
    path = text_file(tmp_path, b"to be or not to be, that is the question.\n" * 200)
    status, _, stderr = call("tokenizer", "train", "--text", path, "--vocab-size", 5000, "--out", tmp_path / "out")
    assert status == 2 and "is more than this text allows" in stderr and "use vocab_size=" in stderr
    assert [entry.name[:7] for entry in (tmp_path / "out" / "stages").iterdir()] == [
        "01-data"
    ]  # what is finished is kept


def test_a_corpus_shorter_than_one_context(tmp_path, call):
    path = text_file(tmp_path, "".join(f"line {number} of a text that is not long\n" for number in range(200)).encode())
    sizes = [
        "--set",
        "tokenizer.vocab_size=262",
        "--set",
        "train.seq_len=100000",
        "--set",
        "model.max_position_embeddings=100000",
    ]
    status, _, stderr = call("train", "--text", path, *sizes, "--out", tmp_path / "out")
    assert status == 2 and "needs 100,000" in stderr and "longer text or --set train.seq_len=" in stderr
    assert not list((tmp_path / "out" / "stages").glob("03-*"))


def test_rows_longer_than_the_models_context(tmp_path, refused):
    refused(
        ["run", "demo", "--set", "train.seq_len=512", "--out", tmp_path / "out"],
        "train.seq_len=512",
        "model.max_position_embeddings",
    )


def test_a_model_folder_that_is_missing(tmp_path, refused):
    refused(["generate", tmp_path / "no" / "model", "words"], "there is no model folder", "`groundup demo` makes one")


def test_a_folder_that_is_no_model(tmp_path, refused):
    (tmp_path / "folder").mkdir()
    refused(["generate", tmp_path / "folder", "words"], "has no config.json")


def test_a_model_folder_without_tokenizer(spoiled, refused):
    (spoiled / "tokenizer.json").unlink()
    refused(["generate", spoiled, "words"], "has no tokenizer.json", "copy")


def test_a_model_folder_with_truncated_weights(spoiled, refused):
    whole = (spoiled / "model.safetensors").read_bytes()
    (spoiled / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    refused(["chat", spoiled], "model.safetensors")


def test_a_model_folder_with_a_weight_that_is_no_number(spoiled, refused):
    from safetensors.torch import load_file, save_file

    weights = load_file(spoiled / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, spoiled / "model.safetensors", metadata={"format": "pt"})
    refused(["generate", spoiled, "words"], "model.norm.weight")


def test_a_model_folder_of_another_architecture(spoiled, refused):
    config = json.loads((spoiled / "config.json").read_text())
    (spoiled / "config.json").write_text(json.dumps(config | {"model_type": "mamba"}))
    refused(["eval", spoiled], "mamba", "qwen3")


def test_a_prompt_longer_than_the_context(model_folder, refused):
    refused(["generate", model_folder, "The cat sat on the mat. " * 200], "the model's context is 512", "shorten it by")


def test_a_prompt_that_is_empty_and_a_number_that_cannot_be(model_folder, refused):
    refused(["generate", model_folder, "words", "--temperature", "-1"], "temperature=-1.0 is not possible", "use 0")


def test_a_device_that_is_not_there(model_folder, refused):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    refused(["generate", model_folder, "words", "--device", "cuda"], "cuda", "--device auto or cpu")


def test_a_full_disk(tmp_path, call, monkeypatch):
    from groundup import files

    def full(handle, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_write_all", full)
    status, _, stderr = call("data", "build", *TINY, "--out", tmp_path / "out")
    assert status == 2 and "no space left" in stderr and "free some space" in stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"]


def test_an_output_folder_of_another_recipe(tmp_path, refused):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "recipe.toml").write_text('name = "other"\n')
    refused(["data", "build", *TINY, "--out", tmp_path / "out"], "belongs to recipe 'other'", "--out")


def test_an_output_folder_that_holds_something_else(tmp_path, refused):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").touch()
    refused(["data", "build", *TINY, "--out", tmp_path / "out"], "holds other files", "--out")


def test_a_verb_whose_extra_is_not_installed(monkeypatch, refused):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused(["generate", "owner/name", "words"], "huggingface_hub is not installed", "pip install 'groundup[")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "p.toml"], ("belong to --budget", "--budget 30m")),
        (["demo", "--budget", "1e13"], ("a recipe of its own", "leave demo out")),
        (["--budget", "1e13", "--set", "train.steps=3"], ("what the law was measured for", "plan without it")),
    ],
)
def test_a_plan_that_would_ignore_what_was_said(arguments, words, refused):
    refused(["plan", *arguments], *words)
