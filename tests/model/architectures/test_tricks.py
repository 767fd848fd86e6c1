"""Every trick as a switch: off it changes nothing, on it does what the formula says, counts itself, saves, loads, caches and learns."""

import math

import pytest
import torch
from torch.nn import functional

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import build, config_from_dict
from groundup.model.architectures.tricks import TrickDecoder, add_value_embedding, mix_with_start
from groundup.model.attention import masks
from groundup.model.formats.huggingface import load_model, save_model
from groundup.model.transformer import Decoder
from groundup.training.config import TrainConfig
from groundup.training.optimizers import build_optimizer

SWITCHES = {
    "none": {},
    "no QK-norm": {"qk_norm": False},
    "SwiGLU": {"hidden_act": "silu", "gated_mlp": True},
    "GELU": {"hidden_act": "gelu"},
    "attention cap": {"attn_logit_softcapping": 2.0},
    "logit cap": {"final_logit_softcapping": 3.0},
    "noisy projections": {"zero_init_projections": False},
    "tied": {"tie_word_embeddings": True},
    "sandwich": {"block_order": "sandwich"},
    "output norm": {"block_order": "output_norm"},
    "post-norm": {"block_order": "post_norm"},
    "parallel": {"block_order": "parallel"},
    "two norms": {"block_order": "parallel_two_norms"},
    "half rotary": {"partial_rotary_factor": 0.5},
    "embedding norm": {"embedding_norm": True},
    "residual scalars": {"residual_scalars": True},
    "value embeddings": {"value_embedding_layers": (1,)},
    "all": {
        "attn_logit_softcapping": 2.0,
        "final_logit_softcapping": 3.0,
        "tie_word_embeddings": True,
        "block_order": "sandwich",
        "partial_rotary_factor": 0.5,
        "embedding_norm": True,
        "residual_scalars": True,
        "value_embedding_layers": (0, 1),
    },
}
EACH = pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES)


@pytest.fixture
def made(randomly):
    """A tiny module of the family with every parameter random."""
    return lambda **changes: randomly("groundup", **changes)


def with_weights_of(module, other):
    """`module` with the weights that `other` has under the same names."""
    module.load_state_dict(other.state_dict(), strict=False)
    return module


@EACH
def test_it_counts_every_parameter(config, changes):
    module = build(config("groundup", **changes), device="meta")
    assert count(module.config).parameters == sum(parameter.numel() for parameter in module.parameters())


@EACH
def test_a_saved_model_loads_with_equal_logits(made, ids, tmp_path, changes):
    module = made(**changes)
    save_model(tmp_path / "model", module)
    loaded = load_model(tmp_path / "model")
    assert loaded.config == module.config and type(loaded) is type(module)
    assert torch.equal(loaded(ids(2, 9)), module(ids(2, 9)))


@EACH
@pytest.mark.parametrize("pieces", [[7, 5], [1] * 12])
def test_reading_in_pieces_with_a_cache_equals_one_pass(made, ids, changes, pieces):
    module, text = made(**changes), ids(2, 12)
    cache = KVCache.of(module, batch=2, capacity=12)
    logits = torch.cat([module(part, cache=cache) for part in text.split(pieces, dim=1)], dim=1)
    assert torch.allclose(logits, module(text), atol=2e-5)


@EACH
def test_a_short_row_of_a_batch_equals_itself_alone(made, ids, changes):
    module, text, real = made(**changes), ids(2, 7), torch.tensor([[0, 0, 0, 1, 1, 1, 1], [1] * 7])
    padded = module(text, masks.causal(7) & masks.padding(real), (real.cumsum(1) - 1).clamp(min=0))
    assert torch.allclose(padded[0, 3:], module(text[:1, 3:])[0], atol=2e-5)


@EACH
def test_a_token_does_not_move_the_logits_before_it(made, ids, changes):
    module, before = made(**changes), ids(1, 10)
    after = before.clone()
    after[:, 6] = (after[:, 6] + 1) % 97
    assert torch.equal(module(before)[:, :6], module(after)[:, :6])
    assert not torch.allclose(module(before)[:, 6:], module(after)[:, 6:])


