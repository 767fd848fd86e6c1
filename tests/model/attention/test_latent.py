"""Latent attention against DeepSeek's modules in transformers, the absorbed form against the definition, and its cache."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import append
from groundup.model.attention import latent as module
from groundup.model.attention import masks
from groundup.model.attention.latent import (
    LatentAttention,
    compress,
    latent_attention,
    latent_attention_reference,
    pairs_apart,
    pairs_together,
    products,
)
from groundup.model.positions.rotary import Rotary, rotate

SIZES = dict(kv_lora_rank=12, qk_nope_head_dim=8, qk_rope_head_dim=6, v_head_dim=10)
HIDDEN, HEADS = 20, 4


def attention(**changes):
    """A module with random parameters, gains included."""
    made = LatentAttention(HIDDEN, HEADS, **{**SIZES, "q_lora_rank": 14, **changes}).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3 + (parameter.dim() == 1))
    return made


def angles(seq, start=0):
    return Rotary(SIZES["qk_rope_head_dim"]).angles(torch.arange(start, start + seq), torch.float64)


class Kept:
    """A cache of one layer with the widths of a latent: `latent` and `rope` are all that it holds."""

    def __init__(self, batch, capacity):
        self.latent, self.rope = (torch.zeros(batch, 1, capacity, width, dtype=torch.float64) for width in (12, 6))
        self.length = 0

    def update(self, layer, key, value):
        made = append(self.latent, key, self.length), append(self.rope, value, self.length)
        self.length += key.shape[2]
        return made


def operands(queries=5, keys=9):
    sizes = ((2, HEADS, queries, 8), (2, HEADS, queries, 6), (2, keys, 12), (2, keys, 6), (HEADS, 18, 12))
    return [torch.randn(*size, dtype=torch.float64) for size in sizes]


@pytest.mark.parametrize("family", ["V2", "V3"])
@pytest.mark.parametrize("q_lora_rank", [None, 14])
@pytest.mark.parametrize("bias", [False, True])
def test_the_module_equals_deepseeks_with_the_same_weights(family, q_lora_rank, bias):
    transformers = pytest.importorskip("transformers")
    modeling = pytest.importorskip(f"transformers.models.deepseek_{family.lower()}.modeling_deepseek_{family.lower()}")
    config = getattr(transformers, f"Deepseek{family}Config")(
        hidden_size=HIDDEN,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        q_lora_rank=q_lora_rank,
        attention_bias=bias,
        **SIZES,
    )
    config._attn_implementation = "eager"
    theirs = getattr(modeling, f"Deepseek{family}Attention")(config, layer_idx=0).double()
    ours = attention(q_lora_rank=q_lora_rank, bias=bias)
    assert theirs.load_state_dict(ours.state_dict(), strict=True)
    x, seen = torch.randn(2, 7, HIDDEN, dtype=torch.float64), masks.causal(7)[:, None]
    rotary = getattr(modeling, f"Deepseek{family}RotaryEmbedding")(config)
    forbidden = torch.zeros(1, 1, 7, 7, dtype=torch.float64).masked_fill(~seen, torch.finfo(torch.float64).min)
    oracle = theirs(x, position_embeddings=rotary(x, torch.arange(7)[None]), attention_mask=forbidden)[0]
    # 1e-6: their angles are float32 before they become cosines, as ours, and are rounded in another order
    assert torch.allclose(ours(x, angles(7)), oracle, atol=1e-6)


@pytest.mark.parametrize("queries, keys", [(1, 1), (1, 9), (5, 9), (9, 9)])
@pytest.mark.parametrize("kind", ["all", "causal", "mask"])
def test_the_absorbed_form_gives_the_same_without_making_a_key(queries, keys, kind):
    given = operands(queries, keys)
    blind = torch.rand(2, 1, queries, keys) > 0.4
    blind[0, :, 0] = False  # a query that may look at nothing
    how = {"mask": blind} if kind == "mask" else {"causal": kind == "causal"}
    plain = latent_attention_reference(*given, 0.3, **how)
    assert plain.shape == (2, HEADS, queries, 10)
    assert torch.allclose(latent_attention(*given, 0.3, **how), plain, atol=1e-12)
    assert kind != "mask" or torch.equal(plain[0, :, 0], torch.zeros(HEADS, 10, dtype=torch.float64))


def test_the_definition_is_attention_over_the_keys_that_eq_9_to_19_name():
    query, query_rope, latent, rope, up = operands()
    heads = []
    for head in range(HEADS):
        key = torch.cat((latent @ up[head, :8].T, rope), dim=-1)
        asking = torch.cat((query[:, head], query_rope[:, head]), dim=-1)
        heads.append(torch.softmax(0.3 * asking @ key.mT, -1) @ (latent @ up[head, 8:].T))
    ours = latent_attention_reference(query, query_rope, latent, rope, up, 0.3)
    assert torch.allclose(ours, torch.stack(heads, 1), atol=1e-12)


def test_values_may_be_wider_than_keys():
    query, query_rope, latent, rope, up = operands()
    wide = torch.cat((up, torch.randn(HEADS, 20, 12).double()), dim=1)
    plain, absorbed = (
        form(query, query_rope, latent, rope, wide, 0.3) for form in (latent_attention_reference, latent_attention)
    )
    assert plain.shape[-1] == 30 and torch.allclose(plain, absorbed, atol=1e-12)


def test_gradients_of_both_forms_agree():
    given = [one.requires_grad_() for one in operands()]
    push = torch.randn(2, HEADS, 5, 10, dtype=torch.float64)
    by = [
        torch.autograd.grad(form(*given, 0.3), given, push) for form in (latent_attention, latent_attention_reference)
    ]
    assert all(torch.allclose(mine, oracle, atol=1e-11) for mine, oracle in zip(*by, strict=True))


@pytest.mark.parametrize("prompt", [1, 4, 7])
def test_step_by_step_from_the_cache_equals_one_pass(prompt):
    made, x = attention(), torch.randn(2, 9, HIDDEN, dtype=torch.float64)
    whole = made(x, angles(9))
    cache = Kept(2, 9)
    steps = [made(x[:, :prompt], angles(prompt), cache=cache)]
    steps += [made(x[:, at : at + 1], angles(1, at), cache=cache) for at in range(prompt, 9)]
    assert torch.allclose(torch.cat(steps, 1), whole, atol=1e-12)
    assert cache.latent.numel() + cache.rope.numel() == 2 * 9 * (12 + 6), (
        "a token costs kv_lora_rank + qk_rope_head_dim numbers"
    )


def test_a_step_is_absorbed_and_a_long_pass_is_not(monkeypatch):
    chosen = []
    for name in ("latent_attention", "latent_attention_reference"):
        form = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a, form=form, name=name, **k: (chosen.append(name), form(*a, **k))[1])
    made, x = attention(), torch.randn(1, 40, HIDDEN, dtype=torch.float64)
    cache = Kept(1, 41)
    made(x, angles(40), cache=cache)
    made(x[:, :1], angles(1, 40), cache=cache)
    assert chosen == ["latent_attention_reference", "latent_attention"]


def test_the_products_are_those_that_torch_counts():
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    given = operands(5, 9)
    counted = []
    for form in (latent_attention_reference, latent_attention):
        with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
            form(*given, 0.3, torch.ones(2, 1, 5, 9, dtype=torch.bool))
        counted.append(counter.get_total_flops() // 2 // 2)  # a product is two operations; two rows
    assert counted == list(products(5, 9, HEADS, 12, 8, 6, 10))


def test_only_the_latent_is_normalised_and_only_the_rotary_key_is_turned():
    projected, turned = torch.randn(2, 3, 18, dtype=torch.float64), angles(3)
    latent, rope = compress(projected, torch.full((12,), 2.0, dtype=torch.float64), turned, 0.0)
    assert torch.allclose(latent, 2 * torch.nn.functional.rms_norm(projected[..., :12], (12,), eps=0.0))
    pairs = torch.view_as_complex(projected[..., 12:].unflatten(-1, (3, 2)).contiguous())
    angle = torch.arange(3)[:, None] * 10_000 ** (-torch.arange(0, 6, 2) / 6)
    oracle = pairs * torch.polar(torch.ones(3, 3), angle.float()).to(torch.complex128)
    assert torch.allclose(rope, torch.cat((oracle.real, oracle.imag), -1), atol=1e-6)
    assert torch.allclose(rope, rotate(pairs_apart(projected[..., 12:])[:, :, None], turned)[:, :, 0])


def test_files_with_pairs_half_a_head_apart_give_what_interleaved_ones_give():
    interleaved, halves, x = attention(), attention(interleaved=False), torch.randn(2, 5, HIDDEN, dtype=torch.float64)
    state = interleaved.state_dict()
    key, query = state["kv_a_proj_with_mqa.weight"], state["q_b_proj.weight"].unflatten(0, (HEADS, -1))
    key[12:] = pairs_apart(key[12:].T).T  # the same coordinates, in the other order of rows
    query[:, 8:] = pairs_apart(query[:, 8:].mT).mT
    halves.load_state_dict(state)
    expected = halves(x, angles(5))
    state["kv_a_proj_with_mqa.weight"][12:] = pairs_together(key[12:].T).T
    state["q_b_proj.weight"].unflatten(0, (HEADS, -1))[:, 8:] = pairs_together(query[:, 8:].mT).mT
    assert torch.allclose(interleaved(x, angles(5)), expected, atol=1e-12)


def test_coordinates_that_have_no_partner_are_refused():
    with pytest.raises(ConfigError, match="qk_rope_head_dim=5 is odd; .* make it even"):
        attention(qk_rope_head_dim=5)
