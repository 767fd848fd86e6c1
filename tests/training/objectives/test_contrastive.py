"""Contrastive losses against the papers' formulas by hand, torch's cross-entropy, and what they do to vectors."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some

from groundup.errors import InputError
from groundup.model.architectures import build
from groundup.model.architectures.bert import BertConfig
from groundup.training.objectives.contrastive import (
    Temperature,
    clip_loss,
    contrastive_loss,
    one_way,
    sentence_vectors,
    simcse_loss,
    two_views,
)


def vectors(seed, pairs=5, hidden=8):
    source = torch.Generator().manual_seed(seed)
    return torch.randn(2, pairs, hidden, generator=source)


@pytest.fixture(scope="module")
def encoder():
    return build(
        BertConfig(
            vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2,
            max_position_embeddings=16, initializer_range=0.3, head="none",
        ),
        seed=0, scheme="normal",
    )  # fmt: skip


def test_equation_1_of_simcse_by_hand():
    first, second = torch.tensor([[1.0, 0], [0, 2]]), torch.tensor([[3.0, 0], [1, 1]])
    near, far = math.exp(1 / 0.5), math.exp(math.sqrt(0.5) / 0.5)
    expected = -math.log(near / (near + far)) - math.log(far / (far + math.exp(0)))
    assert contrastive_loss(first, second, 0.5).item() == pytest.approx(expected, rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 9999), some.integers(2, 9), some.sampled_from([0.02, 0.1, 1.0]))
def test_the_loss_is_torchs_cross_entropy_of_cosines(seed, pairs, temperature):
    first, second = vectors(seed, pairs).requires_grad_()
    cosines = torch.nn.functional.cosine_similarity(first[:, None], second[None], dim=-1)
    theirs = torch.nn.functional.cross_entropy(cosines / temperature, torch.arange(pairs), reduction="sum")
    ours = contrastive_loss(first, second, temperature)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    for mine, other in zip(
        torch.autograd.grad(ours, [first, second]), torch.autograd.grad(theirs, [first, second]), strict=True
    ):
        torch.testing.assert_close(mine, other, rtol=1e-3, atol=1e-4)


@settings(max_examples=50, deadline=None)
@given(some.integers(0, 9999))
def test_lengths_of_vectors_say_nothing(seed):
    first, second = vectors(seed)
    torch.testing.assert_close(contrastive_loss(first * 7, second * 0.3), contrastive_loss(first, second))


def test_clips_figure_3():
    pictures, texts = vectors(1)
    scores = torch.nn.functional.normalize(pictures) @ torch.nn.functional.normalize(texts).T * math.exp(0.5)
    labels = torch.arange(5)
    cross_entropy = torch.nn.functional.cross_entropy
    expected = (cross_entropy(scores, labels) + cross_entropy(scores.T, labels)) / 2
    loss, count = clip_loss(pictures, texts, math.exp(-0.5))
    assert count == 5
    torch.testing.assert_close(loss / count, expected)
    torch.testing.assert_close(clip_loss(texts, pictures, math.exp(-0.5))[0], loss, msg="both directions count alike")


def test_a_learned_temperature_gets_its_gradient_and_is_bounded():
    learned = Temperature()
    assert learned().item() == pytest.approx(0.07)
    loss, _ = clip_loss(*vectors(2), learned())
    loss.backward()
    first, second = vectors(2)
    step = 1e-2
    above, below = (clip_loss(first, second, 0.07 * math.exp(-way * step))[0] for way in (1, -1))
    assert learned.logit_scale.grad.item() == pytest.approx((above - below).item() / (2 * step), rel=1e-2)
    with torch.no_grad():
        learned.logit_scale.fill_(9.0)
    assert learned().item() == pytest.approx(0.01)


def test_views_hide_their_share_and_never_padding_or_the_first():
    ids, real = torch.ones(300, 20, dtype=torch.int64), torch.arange(20).expand(300, 20) < 15
    views = two_views(ids, real, torch.Generator().manual_seed(0), 0.2)
    for seen in (views.first, views.second):
        assert seen[:, 0].all() and not seen[:, 15:].any()
        assert abs(seen[:, 1:15].float().mean().item() - 0.8) < 0.03
    assert not torch.equal(views.first, views.second)
    again = two_views(ids, real, torch.Generator().manual_seed(0), 0.2)
    assert torch.equal(again.first, views.first) and torch.equal(again.second, views.second)


def test_what_a_view_hides_does_not_move_its_vector(encoder):
    ids, seen = torch.randint(1, 40, (2, 9)), torch.ones(2, 9, dtype=torch.bool)
    seen[:, 4] = False
    other = ids.clone()
    other[:, 4] = (other[:, 4] + 5) % 40
    with torch.no_grad():
        torch.testing.assert_close(sentence_vectors(encoder, ids, seen), sentence_vectors(encoder, other, seen))


def test_simcse_is_the_loss_of_the_two_views_vectors(encoder):
    ids = torch.randint(1, 40, (4, 9), generator=torch.Generator().manual_seed(0))
    views = two_views(ids, ids > 0, torch.Generator().manual_seed(0))
    loss, count = simcse_loss(encoder, views)
    first, second = (sentence_vectors(encoder, ids, seen) for seen in (views.first, views.second))
    cosines = torch.nn.functional.cosine_similarity(first[:, None], second[None], dim=-1)
    assert count == 4 == int(views.loss_mask.sum())
    expected = torch.nn.functional.cross_entropy(cosines / 0.05, torch.arange(4), reduction="sum")
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: one_way(torch.ones(3, 2), torch.ones(2, 2)), r"shapes \(3, 2\) and \(2, 2\) are no pairs; give two"),
        (lambda: one_way(torch.ones(1, 2), torch.ones(1, 2)), "one pair alone has nothing to be told from"),
        (lambda: one_way(torch.ones(2, 2), torch.ones(2, 2), 0.0), "temperature=0.0 must be above 0; SimCSE uses 0.05"),
        (
            lambda: two_views(torch.ones(2, 3, dtype=torch.int64), torch.ones(2, 3).bool(), torch.Generator(), 1.0),
            "cutoff=1.0 is no share of tokens to hide; use 0 or more and less than 1",
        ),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
