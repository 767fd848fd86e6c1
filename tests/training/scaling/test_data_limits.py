"""Repeated data: the published figures, the limits of the formula, and R* found again from runs that were planted."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.training.scaling.compute_optimal import allocate
from groundup.training.scaling.data_limits import (
    EXCESS,
    REPEATS,
    best_size_for,
    data_constrained_loss,
    effective_size,
    effective_tokens,
    epoch_worth,
    fit_repeats,
    turn,
)
from groundup.training.scaling.published import DATA_CONSTRAINED as LAW


def test_tokens_that_are_read_once_count_whole():
    assert effective_tokens(100.0, 100.0) == 100.0 and effective_tokens(100.0, 30.0) == 30.0


def test_all_repetitions_together_are_worth_no_more_than_their_limit():
    assert effective_tokens(1.0, 1e6) == pytest.approx(1 + REPEATS)
    values = [effective_tokens(1.0, epochs) for epochs in (1, 2, 4, 8, 16, 32, 64)]
    assert values == sorted(values) and np.diff(values).max() < np.diff([1, 2, 4, 8, 16, 32, 64]).max()


def test_four_epochs_cost_almost_nothing_and_forty_win_nothing():
    # Muennighoff et al. 2023, section 6: up to four epochs hardly differ from fresh data; the value of repeating falls to little by 40
    assert effective_tokens(1.0, 4.0) == pytest.approx(4, rel=0.1)
    assert (
        epoch_worth(2) > 0.95
        and epoch_worth(16) == pytest.approx(np.exp(-15 / REPEATS), rel=0.05)
        and epoch_worth(41) < 0.08
    )


def test_the_worth_of_an_epoch_is_the_integral_of_the_decay():
    integrate = pytest.importorskip("scipy.integrate")
    for epochs in (1.5, 4.0, 20.0):
        again, _ = integrate.quad(lambda r: np.exp(-r / REPEATS), 0, epochs - 1)
        assert effective_tokens(7.0, 7.0 * epochs) == pytest.approx(7 * (1 + again))


def test_with_fresh_data_and_no_excess_it_is_the_plain_law():
    size = best_size_for(LAW, 1e9) / 2
    assert data_constrained_loss(LAW, size, 1e9, 1e9) == pytest.approx(LAW.loss(size, 1e9))
    assert data_constrained_loss(LAW, size, 4e9, 1e9) > LAW.loss(size, 4e9)


def test_the_best_size_for_tokens_is_that_of_the_budget_whose_best_tokens_they_are():
    flops = 3e19
    size, tokens = allocate(flops, LAW.A, LAW.B, LAW.alpha, LAW.beta)
    assert best_size_for(LAW, tokens) == pytest.approx(size)
    assert best_size_for(LAW, 1.0) == pytest.approx(
        0.051, rel=0.02
    )  # Muennighoff et al. 2023, appendix A: U_N = 0.051 U_D


def test_excess_parameters_decay_faster_than_repeated_data():
    base = best_size_for(LAW, 1e9)
    assert effective_size(LAW, 1e9, base) == base
    assert effective_size(LAW, 1e9, 1e6 * base) == pytest.approx(base * (1 + EXCESS))
    assert effective_size(LAW, 1e9, 8 * base) / base < effective_tokens(1.0, 8.0)


@pytest.mark.parametrize("planted", [2.0, 15.4, 60.0])
def test_the_decay_comes_back_from_runs(planted):
    unique, epochs = np.repeat([1e8, 4e8], 4), np.tile([1.0, 4.0, 16.0, 50.0], 2)
    loss = [LAW.loss(1e7, effective_tokens(u, u * e, planted)) for u, e in zip(unique, epochs, strict=True)]
    found = fit_repeats(LAW, np.full(8, 1e7), unique * epochs, unique, loss)
    assert found.repeats == pytest.approx(planted, rel=0.01) and found.residual < 1e-4


def test_learning_by_heart_begins_where_the_held_out_loss_turns():
    assert turn([2.0, 1.5, 1.4, 1.6]) == 2


def test_runs_without_repetition_are_refused():
    with pytest.raises(InputError, match="add runs with more epochs"):
        fit_repeats(LAW, [1e7] * 3, [1e8] * 3, [1e8] * 3, [3.0] * 3)
    with pytest.raises(InputError, match="give one size"):
        fit_repeats(LAW, [1e7] * 3, [1e8] * 3, [1e8] * 3, [3.0] * 2)
    with pytest.raises(InputError, match="unique=0 cannot be"):
        data_constrained_loss(LAW, 1e7, 1e8, 0.0)
