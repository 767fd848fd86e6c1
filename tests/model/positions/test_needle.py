"""How far a model reads: losses against their definition, needles at the depth that was asked for."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.positions.needle import haystack, loss_by_position, retrieval


def test_the_loss_of_each_position_is_the_mean_over_the_rows():
    logits, targets = torch.randn(3, 5, 7), torch.randint(0, 7, (3, 5))
    exact = -logits.double().log_softmax(-1).gather(-1, targets[..., None])[..., 0].mean(0)
    assert torch.allclose(loss_by_position(logits, targets).double(), exact, atol=1e-6)
    whole = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    assert loss_by_position(logits, targets).mean().item() == pytest.approx(whole.item(), rel=1e-5)


def test_a_model_that_knows_nothing_has_the_vocabularys_perplexity_everywhere():
    assert torch.allclose(loss_by_position(torch.zeros(2, 4, 9), torch.ones(2, 4).long()).exp(), torch.full((4,), 9.0))
    assert loss_by_position(torch.zeros(1, 1, 2).bfloat16(), torch.zeros(1, 1).long()).item() == pytest.approx(
        math.log(2)
    )


@given(some.lists(some.integers(0, 9), max_size=20), some.floats(0, 1))
def test_the_hay_keeps_its_order_around_the_needle(hay, depth):
    text = haystack(hay, ["needle", "point"], depth)
    place = text.index("needle")
    assert text[place : place + 2] == ["needle", "point"] and text[:place] + text[place + 2 :] == hay
    assert abs(place - depth * len(hay)) <= 0.5


def test_the_ends_are_the_ends():
    assert haystack([1, 2], [0], 0.0) == [0, 1, 2] and haystack([1, 2], [0], 1.0) == [1, 2, 0]


def last_eight(text, trial):
    """A reader that sees eight tokens."""
    return float(f"needle {trial}" in text[-8:])


def test_a_reader_of_eight_tokens_finds_what_stands_in_the_last_eight():
    found = retrieval(
        last_eight, lambda n, trial: ["hay"] * n, lambda trial: [f"needle {trial}"], lengths=[5, 17], trials=3
    )
    assert found.tolist() == [
        [1, 0],
        [1, 0],
        [1, 0],
        [1, 1],
        [1, 1],
    ]  # of 17: places 0, 4, 8, 12, 16; the last eight: 9-16


def test_the_text_has_the_length_and_each_trial_its_own_hay_and_needle():
    seen = []
    retrieval(
        lambda text, trial: seen.append((len(text), trial, text[0])) or 0.0,
        lambda n, trial: [f"hay {trial}"] * n,
        lambda trial: ["a", "b"],
        lengths=[6],
        depths=[1.0],
        trials=2,
    )
    assert seen == [(6, 0, "hay 0"), (6, 1, "hay 1")]


def test_scores_are_averaged_over_the_trials():
    found = retrieval(
        lambda text, trial: trial / 4, lambda n, _: [0] * n, lambda _: [1], lengths=[3], depths=[0.0], trials=4
    )
    assert found.item() == pytest.approx((0 + 1 + 2 + 3) / 16)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(InputError, match="depth=1.5 is not in the text; use 0"):
        haystack([1], [2], 1.5)
    with pytest.raises(InputError, match="a needle of 3 does not fit a text of 2; use lengths of at least 3"):
        retrieval(last_eight, lambda n, _: [0] * n, lambda _: [1, 2, 3], lengths=[2])
    with pytest.raises(InputError, match="give at least one length, one depth and one trial"):
        retrieval(last_eight, lambda n, _: [0] * n, lambda _: [1], lengths=[])
