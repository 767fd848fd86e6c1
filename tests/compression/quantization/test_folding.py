"""Scales are moved into matrices without a change of what a model computes, for every order of norms that has a place for them."""

import pytest
import torch
from tests.compression.test_calibration import QWEN, TEXTS

from groundup.compression.quantization import folding
from groundup.model.architectures import build, config_from_dict

LLAMA = {name: value for name, value in QWEN.items() if name != "head_dim"} | {"model_type": "llama"}
KINDS = {
    "llama": LLAMA,
    "qwen3": QWEN,
    "qwen2": LLAMA | {"model_type": "qwen2"},  # a bias on q, k, v
    "gemma2": LLAMA | {"model_type": "gemma2"},  # four norms, gains stored as gain - 1, GeGLU
    "olmo2": LLAMA | {"model_type": "olmo2"},  # no norm before the parts
    "gpt2": {"model_type": "gpt2", "vocab_size": 50, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    "opt": {"model_type": "gpt2", "vocab_size": 50, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "activation_function": "relu"},
}  # fmt: skip


def drawn(raw):
    """A model in float64 with weights that all matter, biases and gains among them."""
    module = build(config_from_dict(raw), seed=1).double()
    draw = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=draw, dtype=torch.float64)
    return module


@pytest.mark.parametrize("name", KINDS)
def test_the_model_computes_as_before(name):
    module, ids = drawn(KINDS[name]), torch.tensor([TEXTS[0]])
    draw, count = torch.Generator().manual_seed(4), 0
    with torch.inference_mode():
        before = module(ids)
        for block in module.model.layers:
            for fold in folding.folds(block):
                scale = fold.shared(torch.rand(len(fold.places), generator=draw, dtype=torch.float64) * 4 + 0.1)
                kept = [part.weight.clone() for part in folding.readers(block, fold)]
                folding.apply(block, fold, scale)
                changed = [part.weight / one for part, one in zip(folding.readers(block, fold), kept, strict=True)]
                assert all(torch.allclose(one, scale.expand_as(one)) for one in changed)
                count += 1
        torch.testing.assert_close(module(ids), before, rtol=1e-9, atol=1e-9)
    each = {"olmo2": 2, "gpt2": 3}.get(name, 4)  # without norms before the parts; with a GELU between two matrices
    assert count == each * len(module.model.layers)


def test_query_heads_that_share_a_value_share_its_scale():
    block = drawn(LLAMA).model.layers[0]
    fold = next(one for one in folding.folds(block) if one.readers == ("self_attn.o_proj",))
    assert fold.places.tolist() == [*range(8), *range(8), *range(8, 16), *range(8, 16)]  # 4 heads of 8 on 2 values
    shared = fold.shared(torch.arange(1.0, 33.0))
    torch.testing.assert_close(shared[0], torch.tensor((1.0 * 9.0) ** 0.5))
    assert shared[:8].equal(shared[8:16]) and not shared[:8].equal(shared[16:24])
