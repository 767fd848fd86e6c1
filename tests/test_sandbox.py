"""The sandbox: whatever a program does is a verdict, and nothing of it stays."""

import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest

from groundup import sandbox
from groundup.sandbox import run_forked, run_python

kernel = pytest.mark.skipif(not sandbox.isolates(), reason="this kernel has no filter of system calls")


def test_a_program_that_runs_to_its_end_is_ok():
    verdict = run_python("print(sum(map(int, input().split())))", stdin="1 2 3")
    assert (verdict.kind, verdict.stdout, verdict.stderr) == ("ok", "6\n", "")
    assert 0 < verdict.seconds < 5


def test_an_exception_is_an_error_with_its_own_traceback_only():
    verdict = run_python("def f():\n    return 1 / 0\nf()")
    assert verdict.kind == "error"
    assert verdict.stderr.startswith("Traceback") and verdict.stderr.endswith("ZeroDivisionError: division by zero\n")
    assert "sandbox.py" not in verdict.stderr and "return 1 / 0" in verdict.stderr


@pytest.mark.parametrize("code", ["def", "x = (", "a\0b", "raise KeyboardInterrupt", "assert False", "\ud800"])
def test_a_broken_program_is_an_error(code):
    assert run_python(code).kind == "error"


@pytest.mark.parametrize(
    "code",
    ["import sys; sys.exit(0)", "raise SystemExit", "quit()", "import os; os._exit(0)", "import sys; sys.exit('no')"],
)
def test_a_program_that_leaves_before_its_end_has_not_passed(code):
    verdict = run_python(f"{code}\nassert False")
    assert verdict.kind == "error" and verdict.stderr


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import time; time.sleep(60)",
        "while True:\n  try:\n    while True: pass\n  except BaseException: pass",
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: pass",
        "9**9**9",
    ],
)
def test_an_endless_program_is_a_timeout(code):
    verdict = run_python(f"print('begun', flush=True)\n{code}", timeout_s=0.5)
    assert verdict.kind == "timeout" and 0.4 < verdict.seconds < 5


@pytest.mark.parametrize(
    "code", ["b = bytearray(50 * 10**9)", "x = []\nwhile True: x.append(bytes(10**7))", "[0] * 10**11"]
)
def test_an_allocation_of_50_gigabytes_is_over_the_limit_of_memory(code):
    verdict = run_python(code)
    assert verdict.kind == "memory" and "MemoryError" in verdict.stderr


def test_a_program_that_catches_its_memory_error_goes_on():
    assert run_python("try:\n    bytearray(50 * 10**9)\nexcept MemoryError:\n    print('small')").stdout == "small\n"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_flood_of_output_is_cut_off(stream):
    verdict = run_python(
        f"import sys\nwhile True: print('x' * 1000, file=sys.{stream})", output_bytes=10_000, timeout_s=30
    )
    assert verdict.kind == "output"
    assert len(getattr(verdict, stream)) <= 10_000


def test_a_crash_of_the_interpreter_is_killed():
    assert run_python("import ctypes; ctypes.string_at(0)").kind == "killed"


@kernel
def test_a_fork_bomb_starts_nothing():
    verdict = run_python("import os\nwhile True: os.fork()")
    assert verdict.kind == "error" and "not allowed in the sandbox" in verdict.stderr


@kernel
def test_a_fork_bomb_that_passes_the_interpreters_hook_starts_nothing():
    code = "import ctypes\nlibc = ctypes.CDLL(None)\nprint(libc.fork(), libc.vfork(), libc.system(b'true') != 0)"
    assert run_python(code).stdout == "-1 -1 True\n"


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('true')",
        "import subprocess; subprocess.run(['true'])",
        "import multiprocessing as m; p = m.Process(target=print); p.start()",
        "import os; os.kill(os.getppid(), 9)",
    ],
)
def test_no_other_process_is_started_or_killed(code):
    verdict = run_python(code)
    assert verdict.kind == "error" and "PermissionError" in verdict.stderr


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_connection_is_opened(listener):
    verdict = run_python(f"import socket; socket.create_connection(('127.0.0.1', {listener}))")
    assert verdict.kind == "error" and "PermissionError" in verdict.stderr


@kernel
def test_no_socket_is_made_even_past_the_interpreters_hook():
    assert run_python("import ctypes; print(ctypes.CDLL(None).socket(2, 1, 0))").stdout == "-1\n"


@kernel
def test_the_limits_cannot_be_raised_again():
    code = "import resource as r\ntry:\n    r.setrlimit(r.RLIMIT_AS, (r.RLIM_INFINITY, r.RLIM_INFINITY))\n"
    code += "except (ValueError, OSError):\n    print(r.getrlimit(r.RLIMIT_AS)[0])"
    assert run_python(code, memory_bytes=10**9).stdout == "1000000000\n"


def test_the_same_program_prints_the_same_whatever_python_hashes():
    assert len({run_python("print(hash('a'), {'a', 'b', 'c'})").stdout for _ in range(3)}) == 1


def test_threads_work():
    code = "import threading\nt = threading.Thread(target=print, args=('in a thread',)); t.start(); t.join()"
    assert run_python(code).stdout == "in a thread\n"


