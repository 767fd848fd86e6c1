"""A small model folder of the real kind, made once: what the verbs read, and what the bad folders are copies of."""

import shutil

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
