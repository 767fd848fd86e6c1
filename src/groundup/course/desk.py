"""The desk: a learner's folder with the exercises in it, and what is done there: begin, judge, hint, reset, note.

Every question reads the record from the disk, so what another terminal noted in the meantime is kept. Who watches a folder
(the page, `groundup learn watch`) holds it: the first one notes tries and hints, a second one only looks, and takes over
when the first has gone. A single command holds nothing and always notes.

`Saves` says when a file was saved. It waits until two looks in a row agree, since an editor that saves by renaming
leaves the file away, or empty, for a moment. Left out: two commands that note in the same millisecond; the later one wins.
"""

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.course import checker, shelf
from groundup.course import exercise as exercises
from groundup.course.attempt import broken
from groundup.course.exercise import Exercise
from groundup.course.record import Record
from groundup.course.verdict import Verdict
from groundup.errors import DiskFull, GroundupError, InputError

LOOK_EVERY = 0.2  # seconds between two looks at a watched file


def to_stderr(sentence: str) -> None:
    """Where a command says what a learner should know besides its result."""
    print(sentence, file=sys.stderr)


class Desk:
    """A learner's folder. say: gets the sentence on what had to be mended, or why nothing is noted.

    exercises: those there are, in the order of the list: the library's, or a teacher's. only_looks: why nothing is noted
    from here; "" while it is.
    """

    def __init__(
        self, folder: str | Path, say: Callable[[str], None] = to_stderr, exercises: tuple[Exercise, ...] | None = None
    ) -> None:
        self.folder, self.say, self.only_looks = Path(folder), say, ""
        self.exercises = shelf.exercises() if exercises is None else exercises
        self._held: contextlib.ExitStack | None = None

    # ───────── where things are ─────────

    def file(self, exercise: Exercise) -> Path:
        """Where an exercise is written."""
        return self.folder / f"{exercise.name}.py"

    def command(self, exercise: Exercise) -> str:
        """The command that shows the learner's function at work, with this folder in it."""
        return exercise.run.replace("--mine my ", f"--mine {shlex.quote(str(self.folder))} ")

    def record(self) -> Record:
        """The progress as the disk has it now."""
        with _in_words():
            record = Record(self.folder)
        if record.notice:
            self.say(record.notice)
        return record

    def passed(self, record: Record) -> int:
        """How many of the exercises are passed."""
        return sum(record.get(one.id).passed for one in self.exercises)

    def find(self, word: str = "") -> Exercise:
        """The exercise that is named, or the one that the learner is at; InputError where it is none."""
        current = self.record().current
        if not (word or current):
            raise InputError("no exercise was begun yet; `groundup learn start` begins the first")
        return shelf.find(word or current, self.exercises)

    def current(self, record: Record) -> Exercise | None:
        """The exercise that was touched last; None before the first, and for one that is not known here."""
        return next((one for one in self.exercises if one.id == record.current), None)

    def next(self, record: Record, after: Exercise | None = None) -> Exercise | None:
        """The first exercise that is not passed, from the one behind `after` round to it; None when all are."""
        ids = [one.id for one in self.exercises]
        start = ids.index(after.id) + 1 if after and after.id in ids else 0
        round_trip = self.exercises[start:] + self.exercises[:start]
        return next((one for one in round_trip if not record.get(one.id).passed and one != after), None)

    # ───────── what is done ─────────

    def begin(self, exercise: Exercise) -> None:
        """Write the stub, if no file is there, and note where the learner is."""
        with self._writing():
            if not self.file(exercise).exists():
                files.write_text(self.file(exercise), exercises.stub(exercise))
            self.record().started(exercise.id)

    def judge(self, exercise: Exercise) -> Verdict:
        """The verdict on the file as it is now; also where the checker itself fails."""
        try:
            return checker.check_file(exercise, self.file(exercise))
        except (GroundupError, RuntimeError) as error:
            return broken(exercise, str(error))

    def note(self, exercise: Exercise, verdict: Verdict) -> None:
        """Note a try and whether it passed; who only looks notes nothing."""
        with contextlib.suppress(OnlyLooks), self._writing():
            self.record().tried(exercise.id, verdict.passed)

    def hint(self, exercise: Exercise) -> int:
        """Note that the next hint is read, if there is one; how many are read now."""
        read = min(self.record().get(exercise.id).hints, len(exercise.hints))
        if read == len(exercise.hints):
            return read
        with self._writing():
            self.record().hinted(exercise.id)
        return read + 1

    def reset(self, exercise: Exercise) -> Path | None:
        """Put the stub back; the name under which the old text is kept, None where there was none to keep."""
        file, stub = self.file(exercise), exercises.stub(exercise)
        with self._writing():
            old = file.read_bytes() if file.exists() else b""
            before = _free_name(file, old) if old not in (b"", stub.encode()) else None
            if before:
                files.write_bytes(before, old)  # first the copy: no kill leaves the learner without the text
            files.write_text(file, stub)
        return before

    # ───────── who may note ─────────

    def hold(self) -> bool:
        """Try to be the one who notes; whether that is so."""
        if self._held is None:
            held = contextlib.ExitStack()
            try:
                with _in_words():
                    held.enter_context(files.lock(self.folder))
            except (InputError, DiskFull) as error:
                self.only_looks = str(error)
            except GroundupError as error:
                busy = str(error).partition(";")[0].replace("another command", "another page or watch")
                self.only_looks = f"{busy}; verdicts show here and nothing is noted until that one ends"
            else:
                if self.only_looks:
                    self.say(f"{self.folder} is free now; tries and hints are noted here again")
                self._held, self.only_looks = held, ""
        return self._held is not None

    def release(self) -> None:
        """Let another one note."""
        if self._held is not None:
            self._held.close()
            self._held = None

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Around every change: refused to one who only looks, unless the other has gone by now."""
        if self.only_looks and not self.hold():
            raise OnlyLooks(self.only_looks)
        with _in_words():
            yield


class OnlyLooks(GroundupError):
    """A change that another page or watch may make, and this one may not."""

    exit_status = 2


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """The system's refusals as sentences with this verb's way out."""
    try:
        yield
    except InputError as error:
        raise InputError(str(error).replace("with --out", "with --folder")) from error
    except OSError as error:
        name = error.filename or "the folder"
        raise InputError(f"{name} cannot be used ({error.strerror}); check its permissions") from error


def _free_name(file: Path, old: bytes) -> Path:
    """`<name>.py.before`, or with a number where that holds another text: no reset loses what an earlier one kept."""
    name, number = file.with_name(f"{file.name}.before"), 2
    while name.exists() and name.read_bytes() != old:
        name, number = file.with_name(f"{file.name}.before{number}"), number + 1
    return name


class Saves:
    """When a file was saved. seen: how many states of it were told; there: whether the last one was a file."""

    def __init__(self, file: Path) -> None:
        self.file, self.seen, self.there = file, 0, False
        self._last: Any = ...
        self._told: Any = ...

    def new(self) -> bool:
        """Look: True once for each state, its first one too, as soon as two looks in a row found it."""
        now = self._state()
        settled, self._last = now == self._last, now
        if not settled or now == self._told:
            return False
        self._told, self.there, self.seen = now, now is not None, self.seen + 1
        return True

    @property
    def saved(self) -> bool:
        """Whether the state that was told last came from a save: the first is only how the file was found."""
        return self.seen > 1 and self.there

    def _state(self) -> tuple[int, int, int] | None:
        """What changes with a save; None where no file is."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
