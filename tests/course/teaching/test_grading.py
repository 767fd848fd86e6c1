"""A teacher's flow on a class of twenty: marks as expected, whatever the files do, and nothing judged twice."""

import csv
import io
import json
import shutil
import tempfile
from pathlib import Path

import pytest

from groundup.course import shelf
from groundup.course.exercise import solution, stub
from groundup.course.teaching import feedback, grading, marks, sets
from groundup.course.teaching.points import rungs_of, rungs_passed
from groundup.course.teaching.submissions import collect
from groundup.course.verdict import Verdict
from groundup.errors import InputError

TOP_P, TOP_K = shelf.find("top_p"), shelf.find("top_k")
RIGHT = {one.name: solution(one) for one in (TOP_P, TOP_K)}
SET = sets.compose("week 3", [TOP_P, TOP_K])


def both(top_p=RIGHT["top_p"], top_k=RIGHT["top_k"]):
    return {"top_p.py": top_p, "top_k.py": top_k}


def first(line):
    """A right top_p that first does something else at every call."""
    begin = "    ordered, ids ="
    assert RIGHT["top_p"].count(begin) == 1
    return RIGHT["top_p"].replace(begin, f"    {line}\n{begin}")


def mutants(exercise, *names):
    texts = {one.name: one.text(RIGHT[exercise.name]) for one in exercise.mutants}
    return [texts[name] for name in names]


A_THIRD_OFF, TIED = mutants(TOP_K, "dropped to 0", "ties dropped by place")
LOST_SHAPE, IN_PLACE = mutants(TOP_K, "only the kept given back", "in place")
FORGED = 'import os\n    [os.write(n, b\'{"verdict": {"kind": "passed"}}\\n\') for n in (1, 2, 3)]; os._exit(0)'
WITH_OWN_MODULE = "from bounds import LEAST\n" + RIGHT["top_p"].replace("-math.inf", "LEAST")
CALLS = """
import groundup.inference.decoding.sampling as library
def top_p(logits, p):
    return library.top_p(logits, p)
"""
CLASS = {  # student: files, points for top_p and top_k, words of the first sentence that is no pass
    "s01 right": (both(), 1, 1, ""),
    "s02 zip.zip": ({f"hw/{name}": text for name, text in both().items()}, 1, 1, ""),
    "s03 renamed": (both(top_k=RIGHT["top_k"].replace("smallest_kept", "edge") + "# mine\n"), 1, 1, ""),
    "s04 with its own module": (both(top_p=WITH_OWN_MODULE) | {"bounds.py": "LEAST = float('-inf')"}, 1, 1, ""),
    "s05 stubs": (both(stub(TOP_P), stub(TOP_K)), 0, 0, "not written yet"),
    "s06 half": ({"top_p.py": RIGHT["top_p"]}, 1, 0, "no file top_k.py"),
    "s07 empty": ({"top_p.py": "", "top_k.py": "# def top_k"}, 0, 0, "nothing is written"),
    "s08 mutant": (both(top_k=A_THIRD_OFF), 1, 0.2, "can still be drawn"),
    "s09 mutant": (both(top_k=TIED), 1, 0.3, "as likely as the last one"),
    "s10 mutant": (both(top_k=LOST_SHAPE), 1, 0, "Gives back only the k tokens"),
    "s11 mutant": (both(top_k=IN_PLACE), 1, 0, "Changes its argument"),
    "s12 syntax": (both(top_p="def top_p(logits, p)\n    return"), 0, 1, "line 1"),
    "s13 latin": (both(top_p="# \xe9".encode("latin-1")), 0, 1, "is not UTF-8"),
    "s14 sleeps": (both(top_p=first("while True: pass")), 0, 1, "did not end within"),
    "s15 leaves": (both(top_p=first("import os; os._exit(0)")), 0, 1, "ended its process"),
    "s16 forges": (both(top_p=first(FORGED)), 0, 1, "ended its process"),
    "s17 eats": (both(top_p=first("bytearray(50 * 10**9)")), 0, 1, "more memory"),
    "s18 patches": (both(top_p="import torch; torch.equal = torch.allclose = lambda *a, **b: True\n" + RIGHT["top_p"]), 0, 1, "replaces torch."),
    "s19 calls": (both(top_p=CALLS), 0, 1, "the library's own"),
    "s20 =cmd|'x'!A1 <script>alert(1)</script>": (both(top_p=first("raise ValueError('<img src=x onerror=alert(1)>')")), 0, 1, "<img"),
}  # fmt: skip


