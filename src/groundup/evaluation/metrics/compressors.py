"""What general compressors need for a text: the oldest baseline, since a model that predicts well is a compressor.

    alone         the held-out texts by themselves, which is all that a compressor is usually given
    prepared      size(training + held-out) - size(training): it has read some training text, as the model has

xz is LZMA with preset 9e, zstd is level 22 (ultra); both then look back over everything they are given here. A zero
byte ends each text, because a model is also charged for the end of a document; that byte is not counted as text.
Compressors learn within the held-out texts, from one to the next; a model is measured on each afresh.
"""

import lzma
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import zstandard

END_OF_TEXT = b"\0"
PREPARATION_BYTES = 400_000  # at these levels xz and zstd read half a megabyte a second of such text


def xz(data: bytes) -> int:
    """The size of `data` as `xz -9e` leaves it."""
    return len(lzma.compress(data, preset=9 | lzma.PRESET_EXTREME))


def zstd(data: bytes) -> int:
    """The size of `data` as `zstd --ultra -22` leaves it."""
    return len(zstandard.ZstdCompressor(level=22).compress(data))


COMPRESSORS: dict[str, Callable[[bytes], int]] = {"xz": xz, "zstd": zstd}


def joined(texts: Iterable[str], limit: int | None = None) -> bytes:
    """The texts as one run of UTF-8, each closed by a zero byte; whole texts until `limit` bytes are reached."""
    parts, size = [], 0
    for text in texts:
        if limit is not None and size >= limit:
            break
        parts.append(text.encode() + END_OF_TEXT)
        size += len(parts[-1])
    return b"".join(parts)


def compressors(texts: Iterable[str]) -> dict[str, float]:
    """Bits a byte of text of every compressor on the texts alone.

    >>> sorted(compressors(["to be or not to be"]))
    ['xz', 'zstd']
    """
    texts = list(texts)
    data, size = joined(texts), _text_bytes(texts)
    return _per_byte(_sizes([data]), size)


def prepared_compressors(
    texts: Iterable[str], training: Iterable[str], limit: int = PREPARATION_BYTES
) -> dict[str, float]:
    """Bits a byte of every compressor that has read up to `limit` bytes of training text first."""
    texts = list(texts)
    prefix = joined(training, limit)
    return _per_byte(_sizes([prefix + joined(texts), prefix]), _text_bytes(texts))


def _text_bytes(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def _sizes(inputs: list[bytes]) -> dict[str, list[int]]:
    """The compressed sizes of each input, all at the same time: compressors let go of Python's lock."""
    with ThreadPoolExecutor() as pool:
        running = {name: [pool.submit(compress, data) for data in inputs] for name, compress in COMPRESSORS.items()}
        return {name: [job.result() for job in jobs] for name, jobs in running.items()}


def _per_byte(sizes: dict[str, list[int]], text_bytes: int) -> dict[str, float]:
    """Bits a byte from [size] or [size with preparation, size of the preparation]."""
    return {name: 8 * (whole[0] - sum(whole[1:])) / text_bytes for name, whole in sizes.items()}
