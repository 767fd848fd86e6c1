"""Packed weights: equal to what the package compressed-tensors packs, and read back by transformers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats import huggingface, packed, shards

LLAMA = {
    "model_type": "llama", "vocab_size": 64, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 32, "tie_word_embeddings": False, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
}  # fmt: skip


@given(st.sampled_from(packed.BITS), st.integers(1, 5), st.integers(1, 40), st.integers(0, 2**31))
def test_what_is_packed_comes_out_again(bits, rows, columns, seed):
    most = 2 ** (bits - 1)
    codes = torch.from_numpy(np.random.default_rng(seed).integers(-most, most, (rows, columns), dtype=np.int8))
    assert packed.unpack_codes(packed.pack_codes(codes, bits), bits, columns).equal(codes)


def test_words_by_hand():
    codes = torch.tensor([[-8, -7, 7, 0, 0, 0, 0, -8]])  # + 8: 0, 1, 15, 8, 8, 8, 8, 0
    assert packed.pack_codes(codes, 4).item() == 0x08888F10
    assert packed.pack_codes(torch.tensor([[127, -128]]), 8).item() == 0x00FF
    assert packed.pack_codes(torch.tensor([[0, 0, 0, 127]]), 8).item() == 0xFF808080 - 2**32


@pytest.mark.parametrize("bits", packed.BITS)
def test_the_words_are_those_of_compressed_tensors(bits):
    helpers = pytest.importorskip("compressed_tensors.compressors.pack_quantized.helpers")
    most = 2 ** (bits - 1)
    codes = torch.from_numpy(np.random.default_rng(0).integers(-most, most, (6, 50), dtype=np.int8))
    assert packed.pack_codes(codes, bits).equal(helpers.pack_to_int32(codes, bits))


def written(folder, bits, group_size):
    """A tiny Llama whose matrices are codes times scales, and its folder."""
    module = build(config_from_dict(LLAMA), seed=3)
    table, draw = {}, torch.Generator().manual_seed(0)
    for name, tensor in huggingface.weights_of(module).items():
        if not name.endswith("proj.weight"):
            table[name] = tensor
            continue
        groups = tensor.shape[1] // (group_size or tensor.shape[1])
        most = 2 ** (bits - 1)
        codes = torch.randint(-most, most, tensor.shape, generator=draw, dtype=torch.int8)
        matrix = packed.Packed(codes, torch.rand(len(codes), groups, generator=draw) * 0.3 / most)
        table |= packed.tensors_of(name, matrix, bits)
        module.state_dict()[name].copy_(matrix.numbers())
    huggingface.save_model(folder, module)
    (folder / "model.safetensors").unlink()
    (folder / files.CHECKSUMS).unlink(missing_ok=True)
    shards.write(folder, table)
    said = {"quantization_config": packed.settings(bits, group_size, ["lm_head"])}
    files.write_json(folder / "config.json", files.read_json(folder / "config.json") | said)
    return module


@pytest.mark.parametrize(("bits", "group_size"), [(4, 32), (8, None)])
def test_a_packed_folder_gives_the_logits_of_its_numbers_here_and_in_transformers(tmp_path, bits, group_size):
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        expected = written(tmp_path / "m", bits, group_size)(ids)
        assert huggingface.load_model(tmp_path / "m")(ids).equal(expected)
        pytest.importorskip("compressed_tensors")
        from transformers import AutoModelForCausalLM

        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "m", dtype=torch.float32)
        torch.testing.assert_close(theirs(ids).logits.float(), expected, atol=1e-5, rtol=1e-5)


def test_a_folder_that_lacks_a_part_or_lies_about_shapes_is_named(tmp_path):
    written(tmp_path / "m", 4, 32)
    table = shards.read(tmp_path / "m")
    name = "model.layers.0.mlp.up_proj.weight_scale"
    with pytest.raises(FormatError, match=r"up_proj.weight_packed has no model.layers.0.mlp.up_proj.weight_scale"):
        packed.unpacked({key: one for key, one in table.items() if key != name}, 4, tmp_path)
    with pytest.raises(FormatError, match=r"is no matrix of \[96, 64\]"):
        packed.unpacked(table | {name: table[name][:5]}, 4, tmp_path)
    for scale in (table[name][:, :0], table[name][:, 0]):
        with pytest.raises(FormatError, match=r"is no matrix of \[96, 64\]"):
            packed.unpacked(table | {name: scale}, 4, tmp_path)
    shape = name.replace("scale", "shape")
    with pytest.raises(FormatError, match=r"is no matrix of \[96\]"):
        packed.unpacked(table | {shape: torch.tensor(96)}, 4, tmp_path)


@pytest.mark.parametrize(
    "quantization",
    [{"quant_method": "gptq", "bits": 4}, packed.settings(3, 32, []), packed.settings(4, 32, []) | {"format": "marlin-24"},
     "int4", packed.settings(4, 32, []) | {"config_groups": None}, packed.settings(4, 32, []) | {"config_groups": {"group_0": 4}},
     packed.settings(4, 32, []) | {"config_groups": {"group_0": {"weights": {"num_bits": [4]}}}}],
)  # fmt: skip
def test_other_forms_are_refused_with_the_way_out(quantization):
    with pytest.raises(UnsupportedModel, match="packed symmetric integers of 4 or 8 bits"):
        packed.bits_of(quantization, "config.json")
