"""ONNX graphs: ONNX Runtime gives the module's logits, in every family, with padding, with windows, and step by step."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, MissingExtra, UnsupportedModel
from groundup.model.architectures import FAMILIES, build
from groundup.model.architectures.conformance.subject import Subject
from groundup.model.architectures.llama import LlamaConfig
from groundup.model.attention import masks
from groundup.model.formats.onnx import graph_of, save_onnx

CLOSE = 1e-4
SIZES = dict(
    vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4,
    max_position_embeddings=64, num_key_value_heads=2, sliding_window=4,
)  # fmt: skip
ODD = {
    "gemma2": {"head_dim": 12}, "gemma": {"head_dim": 12}, "qwen3": {"head_dim": 12}, "qwen2": {"tie_word_embeddings": True},
    "llama": {"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}, "mlp_bias": True},
    "phi3": {"partial_rotary_factor": 0.5}, "gpt2": {"activation_function": "relu", "scale_attn_by_inverse_layer_idx": True},
    "stablelm": {"use_parallel_residual": True}, "gemma3_text": {"head_dim": 8, "num_hidden_layers": 4},
}  # fmt: skip
WRITTEN = ["llama", "qwen3", "groundup", "openai-gpt", "gpt2", "opt", "gpt_neox", "falcon", "mistral", "qwen2", "gemma", "gemma2",
           "gemma3_text", "phi", "phi3", "olmo", "olmo2", "stablelm", "starcoder2", "granite"]  # fmt: skip


def random(family, **changes):
    """A small module with every parameter random."""
    config_class = FAMILIES[family][0]
    names = {one.name for one in dataclasses.fields(config_class)} - config_class.fixed
    fields = SIZES | ODD.get(family, {}) | changes
    return Subject(config_class(**{name: value for name, value in fields.items() if name in names})).module()


def padded(rows=3, length=11):
    ids = torch.randint(0, 97, (rows, length), generator=torch.Generator().manual_seed(3))
    real = (torch.arange(length) >= torch.tensor([[0], [3], [6]])[:rows]).long()
    return ids, real, (real.cumsum(1) - 1).clamp(min=0)


@pytest.fixture
def run(tmp_path):
    """Write a module and give what runs it in ONNX Runtime; the checker has read the file before."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")

    def written(module, **how):
        path = tmp_path / "model.onnx"
        save_onnx(path, module, **how)
        onnx.checker.check_model(str(path), full_check=True)
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads, settings.log_severity_level = 1, 3
        session = runtime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        wanted = {one.name for one in session.get_inputs()}
        names = [one.name for one in session.get_outputs()]
        return lambda **given: dict(
            zip(
                names,
                session.run(names, {name: np.asarray(one) for name, one in given.items() if name in wanted}),
                strict=True,
            )
        )

    return written


def empty(module, rows):
    """No past: arrays of zero tokens."""
    return {
        f"past_key_values.{number}.{kind}": np.zeros(
            (rows, block.attention.kv_heads, 0, block.attention.head_dim), np.float32
        )
        for number, block in enumerate(module.config.blueprint().blocks)
        for kind in ("key", "value")
    }


@torch.no_grad()
@pytest.mark.parametrize("family", WRITTEN)
def test_onnx_runtime_gives_the_modules_logits_also_behind_padding(run, family):
    module = random(family)
    ids, real, positions = padded()
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    expected = module(ids, masks.causal(11) & masks.padding(real), positions).numpy()
    assert np.abs(found - expected)[real.bool().numpy()].max() < CLOSE
    assert expected.std() > 0.01


@torch.no_grad()
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "mistral", "falcon"])
def test_step_by_step_with_a_cache_gives_the_logits_of_the_whole_text(run, family):
    module = random(family)
    ids, _, _ = padded(2)
    step, found, past = run(module, cache=True), [], empty(module, 2)
    for start, end in ((0, 4), (4, 5), (5, 6), (6, 11)):
        made = step(
            input_ids=ids[:, start:end], attention_mask=np.ones((2, end), np.int64),
            position_ids=np.broadcast_to(np.arange(start, end), (2, end - start)), **past,
        )  # fmt: skip
        found.append(made.pop("logits"))
        past = {name.replace("present", "past_key_values"): one for name, one in made.items()}
    assert np.abs(np.concatenate(found, axis=1) - module(ids).numpy()).max() < CLOSE


