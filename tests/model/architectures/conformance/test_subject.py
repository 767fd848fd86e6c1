"""Two ways to the same numbers compared: the plain cache, the part in which they part, and what counts as the same."""

import torch

from groundup.model.architectures.conformance.subject import Cache, culprit, recorded, same


def test_the_plain_cache_lays_new_behind_old_and_the_last_layer_moves_it_on():
    cache, one = Cache(2), torch.arange(4.0).reshape(1, 1, 2, 2)
    cache.update(0, one, one)
    assert cache.length == 0
    cache.update(1, one, one)
    key, _ = cache.update(0, one + 4, one)
    assert cache.length == 2 and key.flatten().tolist() == list(range(8)) and cache.asked == [0, 1, 0]


def test_the_culprit_is_the_innermost_part_whose_input_is_the_same():
    class Inner(torch.nn.Module):
        def forward(self, x):
            return x.cumsum(1) + x.sum()  # row and place see all

    module = torch.nn.Sequential(torch.nn.Identity(), Inner(), torch.nn.ReLU())
    ids = torch.ones(1, 4, 1)
    later = ids.clone()
    later[:, 3] = 2
    (_, one), (_, other) = recorded(module, ids), recorded(module, later)
    assert culprit(one, other, lambda x: x[:, :3]) == " (first seen in 1)"
    assert culprit(one, one, lambda x: x) == ""


def test_same_allows_for_the_order_of_sums_and_nothing_more():
    one = torch.tensor([1.0, 1e-3])
    assert same(one, one + 1e-5) and not same(one, one + 1e-3)
    assert not same(one, one[:1]) and not same(torch.tensor([float("nan")]), torch.tensor([float("nan")]))
