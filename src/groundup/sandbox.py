"""Run code that nobody has read, in a child process that can hurt little: what happens to it is a verdict, never an error of ours.

The child has limits of time, memory, output and file size, starts no process, and opens no connection. The kernel holds
these where it can, and the interpreter refuses to write outside the child's own folder, which is gone afterwards
(`confinement.py` is the child's side).

`run_python` starts an interpreter for a program (50 ms); `run_forked` runs a function in a copy of this process, with
all that it has imported (15 ms with torch). Only a process without other threads should be copied.

Left out: files that the user can read can be read; a program that means to can forge its own "ok", so a reward compares
what it printed, not only its verdict.
"""

import functools
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NoReturn, Protocol

from groundup import confinement

MEGABYTE = 1 << 20
QUIET = {
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

Kind = Literal["ok", "error", "timeout", "memory", "output", "killed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a program.

    kind: "ok": ran to its last line; "error": an exception, or it ended itself; "timeout", "memory", "output": over a
    limit; "killed": by a signal (a crash of the interpreter, or the system was out of memory).
    """

    kind: Kind
    stdout: str
    stderr: str
    seconds: float


def run_python(
    code: str,
    *,
    stdin: str = "",
    timeout_s: float = 5.0,
    memory_bytes: int = 1024 * MEGABYTE,
    output_bytes: int = MEGABYTE,
    file_bytes: int = 16 * MEGABYTE,
    files: Mapping[str, str | bytes] | None = None,
) -> Verdict:
    """Run a Python program in a folder of its own, with the given `files` (name -> content) in it; the verdict."""
    with tempfile.TemporaryDirectory(prefix="groundup-sandbox-") as name:
        folder = Path(name).resolve()
        _furnish(folder, {**(files or {}), confinement.PROGRAM: code})
        limits = [str(int(number)) for number in (timeout_s + 1, memory_bytes, file_bytes)]
        report, theirs = os.pipe()
        with tempfile.TemporaryFile() as words:
            words.write(stdin.encode(errors="replace"))
            words.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-s", "-P", confinement.__file__, *limits, str(theirs)],
                cwd=folder,
                stdin=words,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[theirs],
                start_new_session=True,
                env={"PATH": os.defpath, "HOME": name, "TMPDIR": name, **QUIET},
            )
        os.close(theirs)
        kind, stdout, stderr, said, seconds = _watch(child, report, timeout_s, output_bytes)
        kind = kind or _kind(child.returncode, said.decode())
        if kind == "error" and not said:
            stderr += f"the program ended itself with status {child.returncode} before its last line\n"
        return Verdict(kind, stdout, stderr, seconds)


def run_forked(
    work: Callable[[Callable[[bytes], int]], None],
    *,
    timeout_s: float = 5.0,
    memory_bytes: int = 1024 * MEGABYTE,
    output_bytes: int = MEGABYTE,
    file_bytes: int = 16 * MEGABYTE,
) -> tuple[Verdict, bytes]:
    """Run `work(say)` in a confined copy of this process; the verdict, and the bytes that it handed to `say`.

    memory_bytes: on top of what this process holds. "ok" is only the status 0, which anything in the child can cause:
    what counts is what was said, and a child that ended early has said less.
    """
    with tempfile.TemporaryDirectory(prefix="groundup-sandbox-") as name:
        folder = str(Path(name).resolve())
        limits = (int(timeout_s) + 1, confinement.held_bytes() + memory_bytes, file_bytes)
        (stdout, to_stdout), (stderr, to_stderr), (report, to_report) = os.pipe(), os.pipe(), os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        process = os.fork()
        if process == 0:
            _be_the_child(work, folder, (to_stdout, to_stderr, to_report), limits)
        for handle in (to_stdout, to_stderr, to_report):
            os.close(handle)
        child = _Forked(process, open(stdout, "rb", buffering=0), open(stderr, "rb", buffering=0))
        kind, out, err, said, seconds = _watch(child, report, timeout_s, output_bytes)
        status = child.returncode or 0
        return Verdict(kind or _kind(status, "error" if status else "ok"), out, err, seconds), said


def _be_the_child(
    work: Callable[[Callable[[bytes], int]], None],
    folder: str,
    handles: tuple[int, int, int],
    limits: tuple[int, int, int],
) -> NoReturn:
    """The forked child from its first line to its last: nothing of the parent's is left open, and it never returns."""
    status, leave = 1, os._exit
    try:
        os.setsid()
        os.chdir(folder)
        os.environ.update(HOME=folder, TMPDIR=folder)
        tempfile.tempdir, sys.dont_write_bytecode = None, True
        report = os.dup2(handles[2], max(handles) + 1)
        for handle, number in ((os.open(os.devnull, os.O_RDONLY), 0), (handles[0], 1), (handles[1], 2), (report, 3)):
            os.dup2(handle, number)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)
        confinement.confine(*limits)
        work(functools.partial(os.write, 3))
        status = 0
        sys.stdout.flush()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        leave(status)


class _Child(Protocol):
    """What is asked of a child, begun as a program or as a copy of this process."""

    pid: int
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def kill(self) -> None: ...


class _Forked:
    """A forked process with the words of `subprocess.Popen`."""

    def __init__(self, pid: int, stdout: IO[bytes] | None, stderr: IO[bytes] | None) -> None:
        self.pid = pid
        self.stdout, self.stderr = stdout, stderr
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its status if it has ended."""
        return self._ended(os.WNOHANG)

    def wait(self, timeout: float | None = None) -> int:
        """Its status once it has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (status := self._ended(0 if deadline is None else os.WNOHANG)) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("a forked child", timeout or 0.0)
            time.sleep(0.001)
        return status

    def kill(self) -> None:
        """End it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def _ended(self, options: int) -> int | None:
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, options)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode


def isolates() -> bool:
    """Whether the kernel here keeps a program from starting processes and opening connections; elsewhere only Python does."""
    return confinement.filters()


def _furnish(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        assert folder in path.resolve().parents, f"{name} lies outside the sandbox's folder"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))


def _watch(
    child: _Child, report: int, timeout_s: float, output_bytes: int
) -> tuple[Kind | None, str, str, bytes, float]:
    """Read until the child ends, talks too much or takes too long; then end all that it began.

    The limit that was passed, what it wrote to stdout, stderr and the report, and its seconds.
    """
    began = time.monotonic()
    assert child.stdout is not None and child.stderr is not None
    outputs = {child.stdout.fileno(): bytearray(), child.stderr.fileno(): bytearray(), report: bytearray()}
    try:
        reason = _read(child, outputs, began + timeout_s, output_bytes)
    finally:
        _end(child)
    seconds = time.monotonic() - began
    stdout, stderr, said = (bytes(text[:output_bytes]) for text in outputs.values())
    for stream in (child.stdout, child.stderr):
        stream.close()
    os.close(report)
    return reason, stdout.decode(errors="replace"), stderr.decode(errors="replace"), said, seconds


def _read(child: _Child, outputs: dict[int, bytearray], deadline: float, output_bytes: int) -> Kind | None:
    """Collect what the child writes; the limit that was passed, or None when it ended by itself."""
    with selectors.DefaultSelector() as selector:
        for handle in outputs:
            os.set_blocking(handle, False)
            selector.register(handle, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(min(0.05, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                piece = os.read(key.fd, 65536)
                outputs[key.fd] += piece
                if not piece:
                    selector.unregister(key.fd)
            if sum(map(len, outputs.values())) > output_bytes:
                return "output"
            if time.monotonic() > deadline:
                return "timeout"
            if not ready and child.poll() is not None:  # a process it left behind may hold the pipes open
                return None
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return "timeout"
    return None


def _end(child: _Child) -> None:
    """Kill the child and every process of its session that is still there."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended, or has not begun its session yet
        child.kill()
    child.wait()


def _kind(status: int, said: str) -> Kind:
    """The verdict on a child that ended by itself: its own word, or the way it died."""
    if status == -signal.SIGXCPU:
        return "timeout"
    if status < 0:
        return "killed"
    words: dict[str, Kind] = {"ok": "ok", "memory": "memory"}
    return words.get(said, "error")
