"""Where files lie: a path of this machine, or any that fsspec knows (s3://, hdfs://, webhdfs://, http://, memory://).

What is refused says what to set. Sequential reading of remote files goes through fsspec's read-ahead cache.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from groundup.errors import GroundupError, InputError, missing_extra

FOLDED = re.compile("^([a-z][a-z0-9+]+:)/([^/])")
CACHE_BYTES = 1 << 22  # read ahead of a remote file
SETTINGS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL for a server that is not Amazon's)",
    "hdfs": "HADOOP_HOME and CLASSPATH (or use webhdfs://HOST:9870/...)",
    "webhdfs": "the user in the address, webhdfs://USER@HOST:9870/..., or a Kerberos ticket",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}


def is_remote(path: str | Path) -> bool:
    """Whether a path is an address of fsspec's."""
    return "://" in str(path)


def unfolded(path: str | Path) -> str | Path:
    """An address that was made a path on its way, which takes one of its two slashes; other paths as they are.

    >>> unfolded(Path("s3://bucket/name"))
    's3://bucket/name'
    """
    return FOLDED.sub(r"\1//\2", str(path)) if FOLDED.match(str(path)) else path


def join(folder: str | Path, name: str) -> str | Path:
    """A name inside of a folder."""
    return f"{str(folder).rstrip('/')}/{name}" if is_remote(folder) else Path(folder) / name


def system(address: str) -> tuple[Any, str]:
    """The fsspec file system of an address, and the path in it; a missing package is named."""
    import fsspec

    try:
        return cast("tuple[Any, str]", fsspec.core.url_to_fs(address))
    except ImportError as error:
        package = (
            str(error).partition("Install ")[2].partition(" ")[0] or f"the package for {address.partition(':')[0]}"
        )
        raise missing_extra(package, "data") from error
    except ValueError as error:
        raise InputError(f"{address}: {error}; use a path, s3://, webhdfs://, https:// or file://") from error


@contextmanager
def refusals(path: str | Path, wish: str = "read") -> Iterator[None]:
    """Turn what a file system refuses into a sentence with what to set. wish: what could not be done, read or written."""
    scheme = str(path).partition("://")[0] if is_remote(path) else ""
    try:
        yield
    except GroundupError:
        raise
    except FileNotFoundError as error:
        more = f", and that {system(str(path))[1].partition('/')[0]} is the name of a bucket" if scheme == "s3" else ""
        raise InputError(f"{path} is not there; check the path{more}") from error
    except (PermissionError, ConnectionError, TimeoutError) as error:
        raise InputError(f"{path} cannot be {wish} ({error.strerror or error}); {_way_out(path, scheme)}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ELOOP:
            raise InputError(f"{path} is a link that leads back to itself; give the file that is meant") from error
        if not scheme or isinstance(error, (KeyboardInterrupt, GeneratorExit)):
            raise
        by_server = type(error).__module__.partition(".")[0] in ("botocore", "aiohttp", "requests")
        if isinstance(error, OSError) or by_server or (scheme == "webhdfs" and type(error) is RuntimeError):
            raise InputError(f"{path} cannot be {wish} ({error}); {_way_out(path, scheme)}") from error
        raise


def _way_out(path: str | Path, scheme: str) -> str:
    if not scheme:
        return f"change its permissions: chmod u+r {path}"
    return f"set {SETTINGS[scheme]}" if scheme in SETTINGS else "check the address and that its server is reachable"


def is_there(files: Any, inside: str) -> bool:
    """Whether something is at a path of a file system; a refusal is an error here, where fsspec's `exists` says no."""
    try:
        files.info(inside)
    except FileNotFoundError:
        return False
    return True


@contextmanager
def open_binary(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file for reading bytes, wherever it lies; one that goes away half-way is named."""
    with refusals(path):
        if is_remote(path):
            files, inside = system(str(path))
            with files.open(inside, "rb", block_size=CACHE_BYTES) as file:
                yield file
        else:
            with open(os.path.expanduser(path), "rb") as file:
                yield file


def list_files(folder: str) -> dict[str, str]:
    """The files under an address, as addresses with their names in it, in the order of the names; hidden ones are left out."""
    with refusals(folder):
        files, inside = system(folder)
        if files.info(inside)["type"] != "directory":  # `exists` would say no where a server refuses to answer
            return {folder: inside.rstrip("/").rpartition("/")[2]}
        names = {path: path.removeprefix(inside).strip("/") for path in sorted(files.find(inside))}
    visible = {path: name for path, name in names.items() if not any(part.startswith(".") for part in name.split("/"))}
    before = _before(folder.rstrip("/"), inside.rstrip("/"))
    return {files.unstrip_protocol(path) if before is None else before + path: name for path, name in visible.items()}


def _before(address: str, inside: str) -> str | None:
    """What stands before a path in its address: the protocol, and for WebHDFS also the server, which fsspec does not give back."""
    return address.removesuffix(inside) if address.endswith(inside) else None
