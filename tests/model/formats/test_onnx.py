"""ONNX graphs: ONNX Runtime gives the module's logits, in every family, with padding, with windows, and step by step."""

import dataclasses
import sys

import numpy as np
import pytest
import torch

from groundup.errors import ConfigError, MissingExtra, UnsupportedModel
from groundup.model.architectures import DECODERS, FAMILIES
from groundup.model.architectures.conformance.subject import Subject
from groundup.model.attention import masks
from groundup.model.formats.onnx import graph_of, graphs_of, save_onnx
from groundup.model.transformer import Decoder

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
    "deepseek_v3": {"n_group": 4, "topk_group": 2, "routed_scaling_factor": 2.5, "first_k_dense_replace": 1, "q_lora_rank": 20,
                    "num_key_value_heads": 4}, "mixtral": {"sliding_window": None}, "qwen3_moe": {"head_dim": 12, "norm_topk_prob": True},
    "t5": {"head_dim": 12, "num_key_value_heads": 4, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 9},
    "mt5": {"head_dim": 8, "num_decoder_layers": 3}, "roberta": {"type_vocab_size": 1}, "xlm-roberta": {"type_vocab_size": 1},
}  # fmt: skip
SIZES |= dict(  # of experts and latents, for the families that have them
    num_local_experts=4, num_experts=4, n_routed_experts=8, num_experts_per_tok=2, moe_intermediate_size=20,
    shared_expert_intermediate_size=24, kv_lora_rank=16, qk_nope_head_dim=8, qk_rope_head_dim=4, v_head_dim=12, head_dim=0,
)  # fmt: skip
DECODERS_WRITTEN = [name for name in DECODERS if name != "groundup-glm"]  # the one that is refused
ENCODERS = ["bert", "roberta", "xlm-roberta"]
PAIRS = ["t5", "mt5", "groundup-original"]


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

    def opened(path):
        onnx.checker.check_model(str(path), full_check=True)
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads, settings.log_severity_level = 1, 3
        session = runtime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        wanted = {one.name for one in session.get_inputs()}
        names = [one.name for one in session.get_outputs()]

        def call(**given):
            arrays = {name: np.asarray(one) for name, one in given.items() if name in wanted}
            return dict(zip(names, session.run(names, arrays), strict=True))

        return call

    def written(module, **how):
        save_onnx(tmp_path / "model.onnx", module, **how)
        reader = tmp_path / "model.encoder.onnx"
        return (opened(reader), opened(tmp_path / "model.onnx")) if reader.exists() else opened(tmp_path / "model.onnx")

    return written


