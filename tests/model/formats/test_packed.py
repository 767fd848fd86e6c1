"""Packed weights: equal to what the package compressed-tensors packs, and read back by transformers."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.errors import FormatError, InputError, UnsupportedModel
from groundup.model.architectures import build, config_from_dict
from groundup.model.formats import huggingface, packed, shards
from groundup.model.layers import rounded_linear
from groundup.model.layers.rounded_linear import round_inputs

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


def drawn():
    """A tiny Llama whose head says something: that of a new one is zero."""
    module = build(config_from_dict(LLAMA), seed=3)
    with torch.no_grad():
        module.lm_head.weight += torch.randn(module.lm_head.weight.shape, generator=torch.Generator().manual_seed(5))
    return module


def written(folder, bits, group_size):
    """A tiny Llama whose matrices are codes times scales, and its folder."""
    module = drawn()
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
    name, scheme = "model.layers.0.mlp.up_proj.weight_scale", packed.Scheme(4)
    with pytest.raises(FormatError, match=r"up_proj.weight_packed has no model.layers.0.mlp.up_proj.weight_scale"):
        packed.unpacked({key: one for key, one in table.items() if key != name}, scheme, tmp_path)
    with pytest.raises(FormatError, match=r"is no matrix of \[96, 64\]"):
        packed.unpacked(table | {name: table[name][:5]}, scheme, tmp_path)
    for scale in (table[name][:, :0], table[name][:, 0]):
        with pytest.raises(FormatError, match=r"is no matrix of \[96, 64\]"):
            packed.unpacked(table | {name: scale}, scheme, tmp_path)
    shape = name.replace("scale", "shape")
    with pytest.raises(FormatError, match=r"is no matrix of \[96\]"):
        packed.unpacked(table | {shape: torch.tensor(96)}, scheme, tmp_path)


@pytest.mark.parametrize(
    "quantization",
    [{"quant_method": "gptq", "bits": 4}, packed.settings(3, 32, []), packed.settings(4, 32, []) | {"format": "marlin-24"},
     "int4", packed.settings(4, 32, []) | {"config_groups": None}, packed.settings(4, 32, []) | {"config_groups": {"group_0": 4}},
     packed.settings(4, 32, []) | {"config_groups": {"group_0": {"weights": {"num_bits": [4]}}}},
     packed.settings(8, None, [], inputs=8) | {"format": "pack-quantized"}, packed.settings(4, None, [], inputs=8), packed.settings(8, None, [], inputs=4)],
)  # fmt: skip
def test_other_forms_are_refused_with_the_way_out(quantization):
    with pytest.raises(UnsupportedModel, match="packed symmetric integers of 4 or 8 bits"):
        packed.scheme_of(quantization, "config.json")


@pytest.mark.parametrize(("kind", "bits"), [("Q8_0", 8), ("Q4_0", 4), ("Q8_0", 4)])
@pytest.mark.parametrize("group", [32, 64, None])
def test_blocks_hold_the_very_same_codes_and_scales(kind, bits, group):
    gguf = pytest.importorskip("gguf")
    draw, most = torch.Generator().manual_seed(1), 2 ** (bits - 1)
    codes = torch.randint(-most, most, (6, 128), generator=draw, dtype=torch.int8)
    scale = (torch.rand(6, 128 // (group or 128), generator=draw) * 0.1).half().float()
    data = packed.blocks_of("w", packed.Packed(codes, scale), kind)
    theirs = gguf.quants.dequantize(data, gguf.GGMLQuantizationType[kind])  # llama.cpp's own package
    np.testing.assert_array_equal(theirs, packed.Packed(codes, scale).numbers().numpy())


def test_codes_that_no_block_holds_are_named_with_the_way_out():
    codes = torch.full((2, 64), 100, dtype=torch.int8)
    for one, kind, words in [
        (packed.Packed(codes, torch.ones(2, 4)), "Q8_0", "groups of 16 weights are no multiple of 32"),
        (packed.Packed(codes, torch.ones(2, 2)), "Q4_0", "8 bits"),
        (packed.Packed(codes, torch.full((2, 2), 1e-9)), "Q8_0", "no number of FP16"),
    ]:
        with pytest.raises(InputError, match=f"{words}.*--group-size 32"):
            packed.blocks_of("w", one, kind)


@pytest.mark.parametrize("form", ["whole", "mixed"])
def test_eight_bit_inputs_and_bits_by_matrix_are_read_here_and_in_transformers(tmp_path, form, monkeypatch):
    module = drawn()
    names = [name for name in huggingface.weights_of(module) if name.endswith("proj.weight")]
    bits = {name: 8 if form == "whole" or "down" in name else 4 for name in names}
    table, draw = dict(huggingface.weights_of(module)), torch.Generator().manual_seed(0)
    for name in names:
        rows, inputs = table.pop(name).shape
        most, groups = 2 ** (bits[name] - 1), 1 if form == "whole" else inputs // 32
        codes = torch.randint(-most, most, (rows, inputs), generator=draw, dtype=torch.int8)
        matrix = packed.Packed(codes, torch.rand(rows, groups, generator=draw) * 0.3 / most)
        table |= packed.tensors_of(name, matrix, bits[name], whole=form == "whole")
        module.state_dict()[name].copy_(matrix.numbers())
    huggingface.save_model(tmp_path / "m", module)
    (tmp_path / "m" / "model.safetensors").unlink()
    (tmp_path / "m" / files.CHECKSUMS).unlink(missing_ok=True)
    shards.write(tmp_path / "m", table)
    others = {name.removesuffix(".weight"): 8 for name in names if bits[name] == 8}
    said = packed.settings(8, None, ["lm_head"], inputs=8) if form == "whole" else packed.settings(4, 32, ["lm_head"], others)
    files.write_json(tmp_path / "m" / "config.json", files.read_json(tmp_path / "m" / "config.json") | {"quantization_config": said})
    ids = torch.arange(20)[None]
    with torch.inference_mode():
        if form == "whole":
            round_inputs(module.model.layers)
        assert huggingface.load_model(tmp_path / "m")(ids).equal(module(ids))
        pytest.importorskip("compressed_tensors")
        from transformers import AutoModelForCausalLM

        theirs = AutoModelForCausalLM.from_pretrained(tmp_path / "m", dtype=torch.float32)(ids).logits.float()
        monkeypatch.setattr(rounded_linear, "token_codes", spread)
        torch.testing.assert_close(theirs, module(ids), atol=1e-4, rtol=1e-4)


def spread(x, bits):
    """compressed-tensors' own simulation spreads a token over 127.5 steps; the paper and vLLM's kernel over 127, as here."""
    scale = x.abs().amax(-1, keepdim=True) / 127.5
    return (x / scale).round().clamp(-128, 127), scale
