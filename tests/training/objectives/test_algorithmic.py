"""Asking for answers alone, and the exact score; that a small model groks modular subtraction."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.training.objectives.algorithmic import after_mark, answers_only, exact_answers

MARK = 9


def test_two_documents_and_padding_by_hand():
    ids = torch.tensor([[0, 4, 9, 5, 0, 9, 7, 9, 1, 1]])
    documents = torch.tensor([[0, 0, 0, 0, 1, 1, 1, 1, -1, -1]])
    assert after_mark(ids, documents, MARK).int().tolist() == [[0, 0, 1, 1, 0, 1, 1, 1, 0, 0]]


@settings(max_examples=60, deadline=None)
@given(some.integers(0, 10**6))
def test_it_is_what_reading_each_document_from_its_beginning_says(seed):
    source = torch.Generator().manual_seed(seed)
    ids = torch.randint(6, 10, (3, 14), generator=source)
    documents = torch.randint(0, 3, (3, 14), generator=source).eq(0).int().cumsum(1)
    documents[:, 11:] = -1
    said = after_mark(ids, documents, MARK)
    for row in range(3):
        for place in range(14):
            read = [int(ids[row, at]) for at in range(place + 1) if documents[row, at] == documents[row, place]]
            assert bool(said[row, place]) == (MARK in read and int(documents[row, place]) >= 0)


def test_nothing_before_the_mark_is_asked_for(make_batch):
    ids = torch.tensor([[0, 4, 9, 5, 6], [0, 9, 1, 2, 3]])
    plain = make_batch(ids, ids + 1)
    asked = answers_only(plain, MARK)
    assert asked.loss_mask.int().tolist() == [[0, 0, 1, 1, 1], [0, 1, 1, 1, 1]]
    assert torch.equal(asked.targets, plain.targets) and torch.equal(asked.input_ids, plain.input_ids)


def test_an_answer_with_one_wrong_token_is_wrong(tiny, make_batch):
    """Three documents in two rows; the targets are what the model says, but for one token of one answer."""
    module = tiny()
    ids = torch.randint(10, 60, (2, 10), generator=torch.Generator().manual_seed(0))
    ids[:, 2] = ids[0, 7] = MARK
    documents = torch.tensor([[0] * 5 + [1] * 5, [0] * 10])
    places = torch.tensor([[*range(5), *range(5)], list(range(10))])
    batch = answers_only(make_batch(ids, ids, None, documents, places), MARK)
    from groundup.training.objectives.causal import causal_asked

    with torch.no_grad():
        said = module.lm_head(causal_asked(module, batch).hidden).argmax(-1)
    right = make_batch(ids, said, batch.loss_mask, documents, places)
    assert exact_answers(module, right) == (3, 3)
    wrong = said.clone()
    wrong[0, 8] += 1
    wrong[1, 0] += 1  # before the mark, where nothing is asked
    assert exact_answers(module, make_batch(ids, wrong, batch.loss_mask, documents, places)) == (2, 3)
    nothing = make_batch(ids, said, torch.zeros_like(batch.loss_mask), documents, places)
    assert exact_answers(module, nothing) == (0, 0)


@pytest.mark.slow
def test_a_table_is_known_by_heart_long_before_the_rest_is_understood(tmp_path):
    """`groundup run grokking`: modular subtraction, 60 % of the table trained; the seed fixes the run."""
    from groundup import files
    from groundup.runs import recipe
    from groundup.runs.runner import run

    run(recipe.load("grokking"), tmp_path / "run")
    stage = next((tmp_path / "run" / "stages").glob("*-train-*"))
    seen = [one for one in files.read_jsonl(stage / "metrics.jsonl") if "trained_accuracy" in one]
    name = "heldout_accuracy_algorithmic"
    by_heart = next(one["step"] for one in seen if one["trained_accuracy"] >= 0.99)
    understood = next(one["step"] for one in seen if one[name] >= 0.95)
    assert understood >= 2 * by_heart
    assert max(one[name] for one in seen if one["step"] <= 1.5 * by_heart) < 0.3, "known by heart, and nothing else"
