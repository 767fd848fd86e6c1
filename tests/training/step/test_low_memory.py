"""The search for the largest batch: the answer of a plain scan, with few questions."""

import math

from hypothesis import given
from hypothesis import strategies as st

from groundup.training.step.low_memory import divisors, largest_that_fits


def asked(choices, largest, guess):
    """The answer, and what was asked on the way."""
    questions = []

    def fits(choice):
        questions.append(choice)
        return choice <= largest

    return largest_that_fits(choices, fits, guess), questions


@given(st.sets(st.integers(1, 500), max_size=40), st.integers(0, 600), st.integers(0, 600))
def test_it_is_the_answer_of_a_scan_and_nothing_is_asked_twice(numbers, largest, guess):
    choices = sorted(numbers)
    found, questions = asked(choices, largest, guess)
    assert found == max((choice for choice in choices if choice <= largest), default=0)
    assert len(set(questions)) == len(questions) <= 2 * math.log2(len(choices) + 1) + 2


def test_a_right_guess_costs_two_questions_at_most():
    for answer in divisors(64):
        found, questions = asked(divisors(64), answer, answer)
        assert found == answer and len(questions) <= 2


def test_divisors_rise_and_divide():
    assert divisors(1) == [1] and divisors(96) == [one for one in range(1, 97) if 96 % one == 0]
