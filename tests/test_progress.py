"""Progress goes to stderr, shows rate and time left in a terminal, and is silent elsewhere."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from groundup import progress

SOURCE = str(Path(progress.__file__).parents[1])
PROGRAM = """
import time
from groundup.progress import progress, say
say("begin")
with progress(100, "pretrain", unit="tok") as bar:
    for _ in range(10):
        time.sleep(0.02)
        bar.update(10, loss=1.25, note="[b]x")
print("result")
"""


def in_terminal(program: str, **environment: str) -> str:
    """What a program shows on stderr when that is a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": SOURCE, "COLUMNS": "120", "TERM": "xterm", **environment}
    child = subprocess.Popen([sys.executable, "-c", program], stderr=theirs, stdout=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    assert child.wait() == 0
    return shown.decode()


def test_a_terminal_sees_title_share_rate_time_left_and_values():
    shown = in_terminal(PROGRAM)
    for part in ("pretrain", "100%", "tok/s", "left", "0:00:0", "loss 1.250", "note [b]x"):
        assert part in shown


def test_without_a_terminal_only_what_is_said_is_seen_and_results_stay_on_stdout():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": SOURCE}
    )
    assert (done.stdout, done.stderr) == ("result\n", "begin\n")


def test_the_quiet_variable_silences_all():
    assert in_terminal(PROGRAM, GROUNDUP_QUIET="1") == ""


@pytest.mark.parametrize(
    ("number", "text"), [(0.0, "0"), (9.94, "9.9"), (999, "999"), (999.6, "1.0k"), (999_999, "1.0M"), (3e9, "3.0G")]
)
def test_numbers_are_short(number, text):
    assert progress.short(number) == text


def test_progress_without_a_terminal_counts_in_silence(capsys):
    with progress.progress(10, "x") as bar:
        bar.update(3, loss=2.0)
    assert capsys.readouterr() == ("", "")