def graded(folder, out, **options):
    handed, ignored = collect(folder)
    found = grading.grade(SET, handed, out, **{"timeout_s": 2.0} | options)
    return found, marks.results(SET, handed, found, ignored=ignored)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_a_class_of_twenty_gets_the_marks_it_earned(hand_in, tmp_path):
    for name, (files, *_) in CLASS.items():
        folder = hand_in(name.replace("/", "∕"), files)
    out, before = tmp_path / "marks", set(Path(tempfile.gettempdir()).glob("groundup-grade-*"))
    verdicts, found = graded(folder, out)
    marks.write(found, out)
    feedback.write(found, out)
    for student, (name, (_, *expected, words)) in zip(found["students"], CLASS.items(), strict=True):
        assert student["student"] == name.replace(".zip", "").replace("/", "∕")
        assert [row["points"] for row in student["exercises"]] == pytest.approx(expected), name
        open_ones = [row["sentence"] for row in student["exercises"] if not row["passed"]]
        assert not words or words in open_ones[0], open_ones
    assert not any(row["review"] for student in found["students"] for row in student["exercises"])
    assert set(Path(tempfile.gettempdir()).glob("groundup-grade-*")) <= before

    table = rows((out / "marks.csv").read_text())
    assert len(table) == 40 and [row["passed"] for row in table[:2]] == ["yes", "yes"]
    assert (table[15]["rungs_passed"], table[15]["rungs"], table[15]["points"]) == ("2", "5", "0.2")
    totals = rows((out / "marks_total.csv").read_text())
    assert totals[0] == {
        "student": "s01 right",
        "passed": "2",
        "exercises": "2",
        "points": "2",
        "of": "2",
        "percent": "100",
    }

    pages = sorted((out / "feedback").iterdir())
    assert len(pages) == 20 and all(page.name.startswith(f"s{number:02}") for number, page in enumerate(pages, 1))
    hostile = pages[-1].read_text()
    assert "<script" not in hostile and "<img" not in hostile and "&lt;img src=x onerror" in hostile
    assert TOP_K.hints[0].split("`")[0][:20] in pages[7].read_text() and "expected" in pages[7].read_text()

    [same_top_k, same_top_p] = sorted(
        json.loads((out / "results.json").read_text())["alike"], key=lambda one: one["exercise"]
    )
    assert same_top_k["as_the_solution"] and {"s01 right", "s02 zip", "s03 renamed"} <= set(same_top_k["students"])
    assert "s05 stubs" not in same_top_p["students"] and "s04 with its own module" not in same_top_p["students"]

    again, same = graded(folder, out, judge=never)
    assert [one.verdict for one in again] == [one.verdict for one in verdicts] and same["students"][0]["points"] == 2


def never(*arguments):
    raise AssertionError("judged twice")


def counted(asked, kind="failed", sentence="x", rung="dtype"):
    """A judge that notes what it is asked; solutions pass."""

    def judge(checker, exercise, text, path, timeout_s):
        asked.append((exercise.name, text, path))
        if text == RIGHT[exercise.name]:
            return Verdict(kind="passed", exercise=exercise.id, sentence="well")
        return Verdict(kind=kind, exercise=exercise.id, sentence=sentence, rung=rung)

    return judge


def test_only_what_changed_is_judged_again(hand_in, tmp_path):
    hand_in("a", both("one", "two"))
    folder = hand_in("b", both("one", "three"))
    asked = []
    graded(folder, tmp_path, judge=counted(asked))
    texts = [text for _, text, _ in asked]
    assert len(texts) == 2 + 4, "each solution is proved, then every attempt is judged"
    asked.clear()
    hand_in("b", {"top_k.py": "four"})
    found, _ = graded(folder, tmp_path, judge=counted(asked))
    assert {text for _, text, _ in asked} == {*RIGHT.values(), "one", "four"}  # all of a student's files may matter
    assert [one.reused for one in found] == [True, True, False, False]
    asked.clear()
    graded(folder, tmp_path, judge=counted(asked), timeout_s=3.0)
    assert len(asked) == 6, "another limit is another question"


def test_a_stopped_call_goes_on_where_it_was(hand_in, tmp_path):
    for name in ("a", "b", "c"):
        folder = hand_in(name, both(name, name))
    asked = []
    judge = counted(asked)

    def stops(*arguments):
        if arguments[2] == "c":
            raise KeyboardInterrupt
        return judge(*arguments)

    with pytest.raises(KeyboardInterrupt):
        graded(folder, tmp_path, judge=stops, workers=1)
    asked.clear()
    found, _ = graded(folder, tmp_path, judge=judge)
    assert {text for _, text, _ in asked} == {*RIGHT.values(), "c"} and len(found) == 6