@EACH
def test_every_parameter_learns_within_a_few_steps_from_its_first_value(config, ids, changes):
    module = build(config("groundup", **changes), seed=0)
    for _ in range(3):
        module.zero_grad()
        functional.cross_entropy(module(ids(4, 9)).flatten(0, 1), ids(4, 9, seed=1).flatten()).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= 0.1 * parameter.grad
    tables = [name for name, parameter in module.named_parameters() if not parameter.grad.any()]
    assert tables == []


@EACH
def test_in_bf16_the_logits_point_the_same_way(made, ids, changes):
    module, text = made(**changes), ids(2, 12)
    exact = module(text)
    module.compute_dtype = torch.bfloat16
    rounded = module(text)
    assert rounded.dtype == torch.bfloat16
    assert functional.cosine_similarity(rounded.float().flatten(), exact.flatten(), dim=0) > 0.998


# ───────── off: nothing is there ─────────


def test_by_default_the_family_is_what_it_was_before_it_had_switches(config):
    module = build(config("groundup"), device="meta")
    assert type(module) is Decoder
    names = {name.replace("layers.1", "layers.0") for name, _ in module.named_parameters()}
    assert len(names) == 3 + 10 and "model.layers.0.self_attn.q_norm.weight" in names
    older = {"model_type": "groundup", "hidden_act": "relu2", "qk_norm": True} | {
        name: getattr(module.config, name)
        for name in "vocab_size hidden_size intermediate_size num_hidden_layers num_attention_heads num_key_value_heads".split()
    }
    assert config_from_dict(older | {"max_position_embeddings": 64}) == module.config


@pytest.mark.parametrize(("family", "qk_norm"), [("llama", False), ("qwen3", True)])
def test_with_a_gate_the_logits_are_those_of_llama_and_with_qk_norm_those_of_qwen_3(
    randomly, made, ids, family, qk_norm
):
    theirs = randomly(family)
    ours = made(hidden_act="silu", gated_mlp=True, qk_norm=qk_norm)
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(ids(2, 9)), theirs(ids(2, 9)))


# ───────── on: what the formula says ─────────


def test_mixing_with_the_start_by_hand():
    x, start = torch.tensor([[[1.0, 2.0]]]), torch.tensor([[[10.0, -20.0]]])
    assert mix_with_start(x, start, torch.tensor(0.5), torch.tensor(0.1)).tolist() == [[[1.5, -1.0]]]


def test_residual_scalars_begin_as_no_change_and_then_each_block_reads_its_own_mixture(config, made, ids):
    first = build(config("groundup", residual_scalars=True), seed=0).model.residual_scalars
    assert first.weight.tolist() == [1, 1] and first.bias.tolist() == [0, 0]
    module, text = made(residual_scalars=True), ids(1, 5)
    (keep, add), trunk = (module.model.residual_scalars.weight, module.model.residual_scalars.bias), module.model
    start = x = trunk.embed_tokens(text)
    angles = module.rotary.angles(torch.arange(5), x.dtype)
    for number, block in enumerate(trunk.layers):
        x = block(keep[number] * x + add[number] * start, angles, None, None, number)
    assert torch.allclose(module(text), module.lm_head(trunk.norm(x)), atol=1e-5)


def test_a_value_embedding_by_hand():
    table, value = torch.tensor([[0.0, 0.0], [1.0, 2.0], [5.0, 5.0]]), torch.tensor([[[10.0, 20.0], [30.0, 40.0]]])
    assert add_value_embedding(value, table, torch.tensor([[1, 0]])).tolist() == [[[11.0, 22.0], [30.0, 40.0]]]


def test_alone_in_a_text_a_token_writes_its_value_and_its_row(made, ids):
    """One key has all the attention, so the output of attention is o_proj of what is in the value."""
    module, token = made(value_embedding_layers=(0,), num_key_value_heads=4), ids(1, 1)
    block, table = module.model.layers[0], module.model.value_embeddings["0"].weight
    read = block.input_layernorm(module.model.embed_tokens(token))
    expected = block.self_attn.o_proj(block.self_attn.v_proj(read) + table[token])
    heard = []
    block.self_attn.register_forward_hook(lambda part, given, output: heard.append(output))
    module(token)
    assert torch.allclose(heard[0], expected, atol=1e-6)


def test_a_value_embedding_belongs_to_its_block_alone(made):
    assert list(made(value_embedding_layers=(1,)).model.value_embeddings) == ["1"]


