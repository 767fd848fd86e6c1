"""The cache holds what it was given, in place."""

import pytest
import torch

from groundup.inference.cache.kv_cache import KVCache


def filled(batch=3, steps=(4, 1)):
    cache, whole = KVCache(2, batch, 2, 8, 5, torch.float32), []
    for new in steps:
        pair = torch.randn(2, batch, 2, new, 5)
        whole.append(pair)
        for layer in range(2):
            keys, values = cache.update(layer, *pair)
    return cache, torch.cat(whole, dim=3), keys, values


def test_it_gives_back_all_so_far_and_grows_when_the_last_layer_was_written():
    cache, whole, keys, values = filled()
    assert cache.length == 5
    assert torch.equal(keys, whole[0]) and torch.equal(values, whole[1])


def test_within_one_pass_every_layer_starts_at_the_same_place():
    cache = KVCache(3, 1, 1, 4, 2, torch.float32)
    assert [cache.update(layer, torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2))[0].shape[2] for layer in range(3)] == [
        2,
        2,
        2,
    ]
    assert cache.length == 2


def test_nothing_is_allocated_while_decoding():
    cache, _, keys, _ = filled()
    assert keys.data_ptr() == cache.keys[1].data_ptr()


def test_selecting_keeps_rows_in_the_order_named_and_copies_a_row_named_twice():
    cache, whole, _, _ = filled()
    cache.select(torch.tensor([2, 0, 2]))
    keys, _ = cache.update(1, torch.zeros(3, 2, 1, 5), torch.zeros(3, 2, 1, 5))
    assert torch.equal(keys[:, :, :5], whole[0][[2, 0, 2]])


def test_a_part_writes_into_its_rows_and_columns():
    cache = KVCache(1, 4, 1, 6, 1, torch.float32)
    cache.part(slice(1, 3), 2).update(0, torch.ones(2, 1, 2, 1), torch.ones(2, 1, 2, 1))
    assert cache.keys[0][:, 0, :, 0].tolist() == [[0] * 6, [0, 0, 1, 1, 0, 0], [0, 0, 1, 1, 0, 0], [0] * 6]


def test_writing_past_the_end_is_an_error_of_ours():
    with pytest.raises(AssertionError, match="holds 8 positions, not 9"):
        filled(steps=(8, 1))


def windowed(window, capacity, steps):
    """A cache of one layer with a window, and what it gave at each step: the keys are 0, 1, 2 ..., copied as they come."""
    cache = KVCache(1, 1, 1, capacity, 1, torch.float32, windows=[window])
    keys = torch.arange(sum(steps), dtype=torch.float32).view(1, 1, -1, 1).split(list(steps), dim=2)
    return cache, [[part.flatten().tolist() for part in cache.update(0, new, -new)] for new in keys]


@pytest.mark.parametrize("window", [1, 2, 5, 16, 40])
@pytest.mark.parametrize("steps", [(1,) * 120, (50,) + (1,) * 40, (3, 20, 1, 1, 30, 1, 64, 1, 1), (100,), (19, 2) * 5])
def test_a_layer_with_a_window_gives_its_last_keys_in_order_and_keeps_little_more(window, steps):
    cache, given = windowed(window, 1000, steps)
    end = 0
    for new, (keys, values) in zip(steps, given, strict=True):
        end += new
        assert keys == list(range(max(0, end - new - (window - 1)), end))
        assert values == [-key for key in keys]
    assert cache.keys[0].shape[2] == window - 1 + max(16, window // 4)


def test_a_text_that_fits_into_the_block_is_kept_whole_and_not_moved():
    cache, given = windowed(5, 12, (1,) * 12)
    assert cache.windows == [None] and given[-1][0] == list(range(12))


def test_a_part_of_a_cache_with_a_window_leaves_its_rows_where_the_whole_goes_on():
    rows, alone = KVCache(1, 3, 1, 200, 1, torch.float32, windows=[8]), []
    for row, length in enumerate((90, 64, 30)):  # all end in column 90
        keys = torch.rand(1, 1, length, 1)
        rows.part(slice(row, row + 1), 90 - length).update(0, keys, keys)
        alone.append(keys)
    rows.length = 90
    for step in range(40):
        new = torch.rand(3, 1, 1, 1)
        seen, _ = rows.update(0, new, new)
        for row in range(3):
            alone[row] = torch.cat((alone[row], new[row : row + 1]), dim=2)
            assert torch.equal(seen[row], alone[row][0, :, -8:]), (step, row)


def test_a_cache_that_begins_anew_forgets():
    cache, _ = windowed(3, 500, (1,) * 60)
    cache.length = 0
    keys, _ = cache.update(0, torch.full((1, 1, 2, 1), 7.0), torch.zeros(1, 1, 2, 1))
    assert keys.flatten().tolist() == [7, 7]


def test_a_value_may_have_another_width_than_a_key():
    cache = KVCache(1, 2, 1, 4, 5, torch.float32, value_dim=3)
    key, value = torch.randn(2, 1, 2, 5), torch.randn(2, 1, 2, 3)
    cache.part(slice(0, 2), 1).update(0, key, value)
    cache.length = 3
    cache.select(torch.tensor([1, 0]))
    keys, values = cache.update(0, torch.zeros(2, 1, 1, 5), torch.zeros(2, 1, 1, 3))
    assert torch.equal(keys[:, :, 1:3], key[[1, 0]]) and torch.equal(values[:, :, 1:3], value[[1, 0]])
