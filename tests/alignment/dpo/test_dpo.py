import math
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.dpo import dpo

SCORES = st.lists(st.tuples(*[st.floats(-30, -0.01)] * 4), min_size=1, max_size=5)


def columns(rows):
    return torch.tensor(rows, dtype=torch.float64).T


def by_hand(number):
    return math.log1p(math.exp(-number)) if number > -30 else -number


@given(SCORES, st.floats(0.01, 3), st.floats(0, 0.4))
def test_dpo_is_the_likelihood_of_the_pairs_under_bradley_and_terry(rows, beta, smoothing):
    wanted = []
    for chosen, rejected, reference_chosen, reference_rejected in rows:
        margin = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))
        wanted.append((1 - smoothing) * by_hand(margin) + smoothing * by_hand(-margin))
    assert dpo.dpo_loss(*columns(rows), beta, smoothing).tolist() == pytest.approx(wanted, abs=1e-9)


def test_the_slope_of_dpo_is_beta_times_the_probability_of_being_wrong():
    chosen = torch.tensor([-3.0], requires_grad=True)
    rest = [torch.tensor([number]) for number in (-2.0, -3.5, -2.5)]
    dpo.dpo_loss(chosen, *rest, beta=0.5).backward()
    margin = 0.5 * ((-3.0 + 3.5) - (-2.0 + 2.5))
    assert float(chosen.grad) == pytest.approx(-0.5 / (1 + math.exp(margin)))


@given(SCORES, st.floats(0.05, 2))
def test_ipo_is_least_where_the_margin_is_half_of_one_over_beta(rows, beta):
    _, rejected, reference_chosen, reference_rejected = columns(rows)
    at_best = reference_chosen + (rejected - reference_rejected) + 1 / (2 * beta)
    assert dpo.ipo_loss(at_best, rejected, reference_chosen, reference_rejected, beta).abs().max() < 1e-18
    assert (dpo.ipo_loss(at_best + 1, rejected, reference_chosen, reference_rejected, beta) - 1).abs().max() < 1e-9


def test_kto_counts_a_good_answer_by_how_far_it_went_beyond_the_divergence():
    ratios, good = torch.tensor([2.0, 2.0, -1.0]), torch.tensor([True, False, False])
    losses = dpo.kto_loss(ratios, good, torch.tensor(1.0), 0.5, 2.0, 3.0)
    sigmoid = [1 / (1 + math.exp(-number)) for number in (0.5, -0.5, 1.0)]
    assert losses.tolist() == pytest.approx([2 * (1 - sigmoid[0]), 3 * (1 - sigmoid[1]), 3 * (1 - sigmoid[2])])
    below = dpo.kto_loss(ratios, good, torch.tensor(-4.0), 0.5)
    assert torch.equal(below, dpo.kto_loss(ratios, good, torch.tensor(0.0), 0.5)), "an estimate below 0 counts as 0"
    divergence = torch.tensor(1.0, requires_grad=True)
    assert not dpo.kto_loss(ratios.requires_grad_(), good, divergence).sum().backward() and divergence.grad is None


@given(st.floats(-20, -1e-5))
def test_log_odds_are_exact_near_both_ends(log_probability):
    ours = float(dpo.log_odds(torch.tensor([log_probability], dtype=torch.float64)))
    assert ours == pytest.approx(log_probability - math.log(-math.expm1(log_probability)), rel=1e-9, abs=1e-9)


def test_a_certain_answer_has_finite_odds_and_slopes():
    chosen = torch.tensor([0.0, -1e-9], requires_grad=True)
    loss = dpo.orpo_loss(chosen, torch.tensor([-1.0, 0.0]), 0.1)
    loss.sum().backward()
    assert loss.isfinite().all() and chosen.grad.isfinite().all()


def test_simpo_wants_its_margin():
    losses = dpo.simpo_loss(torch.tensor([-1.0]), torch.tensor([-1.5]), beta=2.0, margin=1.0)
    assert losses.tolist() == pytest.approx([math.log(2)]), "the margin is just reached: the coin is even"


def test_sums_go_to_their_answers():
    tokens = torch.tensor([1.0, 2.0, 4.0, 8.0])
    assert dpo.sums_of_answers(tokens, torch.tensor([0, 0, 2, 2]), 4).tolist() == [3, 0, 12, 0]


# ── against TRL, on the same numbers ──


@pytest.fixture
def scores():
    source = torch.Generator().manual_seed(0)
    return [-3 * torch.rand(6, generator=source) - 0.01 for _ in range(2)]


def test_orpo_is_that_of_trl(scores, trl):
    from trl.experimental.orpo import ORPOTrainer

    theirs = ORPOTrainer.odds_ratio_loss(SimpleNamespace(beta=0.3, accelerator=SimpleNamespace(device="cpu")), *scores)[
        0
    ]
    torch.testing.assert_close(dpo.orpo_loss(*scores, 0.3), -scores[0] - theirs, rtol=1e-5, atol=1e-5)


def test_simpo_is_that_of_trl(scores, trl):
    from trl.experimental.cpo import CPOTrainer

    told = SimpleNamespace(
        alpha=0.0,
        beta=2.0,
        simpo_gamma=0.7,
        loss_type="simpo",
        label_smoothing=0.0,
        accelerator=SimpleNamespace(device="cpu"),
    )
    theirs = CPOTrainer.cpo_loss(told, *scores)[0]
    torch.testing.assert_close(dpo.simpo_loss(*scores, 2.0, 0.7), theirs, rtol=1e-5, atol=1e-5)
