"""Results on any storage: this machine's disk, S3-compatible servers, HDFS and whatever else fsspec knows.

Work is done on the disk, where files can be written whole or not at all; a finished folder then goes to its address, the list of
checksums last, so a folder that has its list is complete. To be read, a folder comes into the cache, each file
checked against the list; what is there already is not fetched again, so the loader maps shards from the disk whatever
their address is. Reading documents from addresses: `data.sources.files`.

    written(address)   a new folder there, from one that is filled here and then removed
    built(address)     the same for long work: begun again it goes on, and it takes the place of an earlier build
    send, fetched      a folder to an address, and here again; either takes up only what differs

Leaves out: random reads inside a remote file, which cost a request a batch; two machines that write one address at once.
"""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.sources.places import is_remote, is_there, join, refusals, system
from groundup.errors import FormatError, InputError
from groundup.progress import progress

BUILT = "report.json"  # a pipeline's folder has it


@contextlib.contextmanager
def written(address: str | Path) -> Iterator[Path]:
    """A folder of this machine to fill. When it is full, and the address is elsewhere, it is sent there and removed here.

    InputError where something is already: a folder of ours takes the place of what stood there.
    """
    if not is_remote(address):
        if Path(address).is_file() or (Path(address).is_dir() and any(Path(address).iterdir())):
            raise InputError(f"{address} holds something already; remove it or choose another address")
        yield Path(address)
        return
    if _held(str(address)):
        raise InputError(f"{address} holds something already; remove it or choose another address")
    with tempfile.TemporaryDirectory(prefix="groundup-") as here:
        folder = Path(here) / "out"
        yield folder
        send(folder, str(address))


@contextlib.contextmanager
def built(address: str | Path) -> Iterator[Path]:
    """A folder of this machine where a pipeline works for an address, the same every time; made, it is sent.

    It stays in the cache, where `fetched` finds it. InputError where something is that no pipeline made.
    """
    if not is_remote(address):
        yield Path(address)
        return
    address = str(address)
    held = _held(address)
    if held and BUILT not in held and not _journal(address).is_file():
        raise InputError(f"{address} holds something else; choose another --out")
    folder = _copy(address)
    yield folder
    send(folder, address)


def send(folder: str | Path, address: str) -> None:
    """Make an address hold what a folder of this machine holds; its list of checksums goes last.

    What is there with the same content is not sent again: by the list there, or, where an earlier call was stopped, by what it
    wrote down in the cache. Files that only the list there names are removed.
    """
    folder = Path(folder)
    if not (folder / files.CHECKSUMS).is_file():
        files.write_checksums(folder)
    wanted: dict[str, str] = files.read_json(folder / files.CHECKSUMS)
    sizes = {name: _size(folder / name) for name in wanted}
    there, inside = system(address)
    inside, journal = inside.rstrip("/"), _journal(address)
    with refusals(address, "written"), progress(sum(sizes.values()), "sending", "B") as bar:
        if is_there(there, f"{inside}/{files.CHECKSUMS}"):
            listed = _listed(there, inside, address)
            if listed == wanted:
                journal.unlink(missing_ok=True)
                return
            files.write_jsonl(journal, [{name: digest} for name, digest in listed.items()])
            there.rm_file(f"{inside}/{files.CHECKSUMS}")  # from here on until the end it is no whole folder
        sent = _sent(journal)
        for name, digest in wanted.items():
            if sent.get(name) != digest or not _has(there, f"{inside}/{name}", sizes[name]):
                there.put_file(str(folder / name), f"{inside}/{name}")
                files.append_jsonl(journal, {name: digest})
            bar.update(sizes[name])
        for name in sent.keys() - wanted.keys():
            with contextlib.suppress(FileNotFoundError):
                there.rm_file(f"{inside}/{name}")
        there.put_file(str(folder / files.CHECKSUMS), f"{inside}/{files.CHECKSUMS}")
    journal.unlink(missing_ok=True)


def fetched(address: str | Path, cache: str | Path | None = None) -> Path:
    """The folder of this machine that holds what is at an address: itself, or a copy whose files have the listed checksums."""
    if not is_remote(address):
        return Path(address)
    address = str(address)
    folder = _copy(address, cache)
    there, inside = system(address)
    with refusals(address):
        listed = _listed(there, inside, address)
        with progress(len(listed), "fetching", "files") as bar:
            for file, digest in listed.items():
                _fetch(there, f"{inside.rstrip('/')}/{file}", folder / file, digest, str(join(address, file)))
                bar.update(1)
    _remove_others(folder, listed)
    files.write_json(folder / files.CHECKSUMS, listed)
    return folder


# ───────── here ─────────


def _copy(address: str, cache: str | Path | None = None) -> Path:
    """Where this machine keeps its copy of an address."""
    name = hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]
    return Path(cache or files.cache_folder() / "data") / name


def _journal(address: str) -> Path:
    """What is known to be at an address that has no list now: {name: sha256} a line."""
    return _copy(address).with_suffix(".sent.jsonl")


def _sent(journal: Path) -> dict[str, str]:
    lines = files.read_jsonl(journal) if journal.is_file() else []
    return {name: digest for line in lines for name, digest in line.items()}


def _size(path: Path) -> int:
    if not path.is_file():
        raise FormatError(f"{path} is missing; make the folder again")
    return path.stat().st_size


def _remove_others(folder: Path, listed: Mapping[str, str]) -> None:
    """A copy has what is listed and no more: what an owner had removed must not be read from an old copy."""
    for path in list(folder.rglob("*")):
        if path.is_file() and path.relative_to(folder).as_posix() not in {*listed, files.CHECKSUMS}:
            path.unlink()


# ───────── there ─────────


def _held(address: str) -> set[str]:
    """The names of the files at an address."""
    there, inside = system(address)
    with refusals(address):
        there.invalidate_cache()
        found = there.find(inside) if is_there(there, inside) else []
        return {path.removeprefix(inside).strip("/") for path in found}


def _has(there: Any, path: str, size: int) -> bool:
    """Whether a file of so many bytes is at a path."""
    try:
        return int(there.info(path)["size"]) == size
    except FileNotFoundError:
        return False


def _listed(there: Any, inside: str, address: str) -> dict[str, str]:
    """The checksums of the files at an address."""
    path = f"{inside.rstrip('/')}/{files.CHECKSUMS}"
    try:
        listed = json.loads(there.cat_file(path))
    except FileNotFoundError as error:
        raise InputError(
            f"{address} has no {files.CHECKSUMS}, so it is no whole folder of ours; was it sent to its end?"
        ) from error
    except ValueError as error:
        raise FormatError(f"{join(address, files.CHECKSUMS)} is not JSON ({error}); send the folder again") from error
    unsafe = [name for name in listed if name.startswith("/") or ".." in name.split("/")]
    if unsafe:
        raise FormatError(f"{join(address, files.CHECKSUMS)} names {unsafe[0]}, outside of its folder; do not use it")
    return {str(name): str(digest) for name, digest in listed.items()}


def _fetch(there: Any, source: str, target: Path, digest: str, shown: str) -> None:
    """One file, unless it is there; FormatError if what came is not what was listed."""
    if target.is_file() and files.sha256(target) == digest:
        return
    with files.atomic_path(target) as temporary:
        there.get_file(source, str(temporary))
        if files.sha256(temporary) != digest:
            raise FormatError(f"{shown} is damaged (its checksum differs from the listed one); send it again")
