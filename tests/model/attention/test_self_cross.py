"""Cross-attention against torch.nn.MultiheadAttention, and T5's and BART's, with the same weights."""

import pytest
import torch

from groundup.errors import ConfigError
from groundup.model.attention import masks
from groundup.model.attention.scaled_dot_product import prepare_mask
from groundup.model.attention.self_cross import (
    CrossAttention,
    Projections,
    cross_attention,
    merge_heads,
    self_attention,
    split_heads,
)

HIDDEN, SOURCE, HEADS = 24, 10, 4
PADDED = torch.tensor([[1, 1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0, 0]])


def states(seq, width=HIDDEN):
    return torch.randn(2, seq, width)


def weights(source_hidden=HIDDEN):
    return Projections(*(torch.randn(HIDDEN, width) * 0.3 for width in (HIDDEN, source_hidden, source_hidden, HIDDEN)))


def torchs(x, source, projections, hidden=None, forbidden=None):
    """torch's module with these weights; its masks are True where one may not look."""
    module = torch.nn.MultiheadAttention(
        HIDDEN, HEADS, bias=False, batch_first=True, kdim=source.shape[-1], vdim=source.shape[-1]
    )
    with torch.no_grad():
        if source.shape[-1] == HIDDEN:
            module.in_proj_weight.copy_(torch.cat(projections[:3]))
        else:
            module.q_proj_weight.copy_(projections.query)
            module.k_proj_weight.copy_(projections.key)
            module.v_proj_weight.copy_(projections.value)
        module.out_proj.weight.copy_(projections.output)
        return module(x, source, source, key_padding_mask=hidden, attn_mask=forbidden, need_weights=False)[0]


@pytest.mark.parametrize("width", [HIDDEN, SOURCE])
@pytest.mark.parametrize("padded", [False, True])
def test_cross_attention_equals_torchs_module(width, padded):
    x, source, projections = states(5), states(7, width), weights(width)
    ours = cross_attention(x, source, projections, HEADS, masks.padding(PADDED) if padded else None)
    assert torch.allclose(ours, torchs(x, source, projections, PADDED == 0 if padded else None), atol=1e-5)


def test_self_attention_is_a_sequence_that_asks_itself():
    x, projections = states(7), weights()
    oracle = torchs(x, x, projections, forbidden=torch.ones(7, 7, dtype=torch.bool).triu(1))
    assert torch.allclose(self_attention(x, projections, HEADS, masks.causal(7).expand(2, 7, 7)), oracle, atol=1e-5)


def test_padding_of_the_source_changes_nothing_whatever_it_holds():
    x, source, projections = states(5), states(7), weights()
    other = torch.where(PADDED[..., None] == 1, source, torch.full_like(source, 9.0))
    seen = masks.padding(PADDED)
    one, two = (cross_attention(x, read, projections, HEADS, seen) for read in (source, other))
    assert torch.equal(one, two)
    alone = cross_attention(x[1:], source[1:, :3], projections, HEADS)
    assert torch.allclose(one[1:], alone, atol=1e-5)


def test_a_source_that_is_all_padding_gives_zero():
    gone = cross_attention(states(5), states(7), weights(), HEADS, torch.zeros(2, 1, 7, dtype=torch.bool))
    assert torch.equal(gone, torch.zeros(2, 5, HIDDEN))


def test_the_order_of_the_source_carries_no_meaning():
    x, source, projections = states(5), states(7), weights()
    shuffled = source[:, torch.randperm(7)]
    assert torch.allclose(
        cross_attention(x, source, projections, HEADS), cross_attention(x, shuffled, projections, HEADS), atol=1e-5
    )


def module(**how):
    made = CrossAttention(HIDDEN, HEADS, **how)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape) * 0.3)
    return made


def test_the_module_equals_the_definition_and_remembers_its_source_for_every_step():
    made, x, source = module(source_hidden=SOURCE), states(5), states(7, SOURCE)
    projections = Projections(*(one.weight for one in (made.q_proj, made.k_proj, made.v_proj, made.o_proj)))
    whole = cross_attention(x, source, projections, HEADS, masks.padding(PADDED))
    memory, prepared = made.remember(source), prepare_mask(masks.padding(PADDED), torch.float32)
    assert torch.allclose(made(x, memory, prepared), whole, atol=1e-5)
    steps = torch.cat([made(x[:, at : at + 1], memory, prepared) for at in range(5)], dim=1)
    assert torch.allclose(steps, whole, atol=1e-5)


def test_the_module_equals_t5s():
    modeling = pytest.importorskip("transformers.models.t5.modeling_t5")
    config = modeling.T5Config(d_model=HIDDEN, d_kv=5, num_heads=HEADS, dropout_rate=0.0, is_decoder=True)
    theirs, ours = modeling.T5Attention(config, layer_idx=0).eval(), module(head_dim=5, scale=1.0)
    names = {"q_proj": "q", "k_proj": "k", "v_proj": "v", "o_proj": "o"}
    theirs.load_state_dict({f"{names[key.split('.')[0]]}.weight": one for key, one in ours.state_dict().items()})
    x, source = states(5), states(7)
    seen = masks.padding(PADDED)[:, None]
    hidden = torch.zeros(2, 1, 5, 7).masked_fill(~seen, torch.finfo(torch.float32).min)
    oracle = theirs(x, mask=hidden, key_value_states=source)[0]
    assert torch.allclose(ours(x, ours.remember(source), seen), oracle, atol=1e-5)


def test_the_module_equals_barts():
    modeling = pytest.importorskip("transformers.models.bart.modeling_bart")
    config = modeling.BartConfig(d_model=HIDDEN)
    config._attn_implementation = "eager"
    theirs = modeling.BartAttention(HIDDEN, HEADS, is_decoder=True, config=config, layer_idx=0).eval()
    ours = module(bias=True)
    theirs.load_state_dict({key.replace("o_proj", "out_proj"): one for key, one in ours.state_dict().items()})
    x, source = states(5), states(7)
    assert torch.allclose(ours(x, ours.remember(source)), theirs(x, key_value_states=source)[0], atol=1e-5)


def test_heads_are_cut_and_joined_in_order():
    x = torch.arange(12.0).reshape(1, 2, 6)
    assert split_heads(x, 3)[0, :, 0].tolist() == [[0, 1], [2, 3], [4, 5]]
    assert torch.equal(merge_heads(split_heads(x, 3)), x)


def test_heads_that_do_not_divide_are_refused():
    with pytest.raises(
        ConfigError, match="hidden=10 cannot be cut into 4 equal heads; use a divisor, or give head_dim"
    ):
        CrossAttention(10, 4)
