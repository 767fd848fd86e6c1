"""Random numbers that belong to (seed, row, position) and to nothing else."""

import numpy as np
from scipy import stats

from groundup.inference.decoding.streams import mix, uniform


def test_the_hash_is_splitmix64():
    """First outputs of the published generator for seed 1234567."""
    counters = np.uint64(1234567) + np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    assert mix(counters).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_a_rows_number_does_not_depend_on_its_companions():
    together = uniform(7, np.arange(100), np.arange(100) % 13)
    alone = [uniform(7, np.array([row]), row % 13)[0] for row in range(100)]
    assert together.tolist() == alone


def test_seeds_rows_and_positions_all_matter():
    rows = np.arange(1000)
    numbers = np.concatenate([uniform(seed, rows, position) for seed in (0, 1, -1) for position in range(5)])
    assert len(set(numbers.tolist())) == len(numbers)
    assert not np.allclose(uniform(0, np.array([1]), 2), uniform(0, np.array([2]), 1))


def test_the_numbers_are_uniform_along_rows_and_along_positions_and_neighbours_are_independent():
    for numbers in (uniform(3, np.arange(20_000), 5), uniform(3, np.zeros(20_000, dtype=int), np.arange(20_000))):
        assert 0 <= numbers.min() and numbers.max() < 1
        assert stats.kstest(numbers, "uniform").pvalue > 0.001
        assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.03
