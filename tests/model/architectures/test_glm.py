"""GLM of 2022: published sizes, two places for each token, blanks filled with the cache as in one pass. (GLM-4: test_families.)"""

import pytest
import torch

from groundup.errors import InputError
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.accounting import count
from groundup.model.architectures import build
from groundup.model.architectures.blanks import blanked
from groundup.model.architectures.glm import GLM2022Config
from groundup.model.architectures.prefix_lm import prefix_mask
from groundup.model.formats.huggingface import load_model, save_model

CONFIG = GLM2022Config(
    vocab_size=97, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16
)
MASK, START, END = 1, 2, 3


@pytest.mark.parametrize("layers, hidden, heads, millions", [(12, 768, 12, 110), (24, 1024, 16, 335)])
def test_the_published_models_have_the_published_number_of_parameters(layers, hidden, heads, millions):
    """Du et al. 2022, table 6: GLM base and large, with BERT's uncased vocabulary."""
    config = GLM2022Config(vocab_size=30_522, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads)
    assert count(config).parameters / 1e6 == pytest.approx(millions, rel=0.01)


def test_the_count_is_the_modules():
    module = build(CONFIG, seed=0)
    assert count(CONFIG).parameters == sum(parameter.numel() for parameter in module.parameters())
    assert module.model.embed_positions.weight.std().item() == pytest.approx(0.02, rel=0.1)


@torch.no_grad()
def test_both_places_move_the_logits_and_plain_positions_are_the_first():
    module, ids = build(CONFIG, seed=0, scheme="normal"), torch.randint(0, 97, (1, 5))
    plain = module(ids)
    places = torch.stack((torch.arange(5), torch.zeros(5, dtype=torch.long)), dim=-1)[None]
    assert torch.equal(module(ids, None, places), plain)
    for axis in (0, 1):
        moved = places.clone()
        moved[0, -1, axis] += 3
        assert not torch.allclose(module(ids, None, moved)[:, -1], plain[:, -1], atol=1e-6)


@torch.no_grad()
def test_blanks_filled_step_by_step_give_the_full_pass():
    module = build(CONFIG, seed=0, scheme="normal")
    row = blanked([10, 11, 12, 13, 14, 15], [(4, 6), (2, 3)], MASK, START, END)
    ids, places = row.input_ids[None], row.positions[None]
    prefix = torch.tensor([row.prefix])
    whole = module(ids, prefix_mask(prefix, ids.shape[1]), places)
    cache, steps, start = KVCache.of(module, batch=1, capacity=ids.shape[1]), [], 0
    for size in (row.prefix, *[1] * (ids.shape[1] - row.prefix)):
        end = start + size
        steps.append(module(ids[:, start:end], prefix_mask(prefix, size, end), places[:, start:end], cache))
        start = end
    assert torch.allclose(torch.cat(steps, dim=1), whole, atol=1e-5)


@torch.no_grad()
def test_it_saves_and_loads(tmp_path):
    module, ids = build(CONFIG, seed=0, scheme="normal"), torch.randint(0, 97, (1, 5))
    save_model(tmp_path / "model", module)
    again = load_model(tmp_path / "model")
    assert again.config == CONFIG
    assert torch.equal(again(ids), module(ids))


def test_a_text_longer_than_the_table_is_refused():
    with pytest.raises(InputError, match="position 16 has no row in a table of 16 learned positions"):
        build(CONFIG, seed=0)(torch.zeros(1, 17, dtype=torch.long))
