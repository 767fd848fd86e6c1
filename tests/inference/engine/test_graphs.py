"""A recorded step gives the tokens of the plain one; without a card the same memory is used by Python, or the module is called."""

import pytest
import torch

from groundup.inference.cache.kv_cache import KVCache
from groundup.inference.engine.graphs import FixedStep, Graphs, columns_for, records
from groundup.model.architectures import build
from groundup.model.architectures.llama import LlamaConfig

CUDA = torch.cuda.is_available()
no_gpu = pytest.mark.skipif(not CUDA, reason="needs a CUDA device")


def small(device="cpu"):
    config = LlamaConfig(vocab_size=97, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                         num_key_value_heads=2, max_position_embeddings=1024)  # fmt: skip
    return build(config, seed=0, device=device)


def begun(module, rows=3, length=5, capacity=12):
    """A cache that has read a padded batch, and what is real of it."""
    ids = torch.randint(97, (rows, length), generator=torch.Generator().manual_seed(0)).to(module.device)
    real = torch.ones(rows, capacity, dtype=torch.bool, device=module.device)
    real[0, :2] = False
    cache = KVCache.of(module, rows, capacity)
    mask = torch.ones(length, length, dtype=torch.bool, device=module.device).tril() & real[:, None, :length]
    positions = (real[:, :length].cumsum(1) - 1).clamp(min=0)
    logits = module(ids, mask, positions, cache)
    return cache, real, positions[:, -1:] + 1, logits[:, -1:].argmax(-1)


def decoded(module, decode, steps, **sizes):
    """Greedy tokens, by the plain module or what stands for it."""
    cache, real, positions, ids = begun(module, **sizes)
    tokens = [ids]
    for _ in range(steps):
        logits = decode(ids, real[:, None, : cache.length + 1], positions, cache)
        ids, positions = logits.argmax(-1), positions + 1
        tokens.append(ids)
    return torch.cat(tokens, 1).cpu()


def by_python(module):
    """What a graph would replay, run by Python: the same memory, the same mask."""
    graphs = Graphs(module)

    def decode(ids, mask, positions, cache):
        step = graphs.step_for(cache)
        step.fill(ids, positions, None if mask is None else mask[:, 0], cache.length)
        step.run(module)
        cache.length += 1
        return step.logits

    return decode


@torch.no_grad()
def test_a_step_in_memory_that_stays_gives_the_plain_tokens():
    module = small()
    assert torch.equal(decoded(module, by_python(module), 6), decoded(module, module, 6))


@torch.no_grad()
def test_what_lies_beyond_the_text_in_a_block_is_not_seen():
    module = small()
    cache, real, positions, ids = begun(module)
    expected = module(ids, real[:, None, :6], positions, cache)
    cache, real, positions, ids = begun(module)
    for block in (*cache.keys, *cache.values):
        block[:, :, 6:] = 100.0
    step = FixedStep.of(cache, 12)
    step.fill(ids, positions, real, 5)
    step.run(module)
    torch.testing.assert_close(step.logits, expected)


@torch.no_grad()
def test_without_a_card_the_module_is_called():
    module = small()
    graphs = Graphs(module)
    assert torch.equal(decoded(module, graphs, 4), decoded(module, module, 4))
    assert not graphs.steps and not graphs.replays


def test_steps_are_kept_for_rows_and_columns_until_the_cache_moves():
    module = small()
    graphs, cache = Graphs(module), KVCache.of(module, 2, 600)
    first = graphs.step_for(cache)
    cache.length = 255
    assert graphs.step_for(cache) is first and first.real.shape == (2, 256)
    cache.length = 256
    assert graphs.step_for(cache).real.shape == (2, 512)
    assert set(graphs.steps) == {(2, 256), (2, 512)}
    cache.length = 520
    assert graphs.step_for(cache).real.shape == (2, 600)
    cache.select(torch.tensor([1]))
    assert graphs.step_for(cache).real.shape == (1, 600) and set(graphs.steps) == {(1, 600)}


@pytest.mark.parametrize(
    "length, capacity, columns", [(1, 4096, 256), (256, 4096, 256), (257, 4096, 512), (2000, 1500, 1500)]
)
def test_a_graph_reads_the_first_power_of_two_that_holds_the_text(length, capacity, columns):
    assert columns_for(length, capacity) == columns


def test_what_cannot_be_recorded_is_known():
    module, ids = small("meta"), torch.zeros(1, 1, dtype=torch.int64)
    assert not records(module, ids, KVCache.of(module, 1, 8))


@pytest.mark.gpu
@no_gpu
@torch.no_grad()
@pytest.mark.parametrize("sizes", [dict(), dict(rows=1, capacity=700, length=250), dict(rows=8, capacity=64)], ids=str)
def test_a_recorded_step_gives_the_tokens_of_the_plain_one(sizes):
    module = small("cuda")
    graphs = Graphs(module, after=0)
    assert torch.equal(decoded(module, graphs, 20, **sizes) if sizes else decoded(module, graphs, 6),
                       decoded(module, module, 20, **sizes) if sizes else decoded(module, module, 6))  # fmt: skip
    assert graphs.replays == (20 if sizes else 6)


@pytest.mark.gpu
@no_gpu
@torch.no_grad()
def test_a_new_batch_and_rows_that_leave_are_recorded_anew():
    module = small("cuda")
    graphs = Graphs(module, after=0)
    for _ in range(2):
        cache, real, positions, ids = begun(module)
        expected_cache = begun(module)[0]
        for _ in range(2):
            ours = graphs(ids, real[:, None, : cache.length + 1], positions, cache)
            theirs = module(ids, real[:, None, : expected_cache.length + 1], positions, expected_cache)
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
            ids, positions = theirs.argmax(-1), positions + 1
            kept = torch.tensor([0, 2], device="cuda")[: len(ids) - 1]
            cache.select(kept), expected_cache.select(kept)
            real, ids, positions = real[kept], ids[kept], positions[kept]
