"""A known beginning is read once, and never taken for another: tokens are compared, whatever the hashes say."""

import pytest
import torch

from groundup.inference.cache.paged import PagePool
from groundup.inference.cache.prefix import Block, PrefixCache, block_hash, longest_prefix, root


def prefixes(pages=8, rows=3, page_size=4, **more):
    return PrefixCache(PagePool(1, 1, 2, pages=pages, rows=rows, page_size=page_size), **more)


def test_a_shared_beginning_is_found_in_full_pages_and_one_token_is_always_left_to_read(read):
    cache = prefixes()
    text = list(range(10))
    row, known = read(cache, text)
    cache.pool.free(row)
    assert known == 0 and len(cache) == 2
    assert read(cache, [*text[:9], 77, 78])[1] == 8
    assert read(cache, text[:8])[1] == 4  # the whole prompt is known, but its last token must be read for its logits
    assert cache.hits.asked == 3 and cache.hits.found == 2
    assert cache.hits.cached_tokens == 12 and cache.hits.rate == 12 / 29


def test_the_same_page_after_another_beginning_is_another_page(read):
    cache = prefixes()
    cache.pool.free(read(cache, [1, 2, 3, 4, 5, 6, 7, 8])[0])
    assert read(cache, [9, 9, 9, 9, 5, 6, 7, 8, 0])[1] == 0


def test_a_salt_keeps_texts_apart(read):
    cache = prefixes()
    cache.pool.free(read(cache, [1, 2, 3, 4, 5], "adapter")[0])
    assert read(cache, [1, 2, 3, 4, 5])[1] == 0
    assert read(cache, [1, 2, 3, 4, 5], "adapter")[1] == 4


@pytest.mark.parametrize(
    "poor", [lambda before, tokens: 7, lambda before, tokens: hash(tokens), lambda before, tokens: sum(tokens)]
)
def test_equal_hashes_of_other_texts_give_nothing_of_them(poor, read):
    cache = prefixes(hash_of=poor)
    cache.pool.free(read(cache, [1, 2, 3, 4, 5, 6, 7, 8, 9])[0])
    for other in ([4, 3, 2, 1, 5, 6, 7, 8, 9], [5, 6, 7, 8, 9], [1, 2, 3, 4, 8, 7, 6, 5, 9]):
        same = 4 if other[:4] == [1, 2, 3, 4] else 0
        row, known = read(cache, other)
        assert known == same
        cache.pool.free(row)


def test_a_block_that_names_another_parent_does_not_count():
    start, name = root(""), block_hash(root(""), (1, 2))
    assert longest_prefix([1, 2], {name: Block((1, 2), start, 0)}, 2, start) == [name]
    assert longest_prefix([1, 2], {name: Block((1, 2), start + 1, 0)}, 2, start) == []
    assert longest_prefix([1, 2], {name: Block((1, 3), start, 0)}, 2, start) == []


def test_leaves_go_first_the_longest_unused_before_the_others_and_none_that_a_row_holds(read):
    cache = prefixes(pages=6)
    a, b = [1] * 8, [1] * 4 + [2] * 4
    for text in (a, b, [3] * 8):
        cache.pool.free(read(cache, text)[0])
    assert len(cache) == 5 and cache.evictable == 5
    running = cache.pool.open()
    assert cache.begin(running, [*a, 0]) == 8  # used again, and held
    assert cache.make_room(2) == 1 and cache.find(b) == cache.find(a)[:1]  # the leaf of b was unused for longest
    assert cache.make_room(6) == 2 and len(cache) == 2  # both of the third text; what the row holds stays
    cache.pool.free(running)
    assert cache.make_room(6) == 2 and cache.pool.free_pages == 6 and cache.hits.evicted_pages == 5


def test_a_row_grows_at_the_cost_of_unused_pages(read):
    cache = prefixes(pages=3)
    cache.pool.free(read(cache, [1] * 8)[0])
    row = cache.pool.open()
    assert not cache.pool.allocate(row, 9) and cache.allocate(row, 9)
    assert not cache.allocate(cache.pool.open(), 1)
    cache.pool.free(row)
    cache.clear()
    assert cache.pool.free_pages == 3 and len(cache) == 0


@torch.inference_mode()
def test_a_model_that_begins_with_kept_pages_says_the_same(family):
    module = family("qwen3")
    pool = PagePool.of(module, pages=20, rows=3, page_size=4)
    cache, ids = PrefixCache(pool), torch.randint(0, 60, (23,))
    logits = []
    for _ in range(2):
        row = pool.open()
        known = cache.begin(row, ids.tolist())
        cache.allocate(row, len(ids) - known)
        view = pool.view([row], [len(ids) - known])
        logits.append(module(ids[None, known:], None, view.positions, view)[0, -1])
        cache.keep(row, ids.tolist())
    assert known == 20
    torch.testing.assert_close(*logits, rtol=1e-4, atol=1e-4)
