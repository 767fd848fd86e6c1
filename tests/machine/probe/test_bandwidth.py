"""The loops do what they are named after; each thread has a piece of its own."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.machine.probe import bandwidth


@pytest.fixture
def arrays():
    return np.zeros(5), np.arange(5.0), np.full(5, 2.0)


def test_the_loops_compute_what_stream_defines(arrays):
    a, b, c = arrays
    bandwidth.copy(a, b, c, 1)
    assert a.tolist() == b.tolist()
    bandwidth.triad(a, b, c, 4)  # the scalar of the last pass is 3
    assert a.tolist() == (b + 3 * c).tolist()
    bandwidth.write(a, b, c, 3)
    assert a.tolist() == [2.0] * 5
    assert bandwidth.read(b, b, b, 2) == 3 * b.sum()  # the second pass counts twice


@pytest.mark.parametrize("kind", bandwidth.LOOPS)
def test_every_kind_has_a_speed_on_several_threads(kind):
    assert bandwidth.bytes_per_s(kind, 1 << 12, threads=2, seconds=0.0) > 0


def test_an_unknown_kind_and_no_room_are_refused_with_the_way_out():
    with pytest.raises(InputError, match="'swap' is no way to move bytes; use one of read, write, copy, triad"):
        bandwidth.bytes_per_s("swap")
    with pytest.raises(InputError, match="8 bytes for 2 threads are less than one number each; use 48 or more"):
        bandwidth.bytes_per_s("triad", 8, threads=2)
