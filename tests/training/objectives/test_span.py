"""Span corruption against the paper's figure, its rates, and torch's cross-entropy."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.t5 import T5Config
from groundup.training.objectives.span import (
    answers,
    corrupt_spans,
    corrupted,
    draw_spans,
    padded,
    restored,
    span_batch,
    span_loss,
)

SENTINELS = range(100, 150)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def module():
    return build(
        T5Config(
            vocab_size=160, hidden_size=16, head_dim=8, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
        ),
        seed=0,
    )


def test_the_papers_figure():
    words = "Thank you for inviting me to your party last week".split()
    number = {word: index for index, word in enumerate(words)}
    read, asked = corrupt_spans(list(number.values()), [(2, 4), (8, 9)], SENTINELS)
    name = dict(enumerate(words)) | {100: "<X>", 101: "<Y>", 102: "<Z>"}
    assert " ".join(name[one] for one in read) == "Thank you <X> me to your party <Y> week"
    assert " ".join(name[one] for one in asked) == "<X> for inviting <Y> last <Z>"


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 99), min_size=2, max_size=60), some.integers(0, 9999), some.floats(0.05, 0.9))
def test_answers_put_into_the_gaps_give_the_text_back(ids, seed, rate):
    spans = draw_spans(len(ids), source(seed), rate, 2.5)
    read, asked = corrupted(ids, spans, SENTINELS)
    assert restored(read, asked, SENTINELS) == ids
    assert len(read) + len(asked) == len(ids) + 2 * len(spans) + 1


@settings(max_examples=60, deadline=None)
@given(some.integers(2, 300), some.integers(0, 9999), some.floats(0.01, 0.99), some.floats(1, 10))
def test_spans_hide_the_rate_and_never_touch(length, seed, rate, mean):
    spans = draw_spans(length, source(seed), rate, mean)
    hidden = sum(last - first for first, last in spans)
    assert hidden == min(max(round(length * rate), 1), length - 1)
    assert all(last < after for (_, last), (after, _) in zip(spans, spans[1:], strict=False))
    assert spans[0][0] >= 0 and spans[-1][1] <= length


def test_the_mean_length_is_the_papers():
    lengths = [last - first for seed in range(50) for first, last in draw_spans(512, source(seed))]
    assert len(lengths) == 50 * 26, "77 of 512 tokens in 26 spans, every time"
    assert abs(sum(lengths) / len(lengths) - 77 / 26) < 1e-9


def test_all_divisions_are_alike_and_the_edges_are_reached():
    seen = [tuple(draw_spans(5, source(seed), 0.4, 1.0)) for seed in range(600)]
    tally = {one: seen.count(one) for one in set(seen)}
    assert len(tally) == 6 and min(tally.values()) > 60, "two of five places that do not touch"
    assert {one[0][0] for one in seen} == {0, 1, 2} and {one[-1][1] for one in seen} == {3, 4, 5}


def test_a_seed_decides_everything_and_documents_are_apart():
    documents = [list(range(20)), list(range(30, 37))]
    one, same, other = (span_batch(documents, source(seed), sentinels=SENTINELS) for seed in (1, 1, 2))
    assert torch.equal(one.input_ids, same.input_ids) and torch.equal(one.targets, same.targets)
    assert not torch.equal(one.targets, other.targets)
    for row, ids in enumerate(documents):
        read, asked = one.input_ids[row][one.attention_mask[row]], one.targets[row][one.loss_mask[row]]
        assert restored(read.tolist(), asked.tolist(), SENTINELS) == ids


def test_an_answer_ends_where_it_is_told_to():
    documents = [list(range(1, 20)), list(range(30, 37))]
    plain, ended = (span_batch(documents, source(), sentinels=SENTINELS, end_id=end) for end in (None, 99))
    assert torch.equal(plain.input_ids, ended.input_ids)
    for row, ids in enumerate(documents):
        asked = ended.targets[row][ended.loss_mask[row]].tolist()
        assert asked == [*plain.targets[row][plain.loss_mask[row]].tolist(), 99]
        assert restored(ended.input_ids[row][ended.attention_mask[row]].tolist(), asked, SENTINELS) == ids


def test_the_loss_is_torchs_cross_entropy_over_the_answers(module):
    batch = answers([([1, 2, 100, 5], [100, 3, 4, 101]), ([7, 100], [100, 8, 101])])
    loss, count = span_loss(module, batch)
    begun = torch.tensor([[0, 100, 3, 4], [0, 100, 8, 101]])
    logits = module(batch.input_ids, begun, batch.attention_mask)
    targets = batch.targets.masked_fill(~batch.loss_mask, -100)
    assert count == 7
    torch.testing.assert_close(
        loss, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum")
    )


def test_a_batch_is_the_sum_of_its_rows(module):
    pairs = [([1, 2, 100, 5, 6, 7], [100, 3, 4, 101]), ([7, 100], [100, 8, 101])]
    together = span_loss(module, answers(pairs))[0]
    alone = sum(span_loss(module, answers([pair]))[0] for pair in pairs)
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


def test_a_poor_answer_still_gives_a_text():
    assert restored([1, 100, 2, 101], [5, 101, 9, 140, 3], SENTINELS) == [1, 2, 9]


def test_padding_counts_nowhere():
    ids, real = padded([[1, 2], [3]], 9)
    assert ids.tolist() == [[1, 2], [3, 9]] and real.tolist() == [[True, True], [True, False]]


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: draw_spans(1, source()), r"a text of 1 token\(s\) cannot lose one and keep one; leave out"),
        (
            lambda: draw_spans(9, source(), 1.0),
            "rate=1.0 and mean_length=3.0 make no spans; use a rate between 0 and 1",
        ),
        (lambda: draw_spans(9, source(), 0.1, 0.5), "mean_length=0.5 make no spans"),
        (lambda: corrupted([1, 2], [(0, 1)], [100]), "1 spans need 2 sentinels, and there are 1; give more"),
        (lambda: corrupted([1, 100], [(0, 1)], SENTINELS), "token 100 is a sentinel and stands in the text; keep"),
        (lambda: corrupted([1, 2], [(1, 3)], SENTINELS), r"span \(1, 3\) is no part of a text of 2 tokens"),
        (lambda: padded([], 0), "a batch of no rows has nothing to learn from; give at least one"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
