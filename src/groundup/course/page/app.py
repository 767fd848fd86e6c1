"""The learner's page: the exercises left, the task and the verdict right; it watches the file, you save it in your own editor.

The page does nothing itself: `desk.py` knows the folder and `checker.py` judges, in a thread, so that no key ever waits. A
save during a check is seen when the check is done. What goes wrong (no permission, a damaged record, a second page) is
one sentence above the keys, and the page goes on. Below 110 columns the list is a screen of its own, behind the key l.

Left out: editing in the page, and a check that is broken off; an endless loop ends at the checker's own limit.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.syntax import Syntax
from rich.text import Text
from textual import on, work
from textual.app import App, ComposeResult, SuspendNotSupported
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer, Input, OptionList, ProgressBar, Static
from textual.widgets.option_list import Option

from groundup.course import checker
from groundup.course.desk import LOOK_EVERY, Desk, Saves
from groundup.course.exercise import Exercise, solution
from groundup.course.page import words
from groundup.course.verdict import Verdict
from groundup.errors import GroundupError

Part = TypeVar("Part", bound=Widget)
WIDTHS = [(0, "-narrow"), (110, "-wide")]  # from 110 columns on the list stands beside the task


class Solution(ModalScreen[None]):
    """The library's own text of a function, until Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,s,q", "dismiss", "Back", key_display="esc")]

    def __init__(self, exercise: Exercise) -> None:
        super().__init__()
        self.exercise = exercise

    def compose(self) -> ComposeResult:
        """The source, which scrolls, and the key that leads back."""
        with VerticalScroll(id="solution") as area:
            area.border_title = self.exercise.id
            yield Static(Syntax(solution(self.exercise), "python", theme="ansi_dark", word_wrap=True))
        yield Footer()


class Question(ModalScreen[bool]):
    """A question that y or n answers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,q", "dismiss(False)", "No"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        """The question above its two keys."""
        yield Static(Text(self.text), id="question")
        yield Footer()


class Filter(Input):
    """The line that filters the list; the arrows move the list meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.move_in_list('cursor_down')", "Down"),
        Binding("up", "app.move_in_list('cursor_up')", "Up"),
        Binding("pagedown", "app.move_in_list('page_down')", show=False),
        Binding("pageup", "app.move_in_list('page_up')", show=False),
        Binding("enter", "submit", "Go"),
        Binding("escape", "app.leave_list", "Back"),
    ]


@dataclass
class Judged(Message):
    """A verdict from the thread. counts: whether a save was judged, and not the file as it was found."""

    exercise: Exercise
    verdict: Verdict
    counts: bool


