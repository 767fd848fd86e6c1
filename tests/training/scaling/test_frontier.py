"""The best size for a budget read off runs: planted laws give the exponent that the closed form has."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling.compute_optimal import allocate
from groundup.training.scaling.frontier import envelope, isoflop, parabola_bottom
from groundup.training.scaling.published import CHINCHILLA_AGAIN as LAW

BUDGETS = np.geomspace(1e19, 1e21, 5)
EXPONENT = LAW.beta / (LAW.alpha + LAW.beta)


def best(budget):
    return allocate(budget, LAW.A, LAW.B, LAW.alpha, LAW.beta)[0]


def test_a_parabola_gives_its_lowest_point_back():
    size = np.array([1e6, 1e7, 1e8, 1e9])
    loss = 2 + 0.1 * (np.log(size) - np.log(3e7)) ** 2
    assert parabola_bottom(size, loss) == (pytest.approx(3e7), pytest.approx(2.0))


def test_a_hill_has_no_lowest_point():
    with pytest.raises(InputError, match="add smaller and larger ones"):
        parabola_bottom(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 1.0]))


def profiles(around=2.0):
    """Budget, size and loss of five sizes about the best of each budget."""
    runs = [(c, n, LAW.loss(n, c / 6 / n)) for c in BUDGETS for n in best(c) * np.geomspace(1 / around, around, 5)]
    return [list(column) for column in zip(*runs, strict=True)]


def test_isoflop_profiles_give_the_exponent_of_the_law():
    found = isoflop(*profiles())
    assert found.exponent == pytest.approx(EXPONENT, abs=0.005)
    assert found.size(1e20) == pytest.approx(best(1e20), rel=0.03)


def test_a_budget_whose_best_size_was_not_tried_is_left_out():
    budget, size, loss = profiles()
    kept = [
        place for place, (c, n) in enumerate(zip(budget, size, strict=True)) if c != BUDGETS[0] or n > 1.3 * best(c)
    ]
    found = isoflop(*([column[place] for place in kept] for column in (budget, size, loss)))
    assert BUDGETS[0] not in found.budgets and len(found.budgets) == 4


def test_the_envelope_of_whole_curves_gives_the_exponent_of_the_law():
    flops = np.geomspace(1e18, 1e22, 60)
    curves = {float(n): (flops, LAW.loss(n, flops / 6 / n)) for n in np.geomspace(1e8, 3e10, 60)}
    assert envelope(curves, levels=60).exponent == pytest.approx(EXPONENT, abs=0.02)


def test_one_size_that_is_best_throughout_tells_nothing():
    flops = np.array([1e18, 1e20])
    with pytest.raises(InputError, match="the envelope cannot tell: one size is best throughout"):
        envelope({1.0: (flops, [5.0, 4.0]), 2.0: (flops, [3.0, 2.0]), 3.0: (flops, [5.0, 4.0])})


def test_a_frontier_of_one_budget_is_refused():
    with pytest.raises(InputError, match="add sizes or budgets"):
        isoflop([1e19] * 3, [1e6, 1e7, 1e8], [3.0, 2.0, 3.0])
    with pytest.raises(InputError, match="three or more"):
        envelope({1.0: ([1, 2], [2, 1]), 2.0: ([1, 2], [2, 1])})