def test_value_tables_are_for_adamw_like_every_embedding(config):
    module = build(config("groundup", value_embedding_layers=(0,), residual_scalars=True), seed=0)
    muon, adamw = build_optimizer(module, TrainConfig()).parts
    assert "model.value_embeddings.0.weight" in adamw.parameters and "model.residual_scalars.bias" in adamw.parameters
    assert all(".layers." in name for name in muon.parameters)


def test_behind_an_embedding_norm_loud_and_quiet_tokens_are_alike(made, ids):
    module = made(embedding_norm=True)
    before = module(ids(1, 6))
    with torch.no_grad():
        module.model.embed_tokens.weight.mul_(torch.linspace(1, 9, 97)[:, None])
    assert torch.allclose(module(ids(1, 6)), before, atol=1e-4)


def test_capped_logits_are_the_bent_ones_of_the_same_weights(made, ids):
    plain = made()
    capped = with_weights_of(made(final_logit_softcapping=0.5), plain)
    assert torch.allclose(capped(ids(2, 6)), 0.5 * torch.tanh(plain(ids(2, 6)) / 0.5), atol=1e-6)


def test_under_a_tiny_cap_all_scores_are_alike_and_attention_is_the_mean_of_the_values(made, ids):
    module, text = made(attn_logit_softcapping=1e-6, num_key_value_heads=4), ids(1, 6)
    block = module.model.layers[0]
    read = block.input_layernorm(module.model.embed_tokens(text))
    mean = block.self_attn.v_proj(read).cumsum(1) / torch.arange(1, 7)[:, None]
    heard = []
    block.self_attn.register_forward_hook(lambda part, given, output: heard.append(output))
    module(text)
    assert torch.allclose(heard[0], block.self_attn.o_proj(mean), atol=1e-4)


def test_with_zero_projections_the_first_logits_are_those_of_the_bare_embedding(config, ids):
    module = build(config("groundup", tie_word_embeddings=True), seed=0)
    x = module.model.norm(module.model.embed_tokens(ids(2, 5)))
    assert torch.equal(module(ids(2, 5)), module.lm_head(x))


def test_without_them_what_is_written_is_divided_by_the_root_of_twice_the_depth(config):
    module = build(config("groundup", hidden_size=64, zero_init_projections=False), seed=0)
    block = module.model.layers[1]
    assert block.self_attn.o_proj.weight.std().item() == pytest.approx(1 / math.sqrt(4 * 64), rel=0.05)
    assert block.mlp.down_proj.weight.std().item() == pytest.approx(1 / math.sqrt(4 * 56), rel=0.05)


def test_with_qk_norm_larger_queries_change_nothing(made, ids):
    module = made()
    before = module(ids(1, 6))
    with torch.no_grad():
        module.model.layers[0].self_attn.q_proj.weight.mul_(50)
    assert torch.allclose(module(ids(1, 6)), before, atol=1e-3)


def test_what_stands_outside_the_blocks_makes_another_decoder(made):
    outside = ("embedding norm", "residual scalars", "value embeddings", "all")
    assert [name for name, changes in SWITCHES.items() if isinstance(made(**changes), TrickDecoder)] == list(outside)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"final_logit_softcapping": 0.0}, "final_logit_softcapping=0.0 bends every score to nothing"),
        ({"attn_logit_softcapping": -3.0}, "attn_logit_softcapping=-3.0 bends"),
        ({"final_logit_softcapping": math.nan}, "final_logit_softcapping=nan bends"),
        ({"block_order": "sideways"}, "block_order='sideways' is not an order of norms; use pre_norm, post_norm"),
        ({"value_embedding_layers": (2,)}, r"value_embedding_layers=\[2\] does not fit; name blocks from 0 to 1"),
        ({"value_embedding_layers": (-1,)}, "does not fit"),
        ({"value_embedding_layers": (0, 0)}, "each once"),
        ({"hidden_act": "swiglu"}, "hidden_act='swiglu' is not an activation"),
        ({"partial_rotary_factor": 0.05}, "partial_rotary_factor=0.05 turns 0 of 8"),
    ],
)
def test_a_switch_that_cannot_be_is_refused(config, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        config("groundup", **changes)
