"""Files are whole or not there: after a kill at any moment, on a full disk, beside other writers."""

import errno
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import files
from groundup.errors import DiskFull, FormatError, GroundupError, InputError

SOURCE = str(Path(files.__file__).parents[1])


def start(program: str, *arguments: object) -> subprocess.Popen:
    """A child that runs `program` with this library."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_written_file_holds_what_was_written_and_nothing_stands_beside_it(tmp_path):
    files.write_text(tmp_path / "new" / "a.txt", "één\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "één\n".encode()
    assert names(tmp_path / "new") == {"a.txt"}


def test_an_error_while_writing_leaves_the_old_file(tmp_path):
    files.write_text(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), files.atomic_path(tmp_path / "a") as temporary:
        temporary.write_text("half of the n")
        raise ZeroDivisionError
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == {"a"}


def test_two_writers_of_one_name_do_not_mix(tmp_path):
    with files.atomic_path(tmp_path / "a") as first:
        first.write_text("first" * 1000)
        files.write_text(tmp_path / "a", "second")
    assert (tmp_path / "a").read_text() == "first" * 1000


KILLED_FILE = """
import sys
from groundup import files
n = 0
print("go", flush=True)
while True:
    n = (n + 1) % 10
    files.write_bytes(sys.argv[1], str(n).encode() * 200_000)
"""
KILLED_FOLDER = """
import sys
from groundup import files
n = 0
print("go", flush=True)
while True:
    n = (n + 1) % 10
    with files.atomic_folder(sys.argv[1]) as folder:
        for part in range(3):
            (folder / f"part-{part}").write_bytes(str(n).encode() * 50_000)
        files.write_checksums(folder)
