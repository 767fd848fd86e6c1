"""`groundup learn` without a terminal, `learn status`, and a watch that ends at Ctrl-C."""

import json
import os
import signal
import subprocess
import sys

import pytest

from groundup.course import exercise as exercises
from groundup.course import shelf
from groundup.slots import HOUSE


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))


def test_without_a_terminal_the_list_and_two_ways_on_are_printed(call, tmp_path):
    status, out, err = call("learn")
    assert (
        status == 0 and "top_p" in out and "groundup learn start" in out and "groundup learn watch" in out and not err
    )
    assert "--folder other" in call("learn", "--folder", "other")[1] and not list(tmp_path.glob("*/top_p.py"))


def test_an_exercise_that_is_not_known_is_a_sentence(call):
    status, out, err = call("learn", "--exercise", "topp")
    assert status == 2 and "did you mean top_p" in err and not out


def test_status_leads_from_nothing_over_an_open_exercise_to_the_next(call, tmp_path):
    first = shelf.exercises()[0].name
    assert call("learn", "status")[1] == f"0 of {len(shelf.exercises())} passed\nnext: groundup learn start {first}\n"
    call("learn", "start", "top_p")
    call("learn", "hint")
    out = call("learn", "status")[1]
    assert "at top_p, not passed yet" in out and "hints 1, tries 0, my/top_p.py" in out
    assert out.endswith("next: groundup learn check\n")
    (tmp_path / "my" / "top_p.py").write_text(exercises.solution(shelf.find("top_p")))
    call("learn", "check")
    found = json.loads(call("learn", "status", "--json")[1])
    assert found["passed"] == 1 and found["next"] == f"groundup learn start {first}"
    assert found["current"]["passed"] and found["current"]["tries"] == 1


def watching(*arguments):
    """A watch in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "groundup.cli", "learn", "watch", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(HOUSE.parent)},
        preexec_fn=_hears_ctrl_c,
    )


def _hears_ctrl_c():
    """A shell's background job, such as the tests may be, ignores SIGINT and hands that on."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_for(stream, words):
    """Read lines until one has the words."""
    for line in stream:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")


def test_two_watches_judge_one_file_one_notes_and_ctrl_c_is_quiet(call, tmp_path):
    call("learn", "start", "top_p")
    file = tmp_path / "my" / "top_p.py"
    with watching() as first:
        wait_for(first.stdout, "not written yet")
        with watching() as second:
            assert "verdicts show here and nothing is noted" in wait_for(second.stderr, "in use")
            wait_for(second.stdout, "not written yet")
            file.unlink()
            for one in (first, second):
                wait_for(one.stdout, "is not there")
            file.write_text(exercises.solution(shelf.find("top_p")))
            for one in (second, first):
                wait_for(one.stdout, "passes all")
            for one in (second, first):
                one.send_signal(signal.SIGINT)
                assert "Traceback" not in one.communicate()[1] and one.returncode == 0
    assert json.loads(call("learn", "status", "--json")[1])["current"]["tries"] == 2
