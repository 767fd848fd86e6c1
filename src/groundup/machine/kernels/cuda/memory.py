"""What the 32 addresses of a warp cost: memory comes in segments, shared memory in banks.

A warp's 32 threads read at once. Memory answers in whole segments of 128 bytes (a line of the cache), or since the cards of
2016 in sectors of 32: each one that holds a wanted byte is moved, once. 32 neighbouring floats are one segment; 32 floats a row
apart are 32 of them, and 31/32 of what is moved is thrown away. Shared memory has 32 banks of 4 bytes, each of which gives one
word at a time: neighbouring words lie in neighbouring banks, words 32 apart in the same one, and then the warp waits as often
as its fullest bank is asked. One and the same word is read once for all who want it. A tile with one column more than 32 (33)
puts the numbers of a column into 32 different banks.

NVIDIA, CUDA C++ Best Practices Guide, sections on coalesced access and on shared memory and its banks. Nothing is run here:
counted is what the addresses ask for. Left out: caches (a segment read twice may be near the second time), reads of 8 and 16
bytes from banks.
"""

from collections.abc import Iterable, Sequence

from groundup.errors import InputError
from groundup.slots import slot

WARP = 32  # threads that go in step
SEGMENT = 128  # bytes of a cache line
SECTOR = 32  # bytes of its smallest part that is moved alone
BANKS = 32
WORD = 4  # bytes that a bank gives at once


def warp_addresses(stride: int = 1, start: int = 0, size: int = 4, threads: int = WARP) -> list[int]:
    """The first byte that each thread of a warp reads: numbers of `size` bytes, `stride` numbers apart.

    >>> warp_addresses(stride=2, threads=4)
    [0, 8, 16, 24]
    """
    return [start + thread * stride * size for thread in range(threads)]


def column_addresses(width: int, column: int = 0, size: int = 4, threads: int = WARP) -> list[int]:
    """The first bytes of a column's numbers, in a matrix whose rows are `width` numbers long and lie one after another."""
    return warp_addresses(width, column * size, size, threads)


@slot
def transactions(addresses: Sequence[int], size: int = 4, segment: int = 128) -> int:
    """How many segments of memory hold a byte that the threads of a warp want; each is moved once.

    addresses: the first byte that each thread reads, from 0 on; size: bytes that each reads from there. A number may lie across two segments.
    """
    touched = {byte // segment for address in addresses for byte in range(address, address + size)}
    return len(touched)


@slot
def bank_passes(addresses: Sequence[int], banks: int = 32, word: int = 4) -> int:
    """How often shared memory must answer until a warp has read its words (1: no conflict; 0: nothing is asked for).

    addresses: a byte of the word that each thread reads, from 0 on. A word lies in bank (address // word) % banks; a bank
    gives one word at a time, to all threads that want it.
    """
    words = {address // word for address in addresses}
    asked = [one % banks for one in words]
    return max((asked.count(bank) for bank in range(banks)), default=0)


def used_share(addresses: Sequence[int], size: int = 4, segment: int = SEGMENT) -> float:
    """The bytes that somebody wants, over the bytes that are moved.

    >>> used_share(warp_addresses()), used_share(warp_addresses(stride=32))
    (1.0, 0.03125)
    """
    check_addresses(addresses, size)
    wanted = {byte for address in addresses for byte in range(address, address + size)}
    return len(wanted) / (transactions(addresses, size, segment) * segment)


def check_addresses(addresses: Iterable[int], size: int) -> None:
    """Refuse what no warp could ask for."""
    given = list(addresses)
    if not given or min(given) < 0 or len(given) > WARP:
        raise InputError(
            f"{len(given)} addresses from {min(given, default=0)}; give 1 to {WARP}, each a byte from 0 on"
        )
    if size not in (1, 2, 4, 8, 16):
        raise InputError(f"a thread does not read {size} bytes at once; use 1, 2, 4, 8 or 16")
