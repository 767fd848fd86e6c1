"""Multi-token prediction: targets by hand and by their definition, torch's cross-entropy for each head, document edges."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import ConfigError
from groundup.training.objectives.causal import causal_loss
from groundup.training.objectives.multi_token import MultiToken, losses_ahead, multi_token_loss, targets_ahead
from groundup.training.step.accumulation import accumulate


def test_two_documents_by_hand():
    targets = torch.tensor([[1, 2, 3, 11, 12, 0]])
    counts = torch.tensor([[True, True, True, True, True, False]])
    documents = torch.tensor([[0, 0, 0, 1, 1, -1]])
    moved, kept = targets_ahead(targets, counts, documents, 1)
    assert kept.tolist() == [[True, True, False, True, False, False]]
    assert moved.tolist() == [[2, 3, 0, 12, 0, 0]]


@settings(max_examples=50, deadline=None)
@given(some.integers(0, 9999), some.integers(0, 9))
def test_each_target_is_the_one_so_many_places_on_in_the_same_document(seed, further):
    source = torch.Generator().manual_seed(seed)
    targets = torch.randint(1, 50, (2, 7), generator=source)
    counts = torch.rand(2, 7, generator=source) < 0.8
    documents = torch.randint(0, 2, (2, 7), generator=source).cumsum(1)
    moved, kept = targets_ahead(targets, counts, documents, further)
    for row in range(2):
        for place in range(7):
            there = place + further
            right = there < 7 and bool(counts[row, there]) and documents[row, there] == documents[row, place]
            assert bool(kept[row, place]) == right
            assert moved[row, place] == (targets[row, there] if right else 0)


@pytest.fixture
def batch(make_batch):
    ids = torch.randint(0, 64, (3, 11), generator=torch.Generator().manual_seed(0))
    return make_batch(ids[:, :-1], ids[:, 1:])


def trained_a_little(tiny, ahead):
    wrapped = MultiToken(tiny(), ahead)
    for index, layer in enumerate(wrapped.layers):
        torch.nn.init.normal_(layer.weight, 0, 0.3, generator=torch.Generator().manual_seed(index))
    return wrapped


def test_each_heads_loss_is_torchs_cross_entropy(tiny, batch):
    wrapped = trained_a_little(tiny, 3)
    hidden = wrapped.module.hidden(batch.input_ids)
    for further, (loss, count) in enumerate(losses_ahead(wrapped, batch)):
        read = hidden
        if further:
            read = hidden + torch.nn.functional.silu(hidden @ wrapped.layers[further - 1].weight.T)
        logits = wrapped.module.lm_head(read)[:, : 10 - further].flatten(0, 1)
        theirs = torch.nn.functional.cross_entropy(logits, batch.targets[:, further:].flatten(), reduction="sum")
        assert count == 3 * (10 - further)
        torch.testing.assert_close(loss, theirs)


def test_one_token_ahead_is_next_token_prediction(tiny, batch):
    wrapped = MultiToken(tiny(), 1)
    ours, theirs = multi_token_loss(wrapped, batch), causal_loss(wrapped.module, batch)
    assert ours[1] == theirs[1] and torch.equal(ours[0], theirs[0])


def test_at_first_every_head_is_the_models_own(tiny, batch):
    states = MultiToken(tiny(), 3).hidden(batch.input_ids)
    assert all(torch.equal(states[0], one) for one in states)


def test_packed_documents_lose_what_each_loses_alone(tiny, make_batch):
    wrapped, first, second = trained_a_little(tiny, 3), torch.arange(7), torch.arange(20, 30)
    ids, targets = torch.cat([first[:-1], second[:-1]])[None], torch.cat([first[1:], second[1:]])[None]
    documents = torch.repeat_interleave(torch.arange(2), torch.tensor([6, 9]))[None]
    places = torch.cat([torch.arange(6), torch.arange(9)])[None]
    together, count = multi_token_loss(wrapped, make_batch(ids, targets, None, documents, places))
    alone = [multi_token_loss(wrapped, make_batch(one[None, :-1], one[None, 1:])) for one in (first, second)]
    assert count == sum(number for _, number in alone)
    torch.testing.assert_close(together, sum(loss for loss, _ in alone), rtol=1e-4, atol=1e-4)


def test_small_batches_add_up_to_the_large_one(tiny, batch, make_batch):
    one, other = trained_a_little(tiny, 2), trained_a_little(tiny, 2)
    rows = [make_batch(batch.input_ids[part], batch.targets[part]) for part in (slice(0, 1), slice(1, 3))]
    assert accumulate(one, [batch], multi_token_loss) == pytest.approx(accumulate(other, rows, multi_token_loss))
    for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_a_draft_is_the_likeliest_token_of_each_head(tiny, batch):
    wrapped = trained_a_little(tiny, 3)
    states = wrapped.hidden(batch.input_ids)
    for index, one in enumerate(states):
        expected = wrapped.module.lm_head(one)[:, -1].argmax(-1)
        assert torch.equal(wrapped.draft(batch.input_ids)[:, index], expected)


def test_nothing_ahead_is_refused(tiny):
    with pytest.raises(ConfigError, match="ahead=0 asks for nothing; use 1 for the next token alone"):
        MultiToken(tiny(), 0)
    module = tiny()
    module.lm_head = None
    with pytest.raises(ConfigError, match="this model has no head that scores tokens; load it as a language model"):
        MultiToken(module, 2)
