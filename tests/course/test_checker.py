"""Whatever a learner's file does is a verdict with a sentence, and the next file is judged as if nothing had been."""

import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import pytest

from groundup import sandbox
from groundup.course import checker, shelf
from groundup.course.checker import Checker, check, check_file, check_mutants
from groundup.course.exercise import Mutant, solution, stub
from groundup.course.verdict import Verdict
from groundup.errors import InputError

TOP_P = shelf.find("top_p")
ADVANTAGES = shelf.find("group_advantages")
ENCODE = shelf.find("encode_piece")
RIGHT = solution(TOP_P)
kernel = pytest.mark.skipif(not sandbox.isolates(), reason="this kernel has no filter of system calls")


def with_first_line(line: str) -> str:
    """The right solution, that first does something else at every call."""
    begin = "    ordered, ids ="
    assert RIGHT.count(begin) == 1
    return RIGHT.replace(begin, f"    {line}\n{begin}")


def judged(text: str, **limits) -> Verdict:
    return check(TOP_P, text, "my/top_p.py", **limits)


def test_the_right_function_passes_every_rung():
    verdict = judged(RIGHT)
    assert verdict.passed and verdict.rungs == ("shape", "dtype", "invariant", "values", "speed")
    assert verdict.sentence == "top_p passes all 10 checks" and verdict.seconds > 0


def test_a_wrong_function_gets_the_mistake_the_input_and_both_results():
    verdict = judged(RIGHT.replace("mass_before >= p", "mass_before > p + 0.2"))
    assert (verdict.kind, verdict.rung, verdict.check) == ("failed", "values", "what_crosses_is_kept")
    assert verdict.rungs == ("shape", "dtype", "invariant")
    assert verdict.input == "logits = [[-0.5108, -0.9163]]\np = 0.5"
    assert (verdict.expected, verdict.got) == ("[[0]]", "[[0, 1]]")
    assert (
        verdict.text().startswith("values: Draws the line at the wrong token")
        and "  input     logits" in verdict.text()
    )


def test_a_rung_that_is_passed_in_part_is_not_passed():
    unclipped = solution(shelf.find("cosine_similarity")).replace("np.clip(", "(").replace(", -1.0, 1.0)", ")")
    verdict = check(shelf.find("cosine_similarity"), unclipped, "my/cosine_similarity.py")
    assert (verdict.rung, verdict.check) == ("invariant", "nothing_is_above_one")
    assert verdict.rungs == ("shape", "finite")


def test_a_file_is_judged_and_may_import_its_neighbours(tmp_path):
    (tmp_path / "mine_helps.py").write_text("import math\nLEAST = -math.inf\n")
    file = tmp_path / "top_p.py"
    file.write_text("from mine_helps import LEAST\n" + RIGHT.replace("-math.inf", "LEAST"))
    assert check_file(TOP_P, file).passed
    assert "is not there" in check_file(TOP_P, tmp_path / "gone.py").sentence


def test_a_pure_python_function_is_judged_too():
    assert check(ENCODE, solution(ENCODE)).passed


# ───────── whose code ran (a checker that ran the shipped solution passed an empty stub: TrenTorch/TrenTorch#71) ─────────


def test_a_deliberate_error_in_the_learners_file_surfaces():
    verdict = judged(with_first_line("raise ValueError('mine')"))
    assert (
        verdict.kind == "failed"
        and verdict.line
        and f"stops in line {verdict.line} with ValueError: mine" in verdict.sentence
    )
    assert "your file stops in line 1 with ZeroDivisionError" in judged(f"1 / 0\n{RIGHT}").sentence


def test_an_untouched_stub_an_empty_file_and_a_commented_one_have_not_passed():  # rust-lang/rustlings#855
    commented = "".join(f"# {line}\n" for line in RIGHT.splitlines())
    sentences = [judged(text).sentence for text in (stub(TOP_P), "", commented)]
    assert len(set(sentences)) == 3 and not any(judged(text).passed for text in (stub(TOP_P), "", commented))


@pytest.mark.parametrize(
    "body",
    [
        "import groundup.inference.decoding.sampling as library\n    return library.top_p(logits, p)",
        "import groundup.inference.decoding.sampling as library\n    return library.nucleus(logits, p)",
        "from groundup import slots\n    return slots.registry['inference.decoding.top_p'](logits, p)",
        "import importlib\n    return getattr(importlib.import_module('groundup.inference.decoding.sampling'), 'top' + '_p')(logits, p)",
    ],
)
def test_calling_the_librarys_own_function_is_seen(body):
    assert (
        "calls the library's own top_p; compute it yourself" in judged(f"def top_p(logits, p):\n    {body}\n").sentence
    )


def test_a_function_that_is_not_of_the_file_is_seen():
    text = "import groundup.inference.decoding.sampling as library\ndef top_p(logits, p):\n    return 1\ntop_p = library.top_p\n"
    assert not judged(text).passed
    text = "import torch\ndef top_p(logits, p):\n    return 1\ntop_p = torch.mul\n"
    assert "no line of your file ran" in judged(text).sentence


