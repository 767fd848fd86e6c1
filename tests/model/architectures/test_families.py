"""Each family against transformers' own class: copied weights, equal logits, in both directions."""

import pytest
import torch
import transformers

from groundup.model.architectures import build, config_from_dict

ORACLES = {"llama": transformers.LlamaForCausalLM, "qwen3": transformers.Qwen3ForCausalLM}
CASES = [
    ("llama", dict(num_key_value_heads=4)),
    ("llama", dict(num_key_value_heads=1, tie_word_embeddings=True, rope_theta=500.0)),
    ("llama", dict(num_key_value_heads=2, attention_bias=True, mlp_bias=True, head_dim=12)),
    ("qwen3", dict(num_key_value_heads=2, tie_word_embeddings=True)),
    ("qwen3", dict(num_key_value_heads=1, head_dim=16, rms_norm_eps=1e-3)),
    ("qwen3", dict(num_key_value_heads=4, attention_bias=True)),
]


@pytest.mark.parametrize("family, changes", CASES)
def test_the_logits_equal_those_of_transformers(randomly, ids, family, changes):
    ours = randomly(family, **changes)
    oracle = ORACLES[family](ORACLES[family].config_class.from_dict(ours.config.to_dict())).eval()
    oracle.load_state_dict(ours.state_dict())
    text = ids(3, 17)
    with torch.no_grad():
        assert (ours(text) - oracle(text).logits).abs().max() < 1e-4


@pytest.mark.parametrize("family, changes", CASES)
def test_left_padded_rows_equal_those_of_transformers(randomly, ids, family, changes):
    ours = randomly(family, **changes)
    oracle = ORACLES[family](ORACLES[family].config_class.from_dict(ours.config.to_dict())).eval()
    oracle.load_state_dict(ours.state_dict())
    text, real = ids(2, 7), torch.tensor([[0, 0, 0, 1, 1, 1, 1], [1] * 7])
    from groundup.model.attention import masks

    positions = (real.cumsum(1) - 1).clamp(min=0)
    mine = ours(text, masks.causal(7) & masks.padding(real), positions)
    theirs = oracle(text, attention_mask=real, position_ids=positions).logits
    assert (mine - theirs)[real.bool()].abs().max() < 1e-4


def test_squared_relu_is_not_a_published_family_and_differs_from_it(randomly, ids):
    assert not torch.allclose(randomly("groundup")(ids(1, 5)), randomly("qwen3")(ids(1, 5)))
    assert "gate_proj" not in str(randomly("groundup"))


def test_without_qk_norm_the_groundup_family_has_no_such_parameters(config):
    module = build(config("groundup", qk_norm=False), seed=0)
    assert not any("q_norm" in name for name, _ in module.named_parameters())
    assert config_from_dict(module.config.to_dict()) == module.config
