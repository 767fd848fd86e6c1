"""The checker: a learner's file in, a verdict out, whatever the file does.

    check(exercise, text, path)      the verdict on a text; `path` is how messages call the file
    check_file(exercise, path)       the same for a file on the disk
    check_mutants(exercise)          proof that the checks work: the solution passes, the stub and every mutant do not
    with Checker() as checker: ...   the same with a warm process of its own, for work in parallel

What the text alone shows is said at once (`attempt.py`). The rest happens in a process that imported torch once, with one
thread, and copies itself for every check: the copy has limits of time, memory, output and file size, no network and no
process of its own (`sandbox.py`), runs the learner's file and asks it the checks (`judge.py`), and says its verdict on a pipe.
The parent believes a line only if it begins with a word that it drew for this one check, and a child that falls silent,
whatever the reason, has not passed.

Held: accidents, and code that ends, floods, forks, sleeps, allocates, writes, or replaces what judges it. Not held: a file
that goes to find the judge's own variables in memory; and what the user can read, the file can read.
"""

import atexit
import functools
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from groundup import sandbox
from groundup.course import shelf
from groundup.course.attempt import Attempt, broken, first_look, read
from groundup.course.exercise import Exercise, module_of, reference, solution, stub
from groundup.course.verdict import Verdict
from groundup.errors import InputError

MEMORY_BYTES = 1024 * sandbox.MEGABYTE  # on top of what torch holds
OUTPUT_BYTES = sandbox.MEGABYTE
PRINTED = 2000  # characters of the learner's own output that a verdict keeps
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


