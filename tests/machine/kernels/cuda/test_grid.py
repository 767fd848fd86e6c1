"""A grid covers its data once, and not one block too many."""

from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.machine.kernels.cuda.grid import blocks_for, elements_of_thread


@given(st.integers(1, 5), st.integers(1, 9), st.integers(0, 100))
@settings(deadline=None)
def test_all_threads_together_own_every_place_once(blocks, threads, size):
    owned = [
        place
        for block in range(blocks)
        for thread in range(threads)
        for place in elements_of_thread(block, thread, blocks, threads, size)
    ]
    assert sorted(owned) == list(range(size))


def test_blocks_cover_the_data_and_not_one_too_many():
    for size in range(1, 200):
        blocks = blocks_for(size, 64)
        assert (blocks - 1) * 64 < size <= blocks * 64
