"""Families with experts beyond their logits: both forms of their files, published configurations, and what cannot be."""

import pytest
import safetensors.torch
import torch
import transformers

from groundup.errors import ConfigError, FormatError, UnsupportedModel
from groundup.model.accounting import count
from groundup.model.architectures import FAMILIES, build, config_from_dict
from groundup.model.formats.huggingface import load_model, save_model

SIZES = dict(
    vocab_size=31, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2, max_position_embeddings=32,
)  # fmt: skip
QWEN = dict(moe_intermediate_size=8, num_experts=4, num_experts_per_tok=2)
LATENT = dict(kv_lora_rank=6, qk_nope_head_dim=4, qk_rope_head_dim=2, v_head_dim=4, q_lora_rank=8)
DEEPSEEK = LATENT | dict(moe_intermediate_size=8, n_routed_experts=4, num_experts_per_tok=2, first_k_dense_replace=1)
SMALL = {
    "mixtral": dict(num_local_experts=3),
    "qwen2_moe": QWEN | dict(shared_expert_intermediate_size=12),
    "qwen3_moe": QWEN,
    "deepseek_v3": DEEPSEEK,
}
every_family = pytest.mark.parametrize("family", SMALL)


def small(family, **changes):
    return FAMILIES[family][0](**SIZES | SMALL[family] | changes)


@pytest.fixture
def saved(tmp_path):
    """A model of a family with every parameter random, and the folder it was written to."""

    def make(family):
        module = build(small(family), seed=0, scheme="normal")
        for buffer in module.buffers():
            buffer.copy_(torch.arange(len(buffer)) * 0.1)
        save_model(tmp_path / "ours", module)
        return module, tmp_path / "ours"

    return make


@torch.no_grad()
@every_family
def test_files_with_stacks_and_files_with_a_matrix_an_expert_are_one_model(saved, tmp_path, family):
    ours, folder = saved(family)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.arange(12).view(1, 12)
    for original in (True, False):
        theirs.save_pretrained(tmp_path / str(original), save_original_format=original)
        held = safetensors.torch.load_file(tmp_path / str(original) / "model.safetensors")
        assert any(name.endswith("mlp.experts.gate_up_proj") for name in held) != original
        again = load_model(tmp_path / str(original))
        assert torch.equal(again(ids), ours(ids))
        assert again.state_dict().keys() == ours.state_dict().keys()


def test_the_bias_that_chooses_is_read_in_float32_whatever_the_model_is_in(saved):
    ours, folder = saved("deepseek_v3")
    again = load_model(folder, dtype="bfloat16")
    name = "model.layers.1.mlp.gate.e_score_correction_bias"
    assert torch.equal(again.state_dict()[name], ours.state_dict()[name])
    assert again.model.layers[1].mlp.experts.down_proj.dtype == torch.bfloat16


def test_layers_that_predict_further_tokens_stand_behind_the_last_and_are_not_read(saved):
    ours, folder = saved("deepseek_v3")
    path = folder / "model.safetensors"
    held = safetensors.torch.load_file(path)
    safetensors.torch.save_file(held | {"model.layers.2.eh_proj.weight": torch.zeros(2, 2)}, path)
    assert load_model(folder).state_dict().keys() == ours.state_dict().keys()
    safetensors.torch.save_file(held | {"model.layers.1.eh_proj.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(UnsupportedModel, match="eh_proj"):
        load_model(folder)


def test_a_folder_with_an_expert_too_few_is_refused(saved):
    _, folder = saved("qwen3_moe")
    path = folder / "model.safetensors"
    held = safetensors.torch.load_file(path)
    safetensors.torch.save_file({name: part for name, part in held.items() if ".experts.3." not in name}, path)
    with pytest.raises(FormatError, match=r"mlp.experts.* has shape \(3, .* but config.json says \(4"):
        load_model(folder)


DEEPSEEK_JSON = {  # the keys of the published configuration, but its 8-bit weights
    "architectures": ["DeepseekV3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "auto_map": {},
    "bos_token_id": 0, "eos_token_id": 1, "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168,
    "initializer_range": 0.02, "intermediate_size": 18432, "kv_lora_rank": 512, "max_position_embeddings": 163840,
    "model_type": "deepseek_v3", "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8, "n_routed_experts": 256,
    "n_shared_experts": 1, "norm_topk_prob": True, "num_attention_heads": 128, "num_experts_per_tok": 8,
    "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06,
    "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
                     "original_max_position_embeddings": 4096, "type": "yarn"},
    "rope_theta": 10000, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "tie_word_embeddings": False,
    "topk_group": 4, "topk_method": "noaux_tc", "torch_dtype": "bfloat16", "v_head_dim": 128, "vocab_size": 129280,
}  # fmt: skip


def test_the_published_configuration_is_read_and_its_eight_bit_weights_are_refused():
    config = config_from_dict(DEEPSEEK_JSON)
    assert round(count(config).parameters / 1e9) == 671
    assert config.blueprint().blocks[0].attention.scale == pytest.approx(192**-0.5 * 1.8738, rel=1e-4)
    with pytest.raises(UnsupportedModel, match="quantization_config"):
        config_from_dict(DEEPSEEK_JSON | {"quantization_config": {"quant_method": "fp8"}})
    with pytest.raises(UnsupportedModel, match="topk_method='greedy' would change"):
        config_from_dict(DEEPSEEK_JSON | {"topk_method": "greedy"})


def test_null_and_left_out_are_what_transformers_takes_them_for():
    raw = {"model_type": "mixtral", "head_dim": None, "sliding_window": None} | SIZES
    config = config_from_dict(raw | {"num_key_value_heads": 2})
    assert (config.head_dim, config.num_local_experts, config.rope_theta) == (8, 8, 1e6)
    theirs = transformers.Qwen3MoeConfig(**SIZES, num_key_value_heads=2).to_dict()
    config = config_from_dict(theirs)
    assert (config.num_experts, config.num_experts_per_tok, config.moe_intermediate_size) == (128, 8, 768)


@pytest.mark.parametrize(
    "family, changes, words",
    [
        ("mixtral", {"num_experts_per_tok": 4}, "num_experts_per_tok=4 of 3 experts; use 1 to 3"),
        ("qwen2_moe", {"decoder_sparse_step": 0}, "decoder_sparse_step=0 is not possible; use 1 or more"),
        ("qwen3_moe", {"moe_intermediate_size": 0}, "moe_intermediate_size=0 is not possible; use 1 or more"),
        ("deepseek_v3", {"n_group": 3}, "n_group=3, topk_group=1 do not fit 4 experts; use a divisor and at most it"),
        ("deepseek_v3", {"n_group": 4}, "is more than 1 groups of 1 hold; raise topk_group"),
        ("deepseek_v3", {"qk_rope_head_dim": 3}, "head_dim=3 must be even"),
        ("deepseek_v3", {"kv_lora_rank": 0}, "kv_lora_rank=0 is not possible; use 1 or more"),
        ("deepseek_v3", {"head_dim": 8}, "head_dim=8 cannot be said in deepseek_v3; leave it out, it is 2"),
        (
            "deepseek_v3",
            {"num_key_value_heads": 1},
            "num_key_value_heads=1 cannot be said in deepseek_v3; leave it out",
        ),
    ],
)
def test_what_cannot_be_is_refused_where_the_configuration_is_made(family, changes, words):
    with pytest.raises(ConfigError, match=words):
        small(family, **changes)
