"""Accuracy tables and comparisons with numbers worked out by hand."""

import pytest

from groundup.evaluation.metrics.calibration import wilson
from groundup.evaluation.tasks.instructions import accuracy, compare, grouped, share
from groundup.evaluation.tasks.samples import Sample


def samples(right: str, families: str = "", compositions: str = "") -> list[Sample]:
    """One sample a letter: 1 is a right answer; a family and a composition by letter."""
    rows = zip(right, families or "a" * len(right), compositions or "s" * len(right), strict=True)
    names = {"s": "seen", "u": "unseen"}
    return [
        Sample(index, f"p{index}", "", "", mark == "1", family, names[kind])
        for index, (mark, family, kind) in enumerate(rows)
    ]


def test_a_share_is_its_count_and_its_interval():
    measured = share(samples("1101"))
    assert measured == {"correct": 3, "count": 4} | dict(zip(("accuracy", "low", "high"), wilson(3, 4), strict=True))


def test_families_and_compositions_are_counted_apart():
    table = accuracy(samples("110010", "aabbab", "ssssuu"))
    assert table["overall"]["correct"] == 3
    assert {name: (row["correct"], row["count"]) for name, row in table["families"].items()} == {
        "a": (3, 3),
        "b": (0, 3),
    }
    assert {name: (row["correct"], row["count"]) for name, row in table["compositions"].items()} == {
        "seen": (2, 4),
        "unseen": (1, 2),
    }


def test_groups_are_in_alphabetical_order():
    assert list(grouped(samples("111", "cab"), "family")) == ["a", "b", "c"]


def test_a_comparison_counts_who_alone_was_right():
    found = compare(samples("1100110000"), samples("1011111111"))
    assert (found["only_before"], found["only_after"], found["difference"]) == (1, 6, 0.5)
    assert found["p_value"] == pytest.approx(0.125)
    assert found["low"] < 0.5 < found["high"]


def test_a_comparison_by_family_uses_that_familys_items():
    found = compare(samples("0000" + "1" * 4, "aaaabbbb"), samples("1111" + "1" * 4, "aaaabbbb"))["families"]
    assert found["a"]["difference"] == 1 and found["a"]["low"] == 1
    assert found["b"]["difference"] == 0 and found["b"]["p_value"] == 1


def test_other_questions_cannot_be_compared():
    with pytest.raises(AssertionError, match="same items"):
        compare(samples("11"), samples("111"))
