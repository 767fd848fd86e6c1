"""The peak of a number format: the fastest square product that this machine was seen to make.

Squares of growing side are multiplied until a larger one is no faster; of each the best of several runs counts, since what
disturbs can only make a run longer. A multiply and an add are two operations, so a side of n has 2 n^3. The peak is what a
kernel reached here, with these threads, and not the maker's figure: clock times units times width.

torch carries two libraries on a CPU, and the faster of them is taken: fp32 goes to MKL, and on AMD's processors oneDNN needs less
than half of its time (`model.layers.product` uses it there). int8 multiplies bytes and adds in int32 (`torch._int_mm`), where torch has it.
Left out: oblong products, which may be faster than square ones (a few per cent here), and sparsity.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Any]
SIDES = (256, 512, 1024, 1536, 2048, 3072, 4096)
GAIN = 1.02  # a side that is not 2 % faster than the best before it grows no more


@dataclass(frozen=True, slots=True)
class Peak:
    """The best of one number format. repeats: operations a second of each repetition at that side; by_side: the best of each side."""

    dtype: str
    side: int
    kernel: str
    repeats: list[float]
    by_side: dict[str, float] = field(default_factory=dict)  # by side, whose names are text so that JSON keeps them

    @property
    def flops(self) -> float:
        """Operations a second: the median of the repetitions."""
        return statistics.median(self.repeats)


def squares(dtype: str, side: int) -> tuple[Tensor, Tensor]:
    """Two square matrices of a dtype."""
    generator = torch.Generator().manual_seed(side)

    def one() -> Tensor:
        if dtype == "int8":
            return torch.randint(-127, 128, (side, side), generator=generator, dtype=torch.int8)
        return torch.randn(side, side, generator=generator).to(getattr(torch, dtype))

    return one(), one()


def torch_kernel(dtype: str) -> Kernel | None:
    """How torch multiplies this dtype; None where it cannot here."""
    kernel: Kernel = torch._int_mm if dtype == "int8" else torch.mm
    try:
        kernel(*squares(dtype, 32))
    except (RuntimeError, AttributeError):
        return None
    return kernel


def one_dnn(left: Tensor, right: Tensor) -> Tensor:
    """A product of two fp32 matrices on the CPU by oneDNN, which takes the second one turned over."""
    return torch.ops.mkldnn._linear_pointwise(left, right.t(), None, "none", [], "")


def ways(dtype: str) -> dict[str, Kernel]:
    """The kernels that multiply a dtype here, by name."""
    own = torch_kernel(dtype)
    found: dict[str, Kernel] = {} if own is None else {"torch": own}
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return found | ({"oneDNN": one_dnn} if dtype == "float32" and there else {})


def flops_at(kernel: Kernel, dtype: str, side: int, seconds: float) -> float:
    """Operations a second at one side: the best of the runs that fit into `seconds`, at least three."""
    left, right = squares(dtype, side)
    kernel(left, right)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < 1000):
        start = time.perf_counter()
        kernel(left, right)
        times.append(time.perf_counter() - start)
    return 2 * side**3 / min(times)


def still_grows(speeds: Sequence[float], gain: float = GAIN) -> bool:
    """Whether one of the last two sides was clearly faster than all before them.

    >>> still_grows([100.0, 150.0]), still_grows([100.0, 150.0, 151.0]), still_grows([100.0, 150.0, 151.0, 150.0])
    (True, True, False)
    """
    return len(speeds) < 3 or max(speeds[-2:]) > gain * max(speeds[:-2])


def peak(
    dtype: str, kernels: Mapping[str, Kernel] | None = None, *, seconds: float = 0.3, repeats: int = 3
) -> Peak | None:
    """Find the side and kernel with which a dtype is multiplied fastest, and measure it `repeats` times.

    kernels: those that are tried, by name; left out: all of `ways`. None where nothing here multiplies it.
    """
    kernels = ways(dtype) if kernels is None else kernels
    best: tuple[float, int, str] = (0.0, 0, "")
    by_side: dict[str, float] = {}
    for name, kernel in kernels.items():
        speeds: list[float] = []
        for side in SIDES:
            if not still_grows(speeds):
                break
            speeds.append(flops_at(kernel, dtype, side, seconds / 3))
            by_side[str(side)] = max(speeds[-1], by_side.get(str(side), 0.0))
            best = max(best, (speeds[-1], side, name))
    if not kernels:
        return None
    _, side, name = best
    return Peak(dtype, side, name, [flops_at(kernels[name], dtype, side, seconds) for _ in range(repeats)], by_side)