class Page(App[None]):
    """The page over a desk, at an exercise. mended: what there is to say when it opens."""

    CSS_PATH = "page.tcss"
    TITLE = "groundup learn"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "#verdict"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("h", "hint", "Hint"),
        Binding("l", "list", "List"),
        Binding("r", "run", "Run"),
        Binding("c", "check", "Check"),
        Binding("e", "edit", "Edit"),
        Binding("x", "reset", "Reset"),
        Binding("s", "solution", "Solution"),
        Binding("n", "next", "Next"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, desk: Desk, exercise: Exercise, mended: Sequence[str] = ()) -> None:
        super().__init__()
        self.desk, self.exercise, self.mended = desk, exercise, mended
        self.verdicts: dict[str, Verdict] = {}
        self.judging: Exercise | None = None
        desk.say = self.say

    def compose(self) -> ComposeResult:
        """Progress above, list and exercise between, one sentence and the keys below."""
        with Horizontal(id="head"):
            yield Static("groundup learn", id="name")
            yield Static(id="count")
            yield ProgressBar(show_percentage=False, show_eta=False, id="bar")
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield Filter(placeholder="type a part of a name", id="filter", compact=True)
                yield OptionList(id="list", compact=True)
            with Vertical(id="right"):
                with VerticalScroll(id="task"):
                    yield Static(id="task-text")
                with VerticalScroll(id="verdict") as area:
                    area.border_title = "verdict"
                    yield Static(id="verdict-text")
                    yield Static(id="hints")
        yield Static(id="say")
        yield Footer()

    def on_mount(self) -> None:
        """Warm the checker, and begin to look."""
        checker.shared().start()
        self.part("#list", Widget).can_focus = False  # the filter has the keys, and hands the arrows on
        self.desk.hold()
        self._open(self.exercise)
        if told := [*self.mended, *filter(None, [self.desk.only_looks])]:
            self.say("\n".join(told))
        self.set_interval(LOOK_EVERY, self._look)

    def on_unmount(self) -> None:
        """Give the folder back, and do not wait for a check that still runs."""
        self.desk.release()
        if self.judging and (process := checker.shared().process):
            process.kill()

    # ───────── what is shown ─────────

    def part(self, selector: str, kind: type[Part]) -> Part:
        """A part of the page, also while a question or a solution lies over it."""
        return self.screen_stack[0].query_one(selector, kind)

    def say(self, sentence: str) -> None:
        """One sentence above the keys, until the next."""
        line = self.part("#say", Static)
        line.display = bool(sentence)
        line.update(Text(words.printable(sentence)))

    @contextlib.contextmanager
    def _saying(self) -> Iterator[None]:
        """A user's mistake is a sentence, and the page goes on."""
        try:
            yield
        except GroundupError as error:
            self.say(str(error))

    def _show(self) -> None:
        """Draw everything anew from the record, the verdict and the file."""
        record, exercise = self.desk.record(), self.exercise
        done, all_of_them = self.desk.passed(record), len(self.desk.exercises)
        self.part("#count", Static).update(f"{done} of {all_of_them}")
        self.part("#bar", ProgressBar).update(total=all_of_them, progress=done)
        entry, file = record.get(exercise.id), self.desk.file(exercise)
        self.part("#task-text", Static).update(words.task(exercise, entry, str(file)))
        self.part("#hints", Static).update(words.hints(exercise, entry.hints))
        self._show_verdict()
        self._show_list()

    def _show_verdict(self) -> None:
        """The verdict, and whether another is on its way."""
        exercise, found = self.exercise, self.verdicts.get(self.exercise.id)
        title = "the last save" if self.saves.saved else "the file as it is"
        self.part("#verdict", Widget).border_title = "judging …" if self.judging else title
        if found is None:
            text = Text("the checker starts; save the file and its verdict comes here", "dim")
        else:
            text = words.judgement(exercise, found, self._source(), self.desk.command(exercise))
        self.part("#verdict-text", Static).update(text)

    def _source(self) -> str:
        try:
            return self.desk.file(self.exercise).read_text("utf-8", "replace")
        except OSError:
            return ""

    def _show_list(self) -> None:
        """The exercises that the filter lets through, under their rooms; the one at hand is marked."""
        shown, typed = self.part("#list", OptionList), self.part("#filter", Input).value
        record, found = self.desk.record(), [one for one in self.desk.exercises if words.found_by(one, typed)]
        width = max((len(one.name) for one in found), default=0)
        options: list[Option] = []
        for name in dict.fromkeys(map(words.room, found)):
            of_room = [one for one in self.desk.exercises if words.room(one) == name]
            done = sum(record.get(one.id).passed for one in of_room)
            options.append(Option(words.heading(name, done, len(of_room)), disabled=True))
            options += [Option(words.row(record, one, width), one.id) for one in found if words.room(one) == name]
        shown.set_options(options or [Option("no exercise has these words", disabled=True)])
        at = next((place for place, one in enumerate(options) if one.id == self.exercise.id), None)
        shown.highlighted = at if at is not None else 1 if found else None

    # ───────── the file ─────────

    def _open(self, exercise: Exercise) -> None:
        """Go to an exercise: its file is written if it is not there, and watched from now on."""
        self.exercise, self.saves = exercise, Saves(self.desk.file(exercise))
        self.say("")
        with self._saying():
            record = self.desk.record()
            if record.current != exercise.id or not self.desk.file(exercise).exists():
                self.desk.begin(exercise)
        self._redraw()
        for area in ("#task", "#verdict"):
            self.part(area, Widget).scroll_home(animate=False)

    def _redraw(self) -> None:
        with self._saying():
            self._show()

    def _look(self) -> None:
        """Judge the file if it was saved; while a check runs, the next look comes after it."""
        if self.judging is None and self.saves.new():
            self._begin_check(self.saves.saved)
            if not self.saves.there and self.saves.seen > 1:
                self.say(f"{self.saves.file} is gone; x puts the stub back")

    def _begin_check(self, counts: bool) -> None:
        self.judging = self.exercise
        self._show_verdict()
        self._judge(self.exercise, counts)

    @work(thread=True)
    def _judge(self, exercise: Exercise, counts: bool) -> None:
        """In a thread: ask the checker, and hand its verdict back."""
        self.post_message(Judged(exercise, self.desk.judge(exercise), counts))

    @on(Judged)
    def _judged(self, found: Judged) -> None:
        """Note and show a verdict; the file as it was found is no try, but a pass is one at any time."""
        self.judging = None
        exercise, verdict = found.exercise, found.verdict
        self.verdicts[exercise.id] = verdict
        with self._saying():
            if found.counts or (verdict.passed and not self.desk.record().get(exercise.id).passed):
                self.desk.note(exercise, verdict)
        self._redraw()
        self.part("#verdict", Widget).scroll_home(animate=False)

    # ───────── the keys ─────────

    def action_check(self) -> None:
        """Judge now."""
        if self.judging is None:
            self._begin_check(counts=self.desk.file(self.exercise).exists())

    def action_hint(self) -> None:
        """Read one more hint."""
        with self._saying():
            self.desk.hint(self.exercise)
        self._redraw()
        self.part("#verdict", Widget).scroll_end(animate=False)

    def action_list(self) -> None:
        """To the list."""
        self.screen.add_class("listing")
        self._show_list()
        self.part("#filter", Widget).focus()

    def action_leave_list(self) -> None:
        """From the list to the exercise."""
        self.part("#filter", Input).value = ""
        self.screen.remove_class("listing")
        self.part("#verdict", Widget).focus()

    def action_move_in_list(self, how: str) -> None:
        """One of the list's own moves."""
        getattr(self.part("#list", OptionList), f"action_{how}")()

    def action_next(self) -> None:
        """To the next exercise that is not passed."""
        with self._saying():
            following = self.desk.next(self.desk.record(), self.exercise)
            if following is None:
                self.say("there is no other exercise left to pass; l lists them all")
            else:
                self._open(following)

    def action_solution(self) -> None:
        """Show the library's own function, after a pass."""
        with self._saying():
            if self.desk.record().get(self.exercise.id).passed:
                self.push_screen(Solution(self.exercise))
            else:
                self.say(f"you have not passed {self.exercise.name} yet; h reads a hint")

    @work
    async def action_reset(self) -> None:
        """Ask once, then put the stub back and keep the old text."""
        exercise, name = self.exercise, self.desk.file(self.exercise)
        if not name.exists() or await self.push_screen_wait(
            Question(f"Put the stub back into {name}? Your text is kept beside it.")
        ):
            with self._saying():
                kept = self.desk.reset(exercise)
                if exercise is self.exercise:
                    self.saves = Saves(name)  # found anew: the stub is no try
                self.say(f"{name} is the stub again; " + (f"your text is in {kept}" if kept else "nothing was lost"))

    def action_run(self) -> None:
        """The exercise's command, with the terminal to itself."""
        command = self.desk.command(self.exercise)
        if not command:
            return self.say("nothing calls this function yet; e edits it, n is the next one")
        programs = [shlex.split(part) for part in command.split(" && ")]
        assert all(program[0] == "groundup" for program in programs), f"{self.exercise.id} runs {command}"
        self._lend([[sys.executable, "-m", "groundup.cli", *rest] for _, *rest in programs], command, wait=True)

    def action_edit(self) -> None:
        """The file in the learner's editor."""
        file = self.desk.file(self.exercise)
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
        if editor.strip():
            self._lend([[*shlex.split(editor), str(file)]], f"{editor} {file}", wait=False)
        else:
            self.say(f"no editor is set; open {file} in yours, or set EDITOR (export EDITOR=nano)")

    def _lend(self, programs: list[list[str]], command: str, *, wait: bool) -> None:
        """Give the terminal to programs, one after another."""
        self.say("")
        try:
            with self.suspend():
                lend(programs, command, wait=wait)
        except SuspendNotSupported:
            self.say(f"this terminal cannot be lent; in another one: {command}")
        except OSError as error:
            self.say(f"{programs[0][0]} cannot be started ({error.strerror}); check VISUAL and EDITOR")

    # ───────── the list ─────────

    @on(Input.Changed, "#filter")
    def _filter(self) -> None:
        with self._saying():
            self._show_list()

    @on(Input.Submitted, "#filter")
    def _go(self) -> None:
        shown = self.part("#list", OptionList)
        if shown.highlighted is not None:
            shown.action_select()

    @on(OptionList.OptionSelected, "#list")
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        chosen = next(one for one in self.desk.exercises if one.id == event.option.id)
        self.action_leave_list()
        self._open(chosen)


def lend(programs: list[list[str]], command: str, *, wait: bool) -> None:
    """Run programs in the foreground, up to the first that fails; Ctrl-C is for them alone. wait: until Enter, so that the last words can be read."""
    before = signal.signal(signal.SIGINT, lambda *_: None)  # a handler, not SIG_IGN, which the program would inherit
    try:
        print(f"$ {command}", flush=True)
        status = 0
        for arguments in programs:
            status = status or subprocess.run(arguments, check=False).returncode
        if wait:
            ended = "" if status == 0 else f"it ended with status {status}; "
            print(f"\n{ended}Enter leads back to the page ", end="", flush=True)
            sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before)
