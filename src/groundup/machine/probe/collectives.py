"""What devices pay to exchange data, by the alpha-beta model: a message of n bytes takes alpha + n / bandwidth seconds.

alpha is a message's latency, and `bandwidth` what one device sends in one direction (Hockney 1994). With p devices in a ring, each of
which sends to its right neighbour and receives from its left at the same time, of n bytes that each device holds (or will hold):

    reduce-scatter   p - 1 steps of n / p bytes      each ends with the sum of its own piece
    all-gather       p - 1 steps of n / p            each ends with all pieces
    all-reduce       both, one after the other       2 (p - 1) alpha + 2 n (p - 1) / p / bandwidth
    all-to-all       p - 1 pieces of n / p, one to each other device, over links that reach all of them

So the bytes of an all-reduce hardly grow with the devices, towards 2 n, and no way to sum up needs fewer (Patarasuk and Yuan
2009); the latency grows with them. Where messages are small, halving and doubling needs 2 log2 p steps for the same bytes
(Thakur et al. 2005, section 4.5). `all_reduced` carries the ring out on real arrays, step by step: the cost is read off it.
Left out: links that are shared, two rings in opposite directions (they halve the bytes a link carries), NICs between machines.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2

import numpy as np

from groundup.errors import InputError
from groundup.slots import slot


@slot
def ring_all_reduce(size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds until each of `devices` has the sum of all arrays of `size` bytes, in a ring.

    In each step every device sends one piece of size / devices to its neighbour: so many steps until each piece is summed up
    somewhere, and as many again until everybody has it. One device alone has nothing to send.
    """
    steps = 2 * (devices - 1)
    return steps * (latency_s + size / devices / bytes_per_s)


def ring_reduce_scatter(size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds until each device has the sum of its own piece of arrays of `size` bytes."""
    return (devices - 1) * (latency_s + size / devices / bytes_per_s)


def ring_all_gather(size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds until each device has all pieces, `size` bytes together; of the same cost as the reduce-scatter, backwards."""
    return (devices - 1) * (latency_s + size / devices / bytes_per_s)


def all_to_all(size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds until each device has sent every other one its piece of `size` bytes, over a switch that reaches all."""
    return (devices - 1) * (latency_s + size / devices / bytes_per_s)


def halving_doubling_all_reduce(size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds of an all-reduce whose partners stand 1, 2, 4, ... apart: as many bytes as a ring, fewer messages."""
    if devices & (devices - 1):
        raise InputError(f"halving and doubling pairs {devices} devices only if they are a power of two; use the ring")
    return 2 * log2(devices) * latency_s + 2 * size * (devices - 1) / devices / bytes_per_s


COLLECTIVES: Mapping[str, Callable[..., float]] = {
    "all-reduce": ring_all_reduce,
    "reduce-scatter": ring_reduce_scatter,
    "all-gather": ring_all_gather,
    "all-to-all": all_to_all,
}


def cost(name: str, size: float, devices: int, bytes_per_s: float, latency_s: float = 0.0) -> float:
    """Seconds of a collective by its name; InputError for what cannot be."""
    if name not in COLLECTIVES:
        raise InputError(f"{name!r} is no collective that is counted; use one of {', '.join(COLLECTIVES)}")
    if devices < 1 or size < 0 or bytes_per_s <= 0 or latency_s < 0:
        raise InputError(
            f"{devices} devices, {size} bytes, {bytes_per_s} bytes a second, {latency_s} s: use at least one device and no negative number"
        )
    return COLLECTIVES[name](size, devices, bytes_per_s, latency_s)


def ring_steps(held: Sequence[np.ndarray]) -> Iterator[list[list[np.ndarray]]]:
    """Carry a ring all-reduce out: what each device holds, in pieces, at the start and after every step.

    In step s of the first half device d sends piece d - s, and its neighbour adds it to its own; then device d holds the sum
    of piece d + 1, and in the second half that is sent on and put in the place of what stood there.
    """
    devices = len(held)
    if len({array.shape for array in held}) != 1:
        raise InputError(
            f"a ring sums arrays of one shape, and these have {', '.join(str(a.shape) for a in held)}; make them equal"
        )
    pieces = [list(np.array_split(array.ravel(), devices)) for array in held]
    yield pieces
    for step in range(2 * (devices - 1)):
        adds = step < devices - 1
        shift = -step if adds else 1 - (step - devices + 1)
        sent = [(d + shift) % devices for d in range(devices)]
        after = [list(one) for one in pieces]
        for d, piece in enumerate(sent):
            right, message = (d + 1) % devices, pieces[d][piece]
            after[right][piece] = pieces[right][piece] + message if adds else message
        pieces = after
        yield pieces


def all_reduced(held: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What each device holds after the ring: the sum of all arrays, the same on each to the last bit."""
    *_, last = ring_steps(held)
    return [np.concatenate(pieces).reshape(array.shape) for pieces, array in zip(last, held, strict=True)]
