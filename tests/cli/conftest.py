"""A small model folder of the real kind, made once: what the verbs read, and what the bad folders are copies of."""

import io
import json
import shutil
from contextlib import redirect_stdout

import pytest

TEXT = "The cat sat on the mat. A dog ran to the red house, and the cat ran after it.\n" * 40


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A Qwen 3 of two small layers with a tokenizer and a context of 512 tokens."""
    from groundup.model.architectures import build
    from groundup.model.architectures.qwen3 import Qwen3Config
    from groundup.model.formats.huggingface import save_model
    from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

    tokenizer = train_tokenizer([TEXT], TokenizerConfig(vocab_size=270))
    config = Qwen3Config(
        vocab_size=270,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
    )
    folder = tmp_path_factory.mktemp("model") / "model"
    save_model(folder, build(config, seed=1), tokenizer, generation={"do_sample": False, "max_new_tokens": 8})
    return folder


@pytest.fixture
def spoiled(model_folder, tmp_path):
    """A copy of the model folder to spoil."""
    return shutil.copytree(model_folder, tmp_path / "spoiled")


@pytest.fixture
def call(capsys):
    """Run a command line in this process: status, stdout, stderr."""
    from groundup import cli

    def run(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        return (status, *capsys.readouterr())

    return run


# ───────── models before the transformer ─────────

STORY = "The king loves the queen . The queen loves the king . A small dog runs to the red house and a small cat sleeps .\n\n"
TREES = """
(TOP (S (NP (DT the) (NN cat)) (VP (VBZ sees) (NP (DT a) (NN dog)))))
(TOP (S (NP (DT the) (NN dog)) (VP (VBZ sleeps))))
(TOP (S (NP (DT a) (NN cat)) (VP (VBZ sees) (NP (DT the) (NN dog)))))
(TOP (S (NP (DT the) (NN cat)) (VP (VBZ sleeps))))
"""
TAGGED = "Anna B-PER\nsees O\nParis B-LOC\n\nBob B-PER\nsleeps O\n\nAnna B-PER\nsleeps O\nin O\nParis B-LOC\n\nBob B-PER\nsees O\nAnna B-PER\n\n"


def rows(*words):
    return "".join(
        f"{n}\t{word}\t_\t{tag}\t_\t_\t{head}\t{label}\t_\t_\n" for n, (word, tag, head, label) in enumerate(words, 1)
    )


CONLLU = (
    rows(("the", "DET", 2, "det"), ("cat", "NOUN", 3, "nsubj"), ("sleeps", "VERB", 0, "root"))
    + "\n"
    + rows(("dogs", "NOUN", 2, "nsubj"), ("see", "VERB", 0, "root"), ("cats", "NOUN", 2, "obj"))
    + "\n"
) * 4


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """The files that the models are trained on."""
    folder = tmp_path_factory.mktemp("sources")
    words = [f"{STORY[:-2]} Number {n} of many sentences is here .\n\n" for n in range(30)]
    for name, text in {"t.txt": "".join(words), "t.mrg": TREES, "t.conll": TAGGED, "t.conllu": CONLLU}.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture(scope="session")
def make(sources, tmp_path_factory):
    """Train a model once: its folder and its results, by the words of the command line."""
    from groundup import cli

    made = {}

    def run(*arguments):
        if arguments not in made:
            folder = tmp_path_factory.mktemp("made") / "model"
            files = [str(sources / one) if one.startswith("t.") else one for one in arguments]
            with redirect_stdout(io.StringIO()):  # what the test that asks first reads is its own command's
                assert cli.main(["train", *files, "--out", str(folder), "--json"]) == 0
            made[arguments] = folder, json.loads((folder / "results.json").read_text())
        return made[arguments]

    return run
