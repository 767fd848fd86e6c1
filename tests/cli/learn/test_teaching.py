"""`learn release`, `grade` and `pack` as a teacher meets them, with each mistake in one sentence."""

import json
import os
import re
from pathlib import Path

import pytest

from groundup.course import exercise as exercises
from groundup.course import shelf, teaching

RIGHT = exercises.solution(shelf.find("top_p"))


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def handed(tmp_path):
    """Two students, one of them with a name that means something to a terminal's markup."""
    for student, text in (("anna", RIGHT), ("[red]bo[/]", RIGHT.replace("-math.inf", "0.0"))):
        (tmp_path / "in" / student.replace("/", "∕")).mkdir(parents=True)
        (tmp_path / "in" / student.replace("/", "∕") / "top_p.py").write_text(text)
    return tmp_path / "in"


@pytest.fixture
def warming_up(tmp_path):
    """The guide's pack."""
    text = (Path(teaching.__file__).parent / "GUIDE.md").read_text(encoding="utf-8")
    solution, exercise = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.toml").write_text(re.findall(r"```toml\n(.*?)```", text, re.DOTALL)[0])
    (tmp_path / "pack" / "sum_of_squares.txt").write_text(solution)
    (tmp_path / "pack" / "sum_of_squares.py").write_text(exercise)
    return solution


def test_a_set_is_released_and_graded(call, handed, tmp_path):
    status, out, _ = call("learn", "release", "top_p", "--out", "week3", "--title", "Week 3")
    assert status == 0 and "groundup learn grade week3/set.toml SUBMISSIONS --out marks" in out
    status, out, err = call("learn", "grade", "week3/set.toml", handed, "--out", "marks")
    assert status == 0, err
    assert "[red]bo[∕]" in out and "Week 3: 1 point" in out and "0 of them judged before" in err
    made = {file.relative_to(tmp_path / "marks").as_posix() for file in (tmp_path / "marks").rglob("*.*")}
    assert {"marks.csv", "marks_total.csv", "results.json", "feedback/anna.html", "feedback/red_bo_.html"} <= made
    status, out, err = call("learn", "grade", "week3/set.toml", handed, "--out", "marks", "--json")
    found = json.loads(out)
    assert status == 0 and "2 attempts, 2 of them judged before" in err
    assert {one["student"]: one["points"] for one in found["students"]}["anna"] == 1


def test_a_submission_that_cannot_be_read_is_told_after_the_others_were_graded(call, handed):
    (handed / "cy.zip").write_text("no zip")
    (handed / "di.rar").write_text("x")
    call("learn", "release", "top_p", "--out", "set")
    status, out, err = call("learn", "grade", "set/set.toml", handed, "--out", "marks")
    assert status == 2 and "cy: cy.zip cannot be read as a zip archive" in err and "di.rar is neither" in err
    assert "anna" in out and "cy" in out


def test_a_pack_is_proved_released_checked_and_graded(call, warming_up, tmp_path):
    status, out, _ = call("learn", "pack", "pack")
    assert status == 0 and "✓ warming_up.sum_of_squares: 5 wrong versions caught" in out and "--pack pack" in out
    assert call("learn", "release", "sum_of_squares", "--pack", "pack", "--out", "set")[0] == 0
    (tmp_path / "in" / "anna").mkdir(parents=True)
    for folder in ("set", "in/anna"):
        (tmp_path / folder / "sum_of_squares.py").write_text(warming_up)
    assert call("learn", "check", "sum_of_squares", "--pack", "pack", "--folder", "set")[0] == 0
    assert call("learn", "show", "--pack", "pack", "--folder", "set")[1].endswith(warming_up.split("\n", 1)[1])
    status, out, _ = call("learn", "grade", "set/set.toml", "in", "--out", "marks", "--pack", "pack", "--json")
    assert status == 0 and json.loads(out)["students"][0]["points"] == 1
    assert "give its folder with --pack" in call("learn", "grade", "set/set.toml", "in", "--out", "marks")[2]


def test_a_pack_with_a_fault_exits_with_1_and_says_it(call, warming_up, tmp_path):
    (tmp_path / "pack" / "sum_of_squares.txt").write_text(warming_up.replace("* number", "+ number"))
    status, out, _ = call("learn", "pack", "pack", "--json")
    [report] = json.loads(out)["exercises"]
    assert status == 1 and report["faults"] and not json.loads(out)["proved"]
    status, out, _ = call("learn", "pack", "pack")
    assert status == 1 and "    fault: " in out and "warming up 1: 1 fault" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("release", "topp", "--out", "x"), "there is no exercise 'topp'; did you mean top_p"),
        (("release", "--out", "x"), "a set needs exercises; name some"),
        (("release", "top_p", "--out", "in"), "in is not empty; choose a new folder"),
        (("release", "top_p", "--out", "x", "--pack", "gone"), "there is no folder gone; give the folder of a pack"),
        (("pack", "in"), "pack.toml is not there"),
        (("grade", "gone.toml", "in", "--out", "x"), "gone.toml is not there; check the path"),
        (("grade", "set/set.toml", "gone", "--out", "x"), "gone is not there; give the folder"),
        (("grade", "set/set.toml", "set", "--out", "x"), "set holds no submission; put one"),
        (("grade", "set/set.toml", "in", "--out", "in/marks"), "lies among the submissions; choose a folder outside"),
        (("grade", "set/set.toml", "in", "--out", "x", "--timeout", "0"), "--timeout 0.0; use"),
        (("grade", "set/set.toml", "in", "--out", "x", "--pack", "in"), "pack.toml is not there"),
        (("grade", "set/set.toml", "in", "--out", "set/set.toml"), "something of that name stands in its way"),
        (("grade", "unknown.toml", "in", "--out", "x"), "unknown.toml: there is no exercise 'a.topp'"),
        (("grade", "key.toml", "in", "--out", "x"), "key.toml has an unknown key 'titel'; use name, groundup, pack"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(call, handed, tmp_path, words, sentence):
    call("learn", "release", "top_p", "--out", "set")
    (tmp_path / "unknown.toml").write_text('name = "x"\n["a.topp"]\nfile = "a.py"\n')
    (tmp_path / "key.toml").write_text('name = "x"\ntitel = "y"\n')
    status, out, err = call("learn", *words)
    assert status == 2 and sentence in err and len(err.strip().splitlines()) == 1 and not out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_output_folder_that_may_not_be_written_is_one_sentence(call, handed, tmp_path):
    call("learn", "release", "top_p", "--out", "set")
    (tmp_path / "marks").mkdir(mode=0o500)
    status, _, err = call("learn", "grade", "set/set.toml", handed, "--out", "marks")
    assert status == 2 and "may not be written; change its permissions" in err
