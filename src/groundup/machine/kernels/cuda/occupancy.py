"""How many threads a multiprocessor can hold, and what keeps more of them out.

A multiprocessor hides the wait for memory by turning to another warp, so it needs many of them at hand. It takes whole blocks,
as long as all of these allow one more:

    warps             at most 32 to 64
    blocks            at most 16 to 32
    registers         65,536 of 4 bytes, in four quarters; a warp gets 32 x (registers a thread), rounded up to a multiple of 256
    shared memory     64 to 228 kB; a block gets what it asks for, rounded up, and 1 kB more for the system since 8.0

occupancy = resident warps / the most there could be. A high one is no aim in itself: 100 % with registers spilled to memory is
slower than 50 % without (Volkov 2010, Better Performance at Lower Occupancy).

NVIDIA, CUDA C++ Programming Guide, technical specifications per compute capability (the figures of LIMITS), and CUDA C++ Best
Practices Guide, section on occupancy (units of allocation; its worked example is a test). Left out: clusters, and what a driver
reserves besides.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from groundup.errors import InputError
from groundup.machine.kernels.cuda.memory import WARP
from groundup.slots import slot

REGISTER_UNIT = 256  # a warp's registers are a multiple of this
QUARTERS = 4  # schedulers of a multiprocessor, each with its share of the registers
MOST_REGISTERS = 255  # of a thread


@dataclass(frozen=True, slots=True)
class Limits:
    """What one multiprocessor has. Sizes in bytes; shared_unit: what a block's shared memory is rounded up to."""

    warps: int
    blocks: int
    shared: int
    shared_of_block: int
    registers: int = 65_536
    shared_unit: int = 128
    reserved: int = 1024  # bytes of shared memory that every block gives to the system


LIMITS = {  # compute capability: the cards are examples
    "7.0": Limits(64, 32, 96 << 10, 96 << 10, shared_unit=256, reserved=0),  # V100
    "7.5": Limits(32, 16, 64 << 10, 64 << 10, shared_unit=256, reserved=0),  # T4, RTX 20
    "8.0": Limits(64, 32, 164 << 10, 163 << 10),  # A100
    "8.6": Limits(48, 16, 100 << 10, 99 << 10),  # RTX 30, A10
    "8.9": Limits(48, 24, 100 << 10, 99 << 10),  # RTX 40, L4
    "9.0": Limits(64, 32, 228 << 10, 227 << 10),  # H100, H200
    "10.0": Limits(64, 32, 228 << 10, 227 << 10),  # B200
}


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How full a multiprocessor is. limited_by: "warps", "blocks", "registers" or "shared memory", the first that allows no more."""

    blocks: int
    warps: int
    share: float
    limited_by: str


def rounded_up(number: int, unit: int) -> int:
    """The next multiple of a unit.

    >>> rounded_up(1184, 256)
    1280
    """
    return -(-number // unit) * unit


@slot
def blocks_by_registers(threads: int, registers: int, of_processor: int = 65_536) -> int:
    """How many blocks of so many threads the registers of a multiprocessor suffice for.

    A warp is 32 threads, begun ones count whole. It gets 32 * registers of them, rounded up to a multiple of 256, out of one of the
    four quarters that the registers are divided into; the warps that all quarters can hold are then shared out in whole blocks.
    """
    warps_of_block = -(-threads // 32)
    of_warp = -(-32 * registers // 256) * 256
    warps = of_processor // 4 // of_warp * 4
    return warps // warps_of_block


@slot
def occupancy(threads: int, registers: int, shared_bytes: int, limits: Limits) -> Occupancy:
    """How many blocks, and with them warps, a multiprocessor holds at once; registers: of a thread; shared_bytes: of a block.

    limits says the most warps, blocks and bytes; a block's shared memory is its own plus `reserved`, rounded up to `shared_unit`.
    """
    warps_of_block = -(-threads // WARP)
    shared_of_block = rounded_up(shared_bytes + limits.reserved, limits.shared_unit)
    allowed = {
        "warps": limits.warps // warps_of_block,
        "blocks": limits.blocks,
        "registers": blocks_by_registers(threads, registers, limits.registers),
        "shared memory": limits.shared // shared_of_block if shared_of_block else limits.blocks,
    }
    limited_by = min(allowed, key=lambda name: allowed[name])
    blocks = allowed[limited_by]
    return Occupancy(blocks, blocks * warps_of_block, blocks * warps_of_block / limits.warps, limited_by)


def occupancy_of(threads: int, registers: int = 32, shared_bytes: int = 0, capability: str = "8.0") -> Occupancy:
    """`occupancy` for a card by its compute capability; refuses what the card cannot start.

    >>> occupancy_of(128, 37, capability="7.0")
    Occupancy(blocks=12, warps=48, share=0.75, limited_by='registers')
    """
    if capability not in LIMITS:
        raise InputError(f"no figures for the compute capability {capability!r}; use one of {', '.join(LIMITS)}")
    limits = LIMITS[capability]
    if not 1 <= threads <= 1024:
        raise InputError(f"a block of {threads} threads cannot start; use 1 to 1024")
    if not 1 <= registers <= MOST_REGISTERS:
        raise InputError(f"{registers} registers a thread; a compiler gives 1 to {MOST_REGISTERS}, and spills the rest")
    if not 0 <= shared_bytes <= limits.shared_of_block:
        raise InputError(
            f"{shared_bytes} bytes of shared memory a block; a card of {capability} gives at most {limits.shared_of_block}"
        )
    found = occupancy(threads, registers, shared_bytes, limits)
    if not found.blocks:
        raise InputError(
            f"a block of {threads} threads with {registers} registers each needs more registers than there are; use fewer of either"
        )
    return found


def best_threads(
    registers: int,
    shared_a_thread: int = 0,
    capability: str = "8.0",
    choices: Iterable[int] = (64, 128, 256, 512, 1024),
) -> tuple[int, Occupancy]:
    """The block size with the most resident warps, and of equals the smallest, whose blocks wait least for one another.

    shared_a_thread: bytes of shared memory for each thread of a block.
    """
    limits = LIMITS.get(capability)
    found = {
        threads: occupancy_of(threads, registers, shared_a_thread * threads, capability)
        for threads in choices
        if limits is None
        or (
            shared_a_thread * threads <= limits.shared_of_block
            and blocks_by_registers(threads, registers, limits.registers)
        )
    }
    if not found:
        raise InputError(
            f"no block fits with {registers} registers and {shared_a_thread} bytes a thread; use fewer of either"
        )
    threads = max(found, key=lambda one: (found[one].warps, -one))
    return threads, found[threads]
