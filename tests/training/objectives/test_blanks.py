"""GLM's blanks as a task: the paper's lengths and rate, rows that give the text back, and the loss of a model with two places."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.blanks import blank_infilling
from groundup.model.architectures.glm import GLM2022Config
from groundup.training.objectives.blanks import blank_batch, draw_blanks, filled
from groundup.training.objectives.prefix import prefix_loss

MARKS = dict(mask_id=60, start_id=61, end_id=62)


def source(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def module():
    return build(
        GLM2022Config(
            vocab_size=64, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, max_position_embeddings=64
        ),
        seed=0,
    )


@settings(max_examples=60, deadline=None)
@given(some.lists(some.integers(0, 59), min_size=2, max_size=50), some.integers(0, 9999), some.floats(0.05, 0.9))
def test_the_text_comes_back_from_every_row(ids, seed, rate):
    batch = blank_batch([ids], source(seed), **MARKS, rate=rate)
    prefix, asked = int(batch.prefix[0]), batch.loss_mask[0]
    assert filled(batch.input_ids[0].tolist(), batch.targets[0][asked], batch.positions[0][asked], prefix, 60) == ids


@settings(max_examples=60, deadline=None)
@given(some.integers(2, 200), some.integers(0, 9999), some.floats(0.02, 0.5))
def test_blanks_never_touch_and_hide_no_more_than_their_rate(length, seed, rate):
    spans = sorted(draw_blanks(length, source(seed), rate))
    hidden = sum(last - first for first, last in spans)
    most = min(max(round(length * rate), 1), length - 1)
    assert 1 <= hidden <= most
    assert hidden == most or hidden + len(spans) >= length, "less only where no token is left between"
    assert spans[0][0] >= 0 and spans[-1][1] <= length
    assert all(last < after for (_, last), (after, _) in zip(spans, spans[1:], strict=False))


def test_lengths_are_poissons_of_mean_3():
    lengths = [last - first for seed in range(40) for first, last in draw_blanks(2000, source(seed))]
    mean = sum(lengths) / len(lengths)
    assert abs(mean - (3 + math.exp(-3))) < 0.1, "an empty span is drawn as one of 1; the last is cut to what is left"
    assert abs(lengths.count(3) / len(lengths) - 27 / 6 * math.exp(-3)) < 0.03


def test_the_order_is_shuffled_and_decided_by_the_seed():
    drawn = [draw_blanks(200, source(seed)) for seed in range(10)]
    assert drawn[3] == draw_blanks(200, source(3)) != drawn[4]
    assert any(spans != sorted(spans) for spans in drawn)


def test_the_loss_is_torchs_cross_entropy_over_the_blanks(module):
    documents = [list(range(20)), [7, 8, 9, 10]]
    batch = blank_batch(documents, source(2), **MARKS)
    loss, count = prefix_loss(module, batch)
    expected, asked = 0.0, 0
    drawn = source(2)
    for ids in documents:
        row = blank_infilling(ids, draw_blanks(len(ids), drawn), 60, 61, 62)
        size = len(row.input_ids)
        seen = torch.ones(size, size).tril().bool()
        seen[:, : row.prefix] = True
        logits = module(row.input_ids[None], seen[None], row.positions[None])
        expected += torch.nn.functional.cross_entropy(logits[0], row.targets, reduction="sum")
        asked += int((row.targets >= 0).sum())
    assert count == asked == sum(round(len(ids) * 0.15) or 1 for ids in documents) + 2
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: draw_blanks(1, source()), r"a text of 1 token\(s\) cannot lose one and keep one; leave out"),
        (
            lambda: draw_blanks(9, source(), 0.0),
            "rate=0.0 and mean_length=3.0 make no blanks; use a rate between 0 and 1",
        ),
        (lambda: blank_batch([[1, 61]], source(), **MARKS), "token 61 is a mark and stands in a text; keep mask_id"),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
