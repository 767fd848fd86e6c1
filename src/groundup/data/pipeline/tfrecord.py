"""TFRecord: documents in TensorFlow's record files, written and read without TensorFlow.

A record is length, checksum of the length, data, checksum of the data:

    uint64 length | uint32 masked crc32c(length) | data | uint32 masked crc32c(data)          all little-endian

The checksum is CRC-32C (Castagnoli 1993; RFC 3720, appendix B.4), rotated and moved by a constant so that the checksum of data that
holds checksums stays useful: masked = rotate_right(crc, 15) + 0xA282EAD8. The data is a `tf.train.Example`, a protocol buffer
whose one field maps names to lists of bytes, floats or int64 (tensorflow/core/example/example.proto); texts are bytes here.

Leaves out: compressed files, sequence examples, and fields that are no bytes on the way in (they are passed over).
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from groundup import files
from groundup.errors import FormatError
from groundup.slots import filled, slot
from groundup.text.compiled import kernel

POLYNOMIAL = 0x82F63B78  # Castagnoli's, its bits reversed
MASK_DELTA = 0xA282EAD8
SLOT = "data.pipeline.crc32c_reference"
LONGEST = 1 << 31  # bytes of a record: more is a damaged length


@slot
def crc32c_reference(data: bytes) -> int:
    """The CRC-32C of some bytes: the remainder of a division of polynomials over bits, a bit at a time.

    The register begins with all ones; each byte goes into its lowest eight bits (exclusive or); then eight times it is
    shifted right by one, and where the bit that fell out was 1, the polynomial is subtracted (exclusive or). At the end all
    bits are turned.

    >>> hex(crc32c_reference(b"123456789"))
    '0xe3069283'
    """
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF


def _tables() -> np.ndarray:
    """What eight bytes do to the register, by the place of the byte and its value."""
    tables = np.zeros((8, 256), dtype=np.uint32)
    for byte in range(256):
        register = byte
        for _ in range(8):
            register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
        tables[0, byte] = register
    for place in range(1, 8):
        before = tables[place - 1]
        tables[place] = (before >> np.uint32(8)) ^ tables[0][before & np.uint32(255)]
    return tables


TABLES = _tables()


@kernel
def _crc32c(data, tables):
    """Eight bytes at a time (slicing by eight: Kounavis & Berry 2008)."""
    register = np.uint32(0xFFFFFFFF)
    whole = len(data) // 8 * 8
    for at in range(0, whole, 8):
        low = register ^ (
            np.uint32(data[at])
            | np.uint32(data[at + 1]) << np.uint32(8)
            | np.uint32(data[at + 2]) << np.uint32(16)
            | np.uint32(data[at + 3]) << np.uint32(24)
        )
        register = (
            tables[7, low & 255]
            ^ tables[6, (low >> 8) & 255]
            ^ tables[5, (low >> 16) & 255]
            ^ tables[4, low >> 24]
            ^ tables[3, data[at + 4]]
            ^ tables[2, data[at + 5]]
            ^ tables[1, data[at + 6]]
            ^ tables[0, data[at + 7]]
        )
    for at in range(whole, len(data)):
        register = tables[0, (register ^ data[at]) & np.uint32(255)] ^ (register >> np.uint32(8))
    return register ^ np.uint32(0xFFFFFFFF)


def crc32c(data: bytes) -> int:
    """The same as `crc32c_reference`, compiled."""
    if filled(SLOT):
        return crc32c_reference(data)
    return int(_crc32c(np.frombuffer(data, dtype=np.uint8), TABLES))


def masked(crc: int) -> int:
    """A checksum as it stands in a file.

    >>> hex(masked(0))
    '0xa282ead8'
    """
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


# ───────── records ─────────


def write_records(path: str | Path, records: Iterable[bytes]) -> int:
    """Write records as one file, whole or not at all; how many there were."""
    count = 0
    with files.atomic_path(path) as temporary, open(temporary, "wb") as file:
        for data in records:
            length = struct.pack("<Q", len(data))
            head = length + struct.pack("<I", masked(crc32c(length)))
            file.write(head + data + struct.pack("<I", masked(crc32c(data))))
            count += 1
    return count


def read_records(path: str | Path) -> Iterator[bytes]:
    """The records of a file in order; FormatError names the record that is damaged and its place."""
    with open(path, "rb") as file:
        number = 0
        while head := file.read(12):
            yield _record(file, head, f"{path}: record {number} (at byte {file.tell() - len(head)})")
            number += 1


def _record(file: BinaryIO, head: bytes, place: str) -> bytes:
    if len(head) < 12:
        raise FormatError(f"{place} is cut off in its head; the file is not whole: copy it again")
    (length,), (sum_of_length,) = struct.unpack("<Q", head[:8]), struct.unpack("<I", head[8:])
    if masked(crc32c(head[:8])) != sum_of_length or length > LONGEST:
        raise FormatError(f"{place} has a length that does not fit its checksum; is it a TFRecord file? copy it again")
    data, tail = file.read(length), file.read(4)
    if len(data) < length or len(tail) < 4:
        raise FormatError(f"{place} is cut off: {len(data)} of {length} bytes; the file is not whole: copy it again")
    if masked(crc32c(data)) != struct.unpack("<I", tail)[0]:
        raise FormatError(f"{place} is damaged (its checksum differs); copy the file again")
    return data


# ───────── tf.train.Example ─────────


def example(fields: dict[str, bytes]) -> bytes:
    """A `tf.train.Example` with a list of one bytes value for each name."""
    entries = b""
    for name, value in sorted(fields.items()):
        feature = _field(1, _field(1, value))  # Feature.bytes_list, BytesList.value
        entries += _field(1, _field(1, name.encode()) + _field(2, feature))  # an entry of the map Features.feature
    return _field(1, entries)  # Example.features


def fields_of(data: bytes) -> dict[str, bytes]:
    """The names of an example whose values are bytes, each with its first value."""
    found = {}
    for features in _values(data, 1):
        for entry in _values(features, 1):
            name = next(_values(entry, 1), b"").decode(errors="replace")
            for feature in _values(entry, 2):
                for listed in _values(feature, 1):
                    found[name] = next(_values(listed, 1), b"")
    return found


def _field(number: int, data: bytes) -> bytes:
    """A field of a protocol buffer that has a length."""
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    """A whole number, seven bits a byte, the lowest first.

    >>> _varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _values(data: bytes, wanted: int) -> Iterator[bytes]:
    """The values of a field that has a length, in a message; fields of other numbers and kinds are passed over."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 2:
            length, at = _number(data, at)
            if at + length > len(data):
                raise FormatError(
                    "a record is no tf.train.Example: a field reaches over its end; was it written as one?"
                )
            if number == wanted:
                yield data[at : at + length]
            at += length
        elif kind == 0:
            _, at = _number(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise FormatError(f"a record is no tf.train.Example: it has a field of kind {kind}; was it written as one?")


def _number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise FormatError("a record is no tf.train.Example: it ends inside a number; was it written as one?")
