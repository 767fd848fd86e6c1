"""Cells: what each takes, makes and shows, from the text alone."""

from pathlib import Path

import pytest

from groundup.course.book.cells import read
from groundup.errors import InputError

BOOK = read(Path(__file__).with_name("lesson.py").read_text(encoding="utf-8"))


def test_a_cell_knows_what_it_takes_makes_and_defines():
    cell = BOOK.maker("means")
    assert (cell.takes, cell.makes, cell.defines) == (("kind", "throws"), ("faces", "means"), {"faces", "means"})
    assert cell.code.splitlines()[0].startswith("faces = (") and "return" not in cell.code


def test_names_of_inner_scopes_and_private_names_are_not_defined():
    cell = read(
        "@app.cell\ndef _():\n    _own = [x for x in y]\n    a, (b, *c) = _own\n    def f(z): w = 1\n    return a, b\n"
    ).cells[0]
    assert cell.defines == {"a", "b", "c", "f"}


def test_prose_is_a_raw_text_and_nothing_else():
    assert BOOK.cells[0].prose.startswith("# Coins\n\nThe standard") and BOOK.cells[1].prose is None


def test_what_comes_after_a_control_is_found_through_other_cells():
    codes = [cell.code.splitlines()[0] for cell in BOOK.after("kind")]
    assert [code.split("(")[0] for code in codes] == [
        "faces = ",
        "plots.lines",
        "assert means[-1] == faces.mean",
        'sentence = f"the last mean is {means[-1]:.2f} <&"',
    ]


def test_a_comment_above_the_first_statement_belongs_to_the_code():
    text = "@app.cell\ndef _(\n    a,\n    b,\n):\n    # why\n    a + b\n    return\n"
    assert read(text).cells[0].code == "# why\na + b"


def test_what_is_no_python_is_refused_with_its_line():
    with pytest.raises(InputError, match="line 2"):
        read("x = 1\ndef (:\n")
