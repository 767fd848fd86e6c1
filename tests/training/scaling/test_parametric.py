"""L(N, D): planted laws come back, scipy's L-BFGS finds nothing lower, intervals hold the truth, and bad runs are named."""

import math
from itertools import product

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling.parametric import NAMES, Law, chinchilla_objective, fit, log_loss
from groundup.training.scaling.published import CHINCHILLA, CHINCHILLA_AGAIN


def grid(sizes=(5e7, 1.6e10), tokens=(1e9, 3e11), each=6):
    """Sizes and tokens of each x each runs."""
    size, data = np.geomspace(*sizes, each), np.geomspace(*tokens, each)
    return np.repeat(size, each), np.tile(data, each)


def noisy(law, size, tokens, noise, seed):
    return law.loss(size, tokens) * np.exp(np.random.default_rng(seed).normal(0, noise, len(size)))


def test_the_logarithm_of_the_law_is_the_law():
    size, tokens = grid()
    law = CHINCHILLA
    parameters = np.array([math.log(law.E), math.log(law.A), math.log(law.B), law.alpha, law.beta])
    assert np.allclose(log_loss(parameters, size, tokens), np.log(law.loss(size, tokens)))
    assert np.allclose(log_loss(np.stack([parameters] * 2), size, tokens), np.log(law.loss(size, tokens)))


def test_the_objective_is_hubers_sum_by_hand():
    parameters = np.array([0.0, -50.0, -50.0, 0.3, 0.3])  # E = 1, and nothing else
    loss = np.exp(np.array([0.0005, 0.01]))
    by_hand = 0.0005**2 / 2 + 1e-3 * (0.01 - 0.0005)
    assert chinchilla_objective(parameters, np.full(2, 1e9), np.full(2, 1e9), loss) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("law", [CHINCHILLA, CHINCHILLA_AGAIN])
def test_a_planted_law_comes_back(law):
    size, tokens = grid()
    found = fit(size, tokens, law.loss(size, tokens), times=0).law
    for name in NAMES:
        assert getattr(found, name) == pytest.approx(getattr(law, name), rel=1e-4)


def test_scipys_search_from_the_papers_grid_finds_nothing_lower():
    optimize = pytest.importorskip("scipy.optimize")
    size, tokens = grid(each=5)
    loss = noisy(CHINCHILLA_AGAIN, size, tokens, 0.004, seed=3)
    theirs = min(
        optimize.minimize(lambda p: chinchilla_objective(p, size, tokens, loss), start, method="L-BFGS-B").fun
        for start in product((0.0, 0.5), (5.0, 10.0), (5.0, 10.0), (0.3,), (0.3,))
    )
    ours = fit(size, tokens, loss, times=0)
    assert ours.objective <= theirs * (1 + 1e-6)
    law = ours.law
    parameters = np.array([*np.log([law.E, law.A, law.B]), law.alpha, law.beta])
    assert chinchilla_objective(parameters, size, tokens, loss) == pytest.approx(ours.objective, rel=1e-9)


def test_the_intervals_hold_the_truth_about_as_often_as_they_say():
    size, tokens = grid(each=5)
    held = [
        low <= CHINCHILLA_AGAIN.alpha <= high
        for seed in range(6)
        for low, high in [
            fit(size, tokens, noisy(CHINCHILLA_AGAIN, size, tokens, 0.005, seed), times=40).interval("alpha")
        ]
    ]
    assert 4 <= sum(held) <= 6


def test_a_forecast_eight_times_ahead_holds_the_truth():
    size, tokens = grid(each=5)
    fitted = fit(size, tokens, noisy(CHINCHILLA_AGAIN, size, tokens, 0.003, 1), times=100)
    far = 1.6e10 * math.sqrt(8), 3e11 * math.sqrt(8)
    value, low, high = fitted.forecast(*far)
    truth = CHINCHILLA_AGAIN.loss(*far)
    assert low < truth < high and abs(value / truth - 1) < 0.01 and low < value < high


def test_a_known_floor_is_held_and_makes_the_rest_surer():
    size, tokens = grid(each=5)
    loss = noisy(CHINCHILLA_AGAIN, size, tokens, 0.005, 2)
    free, held = (fit(size, tokens, loss, floor=floor, times=60) for floor in (None, CHINCHILLA_AGAIN.E))
    assert held.law.E == pytest.approx(CHINCHILLA_AGAIN.E)
    assert {law.E for law in held.samples} == {held.law.E}
    widths = [high - low for low, high in (free.interval("alpha"), held.interval("alpha"))]
    assert widths[1] < widths[0]


def test_a_run_that_went_wrong_hardly_pulls():
    size, tokens = grid(each=5)
    loss = CHINCHILLA.loss(size, tokens)
    loss[7] *= 1.5
    assert fit(size, tokens, loss, times=0).law.alpha == pytest.approx(CHINCHILLA.alpha, rel=0.03)


