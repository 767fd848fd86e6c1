"""Fill in the middle: the paper's two orders by hand, the text that comes back, the rates, and the loss."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.training.objectives.causal import causal_loss
from groundup.training.objectives.fill_in_middle import (
    Marks,
    draw_middle,
    fill_in_the_middle,
    maybe_moved,
    middle_batch,
    moved,
    put_back,
    question,
)

MARKS = Marks(60, 61, 62, 63)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def test_both_orders_by_hand():
    assert fill_in_the_middle([1, 2, 3, 4, 5], 1, 3, MARKS, "psm") == [60, 1, 61, 4, 5, 62, 2, 3, 63]
    assert fill_in_the_middle([1, 2, 3, 4, 5], 1, 3, MARKS, "spm") == [60, 61, 4, 5, 62, 1, 2, 3, 63]


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 59), max_size=30), some.integers(0, 9999), some.sampled_from([0.0, 0.5, 1.0]))
def test_the_text_comes_back(ids, seed, spm_rate):
    row = maybe_moved(ids, source(seed), MARKS, 0.8, spm_rate)
    assert put_back(row, MARKS) == ids
    assert row[-1] == MARKS.end and len(row) in (len(ids) + 1, len(ids) + 4)


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 59), max_size=30), some.data(), some.sampled_from(["psm", "spm"]))
def test_the_middle_is_what_follows_the_question(ids, data, order):
    first = data.draw(some.integers(0, len(ids)))
    last = data.draw(some.integers(first, len(ids)))
    asked = question(ids[:first], ids[last:], MARKS, order)
    assert moved(ids, first, last, MARKS, order) == [*asked, *ids[first:last], MARKS.end]


def test_rates_and_cuts_are_the_papers():
    rows = [maybe_moved([1, 2, 3], source(seed), MARKS, 0.5, 0.5) for seed in range(2000)]
    shuffled = [row for row in rows if MARKS.middle in row]
    spm = [row for row in shuffled if row[1] == MARKS.suffix and row[2] != MARKS.suffix]
    assert abs(len(shuffled) / 2000 - 0.5) < 4 * (0.25 / 2000) ** 0.5
    assert 0.4 < len(spm) / len(shuffled) < 0.75, "SPM, and those of PSM whose prefix is empty"
    cuts = [draw_middle(3, source(seed)) for seed in range(3200)]
    assert len(set(cuts)) == 10
    assert abs(cuts.count((1, 1)) - 200) < 60 and abs(cuts.count((0, 3)) - 400) < 80, "two cuts of four places each"


def test_a_rate_of_0_leaves_documents_and_of_1_moves_all():
    assert maybe_moved([1, 2], source(), MARKS, 0.0) == [1, 2, 63]
    assert all(MARKS.middle in maybe_moved([1, 2], source(seed), MARKS, 1.0) for seed in range(20))


def test_a_piece_that_goes_on_has_no_end():
    assert maybe_moved([1, 2], source(), MARKS, 0.0, ended=False) == [1, 2]
    assert all(maybe_moved([1, 2], source(seed), MARKS, 1.0, ended=False)[-1] == MARKS.end for seed in range(20))
    batch = middle_batch([[1, 2, 3], [4, 5]], source(), MARKS, 0.0, starts=[9, 9], ended=[False, True])
    assert [row[real].tolist() for row, real in zip(batch.targets, batch.loss_mask, strict=True)] == [
        [1, 2, 3],
        [4, 5, MARKS.end],
    ]


def test_a_batch_is_decided_by_its_seed_and_padded_at_its_end():
    documents = [list(range(12)), [5], []]
    one, same, other = (middle_batch(documents, source(seed), MARKS, 1.0) for seed in (1, 1, 2))
    assert torch.equal(one.input_ids, same.input_ids) and not torch.equal(one.input_ids, other.input_ids)
    for row, ids in enumerate(documents):
        real = one.loss_mask[row]
        assert put_back([*one.input_ids[row][:1].tolist(), *one.targets[row][real].tolist()], MARKS) == ids
        assert torch.equal(one.document_ids[row] < 0, ~real)


def test_the_loss_of_a_batch_is_that_of_its_documents_alone(tiny):
    module, documents = tiny(), [list(range(12)), [5, 6, 7]]
    batch = middle_batch(documents, source(), MARKS, 1.0, 0.0)
    together, count = causal_loss(module, batch)
    expected = 0.0
    for row in range(2):
        ids = torch.cat([batch.input_ids[row][:1], batch.targets[row][batch.loss_mask[row]]])[None]
        expected += torch.nn.functional.cross_entropy(module(ids[:, :-1])[0], ids[0, 1:], reduction="sum")
    assert count == 12 + 3 + 2 * 3
    torch.testing.assert_close(together, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: moved([1, 2], 1, 3, MARKS), "a middle from 1 to 3 is not in a text of 2 tokens; use 0 <= first"),
        (lambda: moved([1, 2], 0, 1, MARKS, "mps"), "order='mps' is none of the two; use 'psm' or 'spm'"),
        (lambda: moved([1, 61], 0, 1, MARKS), "token 61 is a mark and stands in the text; keep marks out of texts"),
        (lambda: moved([1], 0, 1, Marks(9, 9, 8, 7)), "name a token twice; give four tokens that differ"),
        (lambda: maybe_moved([1], source(), MARKS, 1.5), "rate=1.5 and spm_rate=0.5 are probabilities; use"),
        (lambda: middle_batch([], source(), MARKS), "a batch of no documents has nothing to learn from"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