class Checker:
    """A warm process that judges one attempt after another; it starts with the first and ends with `close`."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        """Begin to import torch, without waiting for it."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-s", "-c", "from groundup.course.checker import serve; serve()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the one who asked
                env={name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
                | sandbox.QUIET
                | {"PYTHONPATH": str(shelf.SHELF.parents[2])},
            )

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                if stream is not None:
                    stream.close()
            self.process = None

    def check(
        self,
        exercise: Exercise,
        text: str,
        path: str | Path = "",
        *,
        timeout_s: float | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> Verdict:
        """Judge a text as the exercise's file."""
        began = time.monotonic()
        attempt = Attempt(text, Path(path or f"{exercise.name}.py"))
        verdict = first_look(exercise, attempt)
        if verdict is None:
            request = {"exercise": str(exercise.file), "text": text, "path": str(attempt.path.absolute())}
            verdict = self._ask(request | {"timeout_s": timeout_s or exercise.timeout_s, "memory_bytes": memory_bytes})
        return replace(verdict, seconds=time.monotonic() - began)

    def check_file(self, exercise: Exercise, path: str | Path, **limits: Any) -> Verdict:
        """Judge a file."""
        attempt = read(exercise, Path(path))
        return attempt if isinstance(attempt, Verdict) else self.check(exercise, attempt.text, attempt.path, **limits)

    def _ask(self, request: dict[str, Any]) -> Verdict:
        """One question to the warm process; one that was interrupted half-way is not asked again."""
        self.start()
        assert self.process is not None and self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
            record = json.loads(self.process.stdout.readline())
        except (BrokenPipeError, ValueError) as error:
            self.close()
            raise RuntimeError("the checker's process ended; what it wrote to stderr says why") from error
        except BaseException:
            self.close()
            raise
        if "fault" in record:
            raise InputError(f"{request['exercise']} cannot be used ({record['fault']}); mend the exercise")
        return _verdict(record)


@functools.cache
def shared() -> Checker:
    """The checker of this process; it ends with it."""
    checker = Checker()
    atexit.register(checker.close)
    return checker


def check(exercise: Exercise, text: str, path: str | Path = "", **limits: Any) -> Verdict:
    """Judge a text as the exercise's file, in the checker that this process shares."""
    return shared().check(exercise, text, path, **limits)


def check_file(exercise: Exercise, path: str | Path, **limits: Any) -> Verdict:
    """Judge a file, in the checker that this process shares."""
    return shared().check_file(exercise, path, **limits)


# ───────── the proof of an exercise ─────────


@dataclass(frozen=True, slots=True)
class Proof:
    """One version of an exercise, and whether the checks said of it what they must. fault: "" when they did."""

    name: str
    fault: str
    verdict: Verdict


def check_mutants(exercise: Exercise, checker: Checker | None = None) -> list[Proof]:
    """Prove the checks: the solution passes, the stub does not, each mutant fails with its own sentence."""
    judge = (checker or shared()).check
    right = solution(exercise)
    proofs = []
    verdict = judge(exercise, right)
    proofs.append(Proof("solution", "" if verdict.passed else f"the solution does not pass: {verdict.text()}", verdict))
    verdict = judge(exercise, stub(exercise))
    proofs.append(Proof("stub", "the stub passes as delivered" if verdict.passed else "", verdict))
    for mutant in exercise.mutants:
        verdict = judge(exercise, mutant.text(right))
        fault = ""
        if verdict.passed:
            fault = "survives"
        elif mutant.caught not in verdict.sentence:
            fault = f"is caught with {verdict.sentence!r}, where {mutant.caught!r} was expected"
        proofs.append(Proof(mutant.name, fault, verdict))
    return proofs


# ───────── the warm process ─────────


def serve() -> None:
    """Import what the checks need, then judge one request a line until the one who asks has gone."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what an import prints is no answer
    import numpy  # noqa: F401
    import torch

    from groundup.course import judge  # noqa: F401

    torch.set_num_threads(1)
    known: dict[str, tuple[int, Exercise]] = {}
    for line in requests:
        request = json.loads(line)
        try:
            answer = asdict(_judge_in_a_child(_exercise(request["exercise"], known), request))
        except Exception as error:  # of the exercise's file, or of ours: the one who asked is told
            answer = {"fault": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def _exercise(file: str, known: dict[str, tuple[int, Exercise]]) -> Exercise:
    """An exercise, read again when its file changed, with its room imported before anything is copied."""
    changed = os.stat(file).st_mtime_ns
    if known.get(file, (0, None))[0] != changed:
        exercise = shelf.load(Path(file))
        if module_of(exercise):
            reference(exercise)
        known[file] = changed, exercise
    return known[file][1]


def _judge_in_a_child(exercise: Exercise, request: dict[str, Any]) -> Verdict:
    """Copy this process, let the copy judge, and make of its words and its end one verdict."""
    from groundup.course.judge import as_they_are, judge

    word, libraries = secrets.token_hex(16), as_they_are()
    attempt = Attempt(request["text"], Path(request["path"]))

    def work(say: Callable[[bytes], int], dumps: Callable[..., str] = json.dumps) -> None:
        def tell(what: dict[str, Any]) -> None:
            say(f"\n{word} {dumps(what)}\n".encode())

        tell({"verdict": asdict(judge(exercise, attempt, tell, libraries))})

    limits = {name: request[name] for name in ("timeout_s", "memory_bytes")}
    ended, said = sandbox.run_forked(work, output_bytes=OUTPUT_BYTES, **limits)
    heard = [
        json.loads(line[len(word) :]) for line in said.decode(errors="replace").split("\n") if line.startswith(word)
    ]
    printed = (ended.stdout + ended.stderr)[:PRINTED]
    if heard and "verdict" in heard[-1] and ended.kind == "ok":
        return replace(_verdict(heard[-1]["verdict"]), printed=printed)
    at = heard[-1] if heard and "rung" in heard[-1] else {}
    sentence = _silence(exercise, ended, limits["timeout_s"], at)
    return replace(broken(exercise, sentence), printed=printed, rung=at.get("rung", ""), check=at.get("check", ""))


def _silence(exercise: Exercise, ended: sandbox.Verdict, timeout_s: float, at: dict[str, str]) -> str:
    """Why a child ended without a verdict, as a sentence with the way on."""
    where = f" (in the check {at['check'].replace('_', ' ')!r})" if at else " (before the first check)"
    if ended.kind == "timeout" and at.get("rung") == "speed":
        return f"your {exercise.name} is far too slow: the check of its speed was not done after {timeout_s:g} s"
    if ended.kind == "timeout":
        return f"your {exercise.name} did not end within {timeout_s:g} s{where}; look for a loop that never stops"
    if ended.kind == "output":
        return f"your code prints without end{where}; take the print out of the loop"
    if ended.kind == "killed":
        return f"your code crashed the interpreter or ran out of memory{where}; look for a size that explodes"
    return f"your code ended its process before the verdict{where}; return a value in place of leaving"


def _verdict(record: dict[str, Any]) -> Verdict:
    return Verdict(**record | {"rungs": tuple(record["rungs"])})
