"""The kernel that reads pages against the definition: long texts in spans, windows, a cap, shared heads, any batch the same bits."""

import pytest
import torch

from groundup.inference.cache import page_attention
from groundup.inference.cache.page_attention import cut, share_out
from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.ragged import attend_reference
from groundup.processor import cores


def filled(lengths, new, kv_heads=2, page_size=8):
    """A pool whose rows hold so many random tokens and get `new` more, and that step's query, key and value."""
    pool = PagePool(1, kv_heads, 16, pages=sum(lengths) // page_size + 40, rows=len(lengths), page_size=page_size)
    pool.keys.normal_()
    pool.values.normal_()
    rows = [pool.open() for _ in lengths]
    for row, length in zip(rows, lengths, strict=True):
        pool.allocate(row, length)
        pool.lengths[row] = length
        pool.allocate(row, new)
    tokens = new * len(lengths)
    return pool, rows, [torch.randn(1, heads, tokens, 16) for heads in (2 * kv_heads, kv_heads, kv_heads)]


@pytest.mark.parametrize("options", [{}, {"window": 100}, {"window": 700}, {"cap": 2.0, "scale": 0.7}])
@pytest.mark.parametrize("new", [1, 11])
def test_it_gives_what_the_definition_gives(options, new):
    pool, rows, parts = filled([1300, 3, 600], new)
    view = pool.view(rows, [new] * 3)
    assert view.compiled is not None and not view.gathered
    lengths = pool.lengths[rows] + new
    found = view.attend(0, *parts, **options)
    for index, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        mine = slice(index * new, (index + 1) * new)
        expected = attend_reference(parts[0][0, :, mine], *pool.gather(0, row, int(length)), **options)
        torch.testing.assert_close(found[0, :, mine], expected, rtol=1e-4, atol=1e-5)


def test_a_rows_numbers_are_the_same_bits_in_any_batch():
    pool, rows, parts = filled([1300, 40, 600], 1)
    pool.grow = lambda row, new: None
    together = pool.view(rows, [1, 1, 1]).attend(0, *parts)
    for index, row in enumerate(rows):
        alone = pool.view([row], [1]).attend(0, *(part[:, :, index : index + 1] for part in parts))
        assert torch.equal(alone[:, :, 0], together[:, :, index])


@pytest.mark.parametrize("options", [{}, {"window": 100}, {"cap": 2.0}])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_thread_and_several_give_the_same_bits(monkeypatch, options, dtype):
    pool, rows, parts = filled([1300, 40, 600], 3)
    pool.grow, pool.dtype = lambda row, new: None, dtype
    pool.keys, pool.values = pool.keys.to(dtype), pool.values.to(dtype)
    found = []
    for small in (0, 1 << 40):
        monkeypatch.setattr(page_attention, "SMALL", small)
        view = pool.view(rows, [3] * 3)
        assert view.compiled.threads == (1 if small else min(cores(), 64))
        found.append(view.attend(0, *parts, **options))
    assert torch.equal(*found)


@pytest.mark.parametrize("threads", [1, 2, 5, 64])
def test_every_unit_is_one_threads(threads):
    work = cut(*(torch.tensor(one).numpy() for one in ([0, 1], [1300, 3], [11, 1], [0, 11])), 0)
    bounds = share_out(work.scores, 3, threads)
    assert bounds[0] == 0 and bounds[-1] == 3 * len(work.lines) and len(bounds) == threads + 1
    assert (bounds[1:] >= bounds[:-1]).all()