def test_half_a_function_is_not_written_yet():
    text = "def top_p(logits, p):\n    ordered = logits.sort()\n    raise NotImplementedError\n"
    assert "not written yet (line 3" in judged(text).sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def top_p(logits, p):\n    yield logits\n", "is a generator"),
        (RIGHT + "\ntop_p = 3\n", "no function any more"),
        ("def top_p(logits, p):\n    logits + 1\n", "Returns NoneType where Tensor is expected; is a return missing?"),
        ("def top_p(logits, p):\n    return logits.tolist()\n", "Returns list where Tensor is expected"),
        (with_first_line("logits.add_(1)"), "Changes its argument logits in place"),
        (with_first_line("torch.rand(1)"), "Draws random numbers from torch's global generator"),
        (with_first_line("import random; random.random()"), "Draws random numbers from random"),
        (with_first_line("import numpy; numpy.random.rand()"), "Draws random numbers from NumPy's global generator"),
        (
            with_first_line("import numpy; logits = logits + 1e-3 * numpy.random.default_rng().random()"),
            "Gives another answer",
        ),
        (with_first_line("return top_p(logits, p)"), "calls itself without end"),
        (with_first_line("logits.nothing"), "AttributeError"),
    ],
)
def test_each_kind_of_mistake_has_its_sentence(text, words):
    verdict = judged(text)
    assert not verdict.passed and words in verdict.sentence


# ───────── hostile files ─────────


@pytest.mark.parametrize("line", ["while True: pass", "import time; time.sleep(99)", "9**9**9"])
def test_a_call_without_end_is_told_with_its_check(line):
    verdict = judged(with_first_line(line), timeout_s=0.3)
    assert verdict.kind == "broken" and verdict.check == "the_shape_stays"
    assert "did not end within 0.3 s (in the check 'the shape stays')" in verdict.sentence


def test_a_file_without_end_is_told_too():
    assert "before the first check" in judged(f"while True: pass\n{RIGHT}", timeout_s=0.3).sentence


@pytest.mark.parametrize("line", ["import sys; sys.exit(0)", "raise SystemExit", "quit()"])
def test_leaving_is_no_pass(line):
    assert "ends the program (sys.exit) in line" in judged(with_first_line(line)).sentence
    assert "ends the program" in judged(f"{line}\n{RIGHT}").sentence


@pytest.mark.parametrize("line", ["import os; os._exit(0)", "import os; os._exit(1)"])
def test_ending_the_process_is_no_pass(line):
    assert "ended its process before the verdict" in judged(with_first_line(line)).sentence


def test_a_crash_is_told():
    assert "crashed the interpreter" in judged(with_first_line("import ctypes; ctypes.string_at(0)")).sentence


@pytest.mark.parametrize(
    "line", ["bytearray(50 * 10**9)", "torch.ones(50 * 10**9)", "import numpy; numpy.ones(10**11)", "[0] * 10**11"]
)
def test_fifty_gigabytes_are_too_much(line):
    verdict = judged(with_first_line(line))
    assert verdict.kind == "broken" and "asks for more memory than a check may have" in verdict.sentence


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_print_is_stopped(stream):
    verdict = judged(with_first_line(f"import sys\n    while True: print('x' * 1000, file=sys.{stream})"))
    assert "prints without end" in verdict.sentence and len(verdict.printed) <= checker.PRINTED


def test_a_little_print_is_kept():
    assert judged(with_first_line("print('here')")).printed.startswith("here\nhere\n")


@kernel
@pytest.mark.parametrize(
    "line",
    [
        "import os; os.fork()",
        "import os\n    while True: os.fork()",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.kill(os.getppid(), 9)",
        "import socket; socket.create_connection(('127.0.0.1', 9))",
    ],
)
def test_no_process_begins_and_no_connection_is_opened(line):
    assert "PermissionError" in judged(with_first_line(line)).sentence


def test_nothing_outside_is_written(tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    for line in (f"open({str(precious)!r}, 'w')", f"import os; os.remove({str(precious)!r})"):
        assert "outside the sandbox's folder" in judged(with_first_line(line)).sentence
    assert precious.read_text() == "kept"
    assert judged(with_first_line("open('here', 'w').write('x')")).passed


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        ("import torch; torch.equal = torch.allclose = lambda *a, **b: True", "torch."),
        ("import torch; torch.Tensor.tolist = lambda self: []", "torch.Tensor.tolist"),
        ("import builtins; builtins.isinstance = lambda *a: True", "isinstance"),
        ("from groundup.course import exercise; exercise.Failed.__init__ = lambda *a, **b: None", "Failed.__init__"),
        ("from groundup.course import expect; expect.same = lambda *a, **b: None", "groundup.course.expect.same"),
        ("from groundup.course import judge; judge._failure = lambda *a: None", "groundup.course.judge._failure"),
        ("import sys; sys.setprofile = lambda f: None", "sys.setprofile"),
        ("import math; math.isclose = lambda *a, **b: True", "math.isclose"),
    ],
)
def test_replacing_what_judges_is_seen(patch, name):
    for text in (
        f"{patch}\ndef top_p(logits, p):\n    return logits\n",
        f"def top_p(logits, p):\n    {patch}\n    return logits\n",
    ):
        verdict = judged(text)
        assert verdict.kind == "broken" and f"your file replaces {name}" in verdict.sentence


