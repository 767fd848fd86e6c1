"""The learner's page under its own pilot: keys pressed, files saved beside it, and what then stands on the screen."""

import asyncio
import contextlib
import os
import sys
import time

import pytest
from textual.widgets import OptionList, ProgressBar, Static

from groundup.course import checker, shelf
from groundup.course.desk import Desk
from groundup.course.exercise import solution, stub
from groundup.course.page import app as page_app
from groundup.course.page import words
from groundup.course.page.app import Page, Solution, lend
from groundup.course.record import Entry
from groundup.course.verdict import Verdict

TOP_P, TOP_K = shelf.find("top_p"), shelf.find("top_k")
RIGHT = solution(TOP_P)
WRONG = RIGHT.replace("mass_before >= p", "mass_before > p + 0.2")
PATIENCE = 30.0  # seconds until a test gives up


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDUP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(page_app, "LOOK_EVERY", 0.03)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return Desk(tmp_path / "my")


def visit(desk, script, exercise=TOP_P, size=(80, 24)):
    """Open the page, let `script(page, pilot)` use it, close it."""

    async def run():
        page = Page(desk, exercise)
        async with page.run_test(size=size) as pilot:
            await until(pilot, lambda: page.exercise.id in page.verdicts)
            await script(page, pilot)

    asyncio.run(run())


