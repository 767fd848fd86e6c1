"""The 2017 transformer against torch.nn.Transformer with the same weights."""

import math

import pytest
import torch

from groundup.errors import ConfigError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.original import OriginalConfig
from groundup.model.encoder_decoder import Answering
from groundup.model.formats.huggingface import load_model, save_model

SIZES = dict(vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4)
CONFIG = OriginalConfig(**SIZES, num_decoder_layers=3)
NORMS = {
    "encoder": ("post_attention_layernorm", "post_feedforward_layernorm"),
    "decoder": ("post_attention_layernorm", "post_cross_layernorm", "post_feedforward_layernorm"),
}


@pytest.fixture(scope="module")
def model():
    """Every parameter random, gains and biases too."""
    made, generator = build(CONFIG, seed=0), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in sorted(made.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator) * 0.2
            parameter.copy_(1 + noise if name.endswith("layernorm.weight") else noise)
    return made


def torchs(model):
    """torch.nn.Transformer with these weights, without the two norms that it has after the stacks and the paper has not."""
    made = torch.nn.Transformer(32, 4, 2, 3, 56, dropout=0.0, batch_first=True).eval()
    made.encoder.norm = made.decoder.norm = None
    for side in ("encoder", "decoder"):
        for ours, theirs in zip(getattr(model.model, side).layers, getattr(made, side).layers, strict=True):
            attentions = [(ours.self_attn, theirs.self_attn)]
            attentions += [(ours.cross_attn, theirs.multihead_attn)] if side == "decoder" else []
            for one, other in attentions:
                parts = one.q_proj, one.k_proj, one.v_proj
                other.in_proj_weight.data = torch.cat([part.weight for part in parts])
                other.in_proj_bias.data = torch.cat([part.bias for part in parts])
                other.out_proj.load_state_dict(one.o_proj.state_dict())
            theirs.linear1.load_state_dict(ours.mlp.up_proj.state_dict())
            theirs.linear2.load_state_dict(ours.mlp.down_proj.state_dict())
            for number, name in enumerate(NORMS[side], start=1):
                getattr(theirs, f"norm{number}").load_state_dict(getattr(ours, name).state_dict())
    return made


def embedded(model, ids):
    """Section 3.4 and 3.5 of the paper, written out."""
    places = torch.arange(ids.shape[1], dtype=torch.float64)[:, None] / 10_000 ** (torch.arange(0, 32, 2) / 32)
    signs = torch.stack([places.sin(), places.cos()], dim=-1).flatten(1).float()
    return model.model.embed_tokens.weight[ids] * math.sqrt(32) + signs


@torch.no_grad()
@pytest.mark.parametrize("padded", [False, True])
def test_logits_equal_torchs_transformer(model, ids, padded):
    source, answer = ids(3, 9), ids(3, 7, seed=1)
    real = torch.arange(9) < torch.tensor([[9], [5], [1]])
    hidden = torchs(model)(
        embedded(model, source),
        embedded(model, answer),
        tgt_mask=torch.ones(7, 7, dtype=torch.bool).triu(1),
        src_key_padding_mask=~real if padded else None,
        memory_key_padding_mask=~real if padded else None,
    )
    expected = hidden @ model.model.embed_tokens.weight.T
    assert (model(source, answer, real if padded else None) - expected).abs().max() < 1e-4
    assert expected.std() > 0.1


@torch.no_grad()
def test_left_padding_of_the_source_moves_no_place(model, ids):
    source, answer = ids(1, 5), ids(1, 4, seed=1)
    padded = torch.cat((torch.full((1, 3), 7), source), dim=1)
    real = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1]])
    assert torch.allclose(model(padded, answer, real), model(source, answer), atol=1e-5)


@torch.no_grad()
def test_step_by_step_gives_the_full_pass(model, ids):
    source, answer = ids(2, 6), ids(2, 9, seed=1)
    read = model.read(source)
    cache = KVCache.of(Answering(model, read), batch=2, capacity=9)
    steps = [model.decode(part, read, cache=cache) for part in answer.split([2, 1, 1, 3, 1, 1], dim=1)]
    assert torch.allclose(torch.cat(steps, dim=1), model(source, answer), atol=1e-4)


@torch.no_grad()
def test_it_saves_and_loads_and_counts_its_parameters(model, ids, tmp_path):
    save_model(tmp_path / "model", model)
    again = load_model(tmp_path / "model")
    assert again.config == CONFIG
    assert torch.equal(again(ids(2, 4), ids(2, 3)), model(ids(2, 4), ids(2, 3)))
    assert count(CONFIG).parameters == sum(parameter.numel() for parameter in model.parameters())


def test_the_base_model_has_the_papers_65_million_parameters():
    base = OriginalConfig(vocab_size=37_000, hidden_size=512, num_hidden_layers=6, num_attention_heads=8)
    assert base.intermediate_size == 2048
    assert round(count(base).parameters / 1e6) in (63, 64, 65)  # table 3 says 65, of a vocabulary of about 37,000


def test_an_odd_width_is_refused():
    with pytest.raises(
        ConfigError, match="hidden_size=33 cannot hold pairs of a sine and a cosine; use an even number"
    ):
        OriginalConfig(**SIZES | dict(hidden_size=33, num_attention_heads=3))
