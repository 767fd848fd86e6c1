import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.rejection import rejection
from groundup.errors import InputError

REWARDS = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=8)


@given(REWARDS, st.integers(1, 8))
def test_the_best_of_n_is_the_mean_of_the_best_over_all_choices_of_n(rewards, n):
    n = min(n, len(rewards))
    ours = float(rejection.best_of_n(torch.tensor([rewards], dtype=torch.float64), n))
    assert ours == pytest.approx(rejection.best_of_n_reference(rewards, n), abs=1e-9)


@given(REWARDS)
def test_of_one_it_is_the_mean_and_of_all_the_maximum(rewards):
    table = torch.tensor([rewards, rewards[::-1]], dtype=torch.float64)
    assert rejection.best_of_n(table, 1).tolist() == pytest.approx([sum(rewards) / len(rewards)] * 2)
    assert rejection.best_of_n(table, len(rewards)).tolist() == pytest.approx([max(rewards)] * 2)


def test_a_thousand_answers_do_not_overflow():
    rewards = torch.arange(2000.0)[None]
    assert float(rejection.best_of_n(rewards, 1000)) == pytest.approx(1000 * 2001 / 1001 - 1, rel=1e-5)


def test_the_best_by_one_measure_is_worth_something_by_another_and_ties_share():
    by, worth = torch.tensor([[0.0, 1.0, 1.0]]), torch.tensor([[5.0, 2.0, 4.0]])
    assert float(rejection.best_of_n(by, 3, worth)) == pytest.approx(3.0)
    assert float(rejection.best_of_n(by.flip(1), 3, worth.flip(1))) == pytest.approx(3.0), "whatever stands first"


def test_it_is_unbiased():
    source = torch.Generator().manual_seed(0)
    rewards = torch.rand(4000, 12, generator=source)
    assert float(rejection.best_of_n(rewards, 4).mean()) == pytest.approx(4 / 5, abs=0.005)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_the_divergence_is_exact_without_ties_and_a_bound_with_them(n):
    fine = torch.full((20_000,), 1 / 20_000, dtype=torch.float64)
    order = torch.arange(20_000, dtype=torch.float64)
    assert kl(rejection.best_of_n_distribution(fine, order, n), fine) == pytest.approx(
        rejection.best_of_n_divergence(n), abs=0.002
    )
    tied = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    best = rejection.best_of_n_distribution(tied, torch.tensor([0.0, 1.0, 1.0], dtype=torch.float64), n)
    assert best.tolist() == pytest.approx([0.5**n, 0.6 * (1 - 0.5**n), 0.4 * (1 - 0.5**n)])
    assert kl(best, tied) <= rejection.best_of_n_divergence(n) + 1e-12


def kl(one, other):
    return float(torch.special.xlogy(one, one / other).sum())


def test_drawn_bests_fall_as_the_distribution_says():
    source = torch.Generator().manual_seed(1)
    model, rewards = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([3.0, 1.0, 1.0])
    drawn = torch.multinomial(model, 30_000, replacement=True, generator=source).view(-1, 3)
    best = drawn.gather(1, rewards[drawn].argmax(1, keepdim=True))[:, 0]
    shares = torch.bincount(best, minlength=3) / len(best)
    torch.testing.assert_close(shares, rejection.best_of_n_distribution(model, rewards, 3), atol=0.01, rtol=0)


def test_where_all_are_alike_nothing_is_kept():
    assert rejection.kept([0.35] * 8) is None and rejection.kept([0.0, 0.0]) is None
    assert rejection.kept([0.0, 0.35, 0.35]) == 1
    assert rejection.kept([0.0, 0.35], least=0.5) is None


def test_what_cannot_be_told_is_said():
    with pytest.raises(InputError, match="best of 3 cannot be told from 2 answers; use n from 1 to 2"):
        rejection.best_of_n(torch.zeros(1, 2), 3)
    with pytest.raises(InputError, match="best of 0 is no answer"):
        rejection.best_of_n_divergence(0)
    assert math.isclose(rejection.best_of_n_divergence(1), 0)
