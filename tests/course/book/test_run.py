"""Running: outputs and definitions of a lesson, its controls moved, and the promise that the order of its cells does not matter."""

import types
from pathlib import Path

import numpy as np
import pytest

from groundup.course.book.run import Ran, fingerprint, moved, places, run, unsteady
from groundup.errors import InputError, MissingExtra
from groundup.lessons import VARIABLE

FILE = Path(__file__).with_name("lesson.py")
GOOD = FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ran() -> Ran:
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    return run(FILE)


def lesson(tmp_path, *cells):
    """The good lesson with further cells."""
    pytest.importorskip("marimo", reason="lessons need marimo: pip install 'groundup[learn]'")
    file = tmp_path / "other.py"
    start = GOOD.rindex("@app.cell(hide_code=True)")
    file.write_text(GOOD[:start] + "\n\n".join(cells) + "\n\n\n" + GOOD[start:], encoding="utf-8")
    return file


def test_a_run_gives_each_cell_its_output_and_every_name(ran):
    assert len(ran.outputs) == len(ran.notebook.cells) == 12
    assert ran.definitions["heads"] == int(np.random.default_rng(0).integers(0, 2, 100).sum())
    assert ran.outputs[7][1].layout.title.text == "20 throws" and ran.outputs[2][1] is None
    assert list(ran.controls()) == ["throws", "kind"] and ran.seconds > 0


def test_a_moved_control_changes_the_cells_after_it_and_no_others(ran):
    again = moved(ran, "throws", 50)
    assert len(again.definitions["faces"]) == 50 and len(ran.definitions["faces"]) == 20
    assert [cell.line for cell, _ in again.outputs] == [cell.line for cell in ran.notebook.after("throws")]
    assert again.outputs[1][1].layout.title.text == "50 throws"


def test_places_of_controls_hold_their_ends_and_where_they_are(ran):
    controls = ran.controls()
    assert places(controls["throws"]) == [10, 20, 30, 40, 50] and places(controls["kind"]) == [0.5, 0.9]
    slider = types.SimpleNamespace(value=7, start=0, stop=100, step=1)
    assert len(places(slider)) == 7 and {0, 7, 100} <= set(places(slider))
    assert places(types.SimpleNamespace(value=True)) == [False, True]
    assert places(types.SimpleNamespace(value=0.3, start=0.1, stop=0.5, step=0.1)) == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_claim_that_is_false_escapes(tmp_path):
    with pytest.raises(Exception, match="heads are many"):
        run(lesson(tmp_path, '@app.cell\ndef _(heads):\n    assert heads > 99, "heads are many"\n    return'))


def test_a_file_without_an_app_is_refused(tmp_path):
    pytest.importorskip("marimo")
    (tmp_path / "plain.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="holds no marimo.App named app"):
        run(tmp_path / "plain.py")


def test_without_marimo_the_pip_line_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "marimo", None)
    with pytest.raises(MissingExtra, match=r"pip install 'groundup\[learn\]'"):
        run(FILE)


def test_the_model_is_the_lessons_own_for_the_run_only(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "config.json").write_text("{}")
    file = lesson(
        tmp_path,
        "@app.cell\ndef _():\n    from groundup.lessons import given_model\n\n    folder = given_model()\n    return (folder,)",
    )
    assert run(file, tmp_path).definitions["folder"] == tmp_path
    assert run(file).definitions["folder"] is None


# ───────── a cell that another cell changes ─────────


def test_cells_in_any_order_give_the_same(ran):
    for seed in range(5):
        assert unsteady(ran, seed) == []


def test_a_cell_that_changes_anothers_list_is_found_with_its_line(tmp_path):
    file = lesson(
        tmp_path,
        "@app.cell\ndef _():\n    words = [1]\n    return (words,)",
        "@app.cell\ndef _(words):\n    words.append(2)\n    return",
    )
    line = file.read_text().splitlines().index("def _(words):") + 1
    fault = f"line {line}: words is changed by this cell, which did not make it; make a new object"
    assert fault in unsteady(run(file))


def test_a_function_that_changes_its_argument_is_found_too(tmp_path):
    file = lesson(
        tmp_path,
        "@app.cell\ndef _():\n    numbers = np.zeros(3)\n\n    def grow(what):\n        what += 1\n        return what.sum()\n    return grow, numbers",
        "@app.cell\ndef _(grow, numbers):\n    grow(numbers)\n    return",
    )
    assert any("numbers is changed by this cell" in fault for fault in unsteady(run(file)))


def test_a_cell_whose_numbers_are_others_each_time_is_found(tmp_path):
    file = lesson(tmp_path, "@app.cell\ndef _():\n    luck = np.random.default_rng().random()\n    return (luck,)")
    assert any("luck is another when its cell runs again" in fault for fault in unsteady(run(file)))


def test_fingerprints_tell_numbers_apart_whatever_holds_them():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(2, 2)
    before = fingerprint({"layer": [layer]})
    assert fingerprint({"layer": [layer]}) == before
    with torch.no_grad():
        layer.weight += 1
    assert fingerprint({"layer": [layer]}) != before
    assert fingerprint(np.zeros(2)) != fingerprint(np.ones(2)) and fingerprint({1, 2}) == fingerprint({2, 1})
