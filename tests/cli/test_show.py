"""Tables in a terminal of 80 columns: as they are where they fit, else divided, and no figure is broken or lost."""

import pytest

from groundup.cli import show
from groundup.runs.ablation import table as ablation
from groundup.runs.sweep import law


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


WIDE = [
    [name.format(measure="bits per byte tinyworld") for name in ablation.HEAD],
    ["no value embeddings", "1,234,567", "0.4321", "+0.0123", "+0.0100 to +0.0145", "12.3", "cannot be told apart"],
]
SWEEP = [
    [name.format(measure="bits per byte tinyworld") for name in law.HEAD],
    ["96 x 4", "531,234", "412,345", "11,234,567", "3e+11", "3", "0.4321", "0.0123"],
]


@pytest.mark.parametrize(("head", "row", "parts"), [(*WIDE, 2), (*SWEEP, 1)], ids=["ablation", "sweep"])
def test_a_wide_table_is_dense_or_divided_and_each_figure_stands_whole_on_its_rows_line(head, row, parts, capsys):
    show.table("title", head, [row])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    told = [line for line in lines if row[0] in line]
    assert len(told) == parts and all(any(cell in line for line in told) for cell in row)
    words = " ".join(lines)
    assert all(word in words for name in head for word in name.split())


def test_a_table_that_fits_is_one(capsys):
    show.table("title", ["part", "ms"], [["head", "1.5"], ["rest", "2"]])
    assert capsys.readouterr().out.count("part") == 1


def test_a_long_text_is_broken_into_lines_and_divides_nothing(capsys):
    show.table("recipes", ["name", "what it is"], [["demo", "a long text " * 20]])
    out = capsys.readouterr().out
    assert out.count("what it is") == 1 and max(map(len, out.splitlines())) <= 80


def test_a_title_in_brackets_and_a_table_without_rows_are_shown(capsys):
    show.table("[bold] runs", ["run", "state"], [])
    assert "[bold] runs" in capsys.readouterr().out
