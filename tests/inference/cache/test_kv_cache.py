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
