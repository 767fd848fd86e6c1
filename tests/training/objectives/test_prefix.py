"""Prefix language modelling: what is asked for, that the prefix is read both ways, and torch's cross-entropy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.architectures.prefix_lm import prefix_mask
from groundup.training.objectives.causal import causal_loss
from groundup.training.objectives.prefix import prefix_batch, prefix_loss, prefixed, split


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def test_what_is_asked_for_begins_behind_the_prefix():
    assert split([1, 2, 3, 4, 5], 2) == ([1, 2, 3, 4], [-100, 3, 4, 5], 2)


@settings(max_examples=50, deadline=None)
@given(some.lists(some.integers(0, 60), min_size=2, max_size=20), some.data())
def test_the_text_comes_back_from_the_prefix_and_what_is_asked_for(ids, data):
    read, asked, prefix = split(ids, data.draw(some.integers(1, len(ids) - 1)))
    assert read[:prefix] + [token for token in asked if token >= 0] == ids
    assert len(read) == len(asked)


def test_every_cut_is_as_likely_as_any_other():
    cuts = prefix_batch([[1, 2, 3, 4, 5]] * 2000, source()).prefix.tolist()
    assert {cut: abs(cuts.count(cut) - 500) < 80 for cut in set(cuts)} == dict.fromkeys((1, 2, 3, 4), True)


def test_a_seed_decides_everything():
    documents = [list(range(30)), [1, 2]]
    one, same, other = (prefix_batch(documents, source(seed)) for seed in (1, 1, 3))
    assert torch.equal(one.prefix, same.prefix) and torch.equal(one.targets, same.targets)
    assert not torch.equal(one.prefix, other.prefix)


def test_the_loss_is_torchs_cross_entropy_behind_the_prefix(tiny):
    module = tiny()
    batch = prefixed([split([5, 6, 7, 8, 9, 10], 3), split([20, 21, 22], 1)])
    loss, count = prefix_loss(module, batch)
    logits = module(batch.input_ids, prefix_mask(batch.prefix, 5))
    targets = batch.targets.masked_fill(~batch.loss_mask, -100)
    assert count == 5
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    torch.testing.assert_close(loss, expected)


def test_rows_of_a_batch_lose_what_each_loses_alone(tiny):
    module, rows = tiny(), [split([5, 6, 7, 8, 9, 10], 3), split([20, 21, 22], 2)]
    together = prefix_loss(module, prefixed(rows))[0]
    torch.testing.assert_close(
        together, sum(prefix_loss(module, prefixed([row]))[0] for row in rows), rtol=1e-4, atol=1e-4
    )


def test_a_prefix_of_one_token_is_next_token_prediction(tiny, make_batch):
    module, ids = tiny(), torch.arange(3, 13)
    theirs = causal_loss(module, make_batch(ids[None, :-1], ids[None, 1:]))
    loss, count = prefix_loss(module, prefixed([split(ids.tolist(), 1)]))
    assert count == theirs[1] == 9
    torch.testing.assert_close(loss, theirs[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: split([1, 2, 3], 3), "a prefix of 3 of 3 tokens leaves no question or no answer; use 1 to 2"),
        (lambda: split([1], 1), r"a text of 1 token\(s\) cannot be cut in two; leave out texts shorter than 2"),
        (lambda: prefix_batch([[1, 2], [3]], source()), r"a text of 1 token\(s\) cannot be cut in two"),
        (lambda: prefix_batch([], source()), r"a text of 0 token\(s\) cannot be cut in two"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
