"""Tiny models of all families, and what runs them over pages."""

import pytest
import torch

from groundup.model.architectures import FAMILIES, build

SIZES = dict(vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=64)
GROUPED = SIZES | dict(num_key_value_heads=2, intermediate_size=48)
FAMILY_SIZES = {
    "llama": GROUPED,
    "gpt2": SIZES,
    "qwen3": GROUPED | dict(head_dim=16),
    "mistral": GROUPED | dict(sliding_window=5),
    "gemma2": GROUPED | dict(sliding_window=5, head_dim=8),
    "gemma3_text": GROUPED | dict(sliding_window=5, head_dim=8, sliding_window_pattern=2),
    "falcon": SIZES,
    "gpt_neox": SIZES | dict(intermediate_size=48),
    "olmo2": GROUPED,
    "mixtral": GROUPED | dict(num_local_experts=4, num_experts_per_tok=2),
}


def family(name, **changes):
    """A tiny random model of a family whose every parameter matters."""
    module = build(FAMILIES[name][0](**(FAMILY_SIZES[name] | changes)), seed=0).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(noise * 0.3 if parameter.dim() > 1 else 1 + noise * 0.2)
    return module


# rows of a step, with the tokens that each brings: a prompt beside single tokens, parts of a prompt, a row that comes late
SCHEDULE = [{0: 7, 1: 2}, {0: 1, 1: 1, 2: 9}, {2: 4, 0: 1}, {0: 1, 1: 6, 2: 1}, {2: 1}, {0: 1, 1: 1, 2: 1}]


@torch.inference_mode()
def walk(module, pool, schedule=SCHEDULE):
    """Run a schedule ragged; for each text its tokens, and the logits at all of them."""
    generator = torch.Generator().manual_seed(1)
    rows, ids, logits = {}, {}, {}
    for step in schedule:
        for text, new in step.items():
            if text not in rows:
                rows[text], ids[text], logits[text] = pool.open(), [], []
            assert pool.allocate(rows[text], new)
        fresh = [torch.randint(0, module.config.vocab_size, (new,), generator=generator) for new in step.values()]
        view = pool.view([rows[text] for text in step], list(step.values()))
        out = module(torch.cat(fresh)[None], None, view.positions, view)[0]
        for text, new, part in zip(step, fresh, out.split(list(step.values())), strict=True):
            ids[text].append(new)
            logits[text].append(part)
    return rows, ids, logits


def read(cache, ids, salt=""):
    """A row that holds a text, its beginning taken from the cache; the row, and how many tokens were known."""
    row = cache.pool.open()
    known = cache.begin(row, ids, salt)
    cache.count(len(ids), known)
    assert cache.allocate(row, len(ids) - known)
    cache.pool.grow(row, len(ids) - known)
    cache.keep(row, ids, salt)
    return row, known


@pytest.fixture(name="family")
def family_of():
    """Build a tiny random model of a family by its name."""
    return family


@pytest.fixture(name="walk")
def walk_over():
    """Run a schedule of prompts, parts of prompts and single tokens over a pool."""
    return walk


@pytest.fixture(name="read")
def read_into():
    """Put a text into a row of a prefix cache's pool."""
    return read
