"""Every lesson: clean by its text, true when it runs, at every place of its controls, and in any order of its cells.

The runs are marked `lesson`: `pytest -m lesson` makes them in processes that import torch once.
"""

import re

import pytest

from groundup import lessons
from groundup.course import book
from groundup.course.book import render
from groundup.course.book.run import fingerprint, places
from groundup.course.topics import HOUSE
from groundup.errors import InputError

every = pytest.mark.parametrize("lesson", book.lessons(), ids=lambda lesson: lesson.id)


@every
def test_its_text_is_clean(lesson):
    assert book.lint(lesson.path) == []


@every
def test_it_stands_at_the_path_of_its_source(lesson):
    assert (HOUSE / lesson.place).exists()


@pytest.mark.lesson
@every
def test_it_runs_and_holds_at_every_place_of_its_controls_and_in_any_order(lesson):
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    ran = book.run(lesson.path)
    pages = [
        render.shown(output, "figure")
        for cell, output in ran.outputs
        if not cell.makes or cell.makes[0] not in ran.controls()
    ]
    number = next(output for cell, output in ran.outputs if cell.prose is None and output is not None)
    assert any(pages) and re.search(r"\d", getattr(number, "text", str(number))), "the first code shows a number"
    assert ran.controls()
    for name, control in ran.controls().items():
        shown = [tuple(map(fingerprint_of, book.moved(ran, name, value).outputs)) for value in places(control)]
        assert len(set(shown)) > 1, f"whatever {name} says, the lesson shows the same"
    assert book.unsteady(ran) == []


def fingerprint_of(shown):
    output = shown[1]
    return getattr(output, "text", None) or fingerprint(output)


# ───────── the learner's model ─────────


def test_without_a_model_there_is_none(monkeypatch):
    monkeypatch.delenv(lessons.VARIABLE, raising=False)
    assert lessons.given_model() is None


def test_the_variable_names_a_model_folder(monkeypatch, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv(lessons.VARIABLE, str(tmp_path))
    assert lessons.given_model() == tmp_path


def test_a_folder_that_is_no_model_is_refused_with_the_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv(lessons.VARIABLE, str(tmp_path))
    with pytest.raises(InputError, match="is no model folder; give the one that a run wrote"):
        lessons.given_model()