def test_catching_everything_does_not_help():
    text = (
        "def top_p(logits, p):\n    try:\n        while True: pass\n    except BaseException:\n        return logits\n"
    )
    assert "did not end within" in judged(text, timeout_s=0.3).sentence


def test_praise_written_on_every_handle_is_not_believed():
    verdict = '{"verdict": {"kind": "passed", "exercise": "x", "sentence": "well done", "rungs": []}}'
    forged = f"import os\n    for handle in range(3, 20):\n        try: os.write(handle, b'\\n0 {verdict}\\n')\n        except OSError: pass\n    os._exit(0)"
    assert judged(with_first_line(forged)).kind == "broken"


def sandboxes():
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("groundup-sandbox")}


def test_a_hostile_file_leaves_nothing_behind():
    assert judged(RIGHT).passed  # the warm process is there
    before, server = sandboxes(), checker.shared().process
    for line in ("import os; os._exit(0)", "open('x', 'w').write('x')", "1 / 0"):
        judged(with_first_line(line))
    left = sandboxes() - before
    for _ in range(100):  # those of tests beside this one go away by themselves
        left &= sandboxes()
        time.sleep(0.1 if left else 0)
    assert not left
    assert checker.shared().process is server and judged(RIGHT).passed


# ───────── the warm process ─────────


def test_the_warm_process_has_one_thread_and_no_settings_of_the_users(monkeypatch):
    monkeypatch.setenv("GROUNDUP_MINE", str(Path.cwd()))
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    with Checker() as own:
        verdict = own.check(TOP_P, with_first_line("import os; print(sorted(os.environ))"))
        assert verdict.passed and "SECRET_TOKEN" not in verdict.printed and "GROUNDUP_MINE" not in verdict.printed
        assert own.process is not None
        if sys.platform == "linux":
            assert len(os.listdir(f"/proc/{own.process.pid}/task")) == 1
    assert own.process is None


def test_a_process_that_was_killed_is_begun_anew():
    with Checker() as own:
        assert own.check(TOP_P, RIGHT).passed
        own.process.kill()
        own.process.wait()
        assert own.check(TOP_P, RIGHT).passed


def test_an_exercise_that_is_edited_is_read_again(tmp_path):
    pack = tmp_path / "add.py"
    (tmp_path / "reference.txt").write_text('def add(x, y):\n    """Add."""\n    return x + y\n')
    for wanted in ("3", "4"):
        pack.write_text(PACK.replace("WANTED", wanted))
        os.utime(pack, (int(wanted), int(wanted)))
        verdict = check(shelf.load(pack), "def add(x, y):\n    return x + y\n")
        assert verdict.passed == (wanted == "3")


def test_an_exercise_that_cannot_be_used_is_named(tmp_path):
    pack = tmp_path / "add.py"
    pack.write_text(PACK.replace("WANTED", "3"))
    (tmp_path / "reference.txt").write_text('def add(x, y):\n    """Add."""\n    return x + y\n')
    exercise = shelf.load(pack)
    pack.write_text("EXERCISE = 1\n")
    with pytest.raises(InputError, match="add.py cannot be used .*mend the exercise"):
        check(exercise, "def add(x, y):\n    return x + y\n")
    assert judged(RIGHT).passed


def test_a_version_that_takes_for_ever_on_a_large_input_is_too_slow():
    line = "import time; time.sleep(99 if logits.shape[1] > 1000 else 0)"
    assert "far too slow: the check of its speed" in judged(with_first_line(line), timeout_s=1.0).sentence


PACK = """
from groundup.course.exercise import Exercise, check
from groundup.course.expect import same

@check("values")
def it_adds(mine):
    '''Does not add.'''
    same(mine(1, 2), WANTED)

EXERCISE = Exercise(slot="pack.add", title="t", task="t", difficulty=1, minutes=5, hints=("a", "b", "c"), run="groundup demo",
                    checks=(it_adds,), mutants=(), reference="reference.txt")
"""


# ───────── the proof of an exercise ─────────


def test_a_mutant_that_survives_or_gets_another_sentence_is_a_fault(tmp_path):
    mutants = (
        Mutant("harmless", "x", edits=(("ordered, ids", "ordered , ids"),)),
        Mutant("another", "not these words", edits=(("-math.inf)", "0.0)"),)),
    )
    proofs = check_mutants(dataclasses.replace(TOP_P, mutants=mutants))
    assert [proof.fault == "" for proof in proofs] == [True, True, False, False]
    assert proofs[2].fault == "survives" and "'not these words' was expected" in proofs[3].fault


def test_mutants_are_judged_quickly():
    seconds = [proof.verdict.seconds for proof in check_mutants(ADVANTAGES)[2:]]
    assert statistics.median(seconds) < 2  # 0.08 where nothing else runs; a limit that only a lost warm process passes