async def until(pilot, true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "nothing happened"
        await pilot.pause(0.05)
    await pilot.pause()


async def save(page, pilot, text):
    """Save as an editor does, and wait for the verdict."""
    before = page.verdicts[page.exercise.id]
    page.desk.file(page.exercise).write_text(text)
    await until(pilot, lambda: page.verdicts[page.exercise.id] is not before)


def shown(page, part):
    return str(page.part(part, Static).content)


def test_from_the_stub_over_a_wrong_save_to_the_pass_and_on_to_the_next(desk):
    async def script(page, pilot):
        assert desk.file(TOP_P).read_text() == stub(TOP_P) and "not written yet" in shown(page, "#verdict-text")
        assert desk.record().get(TOP_P.id).tries == 0, "the file as it was found is no try"
        await save(page, pilot, WRONG)
        text = shown(page, "#verdict-text")
        assert "✓ invariant   ✗ values" in text and "expected  [[0]]" in text and "got       [[0, 1]]" in text
        await pilot.press("s")
        assert "have not passed top_p yet" in shown(page, "#say")
        await save(page, pilot, RIGHT)
        assert "passes all 10 checks" in shown(page, "#verdict-text") and "1 try" not in shown(page, "#task-text")
        assert page.part("#bar", ProgressBar).progress == 1
        assert shown(page, "#count") == f"1 of {len(desk.exercises)}"
        await pilot.press("s")
        assert isinstance(page.screen, Solution)
        await pilot.press("escape", "n")
        assert page.exercise == desk.next(desk.record(), TOP_P) and desk.file(page.exercise).exists()

    visit(desk, script)
    assert desk.record().get(TOP_P.id) == Entry(TOP_P.id, passed=True, tries=2)


def test_a_save_while_the_solution_is_open_is_judged_behind_it(desk):
    async def script(page, pilot):
        await save(page, pilot, RIGHT)
        await pilot.press("s")
        await save(page, pilot, WRONG)
        assert isinstance(page.screen, Solution) and "✗ values" in shown(page, "#verdict-text")

    visit(desk, script)


def test_the_list_is_a_screen_of_its_own_at_80_columns_and_stands_beside_at_160(desk):
    async def narrow(page, pilot):
        left, right = page.part("#left", page_app.Vertical), page.part("#right", page_app.Vertical)
        assert right.size.width == 80 and not left.display
        await pilot.press("l")
        assert left.size.width == 80 and not right.display
        await pilot.press("escape")
        assert right.display and not left.display

    async def wide(page, pilot):
        assert page.part("#left", page_app.Vertical).display and page.part("#right", page_app.Vertical).size.width > 100

    visit(desk, narrow)
    visit(desk, wide, size=(160, 40))


def test_typing_filters_the_list_and_enter_goes_there(desk):
    async def script(page, pilot):
        await pilot.press("l", *"nucleus")
        names = [one.id for one in page.part("#list", OptionList).options if one.id]
        assert names == [TOP_P.id]
        await pilot.press(*["backspace"] * 7, *"top_", "up", "down", "up", "enter")
        assert page.exercise == TOP_K and desk.current(desk.record()) == TOP_K

    visit(desk, script)


def test_words_that_no_exercise_has_lead_nowhere(desk):
    async def script(page, pilot):
        await pilot.press("l", *"zzz", "down", "enter")
        assert page.exercise == TOP_P

    visit(desk, script)


def test_hints_come_one_by_one_and_stay(desk):
    async def script(page, pilot):
        await pilot.press("h", "h")
        assert TOP_P.hints[1] in shown(page, "#hints") and TOP_P.hints[2] not in shown(page, "#hints")
        await pilot.press("h", "h")
        assert shown(page, "#hints").count("of 3") == 3

    visit(desk, script)
    assert desk.record().get(TOP_P.id).hints == 3


def test_a_reset_asks_once_and_keeps_the_text(desk):
    async def script(page, pilot):
        await save(page, pilot, WRONG)
        await pilot.press("x", "n")
        assert desk.file(TOP_P).read_text() == WRONG
        await pilot.press("x", "y")
        await until(pilot, lambda: desk.file(TOP_P).read_text() == stub(TOP_P))
        assert "top_p.py.before" in shown(page, "#say")
        await until(pilot, lambda: "not written yet" in shown(page, "#verdict-text"))

    visit(desk, script)
    assert (desk.folder / "top_p.py.before").read_text() == WRONG and desk.record().get(TOP_P.id).tries == 1


def test_a_file_that_vanished_is_said_and_comes_back_by_a_key(desk):
    async def script(page, pilot):
        desk.file(TOP_P).unlink()
        await until(pilot, lambda: "is gone; x puts the stub back" in shown(page, "#say"))
        await until(pilot, lambda: "is not there" in shown(page, "#verdict-text"))
        await pilot.press("x")
        await until(pilot, lambda: "not written yet" in shown(page, "#verdict-text"))

    visit(desk, script)
    assert desk.record().get(TOP_P.id).tries == 0


def test_a_progress_file_that_is_lost_meanwhile_comes_back_and_that_is_said(desk):
    async def script(page, pilot):
        await save(page, pilot, RIGHT)
        (desk.folder / "progress.txt").unlink()
        await pilot.press("h")
        assert "came back from its backup" in shown(page, "#say") and "1 of" in shown(page, "#count")

    visit(desk, script)


def test_a_second_page_says_so_shows_verdicts_and_notes_nothing(desk):
    first = Desk(desk.folder)
    first.begin(TOP_P)
    first.hold()

    async def script(page, pilot):
        assert "in use by another page or watch" in shown(page, "#say")
        await save(page, pilot, RIGHT)
        assert "passes all" in shown(page, "#verdict-text")
        await pilot.press("h", "x", "y")
        assert desk.file(TOP_P).read_text() == RIGHT

    visit(desk, script)
    first.release()
    assert desk.record().get(TOP_P.id) == Entry(TOP_P.id)


def test_a_folder_that_cannot_be_written_does_not_end_the_page(tmp_path, desk):
    (tmp_path / "file").write_text("")
    blocked = Desk(tmp_path / "file" / "my")

    async def script(page, pilot):
        assert "choose another name" in shown(page, "#say")
        await pilot.press("h", "n", "c", "l", "escape")
        assert page.is_running

    visit(blocked, script)


def test_quitting_does_not_wait_for_a_loop_without_end(desk):
    async def script(page, pilot):
        desk.file(TOP_P).write_text("def top_p(logits, p):\n    while True: pass\n")
        await until(pilot, lambda: page.judging is not None)
        await pilot.press("q")

    visit(desk, script)
    process = checker.shared().process
    assert process is None or process.wait(PATIENCE) != 0


# ───────── other programs in the same terminal ─────────

RUNS = [("hello", 0), ("again", 3), ("never", 0)]  # what each prints, and its status


@pytest.fixture
def lent(monkeypatch):
    """What the terminal was lent to."""
    calls = []
    monkeypatch.setattr(Page, "suspend", lambda page: contextlib.nullcontext())
    monkeypatch.setattr(page_app, "lend", lambda programs, command, *, wait: calls.append((programs, wait)))
    return calls


def test_run_gives_the_terminal_to_the_exercises_command_with_this_folder(desk, lent):
    async def script(page, pilot):
        await pilot.press("r")

    visit(desk, script)
    [(programs, wait)] = lent
    assert wait and all(program[:3] == [sys.executable, "-m", "groundup.cli"] for program in programs)
    assert [program[3:5] for program in programs] == [["demo", "--fast"], ["--mine", str(desk.folder)]]


def test_edit_opens_the_file_in_the_learners_editor_with_its_own_flags(desk, lent, monkeypatch):
    monkeypatch.setenv("EDITOR", "nano")
    monkeypatch.setenv("VISUAL", "code --wait")

    async def script(page, pilot):
        await pilot.press("e")

    visit(desk, script)
    assert lent == [([["code", "--wait", str(desk.file(TOP_P))]], False)]


def test_no_editor_a_wrong_one_and_a_terminal_that_cannot_be_lent_are_sentences(desk, monkeypatch):
    async def script(page, pilot):
        await pilot.press("e")
        assert "no editor is set" in shown(page, "#say") and "set EDITOR" in shown(page, "#say")
        monkeypatch.setenv("EDITOR", "no-such-editor")
        await pilot.press("e")
        assert "this terminal cannot be lent" in shown(page, "#say")
        monkeypatch.setattr(Page, "suspend", lambda page: contextlib.nullcontext())
        await pilot.press("e")
        assert "no-such-editor cannot be started" in shown(page, "#say")

    visit(desk, script)


def test_a_lent_terminal_says_the_command_and_how_it_ended(capfd, monkeypatch):
    reading, writing = os.pipe()
    os.write(writing, b"\n")
    monkeypatch.setattr(sys, "stdin", os.fdopen(reading))
    programs = [[sys.executable, "-c", f"print({word!r}); raise SystemExit({status})"] for word, status in RUNS]
    lend(programs, "groundup x", wait=True)
    os.close(writing)
    assert capfd.readouterr().out.split("\n")[:5] == [
        "$ groundup x",
        "hello",
        "again",
        "",
        "it ended with status 3; Enter leads back to the page ",
    ]


# ───────── words ─────────


def test_the_line_that_is_named_is_shown_and_what_was_printed_obeys_nothing():
    found = Verdict(
        kind="failed", exercise=TOP_P.id, sentence="Stops.", rung="shape", line=2, printed="\x1b[2J[b]\x07\n" * 9
    )
    text = words.judgement(TOP_P, found, "def top_p(logits, p):\n    return 1 / 0\n", "groundup demo").plain
    assert "line 2    return 1 / 0" in text and "✗ shape" in text
    assert text.count("[b]") == words.PRINTED_LINES and "(3 more lines)" in text and "\x1b" not in text
