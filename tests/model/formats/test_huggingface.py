"""The model folder: transformers reads it, it reads transformers', and every damage is one sentence."""

import json
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
import transformers

from groundup.errors import ConfigError, FormatError, InputError, UnsupportedModel
from groundup.files import verify_checksums
from groundup.model.formats.huggingface import load_model, save_model

CASES = [("llama", True), ("llama", False), ("qwen3", True), ("qwen3", False)]


@pytest.mark.parametrize("family, tied", CASES)
def test_transformers_loads_the_folder_with_equal_logits(randomly, ids, tmp_path, family, tied):
    module, text = randomly(family, tie_word_embeddings=tied), ids(2, 11)
    save_model(tmp_path / "model", module)
    oracle = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float32)
    assert type(oracle).__name__ == module.config.architecture
    assert (module(text) - oracle(text).logits).abs().max() < 1e-4


@pytest.mark.parametrize("family, tied", CASES)
def test_a_folder_that_transformers_saved_loads_with_equal_logits(randomly, ids, tmp_path, family, tied):
    theirs = type("", (), {"llama": transformers.LlamaForCausalLM, "qwen3": transformers.Qwen3ForCausalLM})
    raw = randomly(family, tie_word_embeddings=tied).config.to_dict()
    torch.manual_seed(0)
    oracle = getattr(theirs, family)(getattr(theirs, family).config_class.from_dict(raw)).eval()
    oracle.save_pretrained(tmp_path)
    text = ids(2, 11)
    assert (load_model(tmp_path)(text) - oracle(text).logits).abs().max() < 1e-4


