import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.challenges import reward_hacking as hacking
from groundup.data.sources.tinyworld.reward import taste
from groundup.errors import InputError


@pytest.fixture(scope="module")
def answers():
    return hacking.all_answers(*hacking.a_question())


def test_every_answer_is_there_once_with_its_worth(answers):
    question, wrong = hacking.a_question()
    assert 2000 < len(answers.texts) == len(set(answers.texts)) < (1 + 9 + 81 + 729) * 5
    assert float(answers.probabilities.sum()) == pytest.approx(1)
    place = answers.texts.index(question.answer)
    assert float(answers.gold[place]) == taste(question, question.answer) == pytest.approx(3 - 0.08)
    assert answers.features[place].tolist() == [1, 0, 0, 0, 1, 0]
    nested = answers.texts.index(f"Gladly: Of course. {question.answer}")
    assert answers.features[nested].tolist() == [1, 2, 0, 0, 4, 1]
    assert float(answers.gold[nested]) == pytest.approx(1 - 4 * 0.08), "polite, and no longer an answer"
    assert question.answer not in wrong


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6), st.floats(0.05, 10))
def test_no_policy_beats_the_tilted_one(rewards, beta):
    source = torch.Generator().manual_seed(len(rewards))
    reward = torch.tensor(rewards, dtype=torch.float64)
    model = torch.rand(len(reward), generator=source, dtype=torch.float64).add(0.01)
    model = model / model.sum()

    def objective(policy):
        return float(policy @ reward) - beta * hacking.divergence(policy, model)

    best = objective(hacking.tilted(model, reward, beta))
    others = torch.rand(20, len(reward), generator=source, dtype=torch.float64).add(1e-3)
    assert all(objective(other / other.sum()) <= best + 1e-9 for other in others)
    assert best == pytest.approx(beta * float(torch.logsumexp(model.log() + reward / beta, 0)), abs=1e-6)


def test_the_proxy_makes_the_pairs_likeliest(answers):
    """The slope of Bradley and Terry's likelihood with its ridge, by torch itself, is 0 there; and it is the only such place."""
    chosen, rejected = hacking.draw_pairs(answers, 400, 0)
    features = answers.features[:, :5]
    weights = hacking.learn_proxy(features, chosen, rejected).requires_grad_()
    difference = features[chosen] - features[rejected]
    loss = -torch.nn.functional.logsigmoid(difference @ weights).sum() + weights.square().sum() / 2
    loss.backward()
    assert float(weights.grad.abs().max()) < 1e-7


def test_the_pairs_follow_the_gold_reward(answers):
    chosen, rejected = hacking.draw_pairs(answers, 20_000, 0)
    gap = answers.gold[chosen] - answers.gold[rejected]
    assert float((gap > 0).double().sum() / (gap != 0).sum()) == pytest.approx(
        float(gap.abs().sigmoid()[gap != 0].mean()), abs=0.01
    )


@pytest.mark.parametrize("seed", range(3))
def test_the_gold_reward_turns_while_the_proxy_rises(answers, seed):
    proxy, model = hacking.hack(answers, 1000, seed), float(answers.probabilities @ answers.gold)
    for curve in (hacking.by_reinforcement(answers, proxy), hacking.by_best_of_n(answers, proxy)):
        assert np.all(np.diff(curve.proxy) > -1e-9) and np.all(np.diff(curve.distance) > -1e-9)
        assert max(curve.gold) > model + 1, "at first it helps"
        assert 0.3 < curve.turn < curve.distance[-1] - 0.5 and curve.lost > 2, "then it turns"
        assert curve.gold[-1] < model, "in the end it is worse than before"
        assert max(curve.gold) < float(answers.gold.max())


