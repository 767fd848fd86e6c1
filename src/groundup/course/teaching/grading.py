"""Every attempt of a class judged, in parallel and each only once: a second call judges what changed.

One warm checker a worker judges attempt after attempt (`checker.py`), so whatever a file does is a verdict, in the limits of
time and memory that the checker holds. A verdict is kept in the results' folder as soon as it is known, under a key of all
that it depends on: the student's files, the exercise, the limit of time, the library's version. What was stopped goes on there.

A rung of speed that fails while others run beside it is asked again alone, so no mark depends on the machine's load. Before
the first attempt each exercise must pass with its own solution here; else the machine is at fault, and nobody gets a mark.
"""

import hashlib
import os
import queue
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import groundup
from groundup import files, progress
from groundup.course.attempt import broken
from groundup.course.checker import Checker
from groundup.course.exercise import Exercise, solution, source_of
from groundup.course.teaching.sets import ExerciseSet, Task, checksum
from groundup.course.teaching.submissions import Refused, Submission
from groundup.course.verdict import Verdict
from groundup.errors import InputError

KEPT = "verdicts.jsonl"  # in the results' folder: a line a verdict, the key first
CHECKER_ENDED = "the checker ended while it judged this file; a person should read it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Graded:
    """One student's attempt at one task. path: inside the submission, "" where no file was found; text: what was judged."""

    student: str
    task: Task
    verdict: Verdict
    path: str = ""
    text: str = ""
    key: str = ""
    reused: bool = False

    @property
    def untouched(self) -> bool:
        """Whether the file is the stub as it was handed out."""
        return bool(self.text) and checksum(self.text) == self.task.stub_sha256

    @property
    def review(self) -> bool:
        """Whether a person should look, since the verdict says more of the checker than of the file."""
        return self.verdict.sentence == CHECKER_ENDED


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A file that can be judged, with the files beside it."""

    submission: Submission
    task: Task
    path: str
    text: str
    key: str


def grade(
    chosen: ExerciseSet,
    submissions: Sequence[Submission],
    folder: Path,
    *,
    workers: int = 0,
    timeout_s: float | None = None,
    judge: Callable[[Checker, Exercise, str, Path, float | None], Verdict] | None = None,
) -> list[Graded]:
    """Judge every attempt; in the order of the students and of the set.

    folder: where verdicts are kept between calls. workers: processes; 0: one a core. timeout_s: for each attempt, in place
    of the exercise's own.
    """
    read = [_read(one, task, timeout_s) for one in submissions for task in chosen.tasks]
    kept = _kept(folder / KEPT)
    todo = {one.key: one for one in read if isinstance(one, Attempt) and one.key not in kept}
    workers = min(workers or os.cpu_count() or 1, max(len(todo), 1))
    fresh: dict[str, Verdict] = {}
    with _Checkers(workers, judge or _judge) as checkers:
        if todo:
            _prove({one.task.exercise.id: one.task.exercise for one in todo.values()}.values(), checkers)
        with progress.progress(len(todo), "grading", "attempts") as bar:
            for key, verdict in checkers.judge_all(list(todo.values()), timeout_s):
                fresh[key] = verdict
                if verdict.sentence != CHECKER_ENDED:
                    files.append_jsonl(folder / KEPT, {"key": key, "verdict": asdict(verdict)})
                bar.update(1)
    known = kept | fresh
    used = list(dict.fromkeys(one.key for one in read if isinstance(one, Attempt)))
    keep = [key for key in used if known[key].sentence != CHECKER_ENDED]
    files.write_jsonl(folder / KEPT, ({"key": key, "verdict": asdict(known[key])} for key in keep))
    return [one if isinstance(one, Graded) else _graded(one, known[one.key], one.key in kept) for one in read]


def _graded(attempt: Attempt, verdict: Verdict, reused: bool) -> Graded:
    about = {name: getattr(attempt, name) for name in ("task", "path", "text", "key")}
    return Graded(student=attempt.submission.student, verdict=verdict, reused=reused, **about)


def _read(submission: Submission, task: Task, timeout_s: float | None) -> Attempt | Graded:
    """The attempt at a task, or the verdict on one that has no file to judge."""
    path = ""
    try:
        if submission.refusal:
            raise Refused(submission.refusal)
        path = submission.find(task.file)
        text = submission.files[path].decode("utf-8-sig")
    except Refused as error:
        sentence = str(error)
    except UnicodeDecodeError:
        sentence = f"{task.file} is not UTF-8 text; save it as UTF-8"
    else:
        key = _key(submission, task.exercise, path, timeout_s)
        return Attempt(submission=submission, task=task, path=path, text=text, key=key)
    return Graded(student=submission.student, task=task, verdict=broken(task.exercise, sentence), path=path)


def _key(submission: Submission, exercise: Exercise, path: str, timeout_s: float | None) -> str:
    """What a verdict depends on, hashed: the student's files, the exercise and its solution, the limit, the version."""
    parts: list[bytes] = [path.encode(), exercise.id.encode(), groundup.__version__.encode(), repr(timeout_s).encode()]
    parts += [exercise.file.read_bytes(), source_of(exercise).read_bytes()]
    for name, content in sorted(submission.files.items()):
        parts += [name.encode(errors="replace"), content]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def _kept(path: Path) -> dict[str, Verdict]:
    """The verdicts of earlier calls."""
    records = files.read_jsonl(path) if path.is_file() else []
    return {one["key"]: Verdict(**one["verdict"] | {"rungs": tuple(one["verdict"]["rungs"])}) for one in records}


