"""A race loses increments, the same ones every time; atomics lose none, and a histogram is NumPy's."""

import numpy as np
import pytest

from groundup.errors import InputError
from groundup.machine.kernels.cuda.atomics import count_threads, histogram
from groundup.machine.kernels.cuda.launch import cuda, on_gpu

pytestmark = pytest.mark.skipif(cuda is None, reason="needs numba-cuda, of the extra `kernels`")


def test_a_race_keeps_one_increment_a_block_and_atomics_keep_all():
    assert count_threads(1, 32, racing=True) == 1
    assert count_threads(3, 32, racing=False) == 96


@pytest.mark.skipif(on_gpu(), reason="a GPU runs blocks side by side, and they race as well")
def test_the_simulator_runs_a_block_after_another():
    assert count_threads(3, 32, racing=True) == 3


@pytest.mark.parametrize("text", [b"", b"a", "naïve ☃ ".encode() * 20])
def test_bytes_are_counted_as_numpy_counts_them(text):
    expected = np.bincount(np.frombuffer(text, np.uint8), minlength=256)
    assert np.array_equal(histogram(text, most_blocks=2), expected)


def test_text_that_is_not_bytes_is_refused():
    with pytest.raises(InputError, match=r"a str has no bytes to count; give bytes, such as text.encode\(\)"):
        histogram("text")
