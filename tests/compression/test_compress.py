"""A model folder in, a smaller one out, that other tools read."""

import json

import pytest
import torch
from tests.compression.test_calibration import GPT2, QWEN

import groundup as gu
from groundup.cli import main
from groundup.compression.compress import compress, perplexity
from groundup.compression.config import CompressConfig
from groundup.data.sources import tinyworld
from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats import huggingface, shards
from groundup.text.tokenizers import TokenizerConfig, train_tokenizer

TEXTS = [document.text for document in tinyworld.sample(3, 60)]
SMALL = CompressConfig(calibration_tokens=2000, held_out_tokens=800, group_size=16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that was taught a little of tinyworld, with its tokenizer."""
    path = tmp_path_factory.mktemp("compress") / "model"
    tokenizer = train_tokenizer(TEXTS, TokenizerConfig(vocab_size=300))
    module = build(config_from_dict(QWEN | {"vocab_size": tokenizer.vocab_size, "num_hidden_layers": 2}), seed=0)
    optimizer = torch.optim.AdamW(module.parameters(), lr=3e-3)
    ids = torch.tensor([tokenizer.encode(text)[:48] for text in TEXTS if len(tokenizer.encode(text)) >= 48])
    for step in range(60):
        rows = ids[step % 3 :: 3]
        loss = torch.nn.functional.cross_entropy(module(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    huggingface.save_model(path, module, tokenizer, generation={"max_new_tokens": 7})
    return path


@pytest.mark.parametrize(("method", "bits"), [("gptq", 4), ("round", 8)])
def test_fewer_bits_are_fewer_bytes_and_nearly_the_same_perplexity(folder, tmp_path, method, bits):
    made = compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": method, "bits": bits}), TEXTS)
    table = shards.read(tmp_path / "out")
    packed = [name for name in table if name.endswith("weight_packed")]
    assert len(packed) == 14 and made.bytes_after < made.bytes_before and made.zeros == 0
    assert made.perplexity_after == pytest.approx(made.perplexity_before, rel=0.03)
    handle = gu.load(tmp_path / "out")
    assert handle.generation == {"max_new_tokens": 7} and handle.tokenizer.encode("The") == gu.load(
        folder
    ).tokenizer.encode("The")
    held = [handle.tokenizer.encode(text)[:64] for text in TEXTS[:4]]
    assert perplexity(handle.module, held) == pytest.approx(perplexity(gu.load(folder).module, held), rel=0.05)


def test_half_of_the_weights_go_and_the_folder_stays_a_plain_one(folder, tmp_path):
    made = compress(folder, tmp_path / "out", CompressConfig(**asdict(SMALL) | {"method": "wanda"}), TEXTS)
    assert made.zeros == pytest.approx(0.5)
    assert shards.read(tmp_path / "out").keys() == shards.read(folder).keys()


def test_the_command_says_what_was_gained_and_lost(folder, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(TEXTS))
    command = [
        "compress",
        str(folder),
        str(tmp_path / "out"),
        "--text",
        str(text),
        "--group-size",
        "16",
        "--calibration-tokens",
        "2000",
    ]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bytes_after"] < told["bytes_before"] and told["perplexity_after"] > 1
    assert main(command) == 2 and "is there already" in capsys.readouterr().err


def test_a_quantised_folder_joined_matrices_and_too_little_text_are_refused(folder, tmp_path):
    compress(folder, tmp_path / "once", CompressConfig(**asdict(SMALL) | {"method": "round"}), TEXTS)
    with pytest.raises(InputError, match="quantised already"):
        compress(tmp_path / "once", tmp_path / "twice", SMALL, TEXTS)
    with pytest.raises(InputError, match="give at least 256"):
        compress(folder, tmp_path / "out", SMALL, TEXTS[:1])
    tokenizer = gu.load(folder).tokenizer
    huggingface.save_model(
        tmp_path / "gpt2", build(config_from_dict(GPT2 | {"vocab_size": tokenizer.vocab_size}), seed=0), tokenizer
    )
    with pytest.raises(UnsupportedModel, match="joined or turned"):
        compress(tmp_path / "gpt2", tmp_path / "out", SMALL, TEXTS)
    assert not (tmp_path / "out").exists() and not (tmp_path / "twice").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"bits": 3}, "use 4 or 8"),
        ({"group_size": -1}, "use 32, 128 or 0"),
        ({"share": 1.0}, "between 0 and 1"),
        ({"pattern": "4:2"}, "write 2:4"),
        ({"seq_len": 1}, "seq_len must be 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, sentence):
    with pytest.raises(ConfigError, match=sentence):
        CompressConfig(**wrong)


def asdict(config):
    return {name: getattr(config, name) for name in config.__dataclass_fields__}
