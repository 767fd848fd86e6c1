import math

import pytest
import torch

from groundup.training.objectives.causal import causal_loss, document_mask, mean_loss


def test_the_sum_equals_torchs_cross_entropy_over_the_kept_targets(tiny, make_batch):
    module, ids = tiny(), torch.randint(0, 64, (3, 9))
    mask = torch.rand(3, 8) > 0.4
    loss, count = causal_loss(module, make_batch(ids[:, :-1], ids[:, 1:], mask))
    logits = module(ids[:, :-1])
    expected = torch.nn.functional.cross_entropy(logits[mask], ids[:, 1:][mask], reduction="sum")
    assert count == int(mask.sum())
    torch.testing.assert_close(loss, expected)


def test_a_model_that_knows_nothing_loses_the_logarithm_of_the_vocabulary(tiny, make_batch):
    module, ids = tiny(), torch.randint(0, 64, (2, 9))
    module.lm_head.weight.data.zero_()
    assert mean_loss(module, [make_batch(ids[:, :-1], ids[:, 1:])]) == pytest.approx(math.log(64))


def packed(make_batch, first, second):
    """Two documents in one row, and each of them alone."""
    ids = torch.cat([first[:-1], second[:-1]])[None]
    targets = torch.cat([first[1:], second[1:]])[None]
    sizes = [len(first) - 1, len(second) - 1]
    documents = torch.repeat_interleave(torch.arange(2), torch.tensor(sizes))[None]
    positions = torch.cat([torch.arange(size) for size in sizes])[None]
    return make_batch(ids, targets, None, documents, positions), [
        make_batch(one[None, :-1], one[None, 1:]) for one in (first, second)
    ]


def test_the_loss_of_packed_documents_equals_that_of_each_alone(tiny, make_batch):
    module = tiny()
    row, alone = packed(make_batch, torch.randint(0, 64, (7,)), torch.randint(0, 64, (10,)))
    together = causal_loss(module, row)[0]
    torch.testing.assert_close(together, sum(causal_loss(module, one)[0] for one in alone), rtol=1e-5, atol=1e-5)


def test_a_token_of_the_first_document_does_not_move_the_second(tiny, make_batch):
    module, first, second = tiny(), torch.randint(0, 64, (7,)), torch.randint(0, 64, (10,))
    row, _ = packed(make_batch, first, second)
    changed = row.input_ids.clone()
    changed[0, 2] = (changed[0, 2] + 1) % 64
    before = module(row.input_ids, document_mask(row), row.positions)
    after = module(changed, document_mask(row), row.positions)
    assert torch.equal(before[0, 6:], after[0, 6:])
    assert not torch.equal(before[0, 2:6], after[0, 2:6])


def test_rows_of_one_document_need_no_mask(make_batch):
    ids = torch.zeros(2, 4, dtype=torch.int64)
    assert document_mask(make_batch(ids, ids)) is None
