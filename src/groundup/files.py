"""Files that are whole or not there: atomic writes, checksums, and a lock that dies with its owner.

A write goes to a temporary name beside its target, is flushed to the disk and renamed; a kill at any moment leaves the
old file or the new one, never half of one. Temporary names begin with `.tmp-`, so a later write finds and removes them.
"""

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundup.errors import DiskFull, FormatError, GroundupError, InputError

CHECKSUMS = "checksums.json"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Turn the system's refusals into sentences that name the path and the way out."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise DiskFull(f"no space left to write {path}; free some space or choose another folder with --out") from error
        if isinstance(error, PermissionError):
            raise InputError(f"{path} may not be written; change its permissions or choose another folder with --out") from error
        if isinstance(error, NotADirectoryError | FileExistsError):
            raise InputError(f"{path} cannot be made: a file stands where a folder is needed; choose another name") from error
        raise


def _sync(path: Path) -> None:
    """Force a file's or a folder's content onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _temporary(path: Path) -> Path:
    return path.with_name(f".tmp-{path.name}")


def remove(path: Path) -> None:
    """Remove a file or a whole folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write; on success it is flushed and takes the name `path`, on an error it is removed."""
    path = Path(path)
    temporary = _temporary(path)
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
        except BaseException:
            remove(temporary)
            raise


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; on success it takes the name `path`, in place of what stood there.

    Two renames replace an existing folder; a kill between them leaves the old one as `.old-<name>`, which `recover`
    (called here first) puts back.
    """
    path = Path(path)
    temporary, old = _temporary(path), path.with_name(f".old-{path.name}")
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        recover(path)
        try:
            temporary.mkdir()
            yield temporary
            for file in sorted(temporary.rglob("*")):
                _sync(file)
            if path.exists():
                os.replace(path, old)
            os.replace(temporary, path)
            _sync(path.parent)
            remove(old)
        except BaseException:
            remove(temporary)
            recover(path)
            raise


def recover(path: str | Path) -> None:
    """Clear what a killed `atomic_folder` left: half a new folder goes, an old one that lost its name gets it back."""
    path = Path(path)
    old = path.with_name(f".old-{path.name}")
    remove(_temporary(path))
    if old.exists():
        remove(old) if path.exists() else os.replace(old, path)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a whole file, or leave the old one."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write a whole UTF-8 file, or leave the old one."""
    write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON that strict readers accept: NaN and infinities become null."""
    write_text(path, json.dumps(strict(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def strict(value: Any) -> Any:
    """Replace what JSON has no word for (NaN, infinities) by None, at any depth.

    >>> strict({"loss": float("nan"), "steps": [1, 2.5]})
    {'loss': None, 'steps': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def read_json(path: str | Path) -> Any:
    """Read a JSON file; a missing or damaged one is named."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} is not there; check the path") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not valid JSON ({error}); write it again or remove it") from error


def append_jsonl(path: str | Path, record: dict[str, Any]) -> None:
    """Add one record as one line, in one write; a kill can tear the last line only."""
    line = (json.dumps(strict(record), ensure_ascii=False, allow_nan=False) + "\n").encode()
    with _disk_errors(Path(path)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)


def write_jsonl(path: str | Path, records: list[dict[str, Any]]) -> None:
    """Write a whole JSON-lines file, or leave the old one."""
    write_text(path, "".join(json.dumps(strict(record), ensure_ascii=False, allow_nan=False) + "\n" for record in records))


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read the records of a JSON-lines file; a torn last line is dropped, damage elsewhere is named by its line."""
    lines = Path(path).read_bytes().split(b"\n")
    records = []
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                records.append(json.loads(line))
        except ValueError as error:
            if number != len(lines):
                raise FormatError(f"{path}: line {number} is not valid JSON ({error}); mend or remove the line") from error
    return records


def sha256(path: str | Path) -> str:
    """Hash a file's content, a megabyte at a time."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_checksums(folder: str | Path) -> None:
    """List the sha256 of every file of a folder in its `checksums.json`."""
    folder = Path(folder)
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CHECKSUMS)
    write_json(folder / CHECKSUMS, {file.relative_to(folder).as_posix(): sha256(file) for file in files})


def verify_checksums(folder: str | Path) -> None:
    """Compare a folder with its `checksums.json`; the first missing or changed file is a FormatError that names it."""
    folder = Path(folder)
    for name, expected in read_json(folder / CHECKSUMS).items():
        if not (folder / name).is_file():
            raise FormatError(f"{folder / name} is missing; make the folder again")
        if sha256(folder / name) != expected:
            raise FormatError(f"{folder / name} is damaged (its checksum differs); make the folder again")


@contextlib.contextmanager
def lock(folder: str | Path) -> Iterator[None]:
    """Hold a folder for this process alone; the lock ends with the process, however that ends."""
    import fcntl

    folder = Path(folder)
    with _disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = open(folder / ".lock", "a+")
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise GroundupError(f"{folder} is in use by another running command; wait for it or choose another --out") from error
        yield
    finally:
        file.close()
