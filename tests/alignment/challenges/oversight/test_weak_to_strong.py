import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.alignment.challenges.oversight import weak_to_strong as teaching
from groundup.errors import InputError


@given(st.lists(st.floats(-4, 4), min_size=2, max_size=12, unique=True), st.floats(0, 0.95), st.integers(0, 99))
def test_the_loss_is_the_papers_formula(values, alpha, seed):
    """Burns et al. 2023, L_conf, written out with probabilities; the threshold leaves one half of the batch above it."""
    logits = torch.tensor(values, dtype=torch.float64)
    weak = torch.rand(len(values), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    own = torch.zeros_like(logits)
    own[logits.argsort(descending=True)[: len(values) // 2]] = 1.0
    yes = logits.sigmoid()

    def cross_entropy(labels):
        return -(labels * yes.log() + (1 - labels) * (1 - yes).log()).mean()

    expected = (1 - alpha) * cross_entropy(weak) + alpha * cross_entropy(own)
    assert float(teaching.confidence_loss(logits, weak, alpha)) == pytest.approx(float(expected), rel=1e-9)


def test_without_alpha_it_is_torchs_cross_entropy_with_the_same_gradient():
    logits = torch.tensor([1.0, -2.0, 0.3], requires_grad=True)
    weak = torch.tensor([0.0, 1.0, 1.0])
    mine = torch.autograd.grad(teaching.confidence_loss(logits, weak, 0.0), logits)[0]
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, weak)
    torch.testing.assert_close(mine, torch.autograd.grad(plain, logits)[0])


@pytest.mark.parametrize("imitable", [0.0, 0.4, 1.0])
def test_the_teacher_is_wrong_as_often_as_was_asked_and_by_the_rule_as_often(imitable):
    made = teaching.examples(40_000, 0.25, imitable, seed=1)
    wrong = made.weak != made.truth
    assert float(wrong.double().mean()) == pytest.approx(0.25, abs=0.01)
    large = made.features[:, teaching.SIGNALS].sort(descending=True).indices[: int(0.5 * 0.25 * imitable * 40_000)]
    assert imitable == 0 or bool((made.weak[large] == 1).all()), "where the coordinate is large, it always says yes"


def test_the_best_possible_is_that_of_the_likelihood_ratio():
    made = teaching.examples(60_000, 0.0, seed=3)
    optimal = made.features[:, : teaching.SIGNALS].sum(1) > 0  # equal signals, equal noise: the sum is sufficient
    assert float((optimal == (made.truth > 0.5)).double().mean()) == pytest.approx(teaching.best_possible(), abs=0.006)


@pytest.mark.parametrize("seed", range(3))
def test_errors_like_chance_are_recovered_and_those_that_follow_a_rule_are_not(seed):
    def outcome(imitable, alpha=0.0):
        return teaching.generalise(
            teaching.examples(2000, 0.25, imitable, 10 * seed),
            teaching.examples(4000, 0.25, imitable, 10 * seed + 1),
            alpha,
        )

    chance, rule, sure = outcome(0.0), outcome(1.0), outcome(1.0, 0.6)
    assert chance.recovered > 0.75 and chance.student > chance.weak + 0.1
    assert rule.recovered < 0.1, "the student became its teacher, or worse"
    assert sure.student > rule.student + 0.04 and sure.student < sure.ceiling, "confidence helps and is no cure"
    assert chance.ceiling == pytest.approx(teaching.best_possible(), abs=0.02)


def test_a_student_without_alpha_is_logistic_regression():
    from sklearn.linear_model import LogisticRegression

    made = teaching.examples(800, 0.2, seed=4)
    scaled = (made.features - made.features.mean(0)) / made.features.std(0)
    oracle = LogisticRegression(C=1 / (2 * 1e-3 * 800), tol=1e-8).fit(scaled.numpy(), made.weak.numpy())
    mine = teaching.taught(made.features, made.weak, steps=600)
    torch.testing.assert_close(mine.weights, torch.tensor(oracle.coef_[0]), atol=0.01, rtol=0.02)


def test_the_gap_and_what_cannot_be():
    assert teaching.gap_recovered(0.6, 0.7, 0.8) == 0.5 and math.isnan(teaching.gap_recovered(0.8, 0.7, 0.8))
    with pytest.raises(InputError, match="error=0.6"):
        teaching.examples(10, error=0.6)
    with pytest.raises(InputError, match="teach nothing"):
        teaching.taught(torch.zeros(5, 2), torch.zeros(5), alpha=1.0)
