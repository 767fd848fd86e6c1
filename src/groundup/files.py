"""Files that are whole or not there: atomic writes, checksums, and a lock that dies with its owner.

A write goes to a temporary name beside its target, is flushed to the disk and renamed; a kill at any moment leaves the
old file or the new one, never half of one. Temporary names begin with `.tmp-` and hold the number of their process, so
the next write of the same target finds and removes what a killed one left. Left out: what a disk loses that reports a
flush before it is done, and two machines that write one file over a network.
"""

import contextlib
import ctypes
import errno
import hashlib
import itertools
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from groundup.errors import DiskFull, FormatError, GroundupError, InputError

CHECKSUMS = "checksums.json"
PIECE_BYTES = 1 << 24  # of a file that is hashed
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# how libraries in other languages say it
FULL_WORDS = re.compile("no space left|disk quota exceeded|file too large", re.IGNORECASE)
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
FIRST = time.time_ns()  # process numbers come again, in containers at every start; this one does not
_numbers = itertools.count(FIRST)


@contextlib.contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Turn the system's refusals to write `path` into sentences that name it and the way out."""
    path = Path(path)
    try:
        yield
    except DiskFull as error:  # of a file inside a folder that is being made: name the folder
        raise DiskFull(_no_space(path)) from error
    except GroundupError:
        raise
    except Exception as error:
        number = getattr(error, "errno", None)
        if number in FULL or FULL_WORDS.search(str(error)):
            raise DiskFull(_no_space(path)) from error
        if number in FORBIDDEN and _concerns(error, path):
            raise InputError(
                f"{path} may not be written; change its permissions or choose another folder with --out"
            ) from error
        if number in IN_THE_WAY and _concerns(error, path):
            raise InputError(
                f"{path} cannot be made: something of that name stands in its way; choose another name"
            ) from error
        raise


def _no_space(path: Path) -> str:
    return f"no space left to write {path}; free some space or choose another folder with --out"


def _concerns(error: Exception, path: Path) -> bool:
    """Whether a refusal is about `path`, something beside it or a folder above it, and not about a file that was read."""
    name = getattr(error, "filename", None)
    return name is None or Path(name) in path.parents or path.parent in Path(name).parents


