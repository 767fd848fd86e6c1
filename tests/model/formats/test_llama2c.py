"""llama2.c's checkpoint: a real one continues a story byte for byte; both versions by hand; every damage is one sentence."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.gguf_model import to_pairs
from groundup.model.formats.llama2c import files_of, load_llama2c, parts_of, read_head

STORIES = Path(__file__).parents[4] / "shared" / "data" / "stories260K"
there = pytest.mark.skipif(not STORIES.is_dir(), reason="the checkpoint stories260K is not here")


def continued(module, tokens):
    """Greedy ids after <s>, one pass for each."""
    from groundup.inference.decoding.config import SamplingConfig
    from groundup.inference.engine.batching import steps

    config = SamplingConfig(temperature=0, max_new_tokens=tokens)
    return [int(step.ids[0]) for step in steps(module, [[1]], config, {2})]


@there
def test_greedy_decoding_of_a_real_checkpoint_gives_the_expected_story():
    from groundup.text.tokenizers.llama2c_vocabulary import read_llama2c_tokenizer

    model, words = files_of(STORIES)
    tokenizer, expected = read_llama2c_tokenizer(words), (STORIES / "expected_greedy.txt").read_bytes()
    ids = continued(load_llama2c(model).eval(), len(tokenizer.encode(expected.decode())))
    assert tokenizer.decode(ids).encode() == expected


@pytest.mark.slow
@there
def test_the_story_is_the_same_from_a_model_folder_and_from_a_gguf_file(tmp_path):
    from groundup.model.formats.fetch import fetch
    from groundup.model.formats.gguf import read
    from groundup.model.formats.gguf_model import load_gguf, save_gguf
    from groundup.model.formats.huggingface import load_model
    from groundup.text.tokenizers import load_tokenizer
    from groundup.text.tokenizers.gguf_vocabulary import read_vocabulary

    fetch(STORIES, tmp_path / "m")
    module, tokenizer = load_model(tmp_path / "m").eval(), load_tokenizer(tmp_path / "m")
    expected = (STORIES / "expected_greedy.txt").read_text()
    assert tokenizer.decode(continued(module, 256)) == expected
    save_gguf(tmp_path / "m.gguf", module, tokenizer, kind="F32")
    again = read_vocabulary(read(tmp_path / "m.gguf").metadata, "m.gguf")
    assert again.encode(expected) == tokenizer.encode(expected)
    assert again.decode(continued(load_gguf(tmp_path / "m.gguf").eval(), 256)) == expected


@there
@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0"])
def test_llama_cpp_continues_the_exported_checkpoint_with_the_same_tokens(kind, tmp_path):
    llama_cpp = pytest.importorskip("llama_cpp")
    from groundup.model.formats.gguf_model import load_gguf, save_gguf
    from groundup.text.tokenizers.llama2c_vocabulary import read_llama2c_tokenizer

    model, words = files_of(STORIES)
    save_gguf(tmp_path / "m.gguf", load_llama2c(model), read_llama2c_tokenizer(words), kind=kind)
    ours = continued(load_gguf(tmp_path / "m.gguf", torch.float32).eval(), 64)
    theirs = llama_cpp.Llama(str(tmp_path / "m.gguf"), n_ctx=128, verbose=False, n_threads=1)
    steps = theirs.generate([1], temp=0.0, top_k=1)
    assert [int(token) for _, token in zip(ours, steps, strict=False)] == ours


def random_module(tied):
    config = LlamaConfig(
        vocab_size=11, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=6, tie_word_embeddings=tied, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    module = build(config, seed=0, scheme="normal")
    with torch.no_grad():
        for number, (_, parameter) in enumerate(sorted(module.named_parameters())):
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(number)))
    return module.eval()


def written(path, module, version):
    """The checkpoint as export.py would write it."""
    config, weights = module.config, dict(module.named_parameters(remove_duplicate=False))
    sizes = (16, 24, 2, 4, 2, 11 if config.tie_word_embeddings or version else -11, 6)
    head = struct.pack("<7i", *sizes)
    if version:
        head = (struct.pack("<Ii", 0x616B3432, version) + head + bytes([config.tie_word_embeddings])).ljust(256, b"\0")
    data = [head]
    for part in parts_of(config, version):
        for layer in range(part.layers):
            if not part.name:
                data.append(bytes(4 * part.shape[0] * part.shape[1]))
                continue
            tensor = weights[part.name.replace("*", str(layer))].detach()
            if "q_proj" in part.name or "k_proj" in part.name:
                tensor = to_pairs(tensor, 4 if "q_proj" in part.name else 2)
            data.append(tensor.numpy().astype("<f4").tobytes())
    path.write_bytes(b"".join(data))
    return path


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("tied", [True, False])
def test_both_versions_load_tied_or_not(version, tied, tmp_path):
    module = random_module(tied)
    path = written(tmp_path / "m.bin", module, version)
    assert read_head(path) == (module.config, version)
    loaded, ids = load_llama2c(path), torch.arange(6)[None]
    assert torch.equal(loaded(ids), module(ids))
    assert (loaded.lm_head.weight is loaded.model.embed_tokens.weight) is tied


def test_the_weights_are_the_mapped_file_and_never_change_it(tmp_path):
    path = written(tmp_path / "m.bin", random_module(True), 0)
    before = path.read_bytes()
    with torch.no_grad():
        load_llama2c(path).model.embed_tokens.weight.zero_()
    assert path.read_bytes() == before


def test_the_order_is_that_of_the_code():
    """By hand: version 0 begins with the embedding and ends with the angles, version 1 begins with the norms."""
    config = random_module(False).config
    first, second = parts_of(config, 0), parts_of(config, 1)
    assert [part.name.split(".")[-2] for part in first if part.name][:4] == [
        "embed_tokens",
        "input_layernorm",
        "q_proj",
        "k_proj",
    ]
    assert [part.name for part in first[-3:]] == ["model.norm.weight", "", "lm_head.weight"]
    assert [part.name.split(".")[-2] for part in second[:4]] == [
        "input_layernorm",
        "post_attention_layernorm",
        "norm",
        "embed_tokens",
    ]


@pytest.mark.parametrize(
    "spoil, error, words",
    [
        (lambda data: data[:-4], FormatError, "its head promises .*: it was cut short"),
        (lambda data: data + b"\0\0\0\0", FormatError, "its head promises"),
        (lambda data: data[:12], FormatError, "ends in its head"),
        (lambda data: struct.pack("<7i", 16, 24, 2, 5, 2, 11, 6) + data[28:], FormatError, "names impossible sizes"),
        (
            lambda data: struct.pack("<Ii", 0x616B3432, 2) + data[8:],
            UnsupportedModel,
            "version 2; export it as version 0 or 1",
        ),
    ],
)
def test_a_damaged_checkpoint_is_one_sentence(spoil, error, words, tmp_path):
    path = written(tmp_path / "m.bin", random_module(True), 0)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(error, match=words):
        load_llama2c(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no file .*m\.bin; check the path"):
        read_head(tmp_path / "m.bin")


def test_a_folder_of_llama2c_is_one_checkpoint_and_one_tokenizer(tmp_path):
    assert files_of(tmp_path) is None
    for name in ("m.bin", "tokenizer.bin"):
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in files_of(tmp_path)] == ["m.bin", "tokenizer.bin"]
    (tmp_path / "other.bin").write_bytes(b"")
    assert files_of(tmp_path) is None


def test_numbers_are_little_endian_floats(tmp_path):
    module = random_module(True)
    data = written(tmp_path / "m.bin", module, 0).read_bytes()
    first = np.frombuffer(data, "<f4", 16, 28)
    assert np.array_equal(first, module.model.embed_tokens.weight[0].detach().numpy())
