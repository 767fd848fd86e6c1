"""The chase visits every line once; the stairs are read where they are flat; the system's words are read as they are written."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import InputError
from groundup.machine.probe import caches
from groundup.machine.probe.caches import Stated, cache_levels, chase, count, octave_sizes, ring, single_cycle, stated


@given(st.integers(1, 60), st.integers(0, 10))
def test_one_cycle_visits_every_place_before_it_comes_back(places, seed):
    following = single_cycle(places, np.random.default_rng(seed))
    place, seen = 0, []
    for _ in range(places):
        seen.append(place)
        place = following[place]
    assert place == 0 and sorted(seen) == list(range(places))


def test_all_single_cycles_are_equally_likely():
    generator, drawn = np.random.default_rng(0), 6000
    found = Counter(tuple(single_cycle(4, generator)) for _ in range(drawn))
    assert len(found) == math.factorial(3)
    expected = drawn / 6
    assert sum((times - expected) ** 2 / expected for times in found.values()) < 20.5  # chi squared, 5 degrees: 0.1 %


def test_the_chase_goes_through_all_lines_of_an_array():
    array = ring(64 * 50)
    lines = {chase(array, steps) for steps in range(50)}
    assert lines == set(range(0, 400, 8)) and chase(array, 50) == 0


def test_an_array_of_one_line_is_refused():
    with pytest.raises(
        InputError, match="an array of 64 bytes has no two lines of 64 bytes to go between; use 128 or more"
    ):
        ring(64)


def test_levels_are_the_flat_stretches_and_rises_are_none():
    sizes = octave_sizes(1 << 12, 1 << 19)
    times = [
        1.0
        if size <= 1 << 14
        else 4.0
        if size < 1 << 17
        else 5.3
        if size == 1 << 17
        else 7.5
        if size < 3 << 16
        else 20.0
        for size in sizes
    ]
    found = cache_levels(sizes, times)
    assert [latency for _, latency in found] == [1.0, 4.0, 20.0]
    assert found[0][0] == 1 << 14 and found[2][0] == 1 << 19


def test_a_stretch_is_measured_from_its_first_so_that_a_slow_rise_is_no_level():
    sizes = list(range(1, 9))
    assert cache_levels(sizes, [1.2**n for n in range(8)]) == []
    assert cache_levels(sizes, [1.0, 1.0, 1.0, 1.2, 2.0, 2.0, 2.0, 2.2]) == [(4, 1.0), (8, 2.0)]


def test_the_stairs_of_a_small_array_are_read():
    assert all(latency > 0 for latency in caches.latencies([256, 512], steps=100, repeats=1))
    assert [level.size for level in caches.measured([256, 320, 384])] in ([384], [])


def test_what_the_system_states_is_read_without_the_instruction_cache(tmp_path):
    rows = [
        ("1", "Data", "48K", "0"),
        ("1", "Instruction", "32K", "0"),
        ("3", "Unified", "32M", "0-3,8"),
        ("2", "Unified", "2M", "0,4"),
    ]
    for number, (level, kind, size, shared) in enumerate(rows):
        folder = tmp_path / f"index{number}"
        folder.mkdir()
        for name, text in (
            ("level", level),
            ("type", kind),
            ("size", size),
            ("shared_cpu_list", shared),
            ("coherency_line_size", "64"),
        ):
            (folder / name).write_text(text + "\n")
    (tmp_path / "index9").mkdir()  # one of which nothing can be read
    assert stated(tmp_path) == [
        Stated(1, "Data", 48 << 10, 1, 64),
        Stated(2, "Unified", 2 << 20, 2, 64),
        Stated(3, "Unified", 32 << 20, 5, 64),
    ]
    assert stated(tmp_path / "none") == [] and count("0-1") == 2
