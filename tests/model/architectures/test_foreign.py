"""A foreign config.json: every key used, without effect, or refused by name."""

import json

import pytest
import transformers

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.model.architectures import FAMILIES, config_from_dict, rope
from groundup.model.architectures.configuration import SIZES
from groundup.model.positions import extension


def test_our_own_config_json_reads_back_as_the_same_configuration(config):
    for family in ("llama", "qwen3", "groundup"):
        ours = config(family, tie_word_embeddings=True, eos_token_id=(1, 2), rope_theta=5e5)
        assert config_from_dict(ours.to_dict()) == ours


@pytest.mark.parametrize("theirs", [transformers.LlamaConfig, transformers.Qwen3Config])
def test_a_config_that_transformers_writes_is_read_with_the_same_sizes(theirs):
    raw = theirs(
        hidden_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=8, rope_theta=77.0, eos_token_id=[3, 4]
    ).to_dict()
    ours = config_from_dict(raw)
    assert (ours.hidden_size, ours.num_key_value_heads, ours.head_dim, ours.rope_theta) == (48, 2, 8, 77.0)
    assert ours.eos_token_id == (3, 4)


THEIRS = {family: transformers.AutoConfig.for_model(family) for family in FAMILIES if not family.startswith("groundup")}
VAGUE = {"architectures", "layer_types", "bos_token_id", "eos_token_id", "pad_token_id", "n_inner", "num_kv_heads"}
VAGUE |= {"num_nextn_predict_layers"}  # layers behind the last block, which are not kept: none are written


@pytest.mark.parametrize("family", THEIRS)
def test_every_key_that_transformers_writes_by_default_is_read(family):
    ours = config_from_dict(json.loads(THEIRS[family].to_json_string(use_diff=False)))
    assert (ours.hidden_size, ours.num_hidden_layers) == (THEIRS[family].hidden_size, THEIRS[family].num_hidden_layers)


@pytest.mark.parametrize("family", THEIRS)
def test_a_key_that_is_left_out_means_what_it_means_to_transformers(family):
    full = THEIRS[family].to_dict()
    config_class = FAMILIES[family][0]
    needed = [config_class.keys.get(name, name) for name in SIZES]
    oracle = type(THEIRS[family])(**{key: full[key] for key in needed if full.get(key) is not None}).to_dict()
    kept = {"model_type": family} | {key: full[key] for key in needed if key in full}
    ours = config_from_dict(kept).to_dict()
    shared = ours.keys() & oracle.keys() - VAGUE
    assert len(shared) >= (8 if family == "bloom" else 10)  # BLOOM says no more
    if oracle.get("head_dim", 0) is None:
        oracle["head_dim"] = oracle["hidden_size"] // oracle["num_attention_heads"]
    if ours.get("sliding_window", 0) is None and oracle.get("sliding_window") == 0:
        oracle["sliding_window"] = None  # Qwen2-MoE's way to say: no window
    assert {key: ours[key] for key in shared} == {key: oracle[key] for key in shared}


@pytest.mark.parametrize("family", THEIRS)
def test_every_family_refuses_a_key_that_it_does_not_know(family):
    with pytest.raises(UnsupportedModel, match="quantization_config='int3' would change the output"):
        config_from_dict(THEIRS[family].to_dict() | {"quantization_config": "int3"})


