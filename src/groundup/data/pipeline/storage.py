"""Results on any storage: this machine's disk, S3-compatible servers, HDFS and whatever else fsspec knows.

Work is done on the disk, where files can be written whole or not at all; a finished folder then goes to its address, the list of
checksums last, so a folder that has its list is complete. To be read, a folder comes into the cache, each file
checked against the list; what is there already is not fetched again, so the loader maps shards from the disk whatever
their address is. Reading documents from addresses: `data.sources.files`.

Leaves out: random reads inside a remote file, which cost a request a batch.
"""

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from groundup import files
from groundup.data.sources.places import is_remote, join, refusals, system
from groundup.errors import FormatError, InputError
from groundup.progress import progress


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
    files_there, inside = system(str(address))
    with refusals(address):
        if files_there.exists(inside) and files_there.find(inside):
            raise InputError(f"{address} holds something already; remove it or choose another address")
    with tempfile.TemporaryDirectory(prefix="groundup-") as here:
        folder = Path(here) / "out"
        yield folder
        send(folder, str(address))


def send(folder: str | Path, address: str) -> None:
    """Copy a folder of this machine to an address; its list of checksums goes last."""
    folder = Path(folder)
    if not (folder / files.CHECKSUMS).is_file():
        files.write_checksums(folder)
    there, inside = system(address)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names.sort(key=lambda name: name == files.CHECKSUMS)
    total = sum((folder / name).stat().st_size for name in names)
    with refusals(address), progress(total, "sending", "B") as bar:
        for name in names:
            target = f"{inside.rstrip('/')}/{name}"
            there.makedirs(target.rpartition("/")[0], exist_ok=True)
            there.put_file(str(folder / name), target)
            bar.update((folder / name).stat().st_size)


def fetched(address: str | Path, cache: str | Path | None = None) -> Path:
    """The folder of this machine that holds what is at an address: itself, or a copy whose files have the listed checksums."""
    if not is_remote(address):
        return Path(address)
    name = hashlib.sha256(str(address).encode()).hexdigest()[:16]
    folder = Path(cache or files.cache_folder() / "data") / name
    there, inside = system(str(address))
    with refusals(address):
        listed = _listed(there, inside, str(address))
        with progress(len(listed), "fetching", "files") as bar:
            for file, digest in listed.items():
                _fetch(there, f"{inside.rstrip('/')}/{file}", folder / file, digest, str(join(address, file)))
                bar.update(1)
    files.write_json(folder / files.CHECKSUMS, listed)
    return folder


def _listed(there: Any, inside: str, address: str) -> dict[str, str]:
    """The checksums of the files at an address."""
    import json

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
        with there.open(source, "rb") as file, open(temporary, "wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 22)
        if files.sha256(temporary) != digest:
            raise FormatError(f"{shown} is damaged (its checksum differs from the listed one); send it again")
