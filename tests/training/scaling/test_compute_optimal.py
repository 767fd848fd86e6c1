"""The best size for a budget: the closed form against a numerical search, and against what was published."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling.compute_optimal import allocate, compute_optimal, penalty, smaller
from groundup.training.scaling.parametric import Law, fit
from groundup.training.scaling.published import CHINCHILLA, CHINCHILLA_AGAIN, COMPUTE_OPTIMAL


@pytest.mark.parametrize("law", [CHINCHILLA, CHINCHILLA_AGAIN])
@pytest.mark.parametrize("flops", [1e18, 1e21, 1e24])
def test_scipy_finds_no_better_size(law, flops):
    optimize = pytest.importorskip("scipy.optimize")
    found = optimize.minimize_scalar(
        lambda log: law.loss(np.exp(log), flops / 6 / np.exp(log)),
        bounds=(5, 35),
        method="bounded",
        options={"xatol": 1e-9},
    )
    size, tokens = allocate(flops, law.A, law.B, law.alpha, law.beta)
    assert size == pytest.approx(np.exp(found.x), rel=1e-4)
    assert 6 * size * tokens == pytest.approx(flops)


def test_at_the_best_place_the_terms_stand_as_the_other_ones_exponents():
    law = CHINCHILLA
    size, tokens = allocate(1e21, law.A, law.B, law.alpha, law.beta)
    assert (law.A / size**law.alpha) / (law.B / tokens**law.beta) == pytest.approx(law.beta / law.alpha)


def test_the_law_fitted_again_agrees_with_what_was_trained_and_the_rounded_one_does_not():
    # Besiroglu et al. 2024, section 4: about 20 tokens a parameter at Chinchilla's budget; the rounded coefficients say 70
    flops = 5.76e23
    again, rounded = (compute_optimal(law, flops) for law in (CHINCHILLA_AGAIN, CHINCHILLA))
    assert 15 < again.tokens / again.size < 30 < 50 < rounded.tokens / rounded.size
    size, _, tokens = COMPUTE_OPTIMAL[3]
    assert again.size == pytest.approx(size, rel=0.12) and again.tokens == pytest.approx(tokens, rel=0.12)


def test_the_published_table_multiplies_out():
    for size, flops, tokens in COMPUTE_OPTIMAL:
        assert 6 * size * tokens == pytest.approx(flops, rel=0.06)


def test_equal_exponents_keep_tokens_a_parameter_the_same():
    ratios = [np.divide(*allocate(flops, 100.0, 400.0, 0.35, 0.35)) for flops in (1e15, 1e20)]
    assert ratios[0] == pytest.approx(ratios[1])


def test_half_the_size_costs_little_and_more_operations_make_up_for_it():
    law, flops = CHINCHILLA_AGAIN, 1e21
    assert 0 < penalty(law, flops, 0.5) < 0.02 < penalty(law, flops, 0.1)
    more = smaller(law, flops, 0.5)
    size, tokens = allocate(flops, law.A, law.B, law.alpha, law.beta)
    assert 1 < more < 1.3
    assert law.loss(size / 2, more * tokens * 2) == pytest.approx(law.loss(size, tokens))


def test_a_model_far_too_small_never_gets_there():
    with pytest.raises(InputError, match="take it larger"):
        smaller(CHINCHILLA_AGAIN, 1e21, 1e-3)


def test_a_forecast_carries_its_range():
    size, tokens = np.repeat(np.geomspace(1e6, 1e8, 4), 4), np.tile(np.geomspace(1e7, 1e9, 4), 4)
    loss = CHINCHILLA.loss(size, tokens) * np.exp(np.random.default_rng(0).normal(0, 0.003, 16))
    found = compute_optimal(fit(size, tokens, loss, times=50), 1e17)
    assert found.low < found.loss < found.high
    plain = compute_optimal(CHINCHILLA, 1e17)
    assert plain.low == plain.loss == plain.high


@pytest.mark.parametrize("flops", [0.0, -1.0, float("inf"), float("nan")])
def test_a_budget_that_is_none_is_refused(flops):
    with pytest.raises(InputError, match="such as 1e15"):
        compute_optimal(CHINCHILLA, flops)


def test_a_law_that_rewards_nothing_is_refused():
    with pytest.raises(InputError, match="fit it to more runs"):
        compute_optimal(Law(1.0, 1.0, 1.0, -0.1, 0.3), 1e15)
