"""A model for other tools: theirs reads what is written; what no published family says is refused by its parts."""

import pytest
import torch

from groundup.errors import ConfigError, InputError, UnsupportedModel
from groundup.model.architectures import build
from groundup.model.architectures.groundup import GroundupConfig
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.formats.export import differences, export, published
from groundup.model.formats.huggingface import load_model, save_model

SIZES = dict(vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)


@pytest.fixture
def folder(tmp_path):
    """A llama's folder, with what lies beside the weights."""
    save_model(
        tmp_path / "model",
        build(LlamaConfig(**SIZES), seed=0, scheme="normal"),
        generation={"do_sample": True},
        card="# card",
    )
    (tmp_path / "model" / "tokenizer_config.json").write_text("{}")
    return tmp_path / "model"


@torch.no_grad()
def test_a_hugging_face_folder_is_read_by_transformers(folder, tmp_path, ids):
    transformers = pytest.importorskip("transformers")
    made = export(folder, "huggingface", tmp_path / "out", "bfloat16")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(made, dtype=torch.bfloat16)
    assert next(theirs.parameters()).dtype == torch.bfloat16
    expected = load_model(folder, dtype="bfloat16").float()(ids(2, 9))
    assert (theirs.float()(ids(2, 9)).logits - expected).abs().max() < 1e-4
    assert (made / "README.md").read_text() == "# card" and (made / "tokenizer_config.json").read_text() == "{}"
    assert theirs.generation_config.do_sample


@torch.no_grad()
def test_a_gguf_file_is_read_back(folder, tmp_path, ids):
    made = export(folder, "gguf", tmp_path / "model.gguf", "F32")
    back = export(made, "huggingface", tmp_path / "back")
    assert (load_model(back)(ids(1, 7)) - load_model(folder)(ids(1, 7))).abs().max() < 1e-5


def test_an_onnx_file_is_written(folder, tmp_path):
    onnx = pytest.importorskip("onnx")
    made = export(folder, "onnx", tmp_path / "model.onnx", cache=True)
    names = [one.name for one in onnx.load(str(made)).graph.input]
    assert names[:3] == ["input_ids", "attention_mask", "position_ids"] and "past_key_values.1.value" in names


def test_what_llama_says_too_is_written_under_its_name():
    config = GroundupConfig(**SIZES, qk_norm=False, hidden_act="silu", gated_mlp=True)
    assert published(config).model_type == "llama"
    assert published(GroundupConfig(**SIZES, qk_norm=True, hidden_act="silu", gated_mlp=True)).model_type == "qwen3"


@torch.no_grad()
def test_a_groundup_model_that_is_a_llama_exports_with_equal_logits(tmp_path, ids):
    module = build(GroundupConfig(**SIZES, qk_norm=False, hidden_act="silu", gated_mlp=True), seed=0, scheme="normal")
    save_model(tmp_path / "own", module)
    made = load_model(export(tmp_path / "own", "huggingface", tmp_path / "out"))
    assert made.config.model_type == "llama" and torch.equal(made(ids(2, 5)), module(ids(2, 5)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "feed_forward.activation is 'relu2', not 'silu'"),
        ({}, "feed_forward.gated is False, not True"),
        ({"hidden_act": "silu", "gated_mlp": True, "embedding_norm": True}, "embedding_norm is Norm"),
        ({"hidden_act": "silu", "gated_mlp": True, "block_order": "sandwich"}, "order is 'sandwich', not 'pre_norm'"),
    ],
)
def test_parts_that_no_published_family_has_are_named(changes, words):
    with pytest.raises(UnsupportedModel, match=words):
        published(GroundupConfig(**SIZES, **changes))


def test_a_published_family_keeps_its_name():
    config = LlamaConfig(**SIZES)
    assert published(config) is config and list(differences(config.blueprint(), config.blueprint())) == []


def test_what_cannot_be_is_said_before_anything_is_read(folder, tmp_path):
    with pytest.raises(ConfigError, match="--to caffe is not known; use huggingface, gguf, onnx"):
        export(folder, "caffe", tmp_path / "x")
    with pytest.raises(ConfigError, match="gguf does not store weights as float32; use F16, F32"):
        export(folder, "gguf", tmp_path / "x", "float32")
    with pytest.raises(InputError, match="is there already; give another name"):
        export(folder, "huggingface", folder)


def test_a_cache_is_asked_of_a_graph_alone(tmp_path):
    with pytest.raises(ConfigError, match="--cache is a form of the graph that onnx has and gguf has not"):
        export(tmp_path, "gguf", tmp_path / "out.gguf", cache=True)
