"""The decoder as a whole: causal, packed, cached, cast, and on no device of its own."""

import ast
from pathlib import Path

import pytest
import torch

import groundup.model
from groundup.inference.cache.kv_cache import KVCache
from groundup.model.architectures import build
from groundup.model.attention import masks

FAMILIES = ["llama", "qwen3", "groundup"]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_token_does_not_move_the_logits_before_it(randomly, ids, family):
    module, before = randomly(family), ids(2, 10)
    after = before.clone()
    after[:, 6] = (after[:, 6] + 1) % 97
    assert torch.equal(module(before)[:, :6], module(after)[:, :6])
    assert not torch.allclose(module(before)[:, 6:], module(after)[:, 6:])


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_packed_documents_do_not_see_each_other(randomly, ids, dtype):
    """Positions were restarted but the mask was only causal, so the second document moved (huggingface/nanoVLM#204)."""
    module, packed = randomly(), ids(1, 10)
    module.compute_dtype = dtype
    mask = masks.causal(10) & masks.documents(torch.tensor([[0] * 4 + [1] * 6]))
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3, 4, 5]])
    logits = module(packed, mask, positions)
    changed = packed.clone()
    changed[0, 1] = (changed[0, 1] + 1) % 97
    assert torch.equal(module(changed, mask, positions)[:, 4:], logits[:, 4:])
    alone = torch.cat([module(packed[:, :4]), module(packed[:, 4:])], dim=1)
    assert torch.allclose(logits.float(), alone.float(), atol=1e-5 if dtype is None else 0.1)


def test_a_causal_mask_is_what_no_mask_means(randomly, ids):
    module = randomly()
    assert torch.allclose(module(ids(2, 9), masks.causal(9)), module(ids(2, 9)), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pieces", [[12], [7, 5], [4, 1, 1, 6], [1] * 12])
def test_reading_in_pieces_with_a_cache_equals_one_pass(randomly, ids, family, pieces):
    module, text = randomly(family), ids(2, 12)
    cache = KVCache.of(module, batch=2, capacity=12)
    logits = torch.cat([module(part, cache=cache) for part in text.split(pieces, dim=1)], dim=1)
    assert torch.allclose(logits, module(text), atol=1e-5)


def test_fp32_weights_compute_in_bf16_when_asked_and_their_gradients_stay_fp32(randomly, ids):
    module, text = randomly(), ids(2, 12)
    exact = module(text)
    module.compute_dtype = torch.bfloat16
    rounded = module(text)
    rounded.float().sum().backward()
    assert rounded.dtype == torch.bfloat16
    assert torch.nn.functional.cosine_similarity(rounded.float().flatten(), exact.flatten(), dim=0) > 0.999
    assert {parameter.grad.dtype for parameter in module.parameters()} == {torch.float32}


def test_the_tied_head_stays_tied_through_a_cast_and_a_move(randomly):
    module = randomly(tie_word_embeddings=True).to(torch.bfloat16)
    assert module.lm_head.weight.data_ptr() == module.model.embed_tokens.weight.data_ptr()
    assert len(list(module.parameters())) == len({name for name, _ in module.named_parameters()})


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_built_on_meta_computes_on_meta_so_no_layer_names_a_device(config, family):
    module = build(config(family), device="meta")
    text = torch.zeros(2, 5, dtype=torch.long, device="meta")
    mask = torch.ones(2, 5, 5, dtype=torch.bool, device="meta")
    assert module(text).device == module(text, mask).device == torch.device("meta")
    assert module(text).shape == (2, 5, 97)
    assert {tensor.device.type for tensor in module.state_dict().values()} == {"meta"}


WINDOWS = dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)


@pytest.mark.parametrize("length", [1, 3, 4, 5, 6, 12])
def test_a_window_step_by_step_equals_one_pass_at_every_length_around_it(randomly, ids, length):
    module, text = randomly(**WINDOWS), ids(2, length)
    cache = KVCache.of(module, batch=2, capacity=length)
    logits = torch.cat([module(part, cache=cache) for part in text.split(1, dim=1)], dim=1)
    assert torch.allclose(logits, module(text), atol=1e-5)


def test_a_token_that_left_every_window_no_longer_moves_the_logits(randomly, ids):
    """With two layers of window 4 a token reaches 2 * 3 positions further, and not one more."""
    module, before = randomly(**WINDOWS | {"max_window_layers": 0}), ids(1, 12)
    after = before.clone()
    after[:, 2] = (after[:, 2] + 1) % 97
    moved = (module(before) - module(after)).abs().amax(-1)[0] > 1e-6
    assert moved.nonzero()[:, 0].tolist() == list(range(2, 9))


def test_a_text_that_fits_into_the_window_needs_no_mask(randomly, ids):
    module, text = randomly(**WINDOWS), ids(1, 4)
    assert module._masks(None, 4, 4, module.model.embed_tokens(text)) == {None: None, 4: None}
    assert torch.equal(module(text), randomly()(text))


def test_packed_documents_and_a_window_together(randomly, ids):
    module, packed = randomly(**WINDOWS), ids(1, 12)
    mask = masks.causal(12) & masks.documents(torch.tensor([[0] * 7 + [1] * 5]))
    positions = torch.tensor([[*range(7), *range(5)]])
    alone = torch.cat([module(packed[:, :7]), module(packed[:, 7:])], dim=1)
    assert torch.allclose(module(packed, mask, positions), alone, atol=1e-5)


def test_no_layer_asks_for_an_architectures_name():
    house = Path(groundup.model.__file__).parent
    for path in house.rglob("*.py"):
        words = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert "model_type" not in words or {"architectures", "formats"} & set(path.parts), path


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_on_a_gpu_in_bf16_the_logits_are_those_of_fp32_but_for_rounding(randomly, ids, family):
    module, text = randomly(family), ids(2, 24)
    expected = module(text)
    module = module.to("cuda")
    assert torch.allclose(module(text.cuda()).cpu(), expected, atol=2**-7 * expected.abs().max())
    module.compute_dtype = torch.bfloat16
    cache = KVCache.of(module, batch=2, capacity=24)
    steps = torch.cat([module(text[:, first : first + 8].cuda(), cache=cache) for first in (0, 8, 16)], dim=1)
    assert steps.dtype == torch.bfloat16 and steps.is_cuda
    for found in (module(text.cuda()), steps):
        assert (found.float().cpu() - expected).abs().max() < 0.05 * expected.abs().max()
