"""Accuracy tables and comparisons with numbers worked out by hand."""

import pytest

from groundup.evaluation.metrics.calibration import wilson
from groundup.evaluation.tasks.instructions import accuracy, compare, share
from groundup.evaluation.tasks.samples import Sample


def samples(right: str, families: str = "", compositions: str = "") -> list[Sample]:
    """One sample a letter: 1 is a right answer; a family and a composition by letter."""
    rows = zip(right, families or "a" * len(right), compositions or "s" * len(right), strict=True)
    names = {"s": "seen", "u": "unseen"}
    return [
        Sample(index, f"p{index}", "", "", mark == "1", family, names[kind])
        for index, (mark, family, kind) in enumerate(rows)
    ]


def counts(table: dict) -> dict[str, tuple[int, int]]:
    return {name: (row["correct"], row["n"]) for name, row in table.items() if name != "families"}


def test_a_share_is_its_count_and_its_interval():
    assert share(samples("1101")) == {"correct": 3, "n": 4} | wilson(3, 4)._asdict()


def test_families_and_compositions_are_counted_apart():
    table = accuracy(samples("110010", "aabbab", "ssssuu"))
    assert counts(table) == {"overall": (3, 6), "seen": (2, 4), "unseen": (1, 2)}
    assert counts(table["families"]["a"]) == {"overall": (3, 3), "seen": (2, 2), "unseen": (1, 1)}
    assert counts(table["families"]["b"]) == {"overall": (0, 3), "seen": (0, 2), "unseen": (0, 1)}


def test_a_composition_that_does_not_occur_is_left_out():
    assert list(accuracy(samples("11"))) == ["overall", "seen", "families"]


def test_families_are_in_alphabetical_order():
    assert list(accuracy(samples("111", "cab"))["families"]) == ["a", "b", "c"]


def test_a_comparison_counts_who_alone_was_right():
    found = compare(samples("1100110000"), samples("1011111111"))["overall"]
    assert (found["only_before"], found["only_after"], found["value"], found["n"]) == (1, 6, 0.5, 10)
    assert found["p_value"] == pytest.approx(0.125)
    assert found["low"] < 0.5 < found["high"]


def test_a_comparison_by_family_and_composition_uses_their_items():
    found = compare(samples("00001111", "aaaabbbb", "susususu"), samples("11111111", "aaaabbbb", "susususu"))
    assert found["families"]["a"]["unseen"]["value"] == found["families"]["a"]["overall"]["low"] == 1
    assert found["families"]["b"]["overall"]["value"] == 0 and found["families"]["b"]["seen"]["p_value"] == 1
    assert found["seen"]["n"] == 4 and found["seen"]["value"] == 0.5


def test_other_questions_cannot_be_compared():
    with pytest.raises(AssertionError, match="same items"):
        compare(samples("11"), samples("111"))