def test_the_unit_of_size_and_tokens_does_not_matter():
    size, tokens = grid(each=4)
    loss = CHINCHILLA.loss(size, tokens)
    small = fit(size / 1e6, tokens / 1e9, loss, times=0).law
    assert small.loss(1e3, 20.0) == pytest.approx(CHINCHILLA.loss(1e9, 2e10), rel=1e-6)


@pytest.mark.parametrize(
    ("runs", "way_out"),
    [
        (([1e6, 2e6], [1e6, 2e6], [3.0, 2.0]), "give 6 or more"),
        (([1e6] * 6, [1e6] * 6, [3.0] * 5), "give one of each"),
        (([1e6] * 6, np.geomspace(1e6, 1e8, 6), [3.0] * 6), "all runs have the same size"),
        ((np.geomspace(1e6, 1e8, 6), [1e6] * 6, [3.0] * 6), "all runs have the same number of tokens"),
        (
            (np.geomspace(1e6, 1e8, 6), np.geomspace(1e6, 1e8, 6), [3.0, 2.9, float("nan"), 2.5, 2.4, 2.3]),
            "leave out runs that diverged",
        ),
        ((np.geomspace(1e6, 1e8, 6), np.geomspace(1e6, 1e8, 6), [3.0, 2.9, 2.6, 2.5, 2.4, -1.0]), "leave out runs"),
    ],
)
def test_runs_that_cannot_tell_are_refused_with_the_way_out(runs, way_out):
    with pytest.raises(InputError, match=way_out):
        fit(*runs)


def test_a_floor_above_a_loss_is_refused():
    size, tokens = grid(each=3)
    with pytest.raises(InputError, match="floor=5 is not below every measured loss"):
        fit(size, tokens, CHINCHILLA.loss(size, tokens), floor=5.0)


def test_seeds_of_one_place_make_a_fit_no_surer():
    """Three runs of each place that share their distance from the law tell what one does: the intervals stay as they were."""
    size, tokens = grid(each=4)
    loss = noisy(CHINCHILLA_AGAIN, size, tokens, 0.005, 1)
    once = fit(size, tokens, loss, times=40)
    thrice = fit(*(np.repeat(values, 3) for values in (size, tokens, loss)), times=40)
    assert (thrice.places, once.places, len(thrice.residuals)) == (16, 16, 48)
    for name in ("alpha", "beta"):
        assert thrice.interval(name) == pytest.approx(once.interval(name), rel=0.02)
    assert thrice.forecast(1e10, 1e12) == pytest.approx(once.forecast(1e10, 1e12), rel=0.002)


def test_five_numbers_want_five_places():
    size, tokens = np.array([1e8, 1e9, 1e8, 1e9]), np.array([1e9, 1e9, 1e10, 1e10])
    loss = CHINCHILLA.loss(size, tokens)
    assert fit(size, tokens, loss, floor=CHINCHILLA.E, times=0).fitted == 4
    with pytest.raises(InputError, match="4 different runs cannot fix 5 numbers"):
        fit(size, tokens, loss, least_floor=CHINCHILLA.E, times=0)
    with pytest.raises(InputError, match="4 different runs cannot fix 5 numbers"):
        fit(*(np.tile(values, 3) for values in (size, tokens, loss)), times=0)


def test_a_fit_without_samples_has_no_interval():
    size, tokens = grid(each=3)
    fitted = fit(size, tokens, CHINCHILLA.loss(size, tokens), times=0)
    with pytest.raises(InputError, match="fit with times=200"):
        fitted.interval("alpha")
    with pytest.raises(InputError, match="fit with times=200"):
        fitted.forecast(1e9, 1e10)


def test_a_law_is_plain_numbers():
    size, tokens = grid(each=3)
    law = fit(size, tokens, CHINCHILLA.loss(size, tokens), times=0).law
    assert isinstance(law, Law) and all(type(getattr(law, name)) is float for name in NAMES)


def test_a_least_floor_is_kept_and_does_not_matter_where_it_is_low():
    size, tokens = grid(each=5)
    loss = noisy(CHINCHILLA_AGAIN, size, tokens, 0.005, 2)
    free, low, high = (fit(size, tokens, loss, least_floor=level, times=40) for level in (None, 0.5, 1.85))
    assert low.law.E == pytest.approx(free.law.E, rel=0.01) and low.objective == pytest.approx(free.objective, rel=1e-3)
    assert all(law.E >= 1.85 for law in (high.law, *high.samples)) and high.objective >= free.objective * (1 - 1e-6)
    assert high.law.loss(1e9, 2e10) == pytest.approx(CHINCHILLA_AGAIN.loss(1e9, 2e10), rel=0.01)
