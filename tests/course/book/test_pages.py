"""Pages: a lesson as HTML that needs no network and no Python, its controls at work."""

import re
from pathlib import Path

import pytest

pytest.importorskip("marimo", reason="the book needs marimo: pip install 'groundup[learn]'")
pytest.importorskip("latex2mathml", reason="the book needs latex2mathml: pip install 'groundup[learn]'")

from groundup.course.book import export, find, pages, render
from groundup.course.book.run import run
from groundup.errors import InputError

FILE = Path(__file__).with_name("lesson.py")


@pytest.fixture(scope="module")
def inner() -> str:
    return pages.body(run(FILE))


def test_prose_formulas_code_and_texts_stand_in_the_page(inner):
    assert '<h1 id="coins">Coins</h1>' in inner and "<mfrac>" in inner and "<msqrt>" in inner
    assert '<span class="k">assert</span>' in inner
    assert "mo.md(r" not in inner, "the code of prose is not shown"
    assert "the last mean is 0.60 &lt;&amp;" in inner


def test_a_slider_and_a_list_stand_for_the_controls(inner):
    assert 'type="range" min="0" max="4" value="1" data-control="throws"' in inner and "<output>20</output>" in inner
    assert '<option value="0" selected>a fair coin</option><option value="1">a bent coin</option>' in inner


def test_every_place_of_a_control_has_what_the_cells_after_it_show(inner):
    found = set(re.findall(r'<template data-of="(\w+)" data-at="(\d)">', inner))
    assert found == {("throws", str(n)) for n in range(5)} | {("kind", "0"), ("kind", "1")}
    assert all(f'"text":"{n} throws"' in inner for n in (10, 20, 30, 40, 50))


def test_figures_have_elements_of_their_own(inner):
    ids = re.findall(r'<div id="(figure[^"]*)"', inner)
    assert len(ids) == len(set(ids)) == 1 + 5 + 2


def test_nothing_of_marimo_is_left_in_a_page(inner):
    assert "marimo-" not in inner
    with pytest.raises(InputError, match="<marimo-table> cannot be shown without marimo"):
        render.prose("<p><marimo-table data='1'></marimo-table></p>")


@pytest.mark.lesson
def test_the_book_is_a_folder_that_asks_for_nothing_outside(tmp_path):
    made = export(tmp_path / "book", chosen=[find("sampling"), find("bpe")], workers=1)
    assert [page.name for page in made] == [
        "index.html",
        "inference.decoding.sampling.html",
        "text.tokenizers.bpe.html",
    ]
    for page in made:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r'(?:src|href)="([^"]+)"', text):
            assert link == "data:," or link.startswith("#") or (tmp_path / "book" / link).exists(), link
    contents = made[0].read_text(encoding="utf-8")
    assert "2 lessons" in contents and contents.index("<h2>inference") < contents.index("<h2>text")
    assert (tmp_path / "book" / "plotly.min.js").stat().st_size > 1_000_000


def test_a_lesson_that_fails_is_named_and_no_half_book_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "run", lambda path, model: 1 / 0)
    with pytest.raises(InputError, match=r"the lesson text\.tokenizers\.bpe does not run \(ZeroDivisionError"):
        export(tmp_path / "book", chosen=[find("bpe")], workers=1)
    assert not (tmp_path / "book").exists()