"""


def killed(program: str, target: Path, moments: int = 6) -> None:
    """Run `program` and kill it with -9, at moments drawn from a seeded hat."""
    for moment in range(moments):
        child = start(program, target)
        assert child.stdout.readline() == "go\n"
        time.sleep(random.Random(moment).uniform(0.001, 0.05))
        child.send_signal(signal.SIGKILL)
        child.wait()
        yield moment


def test_a_file_is_whole_after_a_kill_at_any_moment(tmp_path):
    target = tmp_path / "data.bin"
    for _ in killed(KILLED_FILE, target):
        if target.exists():
            content = target.read_bytes()
            assert len(content) == 200_000 and len(set(content)) == 1
    files.write_bytes(target, b"x")
    assert names(tmp_path) == {"data.bin"}


def test_a_folder_is_whole_after_a_kill_at_any_moment(tmp_path):
    target = tmp_path / "model"
    seen = False
    for _ in killed(KILLED_FOLDER, target):
        assert target.exists() or not seen or not swaps(tmp_path)  # once there, it is there at every moment
        files.recover(target)
        if target.exists():
            seen = True
            files.verify_checksums(target)
            assert len({file.read_bytes()[0] for file in target.glob("part-*")}) == 1
    with files.atomic_folder(target) as folder:
        (folder / "last").touch()
    assert seen and names(tmp_path) == {"model"} and names(target) == {"last"}


def test_one_kill_in_the_middle_of_a_write_leaves_the_old_file_and_the_next_write_clears(tmp_path):
    files.write_text(tmp_path / "a", "old")
    program = "import os, sys\nfrom groundup import files\nwith files.atomic_path(sys.argv[1]) as t:\n    t.write_text('half'); os.kill(os.getpid(), 9)"
    assert start(program, tmp_path / "a").wait() == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old" and len(names(tmp_path)) == 2
    files.write_text(tmp_path / "a", "new")
    assert names(tmp_path) == {"a"}


def test_what_a_dead_process_of_the_same_number_left_is_cleared_and_not_met(tmp_path):
    for number in range(1000):
        (tmp_path / f".tmp-{os.getpid()}-{number}-model").mkdir()
    with files.atomic_folder(tmp_path / "model") as folder:
        (folder / "new").touch()
    assert names(tmp_path) == {"model"}


def test_a_folder_replaces_another_one_whole(tmp_path):
    for content in ("one", "two"):
        with files.atomic_folder(tmp_path / "model") as folder:
            (folder / content).write_text(content)
    assert names(tmp_path / "model") == {"two"} and names(tmp_path) == {"model"}


def test_a_folder_replaces_another_one_where_the_file_system_cannot_swap_names(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_swap", lambda one, other: False)
    test_a_folder_replaces_another_one_whole(tmp_path)


def test_a_kill_between_two_renames_gives_the_old_folder_back(tmp_path, monkeypatch):
    with files.atomic_folder(tmp_path / "model") as folder:
        (folder / "old").touch()
    os.replace(tmp_path / "model", tmp_path / ".old-model")
    files.recover(tmp_path / "model")
    assert names(tmp_path / "model") == {"old"} and names(tmp_path) == {"model"}


def test_an_error_while_a_folder_is_made_leaves_the_old_one(tmp_path):
    with files.atomic_folder(tmp_path / "model") as folder:
        (folder / "old").touch()
    with pytest.raises(KeyboardInterrupt), files.atomic_folder(tmp_path / "model") as folder:
        (folder / "new").touch()
        raise KeyboardInterrupt
    assert names(tmp_path / "model") == {"old"} and names(tmp_path) == {"model"}


def test_a_file_where_the_folder_should_go_is_kept_and_named(tmp_path):
    (tmp_path / "model").write_text("precious")
    with (
        pytest.raises(InputError, match="model cannot be made: something of that name stands in its way"),
        files.atomic_folder(tmp_path / "model"),
    ):
        pass
    assert (tmp_path / "model").read_text() == "precious" and names(tmp_path) == {"model"}


def swaps(folder: Path) -> bool:
    """Whether this file system exchanges two names in one step."""
    one, other = folder / "one", folder / "other"
    one.mkdir(), other.mkdir()
    done = files._swap(one, other)
    one.rmdir(), other.rmdir()
    return done


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch, call, number):
    files.write_text(tmp_path / "a", "old")

    def full(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(
        DiskFull, match="no space left to write .*a; free some space or choose another folder with --out"
    ):
        files.write_text(tmp_path / "a", "new")
    monkeypatch.undo()
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == {"a"}


def test_a_full_disk_inside_a_folder_names_the_folder(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with (
        pytest.raises(DiskFull, match=f"to write {tmp_path}/model;"),
        files.atomic_folder(tmp_path / "model") as folder,
    ):
        files.write_text(folder / "config.json", "{}")
    assert names(tmp_path) == set()


def test_a_file_over_the_systems_limit_is_a_full_disk(tmp_path, small_disk):
    files.write_text(tmp_path / "a", "old")
    with small_disk(10_000), pytest.raises(DiskFull):
        files.write_bytes(tmp_path / "a", b"x" * 20_000)
    assert (tmp_path / "a").read_text() == "old" and names(tmp_path) == {"a"}


def test_a_library_in_another_language_that_fills_the_disk_is_understood(tmp_path, small_disk):
    safetensors = pytest.importorskip("safetensors.numpy")
    with (
        small_disk(10_000),
        pytest.raises(DiskFull),
        files.atomic_path(tmp_path / "model.safetensors") as temporary,
    ):
        safetensors.save_file({"weight": np.zeros(10_000)}, temporary)
    assert names(tmp_path) == set()


def test_a_line_that_does_not_fit_is_taken_away_again(tmp_path, small_disk):
    log = tmp_path / "log.jsonl"
    files.append_jsonl(log, {"n": 1})
    with small_disk(10_000), pytest.raises(DiskFull):
        files.append_jsonl(log, {"text": "x" * 20_000})
    files.append_jsonl(log, {"n": 2})
    assert log.read_text() == '{"n": 1}\n{"n": 2}\n'


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="may not be written; change its permissions"):
        files.write_text(tmp_path / "a", "x")


def test_a_read_only_file_system_is_one_sentence(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="may not be written"):
        files.write_text(tmp_path / "a", "x")


def test_a_refusal_about_another_file_is_not_blamed_on_the_target(tmp_path):
    with pytest.raises(PermissionError), files.atomic_path(tmp_path / "a"):
        raise PermissionError(errno.EACCES, "no", "/etc/shadow")


def test_a_path_through_a_file_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="stands in its way; choose another name"):
        files.write_text(tmp_path / "file" / "a", "x")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def without_nan(value):
    """The value as JSON can hold it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return {key: without_nan(item) for key, item in value.items()} if isinstance(value, dict) else value