def _sync(path: Path) -> None:
    """Force a file's or a folder's content onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(path: Path) -> Path:
    """A name beside `path` that no other write has."""
    return path.with_name(f".tmp-{os.getpid()}-{next(_numbers)}-{path.name}")


def remove(path: Path) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def discard(path: Path) -> None:
    """Remove a folder that others look for: it loses its name first, so a kill leaves no half of it under that name."""
    nameless = _temporary(path)
    os.replace(path, nameless)
    remove(nameless)


def _clear(path: Path) -> None:
    """Remove what killed writes of `path` left beside it."""
    form = re.compile(rf"\.tmp-(\d+)-(\d+)-{re.escape(path.name)}")
    for entry in list(path.parent.iterdir()):
        found = form.fullmatch(entry.name)
        if found and _left(int(found[1]), int(found[2])):
            remove(entry)


def _left(process: int, number: int) -> bool:
    """Whether nobody writes a temporary name any more: its process is gone, or is this one, which did not make it."""
    return number < FIRST if process == os.getpid() else not _alive(process)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write; on success it is flushed and takes the name `path`, on an error it is removed."""
    path = Path(path)
    temporary = _temporary(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            remove(temporary)  # two names of one file: the system then renames nothing and says so to nobody
            _sync(path.parent)
        except BaseException:
            remove(temporary)
            raise


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; on success it takes the name `path`, in place of what stood there.

    Where the file system can swap two names in one step, there is no moment without a whole folder. Elsewhere two
    renames do it, and a kill between them leaves the old folder as `.old-<name>`, which `recover` puts back.
    """
    path = Path(path)
    temporary = _temporary(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        try:
            temporary.mkdir()
            yield temporary
            for file in [temporary, *sorted(temporary.rglob("*"))]:
                _sync(file)
            _replace_folder(temporary, path)
        except BaseException:
            remove(temporary)
            recover(path)
            raise


def _replace_folder(temporary: Path, path: Path) -> None:
    old = path.with_name(f".old-{path.name}")
    if not path.exists():
        os.replace(temporary, path)
    elif not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "a file, not a folder", str(path))
    elif not _swap(temporary, path):
        os.replace(path, old)
        os.replace(temporary, path)
    _sync(path.parent)
    remove(temporary)
    remove(old)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two names in one step of the file system (Linux, macOS); False where it cannot."""
    system, here, exchange = ctypes.CDLL(None), -100, 2
    one_name, other_name = os.fsencode(one.absolute()), os.fsencode(other.absolute())
    if hasattr(system, "renameat2"):
        return system.renameat2(here, one_name, here, other_name, exchange) == 0
    return hasattr(system, "renamex_np") and system.renamex_np(one_name, other_name, exchange) == 0


def recover(path: str | Path) -> None:
    """Clear what a killed `atomic_folder` left: half a new folder goes, an old one that lost its name gets it back."""
    path = Path(path)
    old = path.with_name(f".old-{path.name}")
    _clear(path)
    if not old.exists():
        return
    if path.exists():
        remove(old)
    else:
        os.replace(old, path)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a whole file, or leave the old one."""
    with atomic_path(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            _write_all(handle, data)
        finally:
            os.close(handle)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def write_text(path: str | Path, text: str) -> None:
    """Write a whole UTF-8 file, or leave the old one."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON that strict readers accept: NaN and infinities become null."""
    write_bytes(path, _json(value, indent=2))


def _json(value: Any, indent: int | None = None) -> bytes:
    """JSON as UTF-8 with a newline; half of a surrogate pair is written as its escape, which every reader knows."""
    text = json.dumps(strict(value), indent=indent, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode(errors="backslashreplace")


def strict(value: Any) -> Any:
    """Replace what JSON has no word for, at any depth: NaN and infinities by None, paths by text, scalars of NumPy by numbers.

    >>> strict({"loss": float("nan"), "steps": (1, 2.5), "folder": Path("runs")})
    {'loss': None, 'steps': [1, 2.5], 'folder': 'runs'}
    """
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    return strict(value.item()) if hasattr(value, "item") else value


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a missing or damaged one is named."""
    data = _read(path)
    try:
        return json.loads(data)
    except ValueError as error:
        raise FormatError(f"{path} is not valid JSON ({error}); write it again or remove it") from error


def _read(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; check the path") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check the path and its permissions") from error


def append_jsonl(path: str | Path, *records: dict[str, Any]) -> None:
    """Add records, each as one line, in one write; what a kill or a full disk tore off is taken away again."""
    line = b"".join(_json(record) for record in records)
    with disk_errors(path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            whole = _end_of_last_record(handle)
            try:
                _write_all(handle, line)
            except OSError:
                os.ftruncate(handle, whole)
                raise
        finally:
            os.close(handle)


def _end_of_last_record(handle: int) -> int:
    """The length of an open file whose last line is whole: a torn one is cut off, one that lacks only its newline gets it."""
    length = start = os.fstat(handle).st_size
    tail = b""
    while start and b"\n" not in tail:
        step = min(start, 65536)
        start -= step
        tail = os.pread(handle, step, start) + tail
    torn = tail.rpartition(b"\n")[2]
    try:
        json.loads(torn or b"0")
    except ValueError:
        length -= len(torn)
        os.ftruncate(handle, length)
        return length
    return length + (os.write(handle, b"\n") if torn else 0)


def write_jsonl(path: str | Path, records: Iterable[dict[str, Any]]) -> None:
    """Write a whole JSON-lines file, or leave the old one."""
    write_bytes(path, b"".join(_json(record) for record in records))


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read the records of a JSON-lines file; a torn last line is dropped, damage elsewhere is named by its line."""
    lines = _read(path).split(b"\n")
    records = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                records.append(json.loads(line))
        except ValueError as error:
            if number != len(lines):
                raise FormatError(
                    f"{path}: line {number} is not valid JSON ({error}); mend or remove the line"
                ) from error
    return records


def cache_folder() -> Path:
    """What may be lost with the project and is kept for its user: GROUNDUP_CACHE, or groundup in the user's cache folder."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "groundup"
    return Path(os.environ.get("GROUNDUP_CACHE", default))


def sha256(path: str | Path) -> str:
    """Hash a file's content, in pieces so large that another thread seldom has to hand Python's lock over for one."""
    with open(path, "rb", buffering=0) as file:
        digest, piece = hashlib.sha256(), memoryview(bytearray(min(PIECE_BYTES, os.fstat(file.fileno()).st_size)))
        while read := file.readinto(piece):
            digest.update(piece[:read])
    return digest.hexdigest()


def write_checksums(folder: str | Path, known: Mapping[str, str] | None = None) -> None:
    """List the sha256 of every file of a folder in its `checksums.json`. known: those that were computed already, by name."""
    folder = Path(folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file != folder / CHECKSUMS)
    names = {file.relative_to(folder).as_posix(): file for file in files}
    write_json(folder / CHECKSUMS, {name: (known or {}).get(name) or sha256(file) for name, file in names.items()})


def verify_checksums(folder: str | Path) -> None:
    """Compare a folder with its `checksums.json`; the first missing or changed file is a FormatError that names it."""
    folder = Path(folder)
    listed = read_json(folder / CHECKSUMS)
    if not isinstance(listed, dict) or not listed:
        raise FormatError(f"{folder / CHECKSUMS} lists no files; make the folder again")
    for name, expected in listed.items():
        if not (folder / name).is_file():
            raise FormatError(f"{folder / name} is missing; make the folder again")
        if sha256(folder / name) != expected:
            raise FormatError(f"{folder / name} is damaged (its checksum differs); make the folder again")


def locked(folder: str | Path) -> bool:
    """Whether a living process holds a folder; asking does not get in anybody's way."""
    try:
        return _alive(int((Path(folder) / ".lock").read_text()))
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def lock(folder: str | Path) -> Iterator[None]:
    """Hold a folder for this process alone; the lock ends with the process, however that ends."""
    import fcntl

    folder = Path(folder)
    with disk_errors(folder / ".lock"):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise GroundupError(
                f"{folder} is in use by another command (process {file.read().strip() or 'unknown'}); "
                f"wait for it or choose another --out"
            ) from error
        with disk_errors(folder / ".lock"):
            file.truncate(0)
            print(os.getpid(), file=file, flush=True)
        yield


@contextlib.contextmanager
def held(path: str | Path) -> Iterator[BinaryIO]:
    """A file open to be read and appended to, made where there is none, which no other process may hold so meanwhile."""
    import fcntl

    path = Path(path)
    with disk_errors(path):
        file = open(path, "a+b")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise GroundupError(f"{path} is being written by another command; wait for it or name another file") from error
        file.seek(0)
        yield file
