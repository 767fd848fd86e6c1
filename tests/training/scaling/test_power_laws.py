"""Power laws of one variable: planted laws, scipy's curve_fit, the published laws' own sums, scores along an S."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling.power_laws import doublings, fit_power_law, fit_score, line_in_logs
from groundup.training.scaling.published import KAPLAN


def test_the_line_in_logs_is_numpys():
    x = np.geomspace(1, 1e6, 9)
    y = 3 * x**-0.2 * np.exp(np.random.default_rng(0).normal(0, 0.1, 9))
    exponent, factor = line_in_logs(x, y)
    slope, level = np.polyfit(np.log(x), np.log(y), 1)
    assert (exponent, factor) == (pytest.approx(slope), pytest.approx(np.exp(level)))


def test_kaplans_exponents_come_back_from_their_own_points():
    for law in KAPLAN.values():
        x = law.c * np.geomspace(1e-8, 1e-3, 12)
        exponent, _ = line_in_logs(x, law.loss(x))
        assert -exponent == pytest.approx(law.a)
        found = fit_power_law(x, 1 + law.loss(x), times=0)
        assert (found.E, found.a) == (pytest.approx(1, rel=1e-3), pytest.approx(law.a, rel=1e-3))


def test_kaplan_says_that_twice_the_parameters_take_five_per_cent_off():
    law = KAPLAN["parameters"]
    assert law.loss(2e9) / law.loss(1e9) == pytest.approx(2**-0.076)
    assert doublings(law.a, 0.5) == pytest.approx(1 / 0.076)


def test_scipys_curve_fit_finds_the_same_law():
    optimize = pytest.importorskip("scipy.optimize")
    x = np.geomspace(1e3, 1e7, 12)
    loss = (0.6 + (1e4 / x) ** 0.3) * np.exp(np.random.default_rng(1).normal(0, 0.002, 12))
    ours = fit_power_law(x, loss, times=0)
    theirs, _ = optimize.curve_fit(
        lambda logs, e, k, a: np.log(e + np.exp(k - a * logs)), np.log(x), np.log(loss), p0=[0.5, 3.0, 0.3]
    )
    assert ours.E == pytest.approx(theirs[0], rel=1e-4) and ours.a == pytest.approx(theirs[2], rel=1e-4)


def test_a_line_through_the_plain_logarithms_is_too_flat_near_a_floor():
    x = np.geomspace(1e3, 1e7, 12)
    loss = 1.0 + (1e3 / x) ** 0.3
    assert -line_in_logs(x, loss)[0] < 0.1
    assert fit_power_law(x, loss, times=0).a == pytest.approx(0.3)
    assert -line_in_logs(x, loss - 1.0)[0] == pytest.approx(0.3)


def test_a_fit_without_samples_has_no_interval():
    x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    with pytest.raises(InputError, match="fit with times=200"):
        fit_power_law(x, 1 + x**-0.5, times=0).interval("a")


def test_a_known_floor_is_held_and_the_interval_holds_the_exponent():
    x = np.geomspace(1e3, 1e7, 20)
    loss = (0.6 + (1e4 / x) ** 0.3) * np.exp(np.random.default_rng(4).normal(0, 0.01, 20))
    found = fit_power_law(x, loss, floor=0.6)
    low, high = found.interval("a")
    assert found.E == pytest.approx(0.6) and low < 0.3 < high and low < found.a < high


@pytest.mark.parametrize(
    ("x", "loss", "more", "way_out"),
    [
        ([1, 2], [2.0, 1.0], {}, "give 4 or more"),
        ([1, 2, 3], [2.0, 1.0], {}, "give one loss for each x"),
        ([1, 2, 3], [2.0, 1.0, float("nan")], {}, "leave out runs that diverged"),
        ([1, 2, 3], [2.0, 1.5, 1.0], {"floor": 1.0}, "leave it out, and it is fitted"),
    ],
)
def test_points_that_cannot_tell_are_refused(x, loss, more, way_out):
    with pytest.raises(InputError, match=way_out):
        fit_power_law(x, loss, **more)


def test_scores_follow_the_loss_along_an_s():
    loss = np.linspace(1, 3, 9)
    planted = 0.25 + 0.7 / (1 + np.exp(4 * (loss - 1.8)))
    found = fit_score(loss, planted, chance=0.25, top=0.95)
    assert (found.steepness, found.middle) == (pytest.approx(4, rel=1e-3), pytest.approx(1.8, rel=1e-3))
    assert found.score(loss).tolist() == pytest.approx(planted.tolist(), abs=1e-4)
    assert found.score(100.0) == pytest.approx(0.25) and found.score(-100.0) == pytest.approx(0.95)


def test_scores_need_three_points_and_a_chance_below_the_top():
    with pytest.raises(InputError, match="at least three"):
        fit_score([1, 2], [0.1, 0.2])
    with pytest.raises(InputError, match="chance=1 is not below top=0.5"):
        fit_score([1, 2, 3], [0.1, 0.2, 0.3], chance=1.0, top=0.5)