def test_an_attempt_sees_its_own_students_files_and_no_others(hand_in, tmp_path):
    hand_in("a", {"x/top_p.py": "one", "x/beside.py": "", "y.py": ""})
    folder = hand_in("b", {"top_p.py": "two"})
    seen = []

    def looks(checker, exercise, text, path, timeout_s):
        if text == "one":
            seen.append((path.name, sorted(file.name for file in path.parent.parent.rglob("*"))))
        if text == "two":
            seen.append((path.name, sorted(file.name for file in path.parent.iterdir())))
        return Verdict(kind="passed", exercise=exercise.id, sentence="well")

    graded(folder, tmp_path / "out", judge=looks, workers=1)
    assert sorted(seen) == [("top_p.py", ["beside.py", "top_p.py", "x", "y.py"]), ("top_p.py", ["top_p.py"])]


def test_what_is_too_slow_beside_others_is_asked_again_alone(hand_in, tmp_path):
    folder = hand_in("a", both("slow", "slow"))
    asked = []
    graded(folder, tmp_path / "two", judge=counted(asked, rung="speed"), workers=2)
    assert [text for _, text, _ in asked].count("slow") == 4
    asked.clear()
    graded(folder, tmp_path / "one", judge=counted(asked, rung="speed"), workers=1)
    assert [text for _, text, _ in asked].count("slow") == 2


def test_a_checker_that_ends_is_a_verdict_for_a_person_and_is_not_kept(hand_in, tmp_path):
    class Dies:
        closed = 0

        def check(self, *arguments, **named):
            raise RuntimeError("the checker's process ended")

        def close(self):
            self.closed += 1

    checkers, checker = grading._Checkers(1, grading._judge), Dies()
    checkers.free.put(checker)
    verdict = checkers.judge(TOP_P, "x", Path("top_p.py"), None)
    assert verdict.kind == "broken" and "a person should read it" in verdict.sentence and checker.closed == 2
    folder = hand_in("a", both("one"))
    asked = []
    judge = counted(asked, kind="broken", sentence=grading.CHECKER_ENDED, rung="")
    for _ in range(2):
        found, results = graded(folder, tmp_path, judge=judge)
    assert found[0].review and results["students"][0]["exercises"][0]["review"]
    assert [text for _, text, _ in asked].count("one") == 2


def test_no_mark_is_given_where_the_solution_itself_does_not_pass(hand_in, tmp_path):
    def broken_machine(checker, exercise, text, path, timeout_s):
        return Verdict(kind="broken", exercise=exercise.id, sentence="no torch")

    with pytest.raises(InputError, match=r"top_\w does not pass with its own solution here \(no torch\); mend"):
        graded(hand_in("a", both()), tmp_path, judge=broken_machine)


def test_a_new_file_that_fails_gets_the_next_hint(hand_in, tmp_path):
    results = None
    for text, hint in (("a", 0), ("a", 0), ("b", 1), ("c", 2), ("d", 2)):
        handed, _ = collect(hand_in("s", both(text)))
        found = grading.grade(SET, handed, tmp_path, judge=counted([]))
        results = marks.results(SET, handed, found, earlier=results)
        row = results["students"][0]["exercises"][0]
        assert row["hint"] == TOP_P.hints[hint], text
    assert row["tries"] == 4


def test_a_rung_that_is_passed_in_part_is_not_passed():
    def stopped(rung, kind="failed"):
        return Verdict(kind=kind, exercise=TOP_P.id, sentence="x", rung=rung, rungs=("shape", "values"))

    assert rungs_of(TOP_P) == ("shape", "dtype", "invariant", "values", "speed")
    assert rungs_passed(TOP_P, stopped("values")) == ("shape", "dtype", "invariant")
    assert rungs_passed(TOP_P, stopped("speed", "broken")) == ("shape", "dtype", "invariant", "values")
    assert rungs_passed(TOP_P, stopped("", "broken")) == rungs_passed(TOP_P, stopped("shape")) == ()


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "  =x"])
def test_no_cell_begins_like_a_formula(text):
    [row] = rows(marks.table(["a"], [[text]]))
    assert row["a"] == f"'{text}"


def test_a_task_that_changed_since_its_release_is_noted(hand_in):
    text = SET.to_toml().replace(SET.tasks[0].stub_sha256, "0" * 64)
    folder = hand_in("a", both())
    (folder.parent / "set.toml").write_text(text)
    chosen = sets.read(folder.parent / "set.toml", shelf.exercises())
    [note] = marks.results(chosen, [], [])["notes"]
    assert "inference.decoding.top_p is no longer as it was handed out" in note
    shutil.rmtree(folder)
