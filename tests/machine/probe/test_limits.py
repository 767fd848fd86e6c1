"""Everything measured once, small: each figure as often as asked; stated and seen levels are matched."""

import pytest

from groundup.machine.probe import caches, limits
from groundup.machine.probe.caches import Stated
from groundup.machine.probe.limits import Level, Limits, plan
from groundup.machine.probe.products import Peak

STATED = [
    Stated(1, "Data", 48 << 10, 1, 64),
    Stated(2, "Unified", 1 << 20, 1, 64),
    Stated(3, "Unified", 32 << 20, 2, 64),
]


def test_a_stretch_belongs_to_the_stated_level_within_a_factor_of_two():
    found = [(45 << 10, 1.7), (609 << 10, 4.0), (2 << 20, 11.0), (1 << 27, 300.0)]
    assert plan(STATED, found, 1 << 27) == [
        ("L1", 48 << 10, 45 << 10, 1),
        ("L2", 1 << 20, 609 << 10, 1),
        ("L3", 32 << 20, 0, 2),
    ]


def test_where_the_system_states_nothing_the_stretches_are_the_levels():
    found = [(1 << 15, 1.0), (1 << 20, 4.0), (1 << 24, 12.0), (1 << 27, 90.0)]
    assert plan([], found, 1 << 27) == [("L1", 0, 1 << 15, 1), ("L2", 0, 1 << 20, 1), ("L3", 0, 1 << 24, limits.ALL)]
    assert plan([], [(1 << 27, 90.0)], 1 << 27) == []


def test_the_innermost_level_that_holds_the_bytes_is_the_roof():
    levels = [
        Level("L1", 48, 40, [1.0], [300.0]),
        Level("L2", 1000, 0, [4.0], [200.0]),
        Level("memory", 0, 0, [90.0], [20.0]),
    ]
    made = Limits("a processor", 2, 2, [Peak("float32", 512, "torch", [100.0])], {}, levels, [])
    assert [made.level_of(size).name for size in (40, 41, 1000, 1001)] == ["L1", "L2", "L2", "memory"]
    assert made.peak("float32").flops == 100.0


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(limits.products, "SIDES", (16, 32))
    monkeypatch.setattr(caches, "SMALLEST", 1 << 10)
    monkeypatch.setattr(limits.bandwidth, "A_CALL", 1e4)
    monkeypatch.setattr(caches, "stated", lambda: [Stated(1, "Data", 4 << 10, 1, 64)])
    sizes = [1 << 10, 1 << 11, 1 << 12, 1 << 13]
    monkeypatch.setattr(caches, "octave_sizes", lambda largest: sizes)
    monkeypatch.setattr(caches, "latencies", lambda sizes: [1.0, 1.0, 1.0, 9.0])


def test_each_figure_is_measured_as_often_as_asked(small):
    said = []
    found = limits.measure(repeats=2, seconds=0.0, largest=1 << 13, say=said.append)
    assert [len(peak.repeats) for peak in found.peaks] == [2] * len(found.peaks)
    assert {kind: len(speeds) for kind, speeds in found.moved.items()} == dict.fromkeys(
        ("read", "write", "copy", "triad"), 2
    )
    assert [(level.name, len(level.latency_ns), len(level.bytes_per_s)) for level in found.levels] == [
        ("L1", 2, 2),
        ("memory", 2, 2),
    ]
    assert (found.levels[0].stated, found.levels[0].found) == (4096, 4096)
    assert said == ["matrix products", "memory", "caches"] and len(found.stairs) == 4


@pytest.mark.parametrize(("sharing", "caches_used"), [(1, 4), (2, 2), (4, 1), (8, 1), (limits.ALL, 1)])
def test_a_cache_that_two_threads_of_a_core_share_is_counted_once_a_core(sharing, caches_used, monkeypatch):
    """Where a core runs two hardware threads, its own L1 is listed as shared by two."""
    read = []
    monkeypatch.setattr(limits.bandwidth, "bytes_per_s", lambda kind, size, **how: read.append(size) or 1.0)
    monkeypatch.setattr(caches, "latency_ns", lambda size: 1.0)
    limits._measured("L1", 48 << 10, 0, sharing, threads=4, repeats=1, seconds=0.1)
    assert read == [caches_used * (24 << 10)]