@pytest.mark.parametrize("family", ["llama", "qwen3", "groundup"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saving_and_loading_gives_the_same_bits(randomly, tmp_path, family, dtype):
    module = randomly(family).to(dtype)
    save_model(tmp_path / "m", module)
    loaded = load_model(tmp_path / "m")
    assert loaded.config == module.config
    assert all(torch.equal(tensor, loaded.state_dict()[name]) for name, tensor in module.state_dict().items())
    assert json.loads((tmp_path / "m/config.json").read_text())["torch_dtype"] == str(dtype).removeprefix("torch.")
    assert all(parameter.requires_grad for parameter in loaded.parameters())


def test_the_same_module_is_always_the_same_file(randomly, tmp_path):
    for name in ("a", "b"):
        save_model(tmp_path / name, randomly())
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()


def test_a_tied_head_is_stored_once_loads_from_either_name_and_is_one_storage_again(randomly, ids, tmp_path):
    """Loading left the one copy under the other name unfilled, without a warning (huggingface/transformers#30202)."""
    module = randomly(tie_word_embeddings=True)
    save_model(tmp_path / "m", module)
    weights = safetensors.torch.load_file(tmp_path / "m/model.safetensors")
    assert "lm_head.weight" not in weights
    weights["lm_head.weight"] = weights.pop("model.embed_tokens.weight")
    for stored in (None, weights, weights | {"model.embed_tokens.weight": weights["lm_head.weight"].clone()}):
        if stored is not None:
            safetensors.torch.save_file(stored, tmp_path / "m/model.safetensors")
        loaded = load_model(tmp_path / "m")
        assert loaded.lm_head.weight is loaded.model.embed_tokens.weight
        assert torch.equal(loaded(ids(1, 5)), module(ids(1, 5)))


def test_an_untied_model_keeps_both_matrices(randomly, tmp_path):
    save_model(tmp_path / "m", randomly())
    assert {"lm_head.weight", "model.embed_tokens.weight"} <= safetensors.torch.load_file(
        tmp_path / "m/model.safetensors"
    ).keys()
    loaded = load_model(tmp_path / "m")
    assert not torch.equal(loaded.lm_head.weight, loaded.model.embed_tokens.weight)


def test_the_folder_holds_what_it_was_given_under_checksums(randomly, tmp_path):
    class Tokenizer:
        def save(self, folder):
            (folder / "tokenizer.json").write_text("{}")

    save_model(tmp_path / "m", randomly(), Tokenizer(), {"eos_token_id": 2}, "# card")
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "generation_config.json",
        "README.md",
        "checksums.json",
    }
    verify_checksums(tmp_path / "m")


def test_a_save_that_fails_leaves_the_old_folder_whole(randomly, ids, tmp_path):
    class Broken:
        def save(self, folder):
            raise RuntimeError("no")

    module = randomly(seed=1)
    save_model(tmp_path / "m", module)
    with pytest.raises(RuntimeError):
        save_model(tmp_path / "m", randomly(seed=2), Broken())
    assert torch.equal(load_model(tmp_path / "m")(ids(1, 4)), module(ids(1, 4)))
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_loading_casts_when_asked(randomly, tmp_path):
    save_model(tmp_path / "m", randomly())
    assert load_model(tmp_path / "m", dtype="bfloat16").compute_dtype == torch.bfloat16
    assert load_model(tmp_path / "m", dtype=torch.float64).lm_head.weight.dtype == torch.float64
    with pytest.raises(ConfigError, match="dtype 'int3' is unknown; use auto, float32"):
        load_model(tmp_path / "m", dtype="int3")


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def change(path, **tensors):
    safetensors.torch.save_file(safetensors.torch.load_file(path) | tensors, path)


DAMAGES = {
    "no config": (
        lambda m: (m / "config.json").unlink(),
        FormatError,
        "has no config.json, so it is not a model folder; ",
    ),
    "torn config": (lambda m: truncate(m / "config.json"), FormatError, "config.json"),
    "no weights": (lambda m: (m / "model.safetensors").unlink(), FormatError, "has no model.safetensors; "),
    "cut weights": (lambda m: truncate(m / "model.safetensors"), FormatError, "is damaged or cut short"),
    "empty weights": (lambda m: (m / "model.safetensors").write_bytes(b""), FormatError, "is damaged or cut short"),
    "not weights": (
        lambda m: (m / "model.safetensors").write_text("version https://git-lfs"),
        FormatError,
        "is damaged or cut short",
    ),
    "NaN": (
        lambda m: change(m / "model.safetensors", **{"model.norm.weight": torch.full((32,), torch.nan)}),
        FormatError,
        "model.norm.weight holds NaN or infinity, so the training that wrote it diverged; ",
    ),
    "shape": (
        lambda m: change(m / "model.safetensors", **{"model.norm.weight": torch.ones(8)}),
        FormatError,
        r"model.norm.weight has shape \(8,\) but config.json says \(32,\); ",
    ),
    "foreign part": (
        lambda m: change(m / "model.safetensors", **{"model.layers.0.moe.weight": torch.ones(8)}),
        UnsupportedModel,
        "hold model.layers.0.moe.weight, which no part of qwen3 reads; ",
    ),
    "more layers": (
        lambda m: (m / "config.json").write_text(
            (m / "config.json").read_text().replace('"num_hidden_layers": 2', '"num_hidden_layers": 3')
        ),
        FormatError,
        "lack model.layers.2.* and 8 more, which config.json asks for; ",
    ),
    "packed": (
        lambda m: change(m / "model.safetensors", **{"model.norm.weight": torch.ones(32, dtype=torch.int8)}),
        UnsupportedModel,
        "model.norm.weight holds int8, so the weights are quantised; ",
    ),
    "infinity": (
        lambda m: change(m / "model.safetensors", **{"model.norm.weight": torch.full((32,), torch.inf)}),
        FormatError,
        "model.norm.weight holds NaN or infinity",
    ),
    "architecture": (
        lambda m: (m / "config.json").write_text('{"model_type": "rwkv"}'),
        UnsupportedModel,
        "model_type 'rwkv'",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_one_sentence_with_the_way_out(randomly, tmp_path, damage):
    save_model(tmp_path / "m", randomly())
    do, error, words = DAMAGES[damage]
    do(tmp_path / "m")
    with pytest.raises(error, match=words) as caught:
        load_model(tmp_path / "m")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "instead, words",
    [
        ("pytorch_model.bin", "is a pickle, which is never loaded; save it anew"),
        ("model.ckpt", "model.ckpt is a pickle, which is never loaded; save it anew"),
    ],
)
def test_weights_in_another_form_are_refused_with_the_way_to_this_one(randomly, tmp_path, instead, words):
    save_model(tmp_path / "m", randomly())
    (tmp_path / "m/model.safetensors").rename(tmp_path / "m" / instead)
    with pytest.raises(FormatError, match=words):
        load_model(tmp_path / "m")


@pytest.mark.parametrize(("row", "number"), [(0, torch.nan), (50, torch.nan), (96, torch.inf)])
def test_a_single_number_that_is_none_is_found_wherever_it_stands(randomly, tmp_path, row, number):
    save_model(tmp_path / "m", randomly())
    weight = randomly().lm_head.weight.detach().clone()
    weight[row, 3] = number
    change(tmp_path / "m/model.safetensors", **{"lm_head.weight": weight})
    with pytest.raises(FormatError, match="lm_head.weight holds NaN or infinity"):
        load_model(tmp_path / "m")


def test_large_numbers_whose_sum_overflows_are_no_damage(randomly, tmp_path):
    module = randomly()
    with torch.no_grad():
        module.model.norm.weight.fill_(3e38)
    save_model(tmp_path / "m", module)
    assert torch.equal(load_model(tmp_path / "m").model.norm.weight, module.model.norm.weight)


@pytest.mark.skipif(sys.platform != "linux", reason="the list of mapped files is Linux's")
def test_loading_maps_the_file_and_training_in_place_leaves_it_as_it_was(randomly, tmp_path):
    save_model(tmp_path / "m", randomly())
    before = (tmp_path / "m/model.safetensors").read_bytes()
    loaded = load_model(tmp_path / "m")
    assert str(tmp_path / "m/model.safetensors") in Path("/proc/self/maps").read_text()
    with torch.no_grad():
        for parameter in loaded.parameters():
            parameter.add_(1.0)
    assert (tmp_path / "m/model.safetensors").read_bytes() == before


def test_a_model_can_be_saved_over_the_folder_it_was_loaded_from(randomly, ids, tmp_path):
    save_model(tmp_path / "m", randomly())
    loaded = load_model(tmp_path / "m")
    with torch.no_grad():
        loaded.lm_head.weight.mul_(2.0)
    save_model(tmp_path / "m", loaded)
    assert torch.equal(load_model(tmp_path / "m")(ids(1, 5)), loaded(ids(1, 5)))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no model folder"):
        load_model(tmp_path / "nowhere")
