"""A foreign config.json: every key used, without effect, or refused by name."""

import pytest
import transformers

from groundup.errors import FormatError, UnsupportedModel
from groundup.model.architectures import FAMILIES, config_from_dict


def test_our_own_config_json_reads_back_as_the_same_configuration(config):
    for family in FAMILIES:
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


@pytest.mark.parametrize("theirs", [transformers.LlamaConfig, transformers.Qwen3Config])
def test_a_key_that_is_left_out_means_what_it_means_to_transformers(theirs):
    sizes = dict(vocab_size=99, hidden_size=4096, intermediate_size=11, num_hidden_layers=2, num_attention_heads=32)
    ours = config_from_dict({"model_type": theirs.model_type} | sizes).to_dict()
    oracle = theirs(**sizes).to_dict()
    shared = ours.keys() & oracle.keys() - {"architectures", "layer_types", "bos_token_id", "eos_token_id"}
    assert {key: ours[key] for key in shared} == {key: oracle[key] for key in shared}


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_the_rotary_base_is_read_from_the_newer_and_the_older_place(config, key):
    raw = config("llama").to_dict() | {"rope_parameters": None, "rope_scaling": None, "rope_theta": 5.0}
    assert config_from_dict(raw).rope_theta == 5.0
    raw = raw | {key: {"rope_type": "default", "rope_theta": 9.0}}
    assert config_from_dict(raw).rope_theta == 9.0


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_scaling of type 'llama3'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling of type 'linear'"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "rope_parameters of type 'yarn'"),
        ({"rope_parameters": {"rope_theta": 1.0, "partial_rotary_factor": 0.5}}, "partial_rotary_factor"),
        ({"hidden_act": "gelu"}, "hidden_act='gelu'"),
        ({"use_sliding_window": True, "sliding_window": 8}, "sliding_window=8, use_sliding_window=True"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "layer_types="),
        ({"logit_softcapping": 30.0, "alibi": True}, "alibi=True, logit_softcapping=30.0"),
    ],
)
def test_a_key_that_would_change_the_output_is_refused_by_name(config, changes, words):
    with pytest.raises(UnsupportedModel) as error:
        config_from_dict(config().to_dict() | changes, "there/config.json")
    assert words in str(error.value) and "there/config.json" in str(error.value)


def test_keys_without_effect_are_passed_over(config):
    assert (
        config_from_dict(config().to_dict() | {"use_cache": False, "attention_dropout": 0.1, "max_window_layers": 3})
        == config()
    )


def test_another_architecture_is_refused_with_those_that_are_known():
    with pytest.raises(
        UnsupportedModel, match="model_type 'mamba' is not implemented; known are llama, qwen3, groundup"
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
