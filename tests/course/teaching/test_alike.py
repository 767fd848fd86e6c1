"""Files that differ in names, comments, annotations and spaces are alike; those that differ in what they do are not."""

import pytest

from groundup.course import shelf
from groundup.course.exercise import solution
from groundup.course.teaching.alike import groups, normal_form

TEXT = """
import torch

def widest(rows, least):
    \"\"\"The widest of some rows.\"\"\"
    widths = [max(row) - min(row) for row in rows]  # one a row
    for width in widths:
        if width > least:
            least = width
    return least + torch.zeros(1, dtype=torch.float32)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("widths", "w"),
        (") for row", ")\n        for row"),
        ("  # one a row", ""),
        ("import torch", "import math\nimport torch"),
        ("(rows, least)", "(rows: list, least: float) -> float"),
        ("    widths = [", "    widths: list = ["),
        ('    """The widest of some rows."""\n', ""),
        ("(rows, least)", "(\n    rows,\n    least,\n)"),
    ],
)
def test_what_changes_nothing_is_alike(old, new):
    assert old in TEXT and normal_form(TEXT.replace(old, new)) == normal_form(TEXT) != ""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max(row) - min(row)", "min(row) - max(row)"),
        ("width > least", "width >= least"),
        ("zeros", "ones"),
        ("dtype", "device"),
        ("(1,", "(2,"),
    ],
)
def test_what_changes_something_is_not(old, new):
    assert old in TEXT and normal_form(TEXT.replace(old, new)) != normal_form(TEXT)


def test_swapped_names_are_not_alike():
    assert normal_form("def f(a, b):\n" + "    a = a - b * a\n" * 8) != normal_form(
        "def f(a, b):\n" + "    a = b - a * a\n" * 8
    )


@pytest.mark.parametrize(
    "text", ["def f(x): return x", "def", "", "x = " + "-" * 100_000 + "1", "1" + "+1" * 100_000, "\0"]
)
def test_what_is_short_or_cannot_be_read_has_no_form(text):
    assert normal_form(text) == ""


def test_students_are_grouped():
    other = solution(shelf.find("top_p"))
    texts = {"a": TEXT, "b": other, "c": TEXT.replace("widths", "w"), "d": "def", "e": "def", "f": other + "# mine\n"}
    assert groups(texts) == [["a", "c"], ["b", "f"]]
