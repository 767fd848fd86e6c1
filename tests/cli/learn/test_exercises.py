"""`groundup learn` as a learner meets it: begin, a wrong try, a hint, a right try, the next."""

import json
import re

import pytest

from groundup.course import exercise as exercises
from groundup.course import shelf


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


def test_the_first_visit_from_the_stub_to_the_next_exercise(call, tmp_path):
    assert "write top_p in my/top_p.py" in call("learn", "start", "top_p")[1]
    status, out, _ = call("learn", "check")
    assert status == 1 and "not written yet" in out and "groundup learn hint top_p" in out
    assert [call("learn", "hint")[1].split(":")[0] for _ in range(4)] == [
        f"top_p, hint {number} of 3" for number in (1, 2, 3, 3)
    ]
    solution = exercises.solution(shelf.find("top_p"))
    file = tmp_path / "my" / "top_p.py"
    file.write_text(solution.replace("mass_before >= p", "mass_before > p + 0.2"))
    status, out, _ = call("learn", "check")
    assert status == 1 and re.search("expected.*got", out, re.DOTALL)
    assert call("learn", "show")[0] == 2
    file.write_text(solution)
    status, out, _ = call("learn", "check")
    assert status == 0 and "--mine my" in out and "groundup learn show top_p" in out
    assert call("learn", "show")[1] == solution
    assert "top_p" not in call("learn", "start")[1]


def test_a_file_that_is_there_is_never_overwritten(call, tmp_path):
    call("learn", "start", "top_p")
    (tmp_path / "my" / "top_p.py").write_text("# mine\n")
    call("learn", "start", "top_p")
    assert (tmp_path / "my" / "top_p.py").read_text() == "# mine\n"


def test_the_list_as_json_says_what_was_passed(call, tmp_path):
    call("learn", "start", "top_p", "--folder", "other")
    (tmp_path / "other" / "top_p.py").write_text(exercises.solution(shelf.find("top_p")))
    assert call("learn", "check", "--all", "--folder", "other")[0] == 0
    found = {one["id"]: one["passed"] for one in json.loads(call("learn", "list", "--json", "--folder", "other")[1])}
    assert found.pop("inference.decoding.top_p") and not any(found.values())
    assert "1 of" in call("learn", "list", "--folder", "other")[1]


def test_verdicts_as_json_are_json_alone(call):
    call("learn", "start", "top_p")
    status, out, _ = call("learn", "check", "--json")
    [verdict] = json.loads(out)
    assert status == 1 and verdict["kind"] == "broken" and not verdict["passed"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("check",), "no exercise was begun yet; `groundup learn start`"),
        (("check", "--all"), "my holds no exercise yet"),
        (("start", "topp"), "there is no exercise 'topp'; did you mean top_p"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_way_out(call, words, sentence):
    status, out, err = call("learn", *words)
    assert status == 2 and sentence in err and not out
