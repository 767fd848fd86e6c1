"""`groundup generate MODEL --file`: a line of prompts, a line of answers; what does not go together is refused."""

import json
from pathlib import Path

import pytest

from groundup.cli import generate
from groundup.errors import ConfigError, InputError
from groundup.inference.handle import load
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.huggingface import save_model
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer


@pytest.fixture
def model(tmp_path):
    """A tiny random model with a tokenizer."""
    tokenizer = train_tokenizer(["the cat sat on the mat"], TokenizerConfig(vocab_size=264))
    sizes = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2)
    module = build(LlamaConfig(vocab_size=264, max_position_embeddings=64, **sizes), seed=0, scheme="normal")
    save_model(tmp_path / "model", module, tokenizer)
    return tmp_path / "model"


def options(model: Path, **more):
    drawing = generate.Drawing(max_new_tokens=5, temperature=0.0)
    return generate.GenerateOptions(model=model, sampling=drawing, **more)


def test_a_line_of_prompts_becomes_a_line_of_answers(model, tmp_path, capsys):
    source = tmp_path / "prompts.jsonl"
    source.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in ("the cat", "on")))
    generate.run(options(model, file=source, json=True))
    answers = [json.loads(line) for line in (tmp_path / "prompts.answers.jsonl").read_text().splitlines()]
    assert json.loads(capsys.readouterr().out)["answers"] == 2
    for answer, text in zip(answers, ("the cat", "on"), strict=True):
        assert answer["text"] == load(model).generate(text, max_new_tokens=5, temperature=0.0)


def test_a_prompt_is_read_in_one_way(model):
    with pytest.raises(ConfigError, match="--chat and --raw are two ways"):
        generate.run(options(model, prompt="the", chat=True, raw=True))


def test_what_says_nothing_about_a_file_is_refused(model, tmp_path):
    with pytest.raises(ConfigError, match="--output is where the answers to --file go"):
        generate.run(options(model, output=tmp_path / "a"))
    with pytest.raises(ConfigError, match="PROMPT is not for --file"):
        generate.run(options(model, file=tmp_path / "a", prompt="hello"))
    with pytest.raises(ConfigError, match="--regex is not for --file"):
        generate.run(options(model, file=tmp_path / "a", regex="a"))
    with pytest.raises(InputError, match="cannot be read"):
        generate.run(options(model, file=tmp_path / "a"))