@torch.no_grad()
def test_one_graph_takes_any_batch_and_length(run):
    module = random("llama")
    call = run(module)
    for rows, length in ((1, 1), (2, 7), (5, 64)):
        ids = torch.randint(0, 97, (rows, length), generator=torch.Generator().manual_seed(0))
        places = torch.arange(length).expand(rows, length)
        found = call(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=places)["logits"]
        assert np.abs(found - module(ids).numpy()).max() < CLOSE


@torch.no_grad()
def test_float16_halves_the_file_and_stays_near(run, tmp_path):
    module = random("llama", hidden_size=64, intermediate_size=256, rope_scaling=None)
    ids, real, positions = padded()
    found = run(module, dtype="float16")(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    half = (tmp_path / "model.onnx").stat().st_size
    save_onnx(tmp_path / "whole.onnx", module)
    assert half < 0.6 * (tmp_path / "whole.onnx").stat().st_size
    expected = module(ids, masks.causal(11) & masks.padding(real), positions).numpy()
    assert np.abs(found - expected)[real.bool().numpy()].max() < 0.01 * np.abs(expected).max()


@torch.no_grad()
def test_weights_in_a_file_of_their_own_are_found_beside_the_graph(run, tmp_path, monkeypatch):
    monkeypatch.setattr("groundup.model.formats.onnx.ONE_FILE_BYTES", 1000)
    module = random("llama")
    ids, real, positions = padded()
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    weights = sum(4 * weight.numel() for weight in module.parameters() if 4 * weight.numel() > 1000)
    assert (tmp_path / "model.onnx.data").stat().st_size >= weights
    expected = module(ids, masks.causal(11) & masks.padding(real), positions).numpy()
    assert np.abs(found - expected)[real.bool().numpy()].max() < CLOSE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.onnx", "model.onnx.data"]


def test_the_same_model_gives_the_same_file(run, tmp_path):
    run(random("llama"))
    first = (tmp_path / "model.onnx").read_bytes()
    save_onnx(tmp_path / "again.onnx", random("llama"))
    assert (tmp_path / "again.onnx").read_bytes() == first


@pytest.mark.parametrize("cache", [False, True])
def test_every_name_is_made_before_it_is_read_and_once(cache):
    graph = graph_of(random("gemma2"), cache=cache)
    known = {*graph.inputs, *graph.constants}
    for node in graph.nodes:
        assert known >= set(node.reads), node
        assert node.makes not in known
        known.add(node.makes)
    assert graph.outputs.keys() <= known
    assert len(graph.inputs) == 3 + (2 * 2 if cache else 0) and len(graph.outputs) == 1 + (2 * 2 if cache else 0)


def test_a_tied_head_is_stored_once():
    module = random("qwen2")
    stored = sum(array.size for array in graph_of(module).constants.values())
    assert stored < sum(weight.numel() for weight in module.parameters()) + 200


def test_experts_and_alibi_are_refused_by_name():
    refused = {"mixtral": "Experts", "bloom": "alibi"}
    for family in refused:
        with pytest.raises(UnsupportedModel, match=f"{refused[family]}.*; export it as a model folder"):
            graph_of(random(family))


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_scaling_that_asks_for_the_length_is_refused(kind):
    scaling = {"rope_type": kind, "factor": 2.0, "original_max_position_embeddings": 16}
    scaling |= {"short_factor": [1.0] * 4, "long_factor": [2.0] * 4} if kind == "longrope" else {}
    with pytest.raises(UnsupportedModel, match=f"rope_scaling of type {kind}, which asks for the length"):
        graph_of(random("llama", rope_scaling=scaling))


def test_another_number_format_and_what_is_no_decoder_are_refused():
    with pytest.raises(ConfigError, match="as int8; use float32, float16"):
        graph_of(build(LlamaConfig(**{key: SIZES[key] for key in list(SIZES)[:-1]})), dtype="int8")


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'groundup\[export\]'"):
        save_onnx(tmp_path / "m.onnx", random("llama"))
