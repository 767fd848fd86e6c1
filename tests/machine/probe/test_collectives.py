"""The ring carried out: its result is the sum, and its messages are what the formula charges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.machine.probe import collectives
from groundup.machine.probe.collectives import (
    all_reduced,
    cost,
    halving_doubling_all_reduce,
    ring_all_reduce,
    ring_steps,
)


def test_an_all_reduce_sends_2_n_minus_1_over_n_of_the_bytes():
    for devices in (2, 4, 8, 1024):
        assert ring_all_reduce(1e9, devices, 1e9) == pytest.approx(2 * (devices - 1) / devices)
    assert ring_all_reduce(1e9, 1, 1e9, 1.0) == 0.0


def test_latency_is_paid_once_a_step():
    assert ring_all_reduce(0, 8, 1e9, latency_s=1e-6) == pytest.approx(14e-6)


def test_an_all_reduce_is_a_reduce_scatter_and_an_all_gather():
    size, devices, speed, alpha = 3e8, 6, 2e10, 5e-6
    both = cost("reduce-scatter", size, devices, speed, alpha) + cost("all-gather", size, devices, speed, alpha)
    assert cost("all-reduce", size, devices, speed, alpha) == pytest.approx(both)


def test_halving_and_doubling_sends_as_many_bytes_in_fewer_messages():
    assert halving_doubling_all_reduce(1e6, 16, 1e9) == pytest.approx(ring_all_reduce(1e6, 16, 1e9))
    assert halving_doubling_all_reduce(0, 16, 1e9, 1.0) == 8.0 < ring_all_reduce(0, 16, 1e9, 1.0) == 30.0
    with pytest.raises(InputError, match="6 devices only if they are a power of two; use the ring"):
        halving_doubling_all_reduce(1, 6, 1)


@given(st.integers(1, 7), st.integers(1, 20), st.integers(0, 5))
def test_every_device_ends_with_the_same_sum(devices, length, seed):
    held = list(np.random.default_rng(seed).integers(-9, 9, (devices, length)))
    for one in all_reduced(held):
        assert one.tolist() == sum(held).tolist()


def test_in_every_step_a_device_sends_one_piece_to_its_neighbour():
    devices = 4
    held = [np.full(8, 10.0**d) for d in range(devices)]
    states = list(ring_steps(held))
    assert len(states) == 1 + 2 * (devices - 1)
    for before, after in zip(states, states[1:], strict=False):
        changed = [
            sum((b != a).any() for b, a in zip(old, new, strict=True)) for old, new in zip(before, after, strict=True)
        ]
        assert changed == [1] * devices
    assert [pieces[(d + 1) % devices][0] for d, pieces in enumerate(states[devices - 1])] == [1111.0] * devices


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="'broadcast' is no collective that is counted; use one of all-reduce, "):
        cost("broadcast", 1, 2, 1)
    with pytest.raises(InputError, match="use at least one device and no negative number"):
        cost("all-reduce", 1, 0, 1)
    with pytest.raises(InputError, match=r"arrays of one shape, and these have \(2,\), \(3,\); make them equal"):
        all_reduced([np.ones(2), np.ones(3)])
    assert set(collectives.COLLECTIVES) == {"all-reduce", "reduce-scatter", "all-gather", "all-to-all"}