def test_gaos_laws_describe_the_curves_and_place_the_turn(answers):
    proxy, model = hacking.hack(answers, 1000), float(answers.probabilities @ answers.gold)
    for curve, logarithm in (
        (hacking.by_reinforcement(answers, proxy), True),
        (hacking.by_best_of_n(answers, proxy), False),
    ):
        fitted = hacking.law(curve, model, logarithm)
        assert fitted.explained > 0.85
        assert fitted.turn == pytest.approx(curve.turn, abs=0.5)


def test_a_proxy_that_sees_the_trick_and_enough_pairs_is_not_hacked(answers):
    blind, seeing = (hacking.by_reinforcement(answers, hacking.hack(answers, 100_000, 0, sees)) for sees in (5, 6))
    assert blind.lost > 2 and seeing.lost < 0.1
    few = hacking.by_reinforcement(answers, hacking.hack(answers, 30, 0, 6))
    assert few.lost > seeing.lost


def test_optimising_the_gold_reward_itself_never_turns(answers):
    for curve in (hacking.by_reinforcement(answers, answers.gold), hacking.by_best_of_n(answers, answers.gold)):
        assert np.all(np.diff(curve.gold) > -1e-9)


@pytest.mark.parametrize("logarithm", [False, True])
def test_a_law_is_found_again_from_its_own_points(logarithm):
    d = np.linspace(0, 5, 12)
    with np.errstate(divide="ignore", invalid="ignore"):
        gold = np.where(d > 0, d * (1.5 - 0.4 * (np.log(d) if logarithm else d)), 0.0)
    assert hacking.fit_law(d.tolist(), gold.tolist(), logarithm) == pytest.approx((1.5, 0.4))
    law = hacking.law(hacking.Curve(d.tolist(), gold.tolist(), (gold + 2).tolist()), 2.0, logarithm)
    assert law.explained == pytest.approx(1)
    assert law.turn == pytest.approx(math.exp(1.5 / 0.4 - 1) if logarithm else 1.5 / 0.8)


def test_too_little_to_fit_is_said(answers):
    with pytest.raises(InputError, match="no pair to learn a reward from"):
        hacking.hack(answers, 0)
    with pytest.raises(InputError, match="needs two points away from the model, not 1"):
        hacking.fit_law([0.0, 1.0], [0.0, 1.0], False)


def test_the_predicted_turn_is_the_highest_gold_of_a_fine_grid(answers):
    for seed in range(3):
        proxy = hacking.hack(answers, 1000, seed)
        fine = hacking.by_reinforcement(answers, proxy, np.geomspace(100, 0.03, 1000).tolist())
        assert hacking.predicted_turn(answers, proxy) == pytest.approx(fine.turn, abs=0.01)
    assert hacking.predicted_turn(answers, answers.gold) == math.inf, "gold itself never turns"


def test_policy_gradient_walks_along_the_policies_of_a_weakening_pull(answers):
    """After k natural steps the policy is that of a pull of 1 / (k rate), so the curve is the one of reinforcement at its limit."""
    proxy = hacking.hack(answers, 1000)
    walked = hacking.by_policy_gradient(answers, proxy, rounds=6, rate=0.5)
    known = hacking.by_reinforcement(answers, proxy, [2 / k for k in range(1, 6)])
    np.testing.assert_allclose(walked.gold[1:], known.gold, rtol=1e-8)
    np.testing.assert_allclose(walked.distance[1:], known.distance, rtol=1e-6)


@pytest.mark.parametrize("n", [2, 16, 256])
def test_the_kl_of_the_best_of_n_is_the_formula_where_no_two_answers_tie(n):
    """Many answers of equal probability and different rewards: log n - (n - 1) / n, up to the answers being finitely many."""
    from groundup.alignment.rejection.rejection import best_of_n_distribution, best_of_n_divergence

    model = torch.full((40_000,), 1 / 40_000, dtype=torch.float64)
    reward = torch.randperm(40_000, generator=torch.Generator().manual_seed(0)).double()
    best = best_of_n_distribution(model, reward, n)
    assert hacking.divergence(best, model) == pytest.approx(best_of_n_divergence(n), abs=1e-3)
