"""Web archives written: WARC 1.1, a gzip member a record, so that each can be read from its offset alone.

Every record carries the SHA-1 of its block, and an answer that of its payload, as ISO 28500 shows them (base32). Records of a
page are written one after the other and flushed together; `place` is where the next begins.
"""

import base64
import gzip
import hashlib
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from groundup import files

VERSION = "WARC/1.1"
SOFTWARE = "groundup"


def digest(data: bytes) -> str:
    """SHA-1 as web archives write it."""
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


class WarcWriter:
    """Appends records to one file. keep: cut the file to so many bytes first, which a killed writer had finished."""

    def __init__(self, path: str | Path, keep: int | None = None) -> None:
        self.path = Path(path)
        with files.disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = open(self.path, "ab")
            if keep is not None:
                self.file.truncate(keep)
                self.file.seek(0, os.SEEK_END)
        if self.place == 0:
            about = f"software: {SOFTWARE}\r\nformat: WARC File Format 1.1\r\n".encode()
            self.write("warcinfo", about, {"Content-Type": "application/warc-fields", "WARC-Filename": self.path.name})

    @property
    def place(self) -> int:
        """Where the next record begins."""
        return self.file.tell()

    def write(self, type: str, block: bytes, headers: Mapping[str, str]) -> int:
        """Append one record; the offset where it begins. A line end in a header's value becomes a blank."""
        named = {
            "WARC-Type": type,
            "WARC-Record-ID": f"<urn:uuid:{uuid.uuid4()}>",
            "WARC-Date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            **headers,
            "WARC-Block-Digest": digest(block),
            "Content-Length": str(len(block)),
        }
        lines = [VERSION, *(f"{name}: {' '.join(value.split())}" for name, value in named.items())]
        record = "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"
        offset = self.place
        with files.disk_errors(self.path):
            self.file.write(gzip.compress(record, mtime=0))
        return offset

    def flush(self) -> None:
        """Force what was written onto the disk."""
        with files.disk_errors(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.file.close()
