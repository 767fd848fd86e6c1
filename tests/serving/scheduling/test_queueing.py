"""Queueing: formulas against textbook numbers, each other, and a simulation of the queue."""

import math

import numpy as np
import pytest
from scipy import stats

from groundup.errors import InputError
from groundup.serving.scheduling.queueing import erlang_c, mean_wait, percentile, time_in_system


def simulated(arrivals, service, servers, requests=200_000):
    """Times in the system of a queue that is really run."""
    source = np.random.default_rng(0)
    comes = np.cumsum(source.exponential(1 / arrivals, requests))
    works = source.exponential(1 / service, requests)
    free, times = [0.0] * servers, []
    for at, work in zip(comes.tolist(), works.tolist(), strict=True):
        start = max(at, free[0])
        free[0] = start + work
        free.sort()
        times.append(start + work - at)
    return np.array(times)


def test_one_server_is_as_the_simulation():
    times = simulated(7.0, 10.0, 1)
    assert times.mean() == pytest.approx(time_in_system(7.0, 10.0), rel=0.05)
    for part in (0.5, 0.9, 0.99):
        assert np.quantile(times, part) == pytest.approx(percentile(7.0, 10.0, part), rel=0.07)


def test_several_servers_are_as_the_simulation():
    times = simulated(24.0, 10.0, 3)
    assert times.mean() == pytest.approx(mean_wait(24.0, 10.0, 3) + 0.1, rel=0.05)


def test_erlangs_c_has_the_numbers_of_the_tables():
    assert erlang_c(0.9, 1.0, 1) == pytest.approx(0.9)
    assert erlang_c(8.0, 1.0, 10) == pytest.approx(0.4092, abs=1e-4)
    assert erlang_c(2.0, 1.0, 5) == pytest.approx(0.0597, abs=1e-4)
    assert erlang_c(3.0, 1.0, 3) == 1.0
    for offered, servers in ((190.0, 200), (0.5, 1), (900.0, 1000)):
        blocked = stats.poisson.pmf(servers, offered) / stats.poisson.cdf(servers, offered)
        expected = blocked / (1 - offered / servers * (1 - blocked))
        assert erlang_c(offered, 1.0, servers) == pytest.approx(expected)


def test_one_server_of_erlang_is_the_simple_queue():
    for arrivals in (1.0, 5.0, 9.9):
        assert mean_wait(arrivals, 10.0, 1) + 0.1 == pytest.approx(time_in_system(arrivals, 10.0))
    assert mean_wait(10.0, 10.0, 1) == math.inf == time_in_system(10.0, 10.0)


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="use positive numbers"):
        erlang_c(1.0, 0.0, 1)
    with pytest.raises(InputError, match="use 0 up to, but not, 1"):
        percentile(1.0, 2.0, 1.0)