def empty(module, rows):
    """No past: arrays of zero tokens."""
    made = {}
    for number, block in enumerate(module.config.blueprint().blocks):
        heads = block.attention.cache_heads
        for kind, width in zip(("key", "value"), block.attention.cache_widths, strict=True):
            made[f"past_key_values.{number}.{kind}"] = np.zeros((rows, heads, 0, width // heads), np.float32)
    return made


@torch.no_grad()
@pytest.mark.parametrize("family", DECODERS_WRITTEN)
def test_onnx_runtime_gives_the_modules_logits_also_behind_padding(run, family):
    module = random(family)
    ids, real, positions = padded()
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    expected = module(ids, masks.causal(11) & masks.padding(real), positions).numpy()
    assert np.abs(found - expected)[real.bool().numpy()].max() < CLOSE
    assert expected.std() > 0.01


@torch.no_grad()
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2", "mistral", "falcon", "bloom", "mixtral", "deepseek_v3"])
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
        assert not known & {node.makes, *node.also}
        known |= {node.makes, *node.also}
    assert graph.outputs.keys() <= known
    assert len(graph.inputs) == 3 + (2 * 2 if cache else 0) and len(graph.outputs) == 1 + (2 * 2 if cache else 0)


def test_a_tied_head_is_stored_once():
    module = random("qwen2")
    stored = sum(array.size for array in graph_of(module).constants.values())
    assert stored < sum(weight.numel() for weight in module.parameters()) + 200


ALL_TRICKS = dict(
    embedding_norm=True, residual_scalars=True, value_embedding_layers=(1,), attn_logit_softcapping=3.0, final_logit_softcapping=5.0,
    block_order="sandwich", partial_rotary_factor=0.5, gated_mlp=True, hidden_act="gelu", tie_word_embeddings=True,
)  # fmt: skip
KINDS = {
    "every trick": ("groundup", ALL_TRICKS),
    "ALiBi as Falcon rounds it": ("falcon", {"alibi": True, "multi_query": False, "num_key_value_heads": 4}),
    "experts whose shares are not normalised": ("qwen3_moe", {"norm_topk_prob": False, "num_experts_per_tok": 1}),
    "pairs that stand apart, in a latent": ("deepseek_v3", {"rope_interleave": False, "q_lora_rank": None, "attention_bias": True}),
    "one group of experts": ("deepseek_v3", {"n_group": 1, "topk_group": 1, "norm_topk_prob": False}),
}  # fmt: skip


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_less_usual_parts_too(run, kind):
    module = random(KINDS[kind][0], **KINDS[kind][1])
    ids, real, positions = padded()
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    expected = module(ids, masks.causal(11) & masks.padding(real), positions).numpy()
    assert np.abs(found - expected)[real.bool().numpy()].max() < CLOSE


@torch.no_grad()
def test_the_bias_that_chooses_experts_chooses_them_in_the_graph_too(run):
    module = random("deepseek_v3")
    ids, real, positions = padded(1)
    before = module(ids).clone()
    gates = [layer.mlp.gate for layer in module.model.layers if hasattr(layer.mlp, "gate")]
    for gate in gates:
        gate.e_score_correction_bias.copy_(torch.linspace(-1, 1, 8))
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions)["logits"]
    assert len(gates) == 1 and (module(ids) - before).abs().max() > 0.01
    assert np.abs(found - module(ids).numpy()).max() < CLOSE


@torch.no_grad()
def test_a_single_token_leaves_most_experts_without_a_row(run):
    module = random("qwen2_moe")
    ids = torch.tensor([[5]])
    found = run(module)(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=torch.zeros_like(ids))
    assert np.abs(found["logits"] - module(ids).numpy()).max() < CLOSE


def test_experts_are_asked_for_their_own_tokens_only():
    graph = graph_of(random("mixtral", num_hidden_layers=1))
    asked = [node for node in graph.nodes if any(".experts." in name for name in node.reads)]
    assert len(asked) == 2 * 4  # two matrices an expert
    gathered = {node.makes for node in graph.nodes if node.operator == "GatherND"}
    assert sum(node.reads[0] in gathered for node in asked) == 4


def test_the_router_stays_whole_in_half_precision():
    constants = graph_of(random("mixtral"), dtype="float16").constants
    kinds = {name: array.dtype for name, array in constants.items() if name.startswith("model.layers.0.mlp")}
    assert kinds.pop("model.layers.0.mlp.gate.weight.T") == np.float32 and set(kinds.values()) == {np.dtype(np.float16)}


@torch.no_grad()
def test_alibi_rounds_far_places_as_bfloat16_does(run):
    module = random("falcon", alibi=True, multi_query=False, num_key_value_heads=4, num_hidden_layers=1)
    ids = torch.randint(0, 97, (1, 40), generator=torch.Generator().manual_seed(0))
    places = torch.arange(300, 340)[None]  # beyond 256 bfloat16 has not every whole number
    found = run(module)(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=places)["logits"]
    assert np.abs(found - module(ids, positions=places).numpy()).max() < CLOSE
    assert (module(ids, positions=places) - module(ids)).abs().max() > 10 * CLOSE


@torch.no_grad()
@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_scaling_that_asks_for_the_length_is_told_it(run, kind):
    scaling = {"rope_type": kind, "factor": 4.0, "original_max_position_embeddings": 16}
    scaling |= {"short_factor": [1.0] * 4, "long_factor": [2.0, 3.0, 4.0, 5.0]} if kind == "longrope" else {}
    module = random("llama", rope_scaling=scaling, max_position_embeddings=16)
    plain, call = random("llama", rope_scaling=None), run(module)
    for length in (16, 17, 40):
        ids = torch.randint(0, 97, (1, length), generator=torch.Generator().manual_seed(0))
        places = torch.arange(length)[None]
        found = call(input_ids=ids, attention_mask=torch.ones_like(ids), position_ids=places)["logits"]
        assert np.abs(found - module(ids).numpy()).max() < CLOSE, length
        assert length == 16 or (module(ids) - plain(ids)).abs().max() > 0.01


@torch.no_grad()
@pytest.mark.parametrize(
    ("family", "head"),
    [*((family, "masked_language_model") for family in ENCODERS), ("bert", "none"), ("bert", "classification"), ("bert", "value"),
     ("roberta", "reward"), ("roberta", "tagging"), ("llama", "classification"), ("qwen2", "value"), ("gpt2", "none")],
)  # fmt: skip
def test_encoders_and_every_head(run, family, head):
    labels = {"classification": ("a", "b", "c"), "tagging": ("a", "b")}.get(head, ())
    module = random(family, head=head, labels=labels, pad_token_id=1, tie_word_embeddings=family in ENCODERS)
    ids, real, positions = padded()
    ids = torch.where(real.bool(), ids.clamp(min=2), 1)  # the padding's id stands at padding only
    more = {"token_type_ids": (torch.arange(11) > 7).long().expand_as(ids)}
    found = run(module)(input_ids=ids, attention_mask=real, position_ids=positions, **more)
    if family in ENCODERS:
        expected = module(ids, masks.padding(real), token_types=more["token_type_ids"] if family == "bert" else None)
    else:
        expected = module(ids, masks.causal(11) & masks.padding(real), positions)
    (name, scores), seen = found.popitem(), real.bool().numpy()
    assert name == ("last_hidden_state" if head == "none" else "logits") and scores.shape == tuple(expected.shape)
    apart = np.abs(scores - expected.numpy())
    assert (apart[seen] if apart.shape[:2] == seen.shape else apart).max() < CLOSE


@torch.no_grad()
@pytest.mark.parametrize("family", PAIRS)
def test_an_encoder_decoder_whole_and_step_by_step(run, family):
    module, (source, real, _), (ids, _, _) = random(family), padded(), padded(3, 9)
    expected, ones = module(source, ids, real).numpy(), np.ones((3, 9), np.int64)
    found = run(module)(input_ids=source, attention_mask=real, decoder_input_ids=ids, decoder_attention_mask=ones)
    assert np.abs(found["logits"] - expected).max() < CLOSE and expected.std() > 0.01
    reader, step = run(module, cache=True)
    kept = {
        name.replace("present", "past_key_values"): one
        for name, one in reader(input_ids=source, attention_mask=real).items()
    }
    attention = module.config.blueprint().blocks[0].attention
    past = {
        name.replace("encoder", "decoder"): np.zeros((3, attention.heads, 0, attention.head_dim), np.float32)
        for name in kept
    }
    scores = []
    for start, end in ((0, 4), (4, 5), (5, 9)):
        made = step(
            decoder_input_ids=ids[:, start:end],
            decoder_attention_mask=ones[:, :end],
            attention_mask=real,
            **kept,
            **past,
        )
        scores.append(made.pop("logits"))
        past = {name.replace("present", "past_key_values"): one for name, one in made.items()}
    assert np.abs(np.concatenate(scores, axis=1) - expected).max() < CLOSE


def test_two_graphs_hand_over_by_the_same_names():
    graphs = graphs_of(random("t5"), cache=True)
    handed = {name.replace("present", "past_key_values"): shape for name, shape in graphs[".encoder"].outputs.items()}
    assert handed.items() <= graphs[""].inputs.items() and len(handed) == 4
    assert not any("encoder.layers" in name for name in graphs[""].constants)
    kept = {name for name in graphs[""].constants if "cross_attn" in name}
    assert all("q_proj" in name or "o_proj" in name for name in kept) and len(kept) == 4


def test_what_has_no_nodes_is_refused_by_name():
    with pytest.raises(UnsupportedModel, match="it has positions in several axes; export it as a model folder"):
        graph_of(random("groundup-glm"))


class Louder(torch.nn.Module):
    """A feed-forward of the user's own."""

    def forward(self, x):
        return 2 * x


class OwnDecoder(Decoder):
    """A module of the user's own."""


def test_a_module_or_a_part_of_the_users_own_is_refused_by_its_name():
    module = random("llama")
    module.model.layers[1].mlp = Louder()
    with pytest.raises(UnsupportedModel, match="it has Louder, a part of its own; export it as a model folder"):
        graph_of(module)
    module = random("llama")
    module.__class__ = OwnDecoder
    with pytest.raises(UnsupportedModel, match="a module of its own, OwnDecoder, which no graph follows"):
        graph_of(module)


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_a_cache_is_for_what_writes(family):
    with pytest.raises(ConfigError, match=f"this {family} writes no text step by step.*; leave --cache out"):
        graph_of(random(family, head="tagging", labels=("a", "b"), tie_word_embeddings=family == "bert"), cache=True)


def test_another_number_format_is_refused():
    with pytest.raises(ConfigError, match="as int8; use float32, float16"):
        graph_of(random("llama"), dtype="int8")


def test_a_missing_package_is_named_with_its_pip_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'groundup\[export\]'"):
        save_onnx(tmp_path / "m.onnx", random("llama"))


@torch.no_grad()
def test_a_weight_beyond_half_precision_is_refused_by_its_name(recwarn):
    module = random("llama")
    module.model.layers[0].mlp.up_proj.weight[0, 0] = 65_519.0  # the last that is rounded down to 65,504
    graph_of(module, dtype="float16")
    module.model.layers[0].mlp.up_proj.weight[0, 0] = -70_000.0
    with pytest.raises(UnsupportedModel, match=r"layers.0.mlp.up_proj.weight.* beyond 65,504.*; use float32"):
        graph_of(module, dtype="float16")
    graph_of(module)
    assert not [one for one in recwarn if "overflow" in str(one.message)]
