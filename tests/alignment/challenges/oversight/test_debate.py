import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from groundup.alignment.challenges.oversight import debate
from groundup.alignment.challenges.oversight.judge import learned_judge
from groundup.errors import InputError

NUMBERS = st.lists(st.integers(0, 9), min_size=2, max_size=40)


def whole(claim):
    """Every claim within a claim."""
    return [claim, *(one for half in claim.halves or () for one in whole(half))]


@given(NUMBERS)
def test_an_honest_account_is_right_everywhere(numbers):
    for one in whole(debate.true_claim(numbers)):
        assert one.total == sum(numbers[one.start : one.end]) and one.adds_up


@given(NUMBERS, st.integers(0, 10**6), st.sampled_from(debate.WRONG_BY))
def test_a_liar_is_always_led_to_a_step_that_fails_within_the_logarithm_of_the_length(numbers, seed, wrong_by):
    source = random.Random(seed)
    false = debate.lie(debate.true_claim(numbers), wrong_by, source)
    assert false.total == sum(numbers) + wrong_by
    step = debate.debate(false, numbers, source)
    assert not step.holds and step.rounds <= math.ceil(math.log2(len(numbers)))


@given(NUMBERS, st.integers(0, 10**6))
def test_an_honest_account_cannot_be_led_to_a_step_that_fails(numbers, seed):
    assert debate.debate(debate.true_claim(numbers), numbers, random.Random(seed)).holds


def test_a_lie_has_exactly_one_broken_place():
    numbers = [random.Random(3).randrange(10) for _ in range(32)]
    for seed in range(50):
        false = debate.lie(debate.true_claim(numbers), 2, random.Random(seed))
        additions = sum(not one.adds_up for one in whole(false))
        leaves = sum(one.halves is None and one.total != numbers[one.start] for one in whole(false))
        assert additions + leaves == 1


def test_what_is_disputed_is_the_wrong_half_or_the_addition():
    truth = debate.true_claim([1, 2, 3, 4])
    first, second = truth.halves
    assert debate.dispute(debate.Claim(0, 4, 11, (first, debate.lie(second, 1, random.Random(0)))), truth) == 1
    assert debate.dispute(debate.Claim(0, 4, 11, (debate.lie(first, 1, random.Random(0)), second)), truth) == 0
    assert debate.dispute(debate.Claim(0, 4, 11, (first, second)), truth) is None
    with pytest.raises(InputError, match="nothing to split or to attack"):
        debate.dispute(truth, truth)


@pytest.mark.parametrize("way", debate.WAYS)
@pytest.mark.parametrize("count", [2, 16])
def test_how_often_the_judge_is_right_is_what_was_computed(way, count):
    games = 1500
    found = debate.accuracy(way, count, debate.judge_of(0.9, random.Random(7)), games).mean()
    truth = debate.truth_of(way, count, 0.9)
    assert abs(found - truth) < 4 * math.sqrt(max(truth * (1 - truth), 0.01) / games)


@pytest.mark.parametrize("sees", [0.0, 0.5, 0.9])
def test_an_honest_side_that_sees_less_wins_less_as_computed(sees):
    found = debate.accuracy("debate", 16, debate.judge_of(0.9, random.Random(7)), 1500, sees=sees).mean()
    assert found == pytest.approx(debate.truth_of("debate", 16, 0.9, sees), abs=0.05)


def test_the_games_value_is_that_of_linear_programming():
    """The rows' best mixture minimises the value that the columns can force (von Neumann), here by scipy's simplex."""
    source = np.random.default_rng(0)
    for payoff in (debate.game(6, 0.9, debated=False), debate.game(6, 0.9, debated=True), source.random((4, 5))):
        rows, columns = payoff.shape
        solved = linprog(
            [*[0] * rows, 1], A_ub=np.c_[payoff.T, -np.ones(columns)], b_ub=np.zeros(columns),
            A_eq=[[*[1] * rows, 0]], b_eq=[1], bounds=[*[(0, None)] * rows, (None, None)],
        )  # fmt: skip
        value, row, column = debate.value(payoff)
        assert value == pytest.approx(solved.fun, abs=0.01)
        assert row.sum() == pytest.approx(1) and column.sum() == pytest.approx(1)


def test_honest_wins_the_debated_game_and_one_time_in_n_the_other():
    assert debate.value(debate.game(8, 1.0, debated=True), 50)[0] == pytest.approx(1)
    assert debate.value(debate.game(8, 1.0, debated=False))[0] == pytest.approx(0.5 + 0.5 / 8, abs=0.005)


@given(st.lists(st.integers(0, 20), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_an_order_that_falls_is_shown_by_two_neighbours_and_one_that_does_not_by_none(numbers, source):
    order = list(range(len(numbers)))
    source.shuffle(order)
    place, shown = debate.out_of_order(numbers, order), [numbers[k] for k in order]
    assert (place is None) == (shown == sorted(numbers))
    assert place is None or shown[place] > shown[place + 1]


def test_a_learned_judge_is_better_than_a_coin_and_debate_carries_it_to_long_lists():
    judge = learned_judge(900, seed=0)
    every = [judge(a, b, c) == ((a + b - c) % 10 == 0) for a in range(10) for b in range(10) for c in range(10)]
    assert 0.75 < judge.reliability < 1 and np.mean(every) > 0.9
    short, long = (debate.accuracy("debate", count, judge, 200).mean() for count in (2, 128))
    assert long > 0.65 and abs(long - short) < 0.18, "the length is gone"
    assert debate.accuracy("one step, blindly", 128, judge, 400).mean() < 0.6


def test_what_cannot_be_is_said():
    with pytest.raises(InputError, match="no number to add up"):
        debate.true_claim([])
    with pytest.raises(InputError, match="worse than a coin"):
        debate.judge_of(0.4, random.Random(0))
    with pytest.raises(InputError, match="names every place once"):
        debate.out_of_order([1, 2], [0, 0])
    with pytest.raises(InputError, match="there are 1,000 triples"):
        learned_judge(5)