def _prove(exercises: Iterable[Exercise], checkers: "_Checkers") -> None:
    """InputError for an exercise whose own solution does not pass here."""
    with ThreadPoolExecutor(len(checkers.all)) as pool:
        found = pool.map(lambda one: (one, checkers.judge(one, solution(one), Path(f"{one.name}.py"), None)), exercises)
        for exercise, verdict in found:
            if not verdict.passed:
                raise InputError(
                    f"{exercise.id} does not pass with its own solution here ({verdict.sentence}); mend the exercise or "
                    "the installation, then grade again"
                )


class _Checkers:
    """Warm checkers that share the work."""

    def __init__(self, count: int, judge: Callable[..., Verdict]) -> None:
        self.all = [Checker() for _ in range(count)]
        self.free: queue.Queue[Checker] = queue.Queue()
        self.asked = judge
        self.closing = ExitStack()
        self.stopped = False

    def __enter__(self) -> "_Checkers":
        for checker in self.all:
            self.free.put(self.closing.enter_context(checker))
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.close()

    def judge(self, exercise: Exercise, text: str, path: Path, timeout_s: float | None) -> Verdict:
        """Judge one text with the checker that is free; one that ended, or that met a fault, is asked once more, new."""
        checker = self.free.get()
        try:
            for _ in range(2):
                try:
                    return self.asked(checker, exercise, text, path, timeout_s)
                except (RuntimeError, InputError):
                    checker.close()
                if self.stopped:
                    break
            return broken(exercise, CHECKER_ENDED)
        finally:
            self.free.put(checker)

    def stop(self) -> None:
        """End what is being judged; nothing is asked again."""
        self.stopped = True
        for checker in self.all:
            if checker.process is not None:
                checker.process.kill()

    def judge_all(self, attempts: list[Attempt], timeout_s: float | None) -> Iterator[tuple[str, Verdict]]:
        """Judge attempts as they come; those that were too slow beside others once more at the end, each alone."""
        again = []
        with ThreadPoolExecutor(len(self.all)) as pool:
            waiting = {pool.submit(self.staged, one, timeout_s): one for one in attempts}
            try:
                for done in as_completed(waiting):
                    if done.result().rung == "speed" and len(self.all) > 1:
                        again.append(waiting[done])
                    else:
                        yield waiting[done].key, done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                self.stop()
                raise
        for one in again:
            yield one.key, self.staged(one, timeout_s)

    def staged(self, attempt: Attempt, timeout_s: float | None) -> Verdict:
        """Judge an attempt beside the other files of its student, and nobody else's."""
        with _beside(attempt) as path:
            return self.judge(attempt.task.exercise, attempt.text, path, timeout_s)


@contextmanager
def _beside(attempt: Attempt) -> Iterator[Path]:
    """A folder with the student's files for as long as one attempt is judged; the attempt's path in it."""
    with tempfile.TemporaryDirectory(prefix="groundup-grade-") as name:
        folder = Path(name).resolve()
        for path, content in attempt.submission.files.items():
            file = folder / path
            assert folder in file.resolve().parents, f"{path} leads out of the submission"
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            except OSError:  # a name too long, or a file where a folder must be: an import of it fails, as it should
                continue
        yield folder / attempt.path


def _judge(checker: Checker, exercise: Exercise, text: str, path: Path, timeout_s: float | None) -> Verdict:
    return checker.check(exercise, text, path, timeout_s=timeout_s)