# the keys of published files that today's transformers no longer writes
PUBLISHED = {
    "gpt2": {
        "n_ctx": 1024,
        "task_specific_params": {"text-generation": {"max_length": 50}},
        "summary_type": "cls_index",
    },
    "openai-gpt": {"n_ctx": 512, "n_special": 0, "predict_special_tokens": True},
    "gpt_neox": {"rotary_pct": 0.5, "rotary_emb_base": 500, "rope_parameters": None},
    "falcon": {"n_layer": 3, "n_head": 4, "apply_residual_connection_post_layernorm": False},
    "gemma2": {"hidden_act": "gelu_pytorch_tanh", "cache_implementation": "hybrid", "sliding_window_size": 4096},
    "gemma3_text": {
        "rope_parameters": None,
        "rope_theta": 5e5,
        "rope_local_base_freq": 500.0,
        "sliding_window_pattern": 3,
    },
    "qwen2": {"sliding_window": 32768, "use_sliding_window": False},
    "phi3": {"auto_map": {"AutoConfig": "x"}, "attention_bias": False, "rope_scaling": None},
    "starcoder2": {"mlp_type": "default", "norm_type": "layer_norm", "activation_function": "gelu"},
    "opt": {"prefix": "</s>", "activation_dropout": 0.0},
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_the_older_keys_of_published_files_are_read(family):
    raw = THEIRS[family].to_dict() | PUBLISHED[family]
    assert config_from_dict(raw).model_type == family


def test_older_words_reach_the_field_they_mean():
    neox = config_from_dict(THEIRS["gpt_neox"].to_dict() | PUBLISHED["gpt_neox"])
    assert (neox.rope_theta, neox.partial_rotary_factor) == (500, 0.5)
    gemma = config_from_dict(THEIRS["gemma3_text"].to_dict() | PUBLISHED["gemma3_text"])
    assert (gemma.rope_theta, gemma.rope_local_base_freq, gemma.sliding_window_pattern) == (5e5, 500.0, 3)
    falcon = THEIRS["falcon"].to_dict() | PUBLISHED["falcon"]
    del falcon["num_hidden_layers"], falcon["num_attention_heads"]
    assert config_from_dict(falcon | {"hidden_size": 64}).num_hidden_layers == 3


@pytest.mark.parametrize(
    "family, changes, error, words",
    [
        ("gpt2", {"add_cross_attention": True}, UnsupportedModel, "add_cross_attention=True"),
        ("gpt2", {"activation_function": "tanhshrink"}, ConfigError, "use silu, swish, gelu"),
        ("gpt2", {"rope_theta": 1e4}, UnsupportedModel, "rope_theta=10000.0"),
        ("opt", {"do_layer_norm_before": False}, UnsupportedModel, "do_layer_norm_before=False"),
        ("opt", {"word_embed_proj_dim": 512}, UnsupportedModel, "word_embed_proj_dim=512"),
        (
            "falcon",
            {"apply_residual_connection_post_layernorm": True},
            UnsupportedModel,
            "apply_residual_connection_post_layernorm=True",
        ),
        ("olmo", {"clip_qkv": 8.0}, UnsupportedModel, "clip_qkv=8.0"),
        ("phi", {"qk_layernorm": True}, UnsupportedModel, "qk_layernorm=True"),
        ("gemma3_text", {"use_bidirectional_attention": True}, UnsupportedModel, "use_bidirectional_attention=True"),
        ("gemma2", {"layer_types": ["full_attention"]}, ConfigError, "give 26 of full_attention and sliding_attention"),
        (
            "qwen2",
            {"use_sliding_window": True, "sliding_window": 0, "layer_types": ["sliding_attention"] * 32},
            ConfigError,
            "use 1 or more",
        ),
        ("gpt_neox", {"rotary_pct": 0.01, "rope_parameters": None}, ConfigError, "set partial_rotary_factor="),
    ],
)
def test_what_a_family_cannot_do_is_refused_by_name(family, changes, error, words):
    with pytest.raises(error, match=words):
        config_from_dict(THEIRS[family].to_dict() | changes).blueprint()


def test_a_field_that_a_family_has_no_key_for_cannot_be_set():
    with pytest.raises(ConfigError, match="num_key_value_heads=2 cannot be said in gpt2; leave it out, it is 4"):
        FAMILIES["gpt2"][0](
            vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2
        )


def test_the_known_rope_types_are_those_that_are_implemented():
    assert set(rope.TYPES) == extension.SCHEMES.keys() | extension.OLDER_NAMES.keys()


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_the_rotary_base_is_read_from_the_newer_and_the_older_place(config, key):
    raw = config("llama").to_dict() | {"rope_parameters": None, "rope_scaling": None, "rope_theta": 5.0}
    assert config_from_dict(raw).rope_theta == 5.0
    raw = raw | {key: {"rope_type": "default", "rope_theta": 9.0}}
    assert config_from_dict(raw).rope_theta == 9.0


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rope_scaling": {"rope_type": "mrope", "factor": 8.0}}, "rope_scaling of type 'mrope'"),
        ({"rope_parameters": {"rope_type": "proportional"}}, "rope_parameters of type 'proportional'"),
        ({"rope_parameters": {"rope_theta": 1.0, "factor": 2.0}}, "rope_parameters.factor"),
        ({"rope_parameters": {"rope_theta": 1.0, "partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"mlp_bias": True}, "mlp_bias=True"),
        ({"logit_softcapping": 30.0, "alibi": True}, "alibi=True, logit_softcapping=30.0"),
    ],
)
def test_a_key_that_would_change_the_output_is_refused_by_name(config, changes, words):
    with pytest.raises(UnsupportedModel) as error:
        config_from_dict(config().to_dict() | changes, "there/config.json")
    assert words in str(error.value) and "there/config.json" in str(error.value)


def test_keys_without_effect_are_passed_over(config):
    assert config_from_dict(config().to_dict() | {"use_cache": False, "attention_dropout": 0.1}) == config()


def test_windows_are_read_from_the_layer_types_or_from_the_layer_where_they_begin(config):
    raw = config(num_hidden_layers=3).to_dict() | {"use_sliding_window": True, "sliding_window": 8}
    assert config_from_dict(raw | {"max_window_layers": 1}).windows() == [None, 8, 8]
    types = ["sliding_attention", "full_attention", "full_attention"]
    assert config_from_dict(raw | {"layer_types": types}).windows() == [8, None, None]
    assert config_from_dict(raw | {"layer_types": types, "use_sliding_window": False}).windows() == [None] * 3


@pytest.mark.parametrize("kind", ["linear", "llama3", "yarn"])
def test_a_rope_scaling_is_read_from_either_place_and_written_to_both(config, kind):
    scaling = {
        "linear": {"factor": 2.0},
        "yarn": {"factor": 2.0, "original_max_position_embeddings": 32},
        "llama3": {
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    }[kind]
    plain = config("llama").to_dict() | {"rope_parameters": None}
    older = config_from_dict(plain | {"rope_scaling": {"type": kind} | scaling})
    newer = config_from_dict(plain | {"rope_parameters": {"rope_type": kind, "rope_theta": 10_000.0} | scaling})
    assert older == newer and older.rope_scaling == {"rope_type": kind} | scaling
    written = older.to_dict()
    assert written["rope_scaling"] == older.rope_scaling
    assert written["rope_parameters"] == older.rope_scaling | {"rope_theta": 10_000.0}


def test_another_architecture_is_refused_with_those_that_are_known():
    with pytest.raises(
        UnsupportedModel,
        match="model_type 'mamba' is not implemented; known are llama, qwen3, groundup, openai-gpt, gpt2",
    ):
        config_from_dict({"model_type": "mamba"})


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"hidden_size": "big"}, "hidden_size='big'"),
        ({"rope_parameters": 3}, "rope_parameters"),
        ({"tie_word_embeddings": None}, "tie_word_embeddings=None"),
    ],
)
def test_a_value_of_the_wrong_type_is_named(config, changes, words):
    with pytest.raises(FormatError, match=words):
        config_from_dict(config().to_dict() | changes)


def test_a_missing_size_is_named(config):
    raw = config().to_dict()
    del raw["hidden_size"]
    with pytest.raises(FormatError, match="hidden_size is missing"):
        config_from_dict(raw)
