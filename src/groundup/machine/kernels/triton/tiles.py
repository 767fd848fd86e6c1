"""Which tile a program owns, and how large a tile should be: whole numbers, no GPU and no Triton.

A tile of R x C results makes 2 R C D operations from (R + C) D numbers a step of depth D, so with numbers of b bytes it makes 2
R C / ((R + C) b) operations a byte. Larger is better, until the sums no longer fit into the registers (each program holds its R
C sums of 4 bytes there), the inputs no longer into shared memory, or the tiles are so few that multiprocessors idle or hang so
far over the edge that they compute for nobody. `choose_tile` weighs these: a multiprocessor takes, for each step of depth 1,

    max(operations 2 R C, bytes (R + C) b x balance)      balance: operations it makes while it reads one byte from the L2 cache

and the tiles are shared out in whole rounds, one to each multiprocessor.

Programs run in the order of their numbers, as many at once as fit. Row after row of tiles, a wave touches one row of the left
matrix and all columns of the right; in bands of GROUP rows it touches GROUP of the one and far fewer of the other, which the
cache can hold.

Tillet et al. 2019, doi:10.1145/3315508.3329973. `choose_tile` is a model of what a card does, not a measurement: Triton's own
`autotune` tries each on the card, and a tile that it finds there is the better one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from groundup.errors import InputError
from groundup.machine.kernels.cuda.occupancy import LIMITS, MOST_REGISTERS, Occupancy, occupancy
from groundup.slots import slot

STAGES = 3  # steps whose inputs are on their way at once
OTHER_REGISTERS = (
    40  # of a thread, besides its sums: places, strides, inputs (a usual figure; a compiler may need more)
)


@slot
def grouped_tile(program: int, down: int, across: int, group: int) -> tuple[int, int]:
    """The tile (row, column) of the program with this number, among `down` x `across` tiles.

    Tiles come in bands of `group` rows, the last of which may be lower. Inside a band the numbers go down a column of tiles, then to
    the next column; a band is finished before the next one begins.
    """
    band, place = divmod(program, group * across)
    height = min(group, down - band * group)
    return band * group + place % height, place // height


@slot
def log_sum_exp_in_tiles(values: np.ndarray, tile: int) -> float:
    """log(sum(exp(values))) of a vector, `tile` of them at a time, from the first on; nothing is kept but two numbers.

    The largest value so far and the sum of exp(value - largest): when a larger one comes, the sum shrinks by exp(old - new). Values may
    be -inf, all of them too (then the result is -inf), and hundreds apart.
    """
    largest, total = -np.inf, 0.0
    for start in range(0, len(values), tile):
        part = values[start : start + tile].astype(np.float64)
        new = max(largest, part.max())
        if new == -np.inf:  # nothing yet, and -inf - -inf has no value
            continue
        total = total * np.exp(largest - new) + np.exp(part - new).sum()
        largest = new
    return float(largest + np.log(total)) if total else -np.inf


def inputs_of_wave(programs: int, down: int, across: int, group: int) -> int:
    """How many strips of the two matrices (a row of tiles of the left, a column of the right) the first so many programs need.

    >>> inputs_of_wave(16, 16, 16, 1), inputs_of_wave(16, 16, 16, 4)
    (17, 8)
    """
    owned = [grouped_tile(program, down, across, group) for program in range(min(programs, down * across))]
    return len({row for row, _ in owned}) + len({column for _, column in owned})


@dataclass(frozen=True, slots=True)
class Choice:
    """A tile and what it means on a card."""

    rows: int
    columns: int
    depth: int
    warps: int
    flops_a_byte: float
    shared_bytes: int
    registers: int
    occupancy: Occupancy
    inside: float  # share of the tiles' places that lie in the matrix
    busy: float  # share of the multiprocessors that have a tile, rounds counted whole
    cost: float  # operations that a multiprocessor could have made in the product's time, for each step of depth 1


def weigh_tile(
    shape: tuple[int, int],
    tile: tuple[int, int, int],
    size_bytes: int,
    capability: str,
    processors: int,
    balance: float,
) -> Choice | None:
    """What a tile means for a result of `shape` (rows, columns); None where a multiprocessor cannot hold it."""
    check_tile(tile)
    limits = LIMITS[capability]
    rows, columns, depth = tile
    warps = max(1, min(8, rows * columns // 1024))
    registers = rows * columns // (32 * warps) + OTHER_REGISTERS
    shared_bytes = STAGES * (rows + columns) * depth * size_bytes
    if registers > MOST_REGISTERS or shared_bytes > limits.shared_of_block:
        return None
    held = occupancy(32 * warps, registers, shared_bytes, limits)
    if not held.blocks:
        return None
    tiles = -(-shape[0] // rows) * -(-shape[1] // columns)
    rounds = -(-tiles // processors)
    read = (rows + columns) * size_bytes
    return Choice(
        *tile, warps, 2 * rows * columns / read, shared_bytes, registers, held,
        inside=shape[0] * shape[1] / (tiles * rows * columns),
        busy=tiles / (rounds * processors),
        cost=rounds * max(2 * rows * columns, read * balance),
    )  # fmt: skip


def choose_tile(
    rows: int,
    columns: int,
    size_bytes: int = 2,
    capability: str = "8.0",
    processors: int = 108,
    balance: float = 43.2,
    sides: Iterable[int] = (16, 32, 64, 128, 256),
) -> Choice:
    """The tile of the least cost for a result of so many rows and columns; of equals the one that reads least.

    processors: multiprocessors of the card; balance: as above. Both are an A100's: 108, and 2,048 operations a cycle in fp16 on its tensor
    cores against its share of the 5,120 bytes a cycle that its L2 cache gives (NVIDIA A100 Tensor Core GPU Architecture, 2020).
    """
    if capability not in LIMITS:
        raise InputError(f"no figures for the compute capability {capability!r}; use one of {', '.join(LIMITS)}")
    if min(rows, columns, processors) < 1 or size_bytes not in (1, 2, 4, 8):
        raise InputError(
            f"a result of {rows} x {columns} numbers of {size_bytes} bytes on {processors} multiprocessors; give sizes from 1 "
            "on, and 1, 2, 4 or 8 bytes"
        )
    several = sorted(sides)
    weighed = [
        weigh_tile((rows, columns), (high, broad, 32), size_bytes, capability, processors, balance)
        for high in several
        for broad in several
    ]
    fitting = [one for one in weighed if one is not None]
    if not fitting:
        raise InputError(f"no tile of the sides {several} fits a multiprocessor of {capability}; try smaller ones")
    return min(fitting, key=lambda one: (one.cost, -one.flops_a_byte))


def check_tile(tile: tuple[int, ...]) -> None:
    """Refuse a tile that a tensor core cannot multiply."""
    if len(tile) != 3 or min(tile) < 16 or any(side & (side - 1) for side in tile):
        raise InputError(
            f"tile={tile} is no tile for a kernel; give three powers of 2 from 16 on, such as (64, 64, 32)"
        )
