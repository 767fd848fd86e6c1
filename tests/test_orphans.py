"""A child that watches its parent leaves with it, and only then."""

import os
import signal
import subprocess
import sys

CHILD = "from groundup import orphans; orphans.end_with_parent(0.05); print('there', flush=True); import time; time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {CHILD!r}]).wait()"


def test_a_child_leaves_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "there\n"
    assert parent.poll() is None
    os.kill(parent.pid, signal.SIGKILL)
    assert parent.stdout.read() == "", "the pipe ends only when the child, who holds its other end, is gone"
    parent.wait()


def test_a_child_stays_while_its_parent_lives():
    code = "from groundup import orphans; orphans.end_with_parent(0.01); import time; time.sleep(0.2); print('done')"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "done\n"