@pytest.mark.parametrize(
    "change",
    [
        "open({!r}, 'w')",
        "import os; os.remove({!r})",
        "import os; os.rename({!r}, 'x')",
        "import os; os.truncate({!r}, 0)",
        "import pathlib; pathlib.Path({!r}).write_text('x')",
        "import os; os.open({!r}, os.O_RDWR)",
    ],
)
def test_nothing_outside_the_folder_is_changed(tmp_path, change):
    precious = tmp_path / "precious"
    precious.write_text("kept")
    verdict = run_python(change.format(str(precious)))
    assert verdict.kind == "error" and "outside the sandbox's folder" in verdict.stderr
    assert precious.read_text() == "kept"


def test_the_programs_own_folder_can_be_written_and_is_gone_afterwards():
    verdict = run_python(
        "import os, pathlib\npathlib.Path('a.txt').write_text('x' * 10)\nprint(os.getcwd(), pathlib.Path('a.txt').stat().st_size)"
    )
    folder, size = verdict.stdout.split()
    assert size == "10" and not Path(folder).exists()


def test_a_file_over_the_limit_is_an_error():
    assert run_python("open('a', 'wb').write(b'x' * 10**6)", file_bytes=1000).kind == "error"


def test_files_that_are_given_can_be_read_and_imported():
    verdict = run_python(
        "import helper\nprint(helper.x, open('data/a.txt').read())", files={"helper.py": "x = 5", "data/a.txt": "text"}
    )
    assert verdict.stdout == "5 text\n"


def test_a_file_outside_the_folder_is_refused():
    with pytest.raises(AssertionError, match="outside the sandbox's folder"):
        run_python("", files={"../a": "x"})


def test_nothing_of_the_users_environment_is_seen(monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    assert run_python("import os; print(os.environ.get('SECRET_TOKEN'))").stdout == "None\n"


def test_main_is_the_program_and_numpy_can_be_used():
    code = "import __main__, sys\nfrom dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nimport numpy\n"
    code += "print(__name__, sys.argv, A(1), numpy.ones(3).sum())"
    assert run_python(code, timeout_s=20).stdout == "__main__ ['program.py'] A(x=1) 3.0\n"


def test_many_programs_run_side_by_side():
    verdicts = {}
    threads = [
        threading.Thread(target=lambda n=n: verdicts.__setitem__(n, run_python(f"print({n})", timeout_s=30).stdout))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {n: f"{n}\n" for n in range(6)}


def test_no_folder_and_no_open_handle_is_left(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # those of tests beside this one stand elsewhere
    before = len(os.listdir("/dev/fd"))
    run_python("print(1)"), run_python("1/0"), run_python("while True: pass", timeout_s=0.2)
    assert not os.listdir(tmp_path) and len(os.listdir("/dev/fd")) == before


# ───────── a copy of this process ─────────


def test_a_forked_function_says_what_it_found_and_knows_what_was_imported():
    numbers = [1, 2, 3]

    def work(say):
        print("aloud")
        say(str(sum(numbers)).encode())
        numbers.clear()

    verdict, said = run_forked(work)
    assert (verdict.kind, verdict.stdout, said, numbers) == ("ok", "aloud\n", b"6", [1, 2, 3])


def forked(code: str, **limits):
    return run_forked(lambda say: (say(b"begun "), exec(code), say(b"ended")), **limits)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        ("1 / 0", "error"),
        ("import sys; sys.exit(0)", "error"),
        ("import os; os._exit(3)", "error"),
        ("import os; os._exit(0)", "ok"),
        ("while True: print('x' * 1000)", "output"),
        ("import ctypes; ctypes.string_at(0)", "killed"),
        ("bytearray(50 * 10**9)", "error"),
    ],
)
def test_a_forked_function_that_ends_badly_has_said_only_its_beginning(code, kind):
    verdict, said = forked(code, timeout_s=0.5)
    assert (verdict.kind, said) == (kind, b"begun ")


@pytest.mark.parametrize(
    "code",
    ["import os; os.fork()", "import subprocess; subprocess.run(['true'])", "import os; os.kill(os.getppid(), 9)"],
)
def test_a_forked_function_starts_and_kills_no_process(code):
    verdict, said = forked(code)
    assert verdict.kind == "error" and "PermissionError" in verdict.stderr and said == b"begun "


def test_a_forked_function_writes_only_in_a_folder_of_its_own(tmp_path):
    assert "outside the sandbox's folder" in forked(f"open({str(tmp_path / 'a')!r}, 'w')")[0].stderr
    folder = run_forked(lambda say: (Path("a").write_text("x"), say(os.getcwd().encode())))[1].decode()
    assert folder and not Path(folder).exists() and not list(tmp_path.iterdir())


def test_a_forked_function_sees_no_open_file_of_ours(tmp_path):
    with open(tmp_path / "precious", "w") as precious:
        forked(f"import os; os.write({precious.fileno()}, b'x')")
    assert (tmp_path / "precious").read_text() == ""


def test_forked_functions_leave_no_handle_open():
    before = len(os.listdir("/dev/fd"))
    for code in ("pass", "1 / 0", "while True: pass"):
        forked(code, timeout_s=0.2)
    assert len(os.listdir("/dev/fd")) == before
