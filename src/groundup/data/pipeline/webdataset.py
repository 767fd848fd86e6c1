"""WebDataset: documents in tar archives, a sample the files that share a name up to its first dot (Aizman et al. 2019, arXiv:2001.01858).

    000000000012.txt     the text, UTF-8             000000000012.json    id, source, metadata

Archives are plain POSIX tar (ustar with pax headers where a name needs them), written with fixed times and owners, so the
same documents give the same bytes. Reading streams: members are read in order, never sought, and never unpacked to the disk, so a
member's name cannot lead anywhere.
"""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from groundup import files
from groundup.errors import FormatError

LONGEST = 1 << 30  # bytes of a member: more is refused before it is read
Sample = dict[str, bytes]


def write_samples(path: str | Path, samples: Iterable[Sample]) -> int:
    """Write samples, {extension: content}, as one archive, whole or not at all; how many there were."""
    count = 0
    with files.atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as archive:
        for sample in samples:
            for extension, content in sorted(sample.items()):
                member = tarfile.TarInfo(f"{count:012}.{extension}")
                member.size, member.mtime, member.mode = len(content), 0, 0o644
                archive.addfile(member, io.BytesIO(content))
            count += 1
    return count


def read_samples(path: str | Path) -> Iterator[tuple[str, Sample]]:
    """The samples of an archive in order, each with its key; FormatError for an archive that is damaged or cut off."""
    key, sample = "", Sample()
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                name, extension = split(member.name)
                if name != key and sample:
                    yield key, sample
                    sample = Sample()
                key = name
                sample[extension] = _content(archive, member, path)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise FormatError(f"{path} is not a whole tar archive ({error}); copy it again or leave it out") from error
    if sample:
        yield key, sample


def split(name: str) -> tuple[str, str]:
    """A member's name as key and extension: cut at the first dot of its last part.

    >>> split("train/0001.seg.png")
    ('train/0001', 'seg.png')
    """
    folder, slash, last = name.rpartition("/")
    key, _, extension = last.partition(".")
    return folder + slash + key, extension


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, path: str | Path) -> bytes:
    if member.size > LONGEST:
        raise FormatError(f"{path}: {member.name} says it has {member.size:,} bytes, over {LONGEST:,}; leave it out")
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


def to_sample(id: str, text: str, source: str, metadata: str) -> Sample:
    """A document's columns as a sample."""
    about = {"id": id, "source": source, "metadata": json.loads(metadata or "{}")}
    return {"txt": text.encode(), "json": json.dumps(about, ensure_ascii=False, sort_keys=True).encode()}
