"""The token bucket: its bound in every window, what it says to wait is enough and not too much, and threads take nothing twice."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import ConfigError
from groundup.serving.limits.token_bucket import TokenBucket, take

RATES = st.floats(0.01, 1000)
CAPACITIES = st.floats(0.5, 1000)
ASKED = st.lists(st.tuples(st.floats(0, 30), st.floats(0, 1000)), max_size=60)  # (seconds since the one before, amount)


@given(RATES, CAPACITIES, ASKED)
def test_in_no_window_more_is_taken_than_capacity_and_rate_allow(rate, capacity, asked):
    bucket, now_s, taken = TokenBucket(rate, capacity), 0.0, []
    for gap, amount in asked:
        now_s += gap
        if bucket.take(amount, now_s) == 0:
            taken.append((now_s, amount))
    for first, (start, _) in enumerate(taken):
        total = 0.0
        for end, amount in taken[first:]:
            total += amount
            assert total <= (capacity + rate * (end - start)) * (1 + 1e-9) + 1e-9


@given(RATES, CAPACITIES, ASKED, st.data())
def test_with_what_is_put_back_the_bound_is_higher_by_that_and_no_more(rate, capacity, asked, data):
    bucket, now_s, events, open_amounts = TokenBucket(rate, capacity), 0.0, [], []
    for gap, amount in asked:
        now_s += gap
        if open_amounts and data.draw(st.booleans()):
            back = open_amounts.pop() * data.draw(st.floats(0, 1))
            bucket.put_back(back, now_s)
            events.append((now_s, -back))
        if bucket.take(amount, now_s) == 0:
            open_amounts.append(amount)
            events.append((now_s, amount))
    for first, (start, _) in enumerate(events):
        total = 0.0
        for end, amount in events[first:]:
            total += amount
            assert total <= (capacity + rate * (end - start)) * (1 + 1e-9) + 1e-9


@given(RATES, CAPACITIES, ASKED)
def test_after_the_time_that_was_said_it_is_there_and_just_before_it_is_not(rate, capacity, asked):
    bucket, now_s = TokenBucket(rate, capacity), 0.0
    for gap, amount in asked:
        now_s += gap
        wait = bucket.take(amount, now_s)
        if wait == math.inf:
            assert amount > capacity
        elif wait > 1e-3:
            assert bucket.take(amount, now_s + wait * 0.99) > 0
            now_s += wait * (1 + 1e-6) + 1e-6
            assert bucket.take(amount, now_s) == 0


def test_the_numbers_by_hand():
    assert take(10.0, 0.0, 2.0, 4.0, 1.0, 10.0) == (6.0, 2.0, 0.0)
    assert take(0.0, 0.0, 3.0, 5.0, 0.5, 10.0) == (1.5, 3.0, 7.0)
    assert take(4.0, 0.0, 1.0, 11.0, 1.0, 10.0) == (5.0, 1.0, math.inf)


def test_a_clock_that_goes_back_fills_nothing_and_later_nothing_twice():
    bucket = TokenBucket(1.0, 10.0, now_s=100.0)
    assert bucket.take(10, 100.0) == 0
    assert bucket.level(50.0) == 0.0
    assert bucket.level(101.0) == 1.0


def test_what_is_put_back_never_makes_it_fuller_than_full():
    bucket = TokenBucket(1.0, 10.0)
    assert bucket.take(5, 0.0) == 0
    bucket.put_back(1000, 0.0)
    bucket.put_back(-7, 0.0)
    assert bucket.level(0.0) == 10.0


def test_threads_take_nothing_twice():
    bucket, taken = TokenBucket(1e-9, 1000.0), []

    def ask() -> None:
        taken.append(sum(bucket.take(1, 0.0) == 0 for _ in range(400)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(taken) == 1000


@pytest.mark.parametrize("rate, capacity", [(0, 1), (-1, 1), (1, 0), (math.inf, 1), (math.nan, 1), (1, math.nan)])
def test_a_bucket_that_cannot_be_is_refused(rate, capacity):
    with pytest.raises(ConfigError, match="use numbers above 0"):
        TokenBucket(rate, capacity)