@given(json_values)
def test_what_was_written_as_json_is_read_again_with_nan_as_null(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    files.write_json(path, value)
    json.loads(path.read_bytes(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert files.read_json(path) == without_nan(value)


def test_numbers_of_numpy_and_paths_are_written(tmp_path):
    files.write_json(
        tmp_path / "a", {"loss": np.float32(1.5), "nan": np.float32("nan"), "step": np.int64(3), "at": tmp_path}
    )
    assert files.read_json(tmp_path / "a") == {"loss": 1.5, "nan": None, "step": 3, "at": str(tmp_path)}


@pytest.mark.parametrize("content", [b'{"a": ', b"\xff\xfe", b""])
def test_damaged_json_is_named(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"a\.json is not valid JSON .*; write it again or remove it"):
        files.read_json(tmp_path / "a.json")


def test_missing_json_is_named(tmp_path):
    with pytest.raises(InputError, match="gone.json is not there; check the path"):
        files.read_json(tmp_path / "gone.json")


def test_a_torn_last_line_is_dropped_and_the_next_record_stands_alone(tmp_path):
    log = tmp_path / "log.jsonl"
    for n in range(3):
        files.append_jsonl(log, {"n": n, "text": "x" * 100_000})
    whole = log.read_bytes()
    for cut in (1, 50, 100_001):
        log.write_bytes(whole[:-cut])
        kept = files.read_jsonl(log)
        assert [record["n"] for record in kept] == ([0, 1, 2] if cut == 1 else [0, 1])
        files.append_jsonl(log, {"n": 9})
        assert files.read_jsonl(log) == [*kept, {"n": 9}]


def test_damage_in_the_middle_of_a_log_is_named_by_its_line(tmp_path):
    (tmp_path / "log").write_text('{"n": 1}\n{"n": \n{"n": 3}\n')
    with pytest.raises(FormatError, match="log: line 2 is not valid JSON"):
        files.read_jsonl(tmp_path / "log")


def test_half_a_surrogate_pair_is_written_as_its_escape(tmp_path):
    files.append_jsonl(tmp_path / "log", {"text": "a\ud800b"})
    assert (tmp_path / "log").read_bytes() == b'{"text": "a\\ud800b"}\n'
    assert files.read_jsonl(tmp_path / "log") == [{"text": "a\ud800b"}]


def test_a_changed_or_missing_file_is_found_by_its_checksum(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "weights").write_bytes(b"12345")
    files.write_checksums(tmp_path)
    files.verify_checksums(tmp_path)
    (tmp_path / "sub" / "weights").write_bytes(b"12346")
    with pytest.raises(FormatError, match="sub/weights is damaged .*; make the folder again"):
        files.verify_checksums(tmp_path)
    (tmp_path / "sub" / "weights").unlink()
    with pytest.raises(FormatError, match="sub/weights is missing"):
        files.verify_checksums(tmp_path)


def test_the_checksum_is_that_of_the_textbook(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert files.sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


HOLDER = "import sys, time\nfrom groundup import files\nwith files.lock(sys.argv[1]):\n    print('held', flush=True); time.sleep(60)"


def test_a_folder_is_held_by_one_process_and_free_when_that_dies(tmp_path):
    child = start(HOLDER, tmp_path / "run")
    assert child.stdout.readline() == "held\n"
    with (
        pytest.raises(GroundupError, match=f"is in use by another command \\(process {child.pid}\\); wait for it"),
        files.lock(tmp_path / "run"),
    ):
        pass
    child.kill()
    child.wait()
    with files.lock(tmp_path / "run"):
        pass
