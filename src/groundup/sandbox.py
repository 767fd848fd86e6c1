"""Run code that nobody has read, in a child process that can hurt little: what happens to it is a verdict, never an error of ours.

The child has limits of time, memory, output and file size, starts no process, and opens no connection. The kernel holds
these where it can, and the interpreter refuses to write outside the child's own folder, which is gone afterwards
(`confinement.py` is the child's side).

Left out: files that the user can read can be read; a program that means to can forge its own "ok", so a reward compares
what it printed, not only its verdict.
"""

import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
        return _watch(child, report, timeout_s, output_bytes)


def isolates() -> bool:
    """Whether the kernel here keeps a program from starting processes and opening connections; elsewhere only Python does."""
    return confinement.filters()


def _furnish(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        assert folder in path.resolve().parents, f"{name} lies outside the sandbox's folder"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))


def _watch(child: subprocess.Popen[bytes], report: int, timeout_s: float, output_bytes: int) -> Verdict:
    """Read until the child ends, talks too much or takes too long; then end all that it began."""
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
    kind = reason or _kind(child.returncode, said.decode())
    note = (
        f"the program ended itself with status {child.returncode} before its last line\n"
        if kind == "error" and not said
        else ""
    )
    return Verdict(kind, stdout.decode(errors="replace"), stderr.decode(errors="replace") + note, seconds)


def _read(
    child: subprocess.Popen[bytes], outputs: dict[int, bytearray], deadline: float, output_bytes: int
) -> Kind | None:
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


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and every process of its session that is still there."""
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def _kind(status: int, said: str) -> Kind:
    """The verdict on a child that ended by itself: its own word, or the way it died."""
    if status == -signal.SIGXCPU:
        return "timeout"
    if status < 0:
        return "killed"
    words: dict[str, Kind] = {"ok": "ok", "memory": "memory"}
    return words.get(said, "error")
